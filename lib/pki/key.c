/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: kinds, generation, comparison, writing.  Must never write a private key unencrypted
 * anywhere but into the caller's buffer, and never print one. */
#include "pki/key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"

enum { PBKDF2_ITERATIONS = 600000 };

static const struct kind {
	const char *name;
	const char *words;
	const char *algorithm;
	const char *group; /* EC only */
	int nid;
	int bits;
} kinds[] = {
	[HF_KEY_P256] = { "p256", "EC P-256", "EC", "prime256v1", EVP_PKEY_EC, 256 },
	[HF_KEY_P384] = { "p384", "EC P-384", "EC", "secp384r1", EVP_PKEY_EC, 384 },
	[HF_KEY_RSA2048] = { "rsa2048", "RSA 2048 bits", "RSA", NULL, EVP_PKEY_RSA, 2048 },
	[HF_KEY_RSA3072] = { "rsa3072", "RSA 3072 bits", "RSA", NULL, EVP_PKEY_RSA, 3072 },
	[HF_KEY_RSA4096] = { "rsa4096", "RSA 4096 bits", "RSA", NULL, EVP_PKEY_RSA, 4096 },
	[HF_KEY_ED25519] = { "ed25519", "Ed25519", "ED25519", NULL, EVP_PKEY_ED25519, 256 },
};

static const char *const kind_names[] = { "p256",    "p384",	"rsa2048", "rsa3072",
					  "rsa4096", "ed25519", NULL };

enum hf_key_type hf_key_type_parse(const char *name)
{
	for (size_t i = HF_KEY_P256; name && i < HF_ARRAY_LEN(kinds); i++) {
		if (hf_str_case_eq(name, kinds[i].name))
			return (enum hf_key_type)i;
	}
	return HF_KEY_OTHER;
}

const char *hf_key_type_name(enum hf_key_type type)
{
	if (type <= HF_KEY_OTHER || (size_t)type >= HF_ARRAY_LEN(kinds))
		return "other";
	return kinds[type].name;
}

const char *const *hf_key_type_names(void)
{
	return kind_names;
}

bool hf_key_has_explicit_parameters(const EVP_PKEY *key)
{
	int explicit_params = 0;

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		return false;
	(void)ERR_set_mark();
	if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				   &explicit_params) != 1)
		explicit_params = 0;
	(void)ERR_pop_to_mark();
	return explicit_params == 1;
}

static bool group_name(const EVP_PKEY *key, char *out, size_t cap)
{
	bool ok;

	(void)ERR_set_mark();
	ok = EVP_PKEY_get_group_name(key, out, cap, NULL) == 1;
	(void)ERR_pop_to_mark();
	return ok;
}

/* A curve has its standard name here whatever OpenSSL calls it. */
static bool is_group(const char *name, const char *want)
{
	int nid = OBJ_sn2nid(want);

	return hf_str_eq(name, want) || hf_str_eq(name, EC_curve_nid2nist(nid));
}

enum hf_key_type hf_key_type_of(const EVP_PKEY *key)
{
	int nid = key ? EVP_PKEY_get_base_id(key) : NID_undef;
	bool is_ec = nid == EVP_PKEY_EC;
	char group[64] = "";

	if (is_ec &&
	    (!group_name(key, group, sizeof(group)) || hf_key_has_explicit_parameters(key)))
		return HF_KEY_OTHER;
	for (size_t i = HF_KEY_P256; i < HF_ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (k->nid != nid)
			continue;
		if (is_ec ? is_group(group, k->group)
			  : nid != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) == k->bits)
			return (enum hf_key_type)i;
	}
	return HF_KEY_OTHER;
}

void hf_key_describe(const EVP_PKEY *key, char *out, size_t cap)
{
	enum hf_key_type type = hf_key_type_of(key);
	char group[64] = "?";
	const char *name;

	if (!key) {
		(void)snprintf(out, cap, "a key that does not decode");
	} else if (type != HF_KEY_OTHER) {
		(void)snprintf(out, cap, "%s", kinds[type].words);
	} else if (hf_key_has_explicit_parameters(key)) {
		(void)snprintf(out, cap, "EC with explicit parameters");
	} else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		(void)group_name(key, group, sizeof(group));
		(void)snprintf(out, cap, "EC %s", group);
	} else {
		name = EVP_PKEY_get0_type_name(key);
		if (!name)
			name = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
		(void)snprintf(out, cap, "%s %d bits", name ? name : "unknown key",
			       EVP_PKEY_get_bits(key));
	}
}

int hf_key_generate(enum hf_key_type type, EVP_PKEY **ret_key, struct hf_err *err)
{
	const struct kind *k;
	EVP_PKEY *key;

	if (type <= HF_KEY_OTHER || (size_t)type >= HF_ARRAY_LEN(kinds))
		return hf_err_set(err, HF_E_INVALID, "no such key type");
	k = &kinds[type];
	if (k->group)
		key = EVP_PKEY_Q_keygen(NULL, NULL, k->algorithm, k->group);
	else if (k->nid == EVP_PKEY_RSA)
		key = EVP_PKEY_Q_keygen(NULL, NULL, k->algorithm, (size_t)k->bits);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, k->algorithm);
	if (!key)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make a key (%s)", k->words);
	*ret_key = key;
	return 0;
}

bool hf_key_same(const EVP_PKEY *a, const EVP_PKEY *b)
{
	bool same;

	if (!a || !b)
		return false;
	(void)ERR_set_mark();
	same = EVP_PKEY_eq(a, b) == 1;
	(void)ERR_pop_to_mark();
	return same;
}

int hf_key_spki_sha256(const EVP_PKEY *key, uint8_t out[HF_SHA256_LEN], struct hf_err *err)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0 || !SHA256(der, (size_t)len, out))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the public key");
	return 0;
}

/* PBES2 with AES-256-CBC and PBKDF2 over HMAC-SHA-256 (RFC 8018), as `openssl pkcs8 -topk8` does.
 */
static int write_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *p8, const struct hf_secret *pass,
			   struct hf_err *err)
{
	HF_AUTO(X509_SIG) sig = NULL;

	if (!pass->data || pass->len > INT_MAX)
		return hf_err_set(err, HF_E_PASSPHRASE, "an empty passphrase protects nothing");
	sig = PKCS8_encrypt(-1, EVP_aes_256_cbc(), pass->data, (int)pass->len, NULL, 0,
			    PBKDF2_ITERATIONS, p8);
	if (!sig || !PEM_write_bio_PKCS8(bio, sig))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encrypt the private key");
	return 0;
}

int hf_key_to_pem(const EVP_PKEY *key, const struct hf_secret *passphrase, struct hf_buf *out,
		  struct hf_err *err)
{
	HF_AUTO(PKCS8_PRIV_KEY_INFO) p8 = EVP_PKEY2PKCS8(key);
	HF_AUTO(BIO) bio = BIO_new(BIO_s_secmem());
	int rc = 0;

	if (!p8 || !bio)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the private key");
	if (passphrase)
		rc = write_encrypted(bio, p8, passphrase, err);
	else if (!PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8))
		rc = hf_err_ossl(err, HF_E_CRYPTO, "cannot write the private key");
	return rc < 0 ? rc : hf_bio_to_buf(bio, out, err);
}

const EVP_MD *hf_key_signing_digest(const EVP_PKEY *key)
{
	int nid = EVP_PKEY_get_base_id(key);

	if (nid == EVP_PKEY_ED25519 || nid == EVP_PKEY_ED448)
		return NULL;
	if (nid != EVP_PKEY_EC || EVP_PKEY_get_bits(key) <= 256)
		return EVP_sha256();
	return EVP_PKEY_get_bits(key) <= 384 ? EVP_sha384() : EVP_sha512();
}
