/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and signs one certificate (RFC 5280 section 4).  Must never decide anything: names, times
 * and profile come decided. */
#include "ca/certificate.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/name.h"

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

static bool add(X509 *x, int nid, void *value, bool critical)
{
	return value && X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_basic(X509 *x, const struct hf_ca_profile *profile)
{
	HF_AUTO(BASIC_CONSTRAINTS) bc = BASIC_CONSTRAINTS_new();

	if (!bc)
		return false;
	bc->ca = profile->is_ca ? 0xff : 0;
	if (profile->has_pathlen) {
		bc->pathlen = ASN1_INTEGER_new();
		if (!bc->pathlen || !ASN1_INTEGER_set(bc->pathlen, 0))
			return false;
	}
	return add(x, NID_basic_constraints, bc, true);
}

static bool add_usage(X509 *x, const struct hf_ca_profile *profile, const EVP_PKEY *key)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	unsigned ku = profile->ku;
	bool good = bits != NULL;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		ku |= profile->ku_rsa;
	for (int bit = 0; good && bit < 8; bit++) {
		if (ku & (0x80U >> bit)) /* KU_DIGITAL_SIGNATURE is bit 0 (RFC 5280 4.2.1.3) */
			good = ASN1_BIT_STRING_set_bit(bits, bit, 1) == 1;
	}
	good = good && add(x, NID_key_usage, bits, true);
	ASN1_BIT_STRING_free(bits);
	return good;
}

static bool add_extended_usage(X509 *x, const struct hf_ca_profile *profile)
{
	HF_AUTO(EXTENDED_KEY_USAGE) eku = EXTENDED_KEY_USAGE_new();

	if (profile->ekus[0] == NID_undef)
		return true;
	for (size_t i = 0; eku && i < HF_PROFILE_EKUS && profile->ekus[i] != NID_undef; i++) {
		if (!sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(profile->ekus[i])))
			return false;
	}
	return add(x, NID_ext_key_usage, eku, false);
}

static bool add_key_ids(X509 *x, const struct hf_cert *issuer)
{
	HF_AUTO(ASN1_OCTET_STRING) own = hf_key_identifier(X509_get_X509_PUBKEY(x));
	HF_AUTO(AUTHORITY_KEYID) akid = NULL;

	if (!add(x, NID_subject_key_identifier, own, false))
		return false;
	if (issuer) {
		akid = hf_authority_keyid(issuer);
	} else {
		akid = AUTHORITY_KEYID_new();
		if (akid)
			akid->keyid = hf_take(own);
	}
	return add(x, NID_authority_key_identifier, akid, false);
}

/* RFC 5280 4.2.1.6: critical when the subject is empty. */
static int add_sans(X509 *x, const struct hf_certificate_plan *plan, struct hf_err *err)
{
	HF_AUTO(GENERAL_NAMES) names = NULL;
	int rc;

	if (!plan->sans || plan->sans->len == 0)
		return 0;
	rc = hf_sans_to_names(plan->sans, &names, err);
	if (rc < 0)
		return rc;
	if (!add(x, NID_subject_alt_name, names, hf_name_is_empty(plan->subject)))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the alternative names");
	return 0;
}

static bool set_fields(X509 *x, const struct hf_certificate_plan *plan)
{
	HF_AUTO(BIGNUM) number = BN_bin2bn(plan->serial, HF_SERIAL_LEN, NULL);
	const X509_NAME *issuer =
	    plan->issuer ? X509_get_subject_name(plan->issuer->x509) : plan->subject;

	return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) &&
	       X509_set_version(x, X509_VERSION_3) && X509_set_subject_name(x, plan->subject) &&
	       X509_set_issuer_name(x, issuer) &&
	       ASN1_TIME_set(X509_getm_notBefore(x), plan->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), plan->not_after) &&
	       X509_set_pubkey(x, plan->key);
}

/* The one place that uses the issuer's private key for a certificate. */
static int sign_certificate(X509 *x, const struct hf_certificate_plan *plan, struct hf_err *err)
{
	if (X509_sign(x, plan->issuer_key, hf_key_signing_digest(plan->issuer_key)) <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot sign the certificate");
	return 0;
}

int hf_certificate_make(const struct hf_certificate_plan *plan, struct hf_cert **ret_cert,
			struct hf_err *err)
{
	HF_AUTO(X509) x = X509_new();
	HF_AUTO(ossl_mem) der = NULL;
	int rc, len;

	if (!x || !set_fields(x, plan) || !add_basic(x, plan->profile) ||
	    !add_usage(x, plan->profile, plan->key) || !add_extended_usage(x, plan->profile) ||
	    !add_key_ids(x, plan->issuer))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot build the certificate");
	rc = add_sans(x, plan, err);
	if (rc < 0)
		return rc;
	if (plan->permit && !add(x, NID_name_constraints, plan->permit, true))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the name constraints");
	rc = sign_certificate(x, plan, err);
	if (rc < 0)
		return rc;
	len = i2d_X509(x, &der);
	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the certificate");
	return hf_cert_from_der(der, (size_t)len, ret_cert, err);
}
