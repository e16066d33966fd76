/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, decoded once.  Must never change one after hf_cert_new: other threads read it. */
#include "pki/cert.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "pki/cert_decode.h"
#include "pki/der.h"
#include "pki/name.h"

static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	}
	return false;
}

static bool entry_has_control(const X509_NAME_ENTRY *e)
{
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(e);
	HF_AUTO(ossl_mem) utf8 = NULL;
	int len;

	(void)ERR_set_mark();
	len = ASN1_STRING_to_UTF8(&utf8, value);
	(void)ERR_pop_to_mark();
	if (len >= 0)
		return has_control((const char *)utf8, (size_t)len);
	return has_control((const char *)ASN1_STRING_get0_data(value),
			   (size_t)ASN1_STRING_length(value));
}

/* A NUL or control byte in a name is how one name is made to look like another. */
static bool names_have_control(const struct hf_cert *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert->x509);

	for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
		if (entry_has_control(X509_NAME_get_entry(subject, i)))
			return true;
	}
	for (size_t i = 0; i < cert->sans.len; i++) {
		if (has_control(cert->sans.items[i].value, cert->sans.items[i].len))
			return true;
	}
	return false;
}

static int decode_common_name(struct hf_cert *cert, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(INT_MAX);
	struct hf_name_value *values = NULL;
	size_t len = 0;
	int rc =
	    hf_name_values(X509_get_subject_name(cert->x509), NID_commonName, &values, &len, err);

	if (rc <= 0)
		return rc;
	(void)hf_str_escape(&text, values[len - 1].utf8, values[len - 1].len);
	hf_name_values_free(values, len);
	cert->common_name = hf_buf_steal(&text);
	return cert->common_name ? 0 : hf_err_nomem(err);
}

static int decode_names(struct hf_cert *cert, struct hf_err *err)
{
	cert->subject = hf_name_text(X509_get_subject_name(cert->x509));
	cert->issuer = hf_name_text(X509_get_issuer_name(cert->x509));
	cert->serial = hf_asn1_integer_hex(X509_get0_serialNumber(cert->x509));
	if (!cert->subject || !cert->issuer || !cert->serial)
		return hf_err_nomem(err);
	if (hf_name_equal(X509_get_subject_name(cert->x509), X509_get_issuer_name(cert->x509)))
		cert->flags |= HF_CERT_SELF_ISSUED;
	return decode_common_name(cert, err);
}

/* A date that does not parse makes the certificate never valid, and is flagged. */
static void decode_times(struct hf_cert *cert)
{
	bool begins = hf_asn1_time_read(X509_get0_notBefore(cert->x509), &cert->not_before);
	bool ends = hf_asn1_time_read(X509_get0_notAfter(cert->x509), &cert->not_after);

	if (!begins)
		cert->not_before = HF_TIME_MAX;
	if (!ends)
		cert->not_after = 0;
	if (!begins || !ends)
		cert->flags |= HF_CERT_BAD_TIME;
}

static void decode_key(struct hf_cert *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert->x509);
	int md_nid, key_nid, bits;
	uint32_t flags;

	if (key) {
		cert->key_type = hf_key_type_of(key);
		cert->key_bits = EVP_PKEY_get_bits(key);
		cert->key_nid = EVP_PKEY_get_base_id(key);
	}
	cert->sig_md_nid = NID_undef;
	cert->sig_security_bits = -1;
	if (X509_get_signature_info(cert->x509, &md_nid, &key_nid, &bits, &flags)) {
		cert->sig_md_nid = md_nid;
		cert->sig_security_bits = bits;
	}
}

/* The DER is OpenSSL's (the signed part byte for byte as it came), so that fingerprints equal those
 * of every other program on OpenSSL and do not depend on the way the certificate came in. */
static int decode_bytes(struct hf_cert *cert, struct hf_err *err)
{
	HF_AUTO(ossl_mem) spki = NULL;
	int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &spki);
	int len = i2d_X509(cert->x509, &cert->der);

	if (len <= 0 || spki_len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the certificate");
	cert->der_len = (size_t)len;
	if (!SHA256(cert->der, cert->der_len, cert->sha256) ||
	    !SHA256(spki, (size_t)spki_len, cert->spki_sha256))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot compute SHA-256");
	return 0;
}

static int decode(struct hf_cert *cert, struct hf_err *err)
{
	long version = X509_get_version(cert->x509);
	int rc;

	cert->version = version < 0 || version > 1000 ? 1001 : (int)version + 1;
	cert->pathlen = -1;
	cert->ku = UINT_MAX;
	(void)X509_check_purpose(cert->x509, -1,
				 0); /* fills OpenSSL's cache while one thread has it */
	decode_times(cert);
	decode_key(cert);
	rc = decode_bytes(cert, err);
	if (rc == 0)
		rc = decode_names(cert, err);
	if (rc == 0)
		rc = hf_cert_decode_extensions(cert, err);
	if (rc == 0 && names_have_control(cert))
		cert->flags |= HF_CERT_NAME_HAS_CONTROL;
	return rc;
}

/* The same certificate, read where every kind of key is known; NULL when its is not even there. */
static X509 *read_whole(X509 *x)
{
	OSSL_LIB_CTX *library = hf_ossl_whole();
	HF_AUTO(ossl_mem) der = NULL;
	int len = library ? i2d_X509(x, &der) : 0;
	const unsigned char *p = der;
	HF_AUTO(X509) whole = len > 0 ? X509_new_ex(library, NULL) : NULL;

	if (!whole || !d2i_X509(&whole, &p, len) || !X509_get0_pubkey(whole))
		return NULL;
	return hf_take(whole);
}

static int hold(struct hf_cert *cert, X509 *x, struct hf_err *err)
{
	if (!X509_get0_pubkey(x))
		cert->x509 = read_whole(x);
	if (cert->x509)
		return 0;
	if (!X509_up_ref(x))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hold the certificate");
	cert->x509 = x;
	return 0;
}

int hf_cert_new(X509 *x, struct hf_cert **ret_cert, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = calloc(1, sizeof(*cert));
	int rc;

	if (!cert)
		return hf_err_nomem(err);
	atomic_init(&cert->refs, 1);
	(void)ERR_set_mark();
	rc = hold(cert, x, err);
	if (rc == 0)
		rc = decode(cert, err);
	(void)ERR_pop_to_mark();
	if (rc < 0)
		return rc;
	*ret_cert = hf_take(cert);
	return 0;
}

int hf_cert_from_der(const uint8_t *der, size_t len, struct hf_cert **ret_cert, struct hf_err *err)
{
	HF_AUTO(X509) x = hf_der_decode(der, len, ASN1_ITEM_rptr(X509));

	if (!x)
		return hf_der_explain(der, len, "the certificate", err);
	return hf_cert_new(x, ret_cert, err);
}

struct hf_cert *hf_cert_ref(struct hf_cert *cert)
{
	if (cert)
		(void)atomic_fetch_add_explicit(&cert->refs, 1, memory_order_relaxed);
	return cert;
}

void hf_cert_unref(struct hf_cert *cert)
{
	if (!cert || atomic_fetch_sub_explicit(&cert->refs, 1, memory_order_acq_rel) != 1)
		return;
	X509_free(cert->x509);
	OPENSSL_free(cert->der);
	free(cert->subject);
	free(cert->issuer);
	free(cert->serial);
	free(cert->common_name);
	hf_sans_done(&cert->sans);
	free(cert->skid);
	free(cert->akid);
	free(cert->unknown_critical);
	free(cert);
}

bool hf_cert_equal(const struct hf_cert *a, const struct hf_cert *b)
{
	return a == b ||
	       (a && b && a->der_len == b->der_len && memcmp(a->der, b->der, a->der_len) == 0);
}

EVP_PKEY *hf_cert_key_get0(const struct hf_cert *cert)
{
	EVP_PKEY *key;

	(void)ERR_set_mark();
	key = X509_get0_pubkey(cert->x509);
	(void)ERR_pop_to_mark();
	return key;
}

int hf_cert_to_pem(const struct hf_cert *cert, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());

	if (!bio || !PEM_write_bio_X509(bio, cert->x509))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the certificate as PEM");
	return hf_bio_to_buf(bio, out, err);
}

int hf_certs_add(struct hf_certs *list, struct hf_cert *cert, struct hf_err *err)
{
	if (list->len == list->alloc) {
		size_t alloc = list->alloc ? 2 * list->alloc : 4;
		struct hf_cert **items = realloc(list->items, alloc * sizeof(struct hf_cert *));

		if (!items)
			return hf_err_nomem(err);
		list->items = items;
		list->alloc = alloc;
	}
	list->items[list->len++] = hf_cert_ref(cert);
	return 0;
}

int hf_certs_copy(struct hf_certs *dst, const struct hf_certs *src, struct hf_err *err)
{
	for (size_t i = 0; i < src->len; i++) {
		int rc = hf_certs_add(dst, src->items[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

bool hf_certs_has(const struct hf_certs *list, const struct hf_cert *cert)
{
	for (size_t i = 0; i < list->len; i++) {
		if (hf_cert_equal(list->items[i], cert))
			return true;
	}
	return false;
}

void hf_certs_done(struct hf_certs *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->len; i++)
		hf_cert_unref(list->items[i]);
	free(list->items);
	*list = (struct hf_certs)HF_CERTS_INIT;
}
