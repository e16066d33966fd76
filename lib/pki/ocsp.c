/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP requests and the questions of clients.  Must never take more of a request than it may hold.
 */
#include "pki/ocsp.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"

struct hf_ocsp_request {
	OCSP_REQUEST *req; /* owned */
	bool nonce;
};

void hf_ocsp_request_free(struct hf_ocsp_request *r)
{
	if (!r)
		return;
	OCSP_REQUEST_free(r->req);
	free(r);
}

/* The octets of a nonce: an OCTET STRING inside the extension's (RFC 9654 2.1). */
static bool nonce_ok(X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	const uint8_t *der = ASN1_STRING_get0_data(value);
	size_t len = (size_t)ASN1_STRING_length(value);
	size_t head = len > 1 && der[1] >= 0x80 ? 2 + (size_t)(der[1] & 0x7f) : 2;

	return hf_der_is_whole(der, len) && der[0] == V_ASN1_OCTET_STRING && len > head &&
	       len - head <= HF_OCSP_NONCE_CAP;
}

static int look_at_extensions(struct hf_ocsp_request *r, struct hf_err *err)
{
	for (int i = 0; i < OCSP_REQUEST_get_ext_count(r->req); i++) {
		X509_EXTENSION *ext = OCSP_REQUEST_get_ext(r->req, i);
		bool nonce = OBJ_obj2nid(X509_EXTENSION_get_object(ext)) == NID_id_pkix_OCSP_Nonce;

		if (nonce && (r->nonce || !nonce_ok(ext)))
			return hf_err_set(err, HF_E_PARSE,
					  "the nonce is not as RFC 9654 allows it");
		if (!nonce && X509_EXTENSION_get_critical(ext))
			return hf_err_set(err, HF_E_PARSE, "an unknown extension is critical");
		r->nonce |= nonce;
	}
	return 0;
}

int hf_ocsp_request_parse(const uint8_t *der, size_t len, struct hf_ocsp_request **ret_request,
			  struct hf_err *err)
{
	HF_AUTO(hf_ocsp_request) r = calloc(1, sizeof(*r));
	int count, rc;

	if (!r)
		return hf_err_nomem(err);
	if (len <= HF_OCSP_REQUEST_CAP)
		r->req = hf_der_decode(der, len, ASN1_ITEM_rptr(OCSP_REQUEST));
	if (!r->req)
		return hf_err_set(err, HF_E_PARSE, "that is no OCSP request");
	count = OCSP_request_onereq_count(r->req);
	if (count < 1 || count > HF_OCSP_IDS_CAP)
		return hf_err_set(err, HF_E_PARSE, "it asks about %d certificates", count);
	rc = look_at_extensions(r, err);
	if (rc < 0)
		return rc;
	*ret_request = hf_take(r);
	return 0;
}

size_t hf_ocsp_request_len(const struct hf_ocsp_request *r)
{
	return (size_t)OCSP_request_onereq_count(r->req);
}

bool hf_ocsp_request_has_nonce(const struct hf_ocsp_request *r)
{
	return r->nonce;
}

OCSP_REQUEST *hf_ocsp_request_get0(const struct hf_ocsp_request *r)
{
	return r->req;
}

OCSP_CERTID *hf_ocsp_request_id(const struct hf_ocsp_request *r, size_t i)
{
	return OCSP_onereq_get0_id(OCSP_request_onereq_get0(r->req, (int)i));
}

void hf_ocsp_request_serial(const struct hf_ocsp_request *r, size_t i, char out[HF_OCSP_SERIAL_CAP])
{
	ASN1_INTEGER *serial = NULL;
	HF_AUTO(cstr) text = NULL;

	out[0] = '\0';
	if (!OCSP_id_get0_info(NULL, NULL, NULL, &serial, hf_ocsp_request_id(r, i)))
		return;
	if (ASN1_STRING_length(serial) * 2 < HF_OCSP_SERIAL_CAP)
		text = hf_asn1_integer_hex(serial);
	if (text)
		(void)hf_str_copy(out, HF_OCSP_SERIAL_CAP, text);
}

bool hf_ocsp_request_is_of(const struct hf_ocsp_request *r, size_t i, const struct hf_cert *issuer)
{
	OCSP_CERTID *asked = hf_ocsp_request_id(r, i);
	HF_AUTO(OCSP_CERTID) ours = NULL;
	ASN1_OBJECT *hash = NULL;
	const EVP_MD *md;

	if (!OCSP_id_get0_info(NULL, &hash, NULL, NULL, asked))
		return false;
	md = EVP_get_digestbyobj(hash);
	(void)ERR_set_mark();
	if (md)
		ours = OCSP_cert_id_new(md, X509_get_subject_name(issuer->x509),
					X509_get0_pubkey_bitstr(issuer->x509), NULL);
	(void)ERR_pop_to_mark();
	return ours && OCSP_id_issuer_cmp(ours, asked) == 0;
}

int hf_ocsp_ask(const struct hf_cert *cert, const struct hf_cert *issuer, struct hf_buf *out,
		struct hf_err *err)
{
	HF_AUTO(OCSP_REQUEST) req = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert->x509, issuer->x509);
	HF_AUTO(ossl_mem) der = NULL;
	int len;

	if (!req || !id || !OCSP_request_add0_id(req, id)) {
		OCSP_CERTID_free(id);
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make an OCSP request");
	}
	len = i2d_OCSP_REQUEST(req, &der);
	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make an OCSP request");
	return hf_buf_append(out, der, (size_t)len) < 0 ? hf_err_nomem(err) : 0;
}

static void access_free(AUTHORITY_INFO_ACCESS *access)
{
	AUTHORITY_INFO_ACCESS_free(access);
}
HF_DEFINE_AUTO(access, AUTHORITY_INFO_ACCESS, access_free);

char *hf_ocsp_url(const struct hf_cert *cert)
{
	HF_AUTO(access) access = X509_get_ext_d2i(cert->x509, NID_info_access, NULL, NULL);

	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
		const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);
		HF_AUTO(cstr) url = NULL;

		if (OBJ_obj2nid(one->method) != NID_ad_OCSP || one->location->type != GEN_URI)
			continue;
		url = hf_str_ndup(
		    (const char *)ASN1_STRING_get0_data(one->location->d.uniformResourceIdentifier),
		    (size_t)ASN1_STRING_length(one->location->d.uniformResourceIdentifier));
		if (url && (hf_str_starts(url, "http://") || hf_str_starts(url, "https://")))
			return hf_take(url);
	}
	return NULL;
}
