/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and signs one certificate (RFC 5280 section 4).  Must never decide anything: names, times
 * and profile come decided. */
#include "ca/certificate.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/derwrite.h"
#include "ca/seal.h"
#include "pki/name.h"

enum { CERTIFICATE_CAP = 1024 * 1024, VALUE_CAP = 4096, USUAL_LEN = 1024 };

int hf_serial_make(uint8_t ret_serial[HF_SERIAL_LEN], struct hf_err *err)
{
	uint8_t all = 0;

	while (!all) {
		if (RAND_bytes(ret_serial, HF_SERIAL_LEN) != 1)
			return hf_err_ossl(err, HF_E_CRYPTO,
					   "no random numbers for a serial number");
		ret_serial[0] &= 0x7f;
		for (size_t i = 0; i < HF_SERIAL_LEN; i++)
			all |= ret_serial[i];
	}
	return 0;
}

void hf_serial_text(const uint8_t serial[HF_SERIAL_LEN], char out[HF_SERIAL_TEXT_CAP])
{
	char hex[HF_SERIAL_TEXT_CAP];

	hf_hex_encode(serial, HF_SERIAL_LEN, hex);
	(void)hf_str_copy(out, HF_SERIAL_TEXT_CAP, hex + strspn(hex, "0"));
}

ASN1_OCTET_STRING *hf_key_identifier(X509_PUBKEY *key)
{
	HF_AUTO(ASN1_OCTET_STRING) id = ASN1_OCTET_STRING_new();
	uint8_t digest[SHA_DIGEST_LENGTH];
	const unsigned char *bits = NULL;
	int len = 0;

	if (!id || !X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, key) ||
	    !SHA1(bits, (size_t)len, digest) || !ASN1_OCTET_STRING_set(id, digest, sizeof(digest)))
		return NULL;
	return hf_take(id);
}

AUTHORITY_KEYID *hf_authority_keyid(const struct hf_cert *issuer)
{
	HF_AUTO(AUTHORITY_KEYID) akid = AUTHORITY_KEYID_new();

	if (!akid)
		return NULL;
	if (!issuer->skid) {
		akid->keyid = hf_key_identifier(X509_get_X509_PUBKEY(issuer->x509));
	} else {
		akid->keyid = ASN1_OCTET_STRING_new();
		if (akid->keyid &&
		    !ASN1_OCTET_STRING_set(akid->keyid, issuer->skid, (int)issuer->skid_len))
			return NULL;
	}
	return akid->keyid ? hf_take(akid) : NULL;
}

/* --- extensions (RFC 5280 4.2) --- */

/* An extension whose value OpenSSL encodes. */
static bool add_item(struct hf_buf *b, int nid, bool critical, const void *value,
		     const ASN1_ITEM *item)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = ASN1_item_i2d(value, &der, item);

	if (len > 0)
		hf_derw_extension(b, nid, critical, der, (size_t)len);
	return len > 0;
}

static void add_basic(struct hf_buf *b, const struct hf_ca_profile *profile)
{
	static const uint8_t yes[] = { 0xff };
	HF_AUTO_DONE(hf_buf) value = HF_BUF_INIT(VALUE_CAP);

	if (profile->is_ca)
		hf_derw_put(&value, HF_DERW_BOOLEAN, yes, sizeof(yes));
	if (profile->has_pathlen)
		hf_derw_number(&value, 0);
	hf_derw_wrap(&value, 0, HF_DERW_SEQUENCE);
	hf_derw_extension(b, NID_basic_constraints, true, value.data, value.len);
}

/* A named bit list: no zero bits at its end (X.690 11.2.2). */
static void add_usage(struct hf_buf *b, const struct hf_ca_profile *profile, const EVP_PKEY *key)
{
	unsigned ku = hf_ca_profile_usage(profile, key);
	uint8_t bits[] = { HF_DERW_BIT_STRING, 2, 0, 0 };

	bits[3] = (uint8_t)ku; /* KU_DIGITAL_SIGNATURE is bit 0, the highest (4.2.1.3) */
	while (ku && !(ku & 1U << bits[2]))
		bits[2]++;
	hf_derw_extension(b, NID_key_usage, true, bits, sizeof(bits));
}

static void add_extended_usage(struct hf_buf *b, const struct hf_ca_profile *profile)
{
	HF_AUTO_DONE(hf_buf) value = HF_BUF_INIT(VALUE_CAP);

	if (profile->ekus[0] == NID_undef)
		return;
	for (size_t i = 0; i < HF_PROFILE_EKUS && profile->ekus[i] != NID_undef; i++)
		hf_derw_oid(&value, profile->ekus[i]);
	hf_derw_wrap(&value, 0, HF_DERW_SEQUENCE);
	hf_derw_extension(b, NID_ext_key_usage, false, value.data, value.len);
}

/* RFC 5280 4.2.1.2 (1): SHA-1 of the key's bits, which are the last of the encoding. */
static bool key_id(const struct hf_buf *spki, uint8_t ret_id[SHA_DIGEST_LENGTH])
{
	const unsigned char *p = (const unsigned char *)hf_buf_str(spki);
	const unsigned char *end = p + spki->len;
	long len = 0;
	int tag, class;

	if (ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x80 || tag != V_ASN1_SEQUENCE ||
	    ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x80 || tag != V_ASN1_SEQUENCE)
		return false;
	p += len;
	if (ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x80 || tag != V_ASN1_BIT_STRING ||
	    len < 1)
		return false;
	return SHA1(p + 1, (size_t)len - 1, ret_id) != NULL;
}

static bool add_key_ids(struct hf_buf *b, const struct hf_buf *spki, const struct hf_cert *issuer)
{
	uint8_t own[2 + SHA_DIGEST_LENGTH] = { HF_DERW_OCTET_STRING, SHA_DIGEST_LENGTH };
	HF_AUTO(AUTHORITY_KEYID) akid = NULL;
	uint8_t self[4 + SHA_DIGEST_LENGTH] = { HF_DERW_SEQUENCE, 2 + SHA_DIGEST_LENGTH,
						HF_DERW_CONTEXT, SHA_DIGEST_LENGTH };

	if (!key_id(spki, own + 2))
		return false;
	hf_derw_extension(b, NID_subject_key_identifier, false, own, sizeof(own));
	if (issuer) {
		akid = hf_authority_keyid(issuer);
		return akid && add_item(b, NID_authority_key_identifier, false, akid,
					ASN1_ITEM_rptr(AUTHORITY_KEYID));
	}
	memcpy(self + 4, own + 2, SHA_DIGEST_LENGTH);
	hf_derw_extension(b, NID_authority_key_identifier, false, self, sizeof(self));
	return true;
}

/* RFC 5280 4.2.1.6: critical when the subject is empty. */
static int add_sans(struct hf_buf *b, const struct hf_certificate_plan *plan, struct hf_err *err)
{
	HF_AUTO(GENERAL_NAMES) names = NULL;
	int rc;

	if (!plan->sans || plan->sans->len == 0)
		return 0;
	rc = hf_sans_to_names(plan->sans, &names, err);
	if (rc < 0)
		return rc;
	if (!add_item(b, NID_subject_alt_name, hf_name_is_empty(plan->subject), names,
		      ASN1_ITEM_rptr(GENERAL_NAMES)))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the alternative names");
	return 0;
}

static int add_more(struct hf_buf *b, const struct hf_certificate_plan *plan, struct hf_err *err)
{
	if (plan->permit && !add_item(b, NID_name_constraints, true, plan->permit,
				      ASN1_ITEM_rptr(NAME_CONSTRAINTS)))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the name constraints");
	for (int i = 0; i < sk_X509_EXTENSION_num(plan->extra); i++) {
		HF_AUTO(ossl_mem) der = NULL;
		int len = i2d_X509_EXTENSION(sk_X509_EXTENSION_value(plan->extra, i), &der);

		if (len <= 0)
			return hf_err_ossl(err, HF_E_CRYPTO, "cannot write an extension");
		(void)hf_buf_append(b, der, (size_t)len);
	}
	return 0;
}

/* What comes with the plan stands instead of the profile's own. */
static bool is_own(const struct hf_certificate_plan *plan, int nid)
{
	return !plan->extra || X509v3_get_ext_by_NID(plan->extra, nid, -1) < 0;
}

static int add_extensions(struct hf_buf *b, const struct hf_certificate_plan *plan,
			  const struct hf_buf *spki, struct hf_err *err)
{
	size_t start = b->len;
	int rc;

	if (is_own(plan, NID_basic_constraints))
		add_basic(b, plan->profile);
	if (is_own(plan, NID_key_usage))
		add_usage(b, plan->profile, plan->key);
	if (is_own(plan, NID_ext_key_usage))
		add_extended_usage(b, plan->profile);
	if (!add_key_ids(b, spki, plan->issuer))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the key identifiers");
	rc = add_sans(b, plan, err);
	if (rc == 0)
		rc = add_more(b, plan, err);
	hf_derw_wrap(b, start, HF_DERW_SEQUENCE);
	hf_derw_wrap(b, start, HF_DERW_EXPLICIT + 3);
	return rc;
}

/* --- the certificate (RFC 5280 4.1) --- */

/* Keys whose encoding is a fixed prefix and the point: OpenSSL's encoder takes ten times as long.
 * RFC 5480 2.1.1.1, RFC 8410 4. */
static const struct shape {
	enum hf_key_type type;
	size_t prefix_len, point_len;
	uint8_t prefix[26];
	int first; /* the first octet of the point; -1: any */
} shapes[] = {
	{ HF_KEY_P256,
	  26,
	  65,
	  { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 },
	  POINT_CONVERSION_UNCOMPRESSED },
	{ HF_KEY_P384,
	  23,
	  97,
	  { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 },
	  POINT_CONVERSION_UNCOMPRESSED },
	{ HF_KEY_ED25519,
	  12,
	  32,
	  { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 },
	  -1 },
};

static bool spki_by_shape(const EVP_PKEY *key, struct hf_buf *out)
{
	enum hf_key_type type = hf_key_type_of(key);

	for (size_t i = 0; i < HF_ARRAY_LEN(shapes); i++) {
		const struct shape *s = &shapes[i];
		uint8_t point[128];
		size_t len = 0;

		if (s->type != type)
			continue;
		if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
						    sizeof(point), &len) != 1 ||
		    len != s->point_len || (s->first >= 0 && point[0] != s->first))
			return false;
		(void)hf_buf_append(out, s->prefix, s->prefix_len);
		return hf_buf_append(out, point, len) == 0;
	}
	return false;
}

static bool spki_of(const EVP_PKEY *key, struct hf_buf *out)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len;

	if (spki_by_shape(key, out))
		return true;
	len = i2d_PUBKEY(key, &der);
	return len > 0 && hf_buf_append(out, der, (size_t)len) == 0;
}

static bool add_name(struct hf_buf *b, const X509_NAME *name)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509_NAME(name, &der);

	return len > 0 && hf_buf_append(b, der, (size_t)len) == 0;
}

/* Everything up to the extensions. */
static int add_fields(struct hf_buf *b, const struct hf_certificate_plan *plan,
		      const struct hf_buf *spki, struct hf_err *err)
{
	const X509_NAME *issuer =
	    plan->issuer ? X509_get_subject_name(plan->issuer->x509) : plan->subject;
	size_t start = b->len;
	int rc;

	hf_derw_number(b, X509_VERSION_3);
	hf_derw_wrap(b, start, HF_DERW_EXPLICIT + 0);
	hf_derw_integer(b, plan->serial, HF_SERIAL_LEN);
	rc = hf_seal_algorithm(plan->issuer_key, b, err);
	if (rc < 0)
		return rc;
	if (!add_name(b, issuer))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the issuer's name");
	start = b->len;
	hf_derw_time(b, plan->not_before);
	hf_derw_time(b, plan->not_after);
	hf_derw_wrap(b, start, HF_DERW_SEQUENCE);
	if (!add_name(b, plan->subject))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the subject");
	(void)hf_buf_append(b, spki->data, spki->len);
	return 0;
}

int hf_certificate_make(const struct hf_certificate_plan *plan, struct hf_cert **ret_cert,
			struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) spki = HF_BUF_INIT(CERTIFICATE_CAP);
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(CERTIFICATE_CAP);
	int rc;

	if (hf_buf_reserve(&b, USUAL_LEN) < 0)
		return hf_err_nomem(err);
	if (!spki_of(plan->key, &spki))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the public key");
	rc = add_fields(&b, plan, &spki, err);
	if (rc == 0)
		rc = add_extensions(&b, plan, &spki, err);
	if (rc < 0)
		return rc;
	hf_derw_wrap(&b, 0, HF_DERW_SEQUENCE);
	rc = hf_seal(plan->issuer_key, &b, 0, err);
	return rc < 0 ? rc : hf_cert_from_der((const uint8_t *)b.data, b.len, ret_cert, err);
}
