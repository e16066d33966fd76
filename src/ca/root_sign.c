/* SPDX-License-Identifier: Apache-2.0 */
/* What the root's machine does with a request.  Must never sign anything that hf_root_plan did not
 * settle before, for that is what the operator has read. */
#include "ca/root.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "pki/name.h"

enum { BACKDATE_SECONDS = 300, REQUEST_CAP = 256 * 1024 };

void hf_root_answer_done(struct hf_root_answer *answer)
{
	hf_csr_free(answer->csr);
	hf_order_done(&answer->order);
	hf_record_free(answer->before);
	hf_cert_unref(answer->before_cert);
	hf_crls_done(&answer->lists);
	*answer = (struct hf_root_answer){ .csr = NULL };
}

/* --- the plan --- */

static int read_request(const char *path, struct hf_root_answer *answer, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(REQUEST_CAP);
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char words[400];
	int rc = hf_file_read(path, &data, err);

	if (rc == 0)
		rc = hf_pemfile_parse(&file, data.data, data.len, path, 0, NULL, err);
	if (rc < 0)
		return rc;
	if (file.csrs_len != 1) {
		hf_pemfile_describe(&file, words, sizeof(words));
		(void)hf_err_set(err, HF_E_PARSE, "'%s' is not one request: it is %s", path, words);
		return hf_err_hint(err, "give the request.pem of: handfast root request");
	}
	if (!SHA256((const uint8_t *)data.data, data.len, answer->request_sha256))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hash the request");
	answer->csr = hf_take(file.csrs[0]);
	return 0;
}

struct search {
	const struct hf_root_answer *answer;
	struct hf_record *best;
	struct hf_cert *cert;
};

/* The newest certificate of this key or, failing that, of this name. */
static int look_at(void *arg, const struct hf_record *record)
{
	struct search *s = arg;
	HF_AUTO(hf_cert) cert = NULL;
	struct hf_err ignored;

	if (!record->der || hf_cert_from_der(record->der, record->der_len, &cert, &ignored) < 0)
		return 0;
	if (memcmp(cert->spki_sha256, s->answer->csr->spki_sha256, HF_SHA256_LEN) != 0 &&
	    !hf_name_equal(X509_get_subject_name(cert->x509), s->answer->order.subject))
		return 0;
	hf_record_free(s->best);
	hf_cert_unref(s->cert);
	s->best = hf_record_dup(record);
	s->cert = hf_take(cert);
	return s->best ? 0 : -HF_E_NOMEM;
}

static int find_before(struct hf_authority *a, struct hf_root_answer *answer, struct hf_err *err)
{
	struct search s = { .answer = answer };
	struct hf_record_filter filter = { .issuer = a->root.store_id };
	int rc = hf_store_list(a->store, &filter, look_at, &s, err);

	answer->before = s.best;
	answer->before_cert = s.cert;
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : rc;
}

int hf_root_plan(struct hf_authority *a, const char *path, int64_t lifetime,
		 const NAME_CONSTRAINTS *permit, int64_t now, struct hf_root_answer *ret_answer,
		 struct hf_err *err)
{
	const struct hf_sans none = HF_SANS_INIT; /* names are what leaves have */
	const struct hf_sign_policy policy = {
		.profile = hf_ca_profile_find("intermediate"),
		.sans = &none,
		.lifetime = lifetime,
		.permit = permit,
	};
	struct hf_order *order = &ret_answer->order;
	int rc = read_request(path, ret_answer, err);

	if (rc == 0)
		rc = hf_order_from_csr(order, a, ret_answer->csr, &policy, "issuing", err);
	if (rc == 0)
		rc = hf_order_check(a, order, now, err);
	return rc < 0 ? hf_err_context(err, rc, "'%s'", path) : find_before(a, ret_answer, err);
}

/* --- signing --- */

static int sign_certificate(struct hf_authority *a, struct hf_order *order, int64_t now,
			    struct hf_err *err)
{
	struct hf_order *orders[] = { order };
	int rc = hf_issue(a, orders, 1, now, err);

	if (rc < 0 || order->cert)
		return rc < 0 ? rc : 0;
	if (err)
		*err = order->err;
	return -order->err.code;
}

static int log_it(struct hf_authority *a, const struct hf_root_answer *answer,
		  const struct hf_buf *out, size_t start, int64_t now, struct hf_err *err)
{
	uint8_t digest[HF_SHA256_LEN];
	char request[2 * HF_SHA256_LEN + 1], text[2 * HF_SHA256_LEN + 1], detail[320];

	if (!SHA256((const uint8_t *)out->data + start, out->len - start, digest))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hash the answer");
	hf_hex_encode(answer->request_sha256, HF_SHA256_LEN, request);
	hf_hex_encode(digest, HF_SHA256_LEN, text);
	(void)snprintf(detail, sizeof(detail), "request=sha256:%s answer=sha256:%s serial=%s",
		       request, text, answer->order.cert->serial);
	return hf_store_audit_append(a->store, "root-sign", detail, now, err);
}

int hf_root_sign(struct hf_authority *a, struct hf_root_answer *answer, int64_t lists_until,
		 int64_t now, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO_DONE(hf_crl_published) one = { .crl = NULL };
	size_t start = out->len;
	int rc = sign_certificate(a, &answer->order, now, err);

	if (rc == 0 && lists_until)
		rc = hf_root_presign(a, lists_until, 0, now, &answer->lists, err);
	if (rc == 0 && !lists_until)
		rc = hf_authority_publish_crl(a, &a->root, 0, NULL, now, &one, err);
	if (rc == 0 && one.crl)
		rc = hf_crls_add(&answer->lists, one.crl, err);
	if (rc == 0)
		rc = hf_cert_to_pem(answer->order.cert, out, err);
	if (rc == 0)
		rc = hf_cert_to_pem(a->root.cert, out, err);
	if (rc == 0)
		rc = hf_root_lists_pem(&answer->lists, out, err);
	return rc < 0 ? rc : log_it(a, answer, out, start, now, err);
}

/* --- lists ahead of time --- */

static int presign_one(struct hf_authority *a, int64_t from, int64_t until,
		       struct hf_crls *ret_lists, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = NULL;
	int rc = hf_authority_sign_crl(a, &a->root, from, until, &crl, err);

	return rc < 0 ? rc : hf_crls_add(ret_lists, crl, err);
}

int hf_root_presign(struct hf_authority *a, int64_t until, int64_t span, int64_t now,
		    struct hf_crls *ret_lists, struct hf_err *err)
{
	HF_AUTO(hf_crl) released = NULL;
	int64_t step = span ? span : HF_ROOT_LIST_DAYS * HF_DAY_SECONDS;
	int64_t start = now - BACKDATE_SECONDS;
	int64_t end = HF_MIN(until, a->root.cert->not_after);
	int rc = 0;

	if (end <= now)
		return hf_err_set(err, HF_E_POLICY, "lists until a time that is over are no use");
	if ((end - start) / step >= HF_ROOT_LISTS_CAP) {
		(void)hf_err_set(err, HF_E_LIMIT, "that would be more than %d lists",
				 (int)HF_ROOT_LISTS_CAP);
		return hf_err_hint(err, "let each be valid for longer, with --days");
	}
	for (int64_t at = start; rc == 0 && at < end; at += step)
		rc = presign_one(a, at, at + step + HF_ROOT_LIST_GRACE_DAYS * HF_DAY_SECONDS,
				 ret_lists, err);
	if (rc == 0)
		rc = hf_root_keep_lists(a->dir, a->root.cert, ret_lists, err);
	return rc < 0 ? rc : hf_root_release(a->dir, now, &released, err);
}
