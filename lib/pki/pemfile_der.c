/* SPDX-License-Identifier: Apache-2.0 */
/* DER objects into a file's lists, by kind or by trying.  Must never accept bytes behind an object.
 */
#include "pki/pemfile_internal.h"

#include <stdlib.h>

#include "base/err.h"
#include "pki/der.h"

int hf_reading_add_x509(struct hf_reading *r, X509 *x, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	int rc = hf_cert_new(x, &cert, err);

	return rc < 0 ? rc : hf_certs_add(&r->file->certs, cert, err);
}

int hf_reading_add_x509_crl(struct hf_reading *r, X509_CRL *list, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = NULL;
	int rc = hf_crl_new(list, &crl, err);

	return rc < 0 ? rc : hf_crls_add(&r->file->crls, crl, err);
}

int hf_reading_add_csr(struct hf_reading *r, struct hf_csr *csr, struct hf_err *err)
{
	struct hf_pemfile *f = r->file;
	struct hf_csr **csrs = realloc(f->csrs, (f->csrs_len + 1) * sizeof(struct hf_csr *));

	if (!csrs)
		return hf_err_nomem(err);
	f->csrs = csrs;
	f->csrs[f->csrs_len++] = csr;
	return 0;
}

bool hf_reading_count_key(struct hf_reading *r, bool encrypted)
{
	bool first = r->file->keys_len++ == 0;

	if (first)
		r->file->key_encrypted = encrypted;
	return first && (r->want & HF_WANT_KEY);
}

int hf_reading_add_cert(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	int rc = hf_cert_from_der(der, len, &cert, err);

	return rc < 0 ? rc : hf_certs_add(&r->file->certs, cert, err);
}

/* OpenSSL's own form: a certificate, then what it is trusted for, which is no business of ours. */
int hf_reading_add_trusted(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	X509_CERT_AUX *aux;
	const uint8_t *p;
	size_t span;

	if (!hf_der_span(der, len, &span) || span >= len)
		return hf_reading_add_cert(r, der, len, err);
	p = der + span;
	aux = d2i_X509_CERT_AUX(NULL, &p, (long)(len - span));
	ERR_clear_error();
	X509_CERT_AUX_free(aux);
	if (!aux || p != der + len)
		return hf_err_set(err, HF_E_PARSE,
				  "the trust settings behind the certificate are damaged");
	return hf_reading_add_cert(r, der, span, err);
}

int hf_reading_add_request(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	HF_AUTO(hf_csr) csr = NULL;
	int rc = hf_csr_from_der(der, len, &csr, err);

	if (rc == 0)
		rc = hf_reading_add_csr(r, csr, err);
	if (rc == 0)
		csr = NULL;
	return rc;
}

int hf_reading_add_crl(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	return hf_crls_add_der(&r->file->crls, r->file->at_hand, der, len, err);
}

int hf_reading_add_key(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	if (!hf_reading_count_key(r, false))
		return 0;
	return hf_key_from_der(der, len, &r->file->key, err);
}

int hf_reading_add_encrypted(struct hf_reading *r, const uint8_t *der, size_t len,
			     struct hf_err *err)
{
	HF_AUTO(X509_SIG) sig = NULL;

	if (!hf_reading_count_key(r, true))
		return 0;
	sig = hf_der_decode(der, len, ASN1_ITEM_rptr(X509_SIG));
	if (!sig)
		return hf_der_explain(der, len, "the encrypted private key", err);
	return hf_key_from_encrypted(sig, &r->unlock, &r->file->key, err);
}

int hf_reading_add_public(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	if (!hf_der_is_whole(der, len))
		return hf_der_explain(der, len, "the public key", err);
	r->file->public_keys_len++;
	return 0;
}

static int add_pkcs7(struct hf_reading *r, const PKCS7 *p7, struct hf_err *err)
{
	int rc = 0;

	if (!PKCS7_type_is_signed(p7) || !p7->d.sign)
		return hf_err_set(err, HF_E_PARSE, "a PKCS#7 message, not a bag of certificates");
	for (int i = 0; rc == 0 && i < sk_X509_num(p7->d.sign->cert); i++)
		rc = hf_reading_add_x509(r, sk_X509_value(p7->d.sign->cert, i), err);
	for (int i = 0; rc == 0 && i < sk_X509_CRL_num(p7->d.sign->crl); i++)
		rc = hf_reading_add_x509_crl(r, sk_X509_CRL_value(p7->d.sign->crl, i), err);
	return rc;
}

static void free_pkcs7(PKCS7 **p)
{
	PKCS7_free(*p);
}

int hf_reading_add_pkcs7(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	HF_CLEANUP(free_pkcs7) PKCS7 *p7 = hf_der_decode(der, len, ASN1_ITEM_rptr(PKCS7));

	if (!p7)
		return hf_der_explain(der, len, "the PKCS#7 bag", err);
	return add_pkcs7(r, p7, err);
}

/* --- telling the kind of a DER object: the structures exclude each other ----------------- */

static int try_item(const uint8_t *der, size_t len, const ASN1_ITEM *it)
{
	void *value = hf_der_decode(der, len, it);

	if (value)
		ASN1_item_free(value, it);
	return value != NULL;
}

static int is_cert(const uint8_t *der, size_t len)
{
	return try_item(der, len, ASN1_ITEM_rptr(X509));
}

static int is_request(const uint8_t *der, size_t len)
{
	return try_item(der, len, ASN1_ITEM_rptr(X509_REQ));
}

static int is_crl(const uint8_t *der, size_t len)
{
	return hf_crl_is_list(der, len);
}

static int is_pkcs7(const uint8_t *der, size_t len)
{
	return try_item(der, len, ASN1_ITEM_rptr(PKCS7));
}

static int is_encrypted(const uint8_t *der, size_t len)
{
	return try_item(der, len, ASN1_ITEM_rptr(X509_SIG));
}

static int is_public(const uint8_t *der, size_t len)
{
	return try_item(der, len, ASN1_ITEM_rptr(X509_PUBKEY));
}

static int is_key(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	EVP_PKEY *key = NULL;

	(void)ERR_set_mark();
	if (hf_der_is_whole(der, len))
		key = d2i_AutoPrivateKey_ex(NULL, &p, (long)len, NULL, NULL);
	(void)ERR_pop_to_mark();
	EVP_PKEY_free(key);
	return key != NULL;
}

static const struct kind {
	int (*is)(const uint8_t *der, size_t len);
	int (*add)(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
} kinds[] = {
	{ is_cert, hf_reading_add_cert },
	{ is_request, hf_reading_add_request },
	{ is_crl, hf_reading_add_crl },
	{ is_pkcs7, hf_reading_add_pkcs7 },
	{ is_encrypted, hf_reading_add_encrypted },
	{ is_public, hf_reading_add_public },
	{ is_key, hf_reading_add_key },
};

int hf_reading_add_any(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err)
{
	HF_AUTO(PKCS12) p12 = hf_der_decode(der, len, ASN1_ITEM_rptr(PKCS12));

	if (p12)
		return hf_reading_add_pkcs12(r, p12, err);
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		if (kinds[i].is(der, len))
			return kinds[i].add(r, der, len, err);
	}
	(void)hf_der_explain(der, len, "the DER data", err);
	return hf_err_hint(
	    err, "it is no certificate, key, request, CRL, PKCS#7 or PKCS#12: copy the file again");
}
