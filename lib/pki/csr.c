/* SPDX-License-Identifier: Apache-2.0 */
/* Requests (RFC 2986).  Must never decide what is granted: it only says what is asked for. */
#include "pki/csr.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "pki/cert_decode.h"
#include "pki/der.h"
#include "pki/name.h"

/* A request whose extensions do not decode is refused, not read in part: a CA would grant less than
 * was asked, or judge other bytes than it signs. */
static int read_extensions(struct hf_csr *csr, struct hf_err *err)
{
	bool asked = X509_REQ_get_attr_by_NID(csr->req, NID_ext_req, -1) >= 0 ||
		     X509_REQ_get_attr_by_NID(csr->req, NID_ms_ext_req, -1) >= 0;

	csr->extensions = X509_REQ_get_extensions(csr->req);
	ERR_clear_error();
	if (asked && !csr->extensions)
		return hf_err_set(err, HF_E_PARSE, "the extensions asked for do not decode");
	if (sk_X509_EXTENSION_num(csr->extensions) > HF_CERT_EXTENSIONS_CAP)
		return hf_err_set(err, HF_E_LIMIT, "more than %d extensions are asked for",
				  (int)HF_CERT_EXTENSIONS_CAP);
	return 0;
}

static int check_extension(const struct hf_csr *csr, int index, struct hf_err *err)
{
	X509_EXTENSION *ext = sk_X509_EXTENSION_value(csr->extensions, index);
	char word[HF_OID_CAP];
	void *value;

	hf_oid_word(X509_EXTENSION_get_object(ext), word, sizeof(word));
	if (hf_extension_is_repeated(csr->extensions, index))
		return hf_err_set(err, HF_E_PARSE, "the extension %s is asked for twice", word);
	if (!X509V3_EXT_get(ext))
		return 0;
	value = hf_extension_value(ext);
	if (!value)
		return hf_err_set(err, HF_E_PARSE, "the extension %s asked for does not decode",
				  word);
	hf_extension_value_free(ext, value);
	return 0;
}

static int read_wishes(struct hf_csr *csr, struct hf_err *err)
{
	HF_AUTO(GENERAL_NAMES) names = NULL;
	HF_AUTO(BASIC_CONSTRAINTS) bc = NULL;

	for (int i = 0; i < sk_X509_EXTENSION_num(csr->extensions); i++) {
		int rc = check_extension(csr, i, err);

		if (rc < 0)
			return rc;
	}
	names = X509V3_get_d2i(csr->extensions, NID_subject_alt_name, NULL, NULL);
	bc = X509V3_get_d2i(csr->extensions, NID_basic_constraints, NULL, NULL);
	csr->asks_ca = bc && bc->ca;
	return names ? hf_sans_from_names(&csr->sans, names, err) : 0;
}

static int decode(struct hf_csr *csr, struct hf_err *err)
{
	HF_AUTO(ossl_mem) spki = NULL;
	EVP_PKEY *key = X509_REQ_get0_pubkey(csr->req);
	int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(csr->req), &spki);
	int rc;

	csr->subject = hf_name_text(X509_REQ_get_subject_name(csr->req));
	if (!csr->subject)
		return hf_err_nomem(err);
	if (len <= 0 || !SHA256(spki, (size_t)len, csr->spki_sha256))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the request's public key");
	if (!key)
		return hf_err_ossl(err, HF_E_PARSE, "the request's public key does not decode");
	csr->key_type = hf_key_type_of(key);
	csr->key_bits = EVP_PKEY_get_bits(key);
	csr->has_challenge_password =
	    X509_REQ_get_attr_by_NID(csr->req, NID_pkcs9_challengePassword, -1) >= 0;
	rc = read_extensions(csr, err);
	return rc < 0 ? rc : read_wishes(csr, err);
}

/* Takes over req, also on failure. */
static int take_request(X509_REQ *req, struct hf_csr **ret_csr, struct hf_err *err)
{
	HF_AUTO(hf_csr) csr = calloc(1, sizeof(*csr));
	int rc;

	if (!csr) {
		X509_REQ_free(req);
		return hf_err_nomem(err);
	}
	csr->req = req;
	rc = decode(csr, err);
	if (rc < 0)
		return rc;
	*ret_csr = hf_take(csr);
	return 0;
}

int hf_csr_new(X509_REQ *req, struct hf_csr **ret_csr, struct hf_err *err)
{
	X509_REQ *copy = X509_REQ_dup(req);

	if (!copy)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot copy the request");
	return take_request(copy, ret_csr, err);
}

int hf_csr_from_der(const uint8_t *der, size_t len, struct hf_csr **ret_csr, struct hf_err *err)
{
	X509_REQ *req = hf_der_decode(der, len, ASN1_ITEM_rptr(X509_REQ));

	if (!req)
		return hf_der_explain(der, len, "the certificate request", err);
	return take_request(req, ret_csr, err);
}

int hf_csr_check_signature(const struct hf_csr *csr, struct hf_err *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(csr->req);

	if (key && X509_REQ_verify(csr->req, key) == 1)
		return 0;
	(void)hf_err_ossl(
	    err, HF_E_MISMATCH,
	    "the request is not signed by the key in it, so its sender does not prove to hold it");
	return hf_err_hint(err, "make the request again with the right key");
}

/* An empty subject makes the SAN the only name, which must then be critical (RFC 5280 4.2.1.6). */
static int ask_for_sans(X509_REQ *req, const struct hf_sans *sans, bool critical,
			struct hf_err *err)
{
	HF_AUTO(GENERAL_NAMES) names = NULL;
	HF_AUTO(X509_EXTENSION_stack) exts = NULL;
	int rc = hf_sans_to_names(sans, &names, err);

	if (rc < 0)
		return rc;
	if (X509V3_add1_i2d(&exts, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) !=
		1 ||
	    !X509_REQ_add_extensions(req, exts))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot add the names to the request");
	return 0;
}

int hf_csr_make(EVP_PKEY *key, const X509_NAME *subject, const struct hf_sans *sans,
		struct hf_csr **ret_csr, struct hf_err *err)
{
	HF_AUTO(X509_REQ) req = X509_REQ_new();
	int rc;

	if (!req || !X509_REQ_set_version(req, X509_REQ_VERSION_1) ||
	    (subject && !X509_REQ_set_subject_name(req, subject)) || !X509_REQ_set_pubkey(req, key))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make the request");
	if (sans && sans->len > 0) {
		rc = ask_for_sans(req, sans, !subject || hf_name_is_empty(subject), err);
		if (rc < 0)
			return rc;
	}
	if (X509_REQ_sign(req, key, hf_key_signing_digest(key)) <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot sign the request");
	return hf_csr_new(req, ret_csr, err);
}

int hf_csr_to_pem(const struct hf_csr *csr, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());

	if (!bio || !PEM_write_bio_X509_REQ(bio, csr->req))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the request as PEM");
	return hf_bio_to_buf(bio, out, err);
}

void hf_csr_free(struct hf_csr *csr)
{
	if (!csr)
		return;
	X509_REQ_free(csr->req);
	free(csr->subject);
	hf_sans_done(&csr->sans);
	sk_X509_EXTENSION_pop_free(csr->extensions, X509_EXTENSION_free);
	free(csr);
}
