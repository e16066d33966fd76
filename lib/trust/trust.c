/* SPDX-License-Identifier: Apache-2.0 */
/* Trust: what is believed, and whose revocation lists are asked.  Must never change once it is
 * frozen, and never fall back to anything that was not put in: an empty trust trusts nothing. */
#include "trust/trust_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "pki/name.h"

int hf_trust_new(uint64_t generation, struct hf_trust **ret_trust, struct hf_err *err)
{
	struct hf_trust *t = calloc(1, sizeof(*t));

	if (t)
		t->memo = calloc(1, sizeof(*t->memo));
	if (!t || !t->memo) {
		free(t);
		return hf_err_nomem(err);
	}
	(void)pthread_mutex_init(&t->memo->lock, NULL);
	atomic_init(&t->refs, 1);
	t->generation = generation;
	*ret_trust = t;
	return 0;
}

struct hf_trust *hf_trust_ref(struct hf_trust *trust)
{
	atomic_fetch_add_explicit(&trust->refs, 1, memory_order_relaxed);
	return trust;
}

void hf_trust_unref(struct hf_trust *trust)
{
	if (!trust || atomic_fetch_sub_explicit(&trust->refs, 1, memory_order_acq_rel) != 1)
		return;
	hf_certs_done(&trust->anchors);
	hf_strv_done(&trust->labels);
	hf_certs_done(&trust->intermediates);
	hf_crls_done(&trust->crls);
	X509_STORE_free(trust->store);
	(void)pthread_mutex_destroy(&trust->memo->lock);
	free(trust->memo);
	free(trust);
}

int hf_trust_add_anchor(struct hf_trust *trust, struct hf_cert *cert, const char *label,
			struct hf_err *err)
{
	assert(!trust->frozen);
	if (hf_certs_has(&trust->anchors, cert))
		return 0;
	if (hf_strv_add(&trust->labels, label ? label : "") < 0)
		return hf_err_nomem(err);
	return hf_certs_add(&trust->anchors, cert, err);
}

int hf_trust_add_intermediate(struct hf_trust *trust, struct hf_cert *cert, struct hf_err *err)
{
	assert(!trust->frozen);
	if (hf_certs_has(&trust->intermediates, cert))
		return 0;
	return hf_certs_add(&trust->intermediates, cert, err);
}

int hf_trust_add_crl(struct hf_trust *trust, struct hf_crl *crl, struct hf_err *err)
{
	assert(!trust->frozen);
	return hf_crls_add(&trust->crls, crl, err);
}

void hf_trust_set_lists_at_hand(struct hf_trust *trust, const struct hf_crls *lists)
{
	assert(!trust->frozen);
	trust->at_hand = lists;
}

void hf_trust_set_crl_mode(struct hf_trust *trust, enum hf_crl_mode mode)
{
	assert(!trust->frozen);
	trust->crl_mode = mode;
}

void hf_trust_set_crl_grace(struct hf_trust *trust, int64_t seconds)
{
	assert(!trust->frozen && seconds >= 0);
	trust->crl_grace = seconds;
}

/* Each part is preceded by its kind and length, so that no two trusts run together. */
static bool digest_part(EVP_MD_CTX *md, char kind, const void *data, size_t len)
{
	uint64_t n = len;

	return EVP_DigestUpdate(md, &kind, 1) == 1 && EVP_DigestUpdate(md, &n, sizeof(n)) == 1 &&
	       EVP_DigestUpdate(md, data, len) == 1;
}

static bool digest_all(const struct hf_trust *t, EVP_MD_CTX *md, uint8_t out[HF_SHA256_LEN])
{
	char mode = (char)('0' + (int)t->crl_mode);
	bool ok = EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		  digest_part(md, 'm', &mode, 1) &&
		  digest_part(md, 'g', &t->crl_grace, sizeof(t->crl_grace));

	for (size_t i = 0; ok && i < t->anchors.len; i++) {
		const char *label = t->labels.items[i];

		ok = digest_part(md, 'a', t->anchors.items[i]->sha256, HF_SHA256_LEN) &&
		     digest_part(md, 'l', label, strlen(label));
	}
	for (size_t i = 0; ok && i < t->intermediates.len; i++)
		ok = digest_part(md, 'i', t->intermediates.items[i]->sha256, HF_SHA256_LEN);
	for (size_t i = 0; ok && i < t->crls.len; i++)
		ok = digest_part(md, 'c', t->crls.items[i]->sha256, HF_SHA256_LEN);
	return ok && EVP_DigestFinal_ex(md, out, NULL) == 1;
}

/* For the second opinion: OpenSSL gets the same anchors, never more. */
static X509_STORE *make_store(const struct hf_trust *t)
{
	HF_AUTO(X509_STORE) store = X509_STORE_new();

	if (!store)
		return NULL;
	for (size_t i = 0; i < t->anchors.len; i++) {
		if (X509_STORE_add_cert(store, t->anchors.items[i]->x509) != 1)
			return NULL;
	}
	return hf_take(store);
}

int hf_trust_freeze(struct hf_trust *trust, struct hf_err *err)
{
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();

	if (trust->frozen)
		return 0;
	if (!md || !digest_all(trust, md, trust->digest))
		return hf_err_ossl(err, HF_E_CRYPTO, "digesting the trust");
	trust->store = make_store(trust);
	if (!trust->store)
		return hf_err_ossl(err, HF_E_CRYPTO, "making OpenSSL's view of the trust");
	trust->at_hand = NULL;
	trust->frozen = true;
	return 0;
}

static enum hf_crl_mode mode_with(const struct hf_trust *base, const struct hf_crls *lists)
{
	if (base->crl_mode == HF_CRL_OFF || base->crl_mode == HF_CRL_REQUIRED)
		return base->crl_mode;
	if (base->crls.len == 0)
		return lists->len > 0 ? HF_CRL_KNOWN : HF_CRL_REQUIRED;
	return base->crl_mode;
}

int hf_trust_with_lists(const struct hf_trust *base, const struct hf_crls *lists,
			struct hf_trust **ret_trust, struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(base->generation, &trust, err);

	for (size_t i = 0; rc == 0 && i < base->anchors.len; i++)
		rc = hf_trust_add_anchor(trust, base->anchors.items[i], base->labels.items[i], err);
	for (size_t i = 0; rc == 0 && i < base->intermediates.len; i++)
		rc = hf_trust_add_intermediate(trust, base->intermediates.items[i], err);
	for (size_t i = 0; rc == 0 && i < base->crls.len; i++)
		rc = hf_trust_add_crl(trust, base->crls.items[i], err);
	for (size_t i = 0; rc == 0 && i < lists->len; i++)
		rc = hf_trust_add_crl(trust, lists->items[i], err);
	if (rc < 0)
		return rc;
	trust->crl_mode = mode_with(base, lists);
	trust->crl_grace = base->crl_grace;
	rc = hf_trust_freeze(trust, err);
	if (rc == 0)
		*ret_trust = hf_take(trust);
	return rc;
}

int hf_trust_anchors_only(const struct hf_trust *base, struct hf_trust **ret_trust,
			  struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(base->generation, &trust, err);

	for (size_t i = 0; rc == 0 && i < base->anchors.len; i++)
		rc = hf_trust_add_anchor(trust, base->anchors.items[i], base->labels.items[i], err);
	if (rc == 0)
		rc = hf_trust_freeze(trust, err);
	if (rc == 0)
		*ret_trust = hf_take(trust);
	return rc;
}

uint64_t hf_trust_generation(const struct hf_trust *trust)
{
	return trust->generation;
}

const struct hf_certs *hf_trust_anchors(const struct hf_trust *trust)
{
	return &trust->anchors;
}

const struct hf_certs *hf_trust_intermediates(const struct hf_trust *trust)
{
	return &trust->intermediates;
}

const struct hf_crls *hf_trust_crls(const struct hf_trust *trust)
{
	return &trust->crls;
}

X509_STORE *hf_trust_store_get0(const struct hf_trust *trust)
{
	return trust->store;
}

int64_t hf_trust_crl_grace(const struct hf_trust *trust)
{
	return trust->crl_grace;
}

int64_t hf_trust_list_until(const struct hf_trust *trust, const struct hf_crl *crl)
{
	return crl->next_update > HF_TIME_MAX - trust->crl_grace
		   ? HF_TIME_MAX
		   : crl->next_update + trust->crl_grace;
}

bool hf_trust_has_list(const struct hf_trust *trust, const struct hf_crl *crl)
{
	for (size_t i = 0; i < trust->crls.len; i++) {
		if (memcmp(trust->crls.items[i]->sha256, crl->sha256, HF_SHA256_LEN) == 0)
			return true;
	}
	return false;
}

bool hf_trust_checks_crls(const struct hf_trust *trust)
{
	switch (trust->crl_mode) {
	case HF_CRL_OFF:
		return false;
	case HF_CRL_REQUIRED:
		return true;
	case HF_CRL_AUTO:
	case HF_CRL_KNOWN:
		break;
	}
	return trust->crls.len > 0;
}

bool hf_trust_wants_list_of(const struct hf_trust *trust, const X509_NAME *issuer)
{
	if (trust->crl_mode != HF_CRL_KNOWN)
		return hf_trust_checks_crls(trust);
	for (size_t i = 0; i < trust->crls.len; i++) {
		if (hf_name_equal(hf_crl_issuer(trust->crls.items[i]), issuer))
			return true;
	}
	return false;
}

bool hf_trust_wants_crl(const struct hf_trust *trust, const struct hf_cert *cert)
{
	return hf_trust_wants_list_of(trust, X509_get_issuer_name(cert->x509));
}

static bool same_subject_and_key(const struct hf_cert *a, const struct hf_cert *b)
{
	return memcmp(a->spki_sha256, b->spki_sha256, HF_SHA256_LEN) == 0 &&
	       hf_name_equal(X509_get_subject_name(a->x509), X509_get_subject_name(b->x509));
}

bool hf_trust_is_anchor(const struct hf_trust *trust, const struct hf_cert *cert)
{
	for (size_t i = 0; i < trust->anchors.len; i++) {
		const struct hf_cert *anchor = trust->anchors.items[i];

		if (hf_cert_equal(anchor, cert) || same_subject_and_key(anchor, cert))
			return true;
	}
	return false;
}

const char *hf_trust_label(const struct hf_trust *trust, const struct hf_cert *anchor)
{
	for (size_t i = 0; i < trust->anchors.len; i++) {
		if (hf_cert_equal(trust->anchors.items[i], anchor))
			return trust->labels.items[i][0] ? trust->labels.items[i] : NULL;
	}
	return NULL;
}

void hf_trust_digest(const struct hf_trust *trust, uint8_t out[HF_SHA256_LEN])
{
	assert(trust->frozen);
	memcpy(out, trust->digest, HF_SHA256_LEN);
}
