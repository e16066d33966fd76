/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 (RFC 7292) in and out.  Must never ask for a passphrase before it is known that the file
 * can be opened at all, and never follow nested bags. */
#include "pki/pemfile_internal.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"

enum {
	MODERN_ITERATIONS = 600000, /* NSS takes no more */
	LEGACY_ITERATIONS = 2048,
};

static void free_safes(STACK_OF(PKCS7) **p)
{
	sk_PKCS7_pop_free(*p, PKCS7_free);
}

static void free_bags(STACK_OF(PKCS12_SAFEBAG) **p)
{
	sk_PKCS12_SAFEBAG_pop_free(*p, PKCS12_SAFEBAG_free);
}

static bool verifies(PKCS12 *p12, const char *pass, size_t len)
{
	bool ok;

	(void)ERR_set_mark();
	ok = PKCS12_verify_mac(p12, pass, (int)len) == 1;
	(void)ERR_pop_to_mark();
	return ok;
}

static int check_mac(PKCS12 *p12, struct hf_unlock *u, struct hf_err *err)
{
	const ASN1_INTEGER *iterations;
	const X509_ALGOR *alg;
	char oid[HF_OID_CAP];
	int rc = 0;

	PKCS12_get0_mac(NULL, &alg, NULL, &iterations, p12);
	hf_oid_text(alg->algorithm, oid, sizeof(oid));
	if (strcmp(oid, "1.2.840.113549.1.5.14") == 0) { /* RFC 9579 */
		(void)hf_err_set(
		    err, HF_E_UNSUPPORTED,
		    "its integrity is protected with PBMAC1, which this OpenSSL does not know");
		return hf_err_hint(err, "export it again without PBMAC1");
	}
	/* up to three tries: no passphrase, an empty one, the one given */
	for (int tries = 0; rc == 0 && tries < 3; tries++)
		rc = hf_unlock_spend(u, iterations ? ASN1_INTEGER_get(iterations) : 1, err);
	if (rc < 0)
		return rc;
	if (verifies(p12, NULL, 0)) {
		u->without = true;
		return 0;
	}
	if (verifies(p12, "", 0))
		return hf_secret_set(&u->pass, "", 0, err);
	rc = hf_unlock_ask(u, err);
	if (rc < 0 || verifies(p12, u->pass.data, u->pass.len))
		return rc;
	(void)hf_err_set(err, HF_E_PASSPHRASE, "the passphrase does not open the PKCS#12 file");
	return hf_err_hint(err, "check the passphrase given for %s", u->name);
}

static int add_key(struct hf_reading *r, const PKCS12_SAFEBAG *bag, struct hf_err *err)
{
	bool encrypted = PKCS12_SAFEBAG_get_nid(bag) == NID_pkcs8ShroudedKeyBag;

	if (!hf_reading_count_key(r, encrypted))
		return 0;
	if (encrypted)
		return hf_key_from_encrypted(PKCS12_SAFEBAG_get0_pkcs8(bag), &r->unlock,
					     &r->file->key, err);
	return hf_key_from_pkcs8(PKCS12_SAFEBAG_get0_p8inf(bag), &r->file->key, err);
}

static int add_cert(struct hf_reading *r, const PKCS12_SAFEBAG *bag, struct hf_err *err)
{
	HF_AUTO(X509) x = NULL;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) {
		r->file->unknown_blocks++;
		return 0;
	}
	x = PKCS12_SAFEBAG_get1_cert(bag);
	if (!x)
		return hf_err_ossl(err, HF_E_PARSE, "a certificate in the PKCS#12 file is damaged");
	return hf_reading_add_x509(r, x, err);
}

static int add_crl(struct hf_reading *r, const PKCS12_SAFEBAG *bag, struct hf_err *err)
{
	HF_AUTO(X509_CRL) crl = NULL;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Crl) {
		r->file->unknown_blocks++;
		return 0;
	}
	crl = PKCS12_SAFEBAG_get1_crl(bag);
	if (!crl)
		return hf_err_ossl(err, HF_E_PARSE, "a CRL in the PKCS#12 file is damaged");
	return hf_reading_add_x509_crl(r, crl, err);
}

static const struct bag_kind {
	int nid;
	int (*add)(struct hf_reading *r, const PKCS12_SAFEBAG *bag, struct hf_err *err);
} bag_kinds[] = {
	{ NID_keyBag, add_key },
	{ NID_pkcs8ShroudedKeyBag, add_key },
	{ NID_certBag, add_cert },
	{ NID_crlBag, add_crl },
};

static int add_bag(struct hf_reading *r, const PKCS12_SAFEBAG *bag, struct hf_err *err)
{
	int nid = PKCS12_SAFEBAG_get_nid(bag);

	for (size_t i = 0; i < HF_ARRAY_LEN(bag_kinds); i++) {
		if (bag_kinds[i].nid == nid)
			return bag_kinds[i].add(r, bag, err);
	}
	r->file->unknown_blocks++;
	return 0;
}

static const X509_ALGOR *encryption_of(const PKCS7 *safe)
{
	if (!PKCS7_type_is_encrypted(safe) || !safe->d.encrypted || !safe->d.encrypted->enc_data)
		return NULL;
	return safe->d.encrypted->enc_data->algorithm;
}

static int open_safe(struct hf_reading *r, PKCS7 *safe, STACK_OF(PKCS12_SAFEBAG) **ret_bags,
		     struct hf_err *err)
{
	struct hf_unlock *u = &r->unlock;
	int rc;

	if (PKCS7_type_is_data(safe)) {
		*ret_bags = PKCS12_unpack_p7data(safe);
	} else if (encryption_of(safe)) {
		rc = hf_unlock_ask(u, err);
		if (rc < 0)
			return rc;
		*ret_bags = PKCS12_unpack_p7encdata(safe, hf_unlock_get(u), (int)u->pass.len);
	} else {
		return hf_err_set(err, HF_E_UNSUPPORTED,
				  "a part of the PKCS#12 file is encrypted to a public key");
	}
	if (*ret_bags)
		return 0;
	(void)hf_err_ossl(err, HF_E_PASSPHRASE, "a part of the PKCS#12 file does not open");
	return hf_err_hint(err, "the passphrase is wrong, or the file damaged");
}

static int add_safe(struct hf_reading *r, PKCS7 *safe, struct hf_err *err)
{
	HF_CLEANUP(free_bags) STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	int rc = open_safe(r, safe, &bags, err);

	for (int i = 0; rc == 0 && i < sk_PKCS12_SAFEBAG_num(bags); i++)
		rc = add_bag(r, sk_PKCS12_SAFEBAG_value(bags, i), err);
	return rc;
}

/* Ciphers first: nobody should type a passphrase for a file that cannot be opened. */
static int check_safes(struct hf_reading *r, const STACK_OF(PKCS7) *safes, struct hf_err *err)
{
	for (int i = 0; i < sk_PKCS7_num(safes); i++) {
		const X509_ALGOR *alg = encryption_of(sk_PKCS7_value(safes, i));
		int rc = alg ? hf_unlock_check(&r->unlock, alg, err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

int hf_reading_add_pkcs12(struct hf_reading *r, PKCS12 *p12, struct hf_err *err)
{
	HF_CLEANUP(free_safes) STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	int rc;

	r->file->was_pkcs12 = true;
	if (!safes)
		return hf_err_ossl(err, HF_E_PARSE,
				   "the PKCS#12 file is damaged, or signed instead of encrypted");
	rc = check_safes(r, safes, err);
	if (rc == 0 && PKCS12_mac_present(p12))
		rc = check_mac(p12, &r->unlock, err);
	for (int i = 0; rc == 0 && i < sk_PKCS7_num(safes); i++)
		rc = add_safe(r, sk_PKCS7_value(safes, i), err);
	return rc;
}

static void free_stack(STACK_OF(X509) **p)
{
	sk_X509_free(*p); /* the certificates are borrowed */
}

static PKCS12 *make_modern(EVP_PKEY *key, X509 *leaf, STACK_OF(X509) *others, const char *name,
			   const char *pass)
{
	return PKCS12_create(pass, name, key, leaf, others, NID_aes_256_cbc, NID_aes_256_cbc,
			     MODERN_ITERATIONS, MODERN_ITERATIONS, 0);
}

/* What Windows before 2019 and Java before 8u301 read. */
static PKCS12 *make_legacy(EVP_PKEY *key, X509 *leaf, STACK_OF(X509) *others, const char *name,
			   const char *pass)
{
	HF_AUTO(PKCS12) p12 =
	    PKCS12_create(pass, name, key, leaf, others, NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
			  NID_pbe_WithSHA1And3_Key_TripleDES_CBC, LEGACY_ITERATIONS, -1, 0);

	if (!p12 || !PKCS12_set_mac(p12, pass, -1, NULL, 0, LEGACY_ITERATIONS, EVP_sha1()))
		return NULL;
	return hf_take(p12);
}

static int encode(PKCS12 *p12, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_secmem());

	if (!bio || !i2d_PKCS12_bio(bio, p12))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the PKCS#12 file");
	return hf_bio_to_buf(bio, out, err);
}

int hf_pkcs12_write(EVP_PKEY *key, const struct hf_certs *chain, const char *friendly_name,
		    const struct hf_secret *passphrase, bool legacy, struct hf_buf *out,
		    struct hf_err *err)
{
	HF_CLEANUP(free_stack) STACK_OF(X509) *others = sk_X509_new_null();
	HF_AUTO(PKCS12) p12 = NULL;

	if (!passphrase || !passphrase->data) {
		(void)hf_err_set(err, HF_E_PASSPHRASE, "a PKCS#12 file needs a passphrase");
		return hf_err_hint(err, "give one with --passphrase-file");
	}
	if (chain->len == 0)
		return hf_err_set(err, HF_E_INVALID, "a PKCS#12 file needs a certificate");
	for (size_t i = 1; i < chain->len; i++) {
		if (!others || !sk_X509_push(others, chain->items[i]->x509))
			return hf_err_nomem(err);
	}
	p12 = (legacy ? make_legacy : make_modern)(key, chain->items[0]->x509, others,
						   friendly_name, passphrase->data);
	if (!p12)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make the PKCS#12 file");
	return encode(p12, out, err);
}
