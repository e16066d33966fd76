/* SPDX-License-Identifier: Apache-2.0 */
/* the notice's text: each list's length and DER.  Must never drop the lists at hand because new
 * ones cannot be read. */
#include "gateway/revocations.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/str.h"

int hf_revocations_new(struct hf_revocations **ret_revocations, struct hf_err *err)
{
	HF_AUTO(hf_revocations) r = calloc(1, sizeof(*r));
	unsigned char random[8];
	int rc;

	if (!r)
		return hf_err_nomem(err);
	if (RAND_bytes(random, sizeof(random)) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "there are no random numbers");
	hf_hex_encode(random, sizeof(random), r->instance);
	rc = hf_notice_new(&r->notice, err);
	if (rc == 0)
		*ret_revocations = hf_take(r);
	return rc;
}

void hf_revocations_free(struct hf_revocations *r)
{
	if (!r)
		return;
	hf_notice_free(r->notice);
	hf_crls_done(&r->lists);
	free(r);
}

/* One entry of the text, before its DER. */
struct entry {
	char key[HF_FOLLOW_KEY_CAP];
	uint64_t len;
};

/* The next list of the text; false at its end. */
static bool next_list(const struct hf_buf *text, size_t *at, struct entry *ret_entry,
		      const char **ret_der)
{
	if (text->len - *at < sizeof(*ret_entry))
		return false;
	memcpy(ret_entry, text->data + *at, sizeof(*ret_entry));
	*at += sizeof(*ret_entry);
	if (ret_entry->len > text->len - *at)
		return false;
	*ret_der = text->data + *at;
	*at += (size_t)ret_entry->len;
	return true;
}

/* A large list is decoded once, however often the others change. */
static int add_list(const struct hf_crls *known, const char *der, size_t len, struct hf_crls *out,
		    struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = NULL;
	uint8_t sha256[HF_SHA256_LEN];
	int rc;

	SHA256((const unsigned char *)der, len, sha256);
	for (size_t i = 0; i < known->len; i++) {
		if (memcmp(known->items[i]->sha256, sha256, HF_SHA256_LEN) == 0)
			return hf_crls_add(out, known->items[i], err);
	}
	rc = hf_crl_from_der((const uint8_t *)der, len, &crl, err);
	return rc < 0 ? rc : hf_crls_add(out, crl, err);
}

static int refresh(struct hf_revocations *r, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_REVOCATIONS_CAP);
	HF_AUTO_DONE(hf_crls) fresh = HF_CRLS_INIT;
	struct hf_crls old;
	uint64_t version = 0;
	struct entry entry;
	const char *der;
	size_t at = 0;
	int64_t event;
	int rc;

	if (hf_notice_version(r->notice) == r->version)
		return 0;
	rc = hf_notice_read(r->notice, &text, &event, &version, err);
	while (rc == 0 && next_list(&text, &at, &entry, &der))
		rc = add_list(&r->lists, der, (size_t)entry.len, &fresh, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	old = r->lists;
	r->lists = fresh;
	fresh = old;
	r->version = version;
	return 0;
}

int hf_revocations_trust(struct hf_revocations *r, struct hf_trust *base,
			 struct hf_trust **ret_trust, struct hf_err *err)
{
	int rc;

	if (!r) {
		*ret_trust = hf_trust_ref(base);
		return 0;
	}
	rc = refresh(r, err);
	return rc < 0 ? rc : hf_trust_with_lists(base, &r->lists, ret_trust, err);
}

static int put_list(const struct hf_followed *list, struct hf_buf *text, struct hf_err *err)
{
	struct entry entry = { .len = list->crl->der_len };

	memcpy(entry.key, list->key, sizeof(entry.key));
	(void)hf_buf_append(text, &entry, sizeof(entry));
	return hf_buf_append(text, list->crl->der, list->crl->der_len) < 0 ? hf_err_nomem(err) : 0;
}

int hf_revocations_put(struct hf_revocations *r, int64_t event, const struct hf_followed *lists,
		       size_t len, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_REVOCATIONS_CAP);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < len; i++) {
		if (lists[i].crl)
			rc = put_list(&lists[i], &text, err);
	}
	return rc < 0 ? rc : hf_notice_write(r->notice, event, text.data, text.len, err);
}

int hf_revocations_get(struct hf_revocations *r, int64_t *ret_event,
		       struct hf_followed lists[HF_FOLLOWED_LISTS], size_t *ret_len,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_REVOCATIONS_CAP);
	struct entry entry;
	uint64_t version;
	const char *der;
	size_t at = 0, len = 0;
	int rc = hf_notice_read(r->notice, &text, ret_event, &version, err);

	while (rc == 0 && len < HF_FOLLOWED_LISTS && next_list(&text, &at, &entry, &der)) {
		memcpy(lists[len].key, entry.key, sizeof(entry.key));
		rc = hf_crl_from_der((const uint8_t *)der, (size_t)entry.len, &lists[len].crl, err);
		len += rc == 0;
	}
	*ret_len = len;
	return rc < 0 ? rc : 0;
}
