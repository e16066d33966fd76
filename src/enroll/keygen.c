/* SPDX-License-Identifier: Apache-2.0 */
/* Deriving keys for others.  Must never leave a bit of what they come from in memory or on a disk,
 * but for the one secret file. */
#include "enroll/keygen.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

HF_DEFINE_AUTO(EVP_KDF, EVP_KDF, EVP_KDF_free);
HF_DEFINE_AUTO(EVP_KDF_CTX, EVP_KDF_CTX, EVP_KDF_CTX_free);
HF_DEFINE_AUTO(EC_GROUP, EC_GROUP, EC_GROUP_free);
HF_DEFINE_AUTO(EC_POINT, EC_POINT, EC_POINT_free);
HF_DEFINE_AUTO(BN_CTX, BN_CTX, BN_CTX_free);
HF_DEFINE_AUTO(OSSL_PARAM, OSSL_PARAM, OSSL_PARAM_free);
HF_DEFINE_AUTO(OSSL_PARAM_BLD, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
typedef BIGNUM secret_bn;
HF_DEFINE_AUTO(secret_bn, secret_bn, BN_clear_free);

enum { EXTRA_LEN = 8, BITS_CAP = 48 + EXTRA_LEN, POINT_CAP = 1 + 2 * 48 };

static const struct kind {
	enum hf_key_type type;
	int curve;	 /* NID_undef: Ed25519 */
	size_t bits_len; /* bytes that it is made of: 64 bits more than the order has, by A.2.1 */
} kinds[] = {
	{ HF_KEY_P256, NID_X9_62_prime256v1, 32 + EXTRA_LEN },
	{ HF_KEY_P384, NID_secp384r1, 48 + EXTRA_LEN },
	{ HF_KEY_ED25519, NID_undef, 32 }, /* RFC 8032 5.1.5: any 32 bytes */
};

static const struct kind *kind_of(enum hf_key_type type)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}

bool hf_keygen_can(enum hf_key_type type)
{
	return kind_of(type) != NULL;
}

/* --- the secret file --- */

static int read_secret(const char *path, struct hf_keygen_secret *ret_secret, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) bytes = HF_BUF_INIT(4 * HF_KEYGEN_SECRET_LEN);
	int rc = hf_file_read(path, &bytes, err);

	if (rc < 0)
		return rc;
	if (bytes.len != HF_KEYGEN_SECRET_LEN)
		return hf_err_set(err, HF_E_PARSE, "'%s' is not the %d bytes that were written",
				  path, (int)HF_KEYGEN_SECRET_LEN);
	memcpy(ret_secret->bytes, bytes.data, HF_KEYGEN_SECRET_LEN);
	return 0;
}

static int make_secret(const char *path, struct hf_err *err)
{
	struct hf_keygen_secret fresh;
	int rc;

	if (RAND_priv_bytes(fresh.bytes, sizeof(fresh.bytes)) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "there are no random numbers");
	rc = hf_file_write(path, fresh.bytes, sizeof(fresh.bytes), HF_MODE_SECRET, 0, err);
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	if (rc != -HF_E_EXIST)
		return rc;
	hf_err_clear(err); /* another process was faster */
	return 0;
}

int hf_keygen_secret_load(const char *dir, struct hf_keygen_secret *ret_secret, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), dir, HF_KEYGEN_FILE, err);

	if (rc == 0 && !hf_file_exists(path))
		rc = make_secret(path, err);
	return rc < 0 ? rc : read_secret(path, ret_secret, err);
}

/* --- bits --- */

/* What sets one key apart from the others; nothing of it is secret. */
struct label {
	char what[24];
	char token[HF_TOKEN_ID_CAP];
	uint8_t request_spki[HF_SHA256_LEN];
	uint8_t type;
};

static int expand(uint8_t secrets[HF_KEYGEN_SECRET_LEN + HF_TOKEN_SECRET_LEN], struct label *label,
		  uint8_t *out, size_t len)
{
	HF_AUTO(EVP_KDF) kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	HF_AUTO(EVP_KDF_CTX) ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secrets,
						  HF_KEYGEN_SECRET_LEN + HF_TOKEN_SECRET_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label, sizeof(*label)),
		OSSL_PARAM_construct_end(),
	};

	return ctx && EVP_KDF_derive(ctx, out, len, params) == 1 ? 0 : -HF_E_CRYPTO;
}

static int make_bits(const struct hf_keygen_secret *secret, const struct hf_token_text *token,
		     const uint8_t request_spki[HF_SHA256_LEN], const struct kind *kind,
		     uint8_t *out)
{
	uint8_t secrets[HF_KEYGEN_SECRET_LEN + HF_TOKEN_SECRET_LEN];
	struct label label = { .what = "handfast serverkeygen 1", .type = (uint8_t)kind->type };
	int rc;

	memcpy(secrets, secret->bytes, HF_KEYGEN_SECRET_LEN);
	memcpy(secrets + HF_KEYGEN_SECRET_LEN, token->secret, HF_TOKEN_SECRET_LEN);
	memcpy(label.token, token->id, HF_TOKEN_ID_CAP);
	memcpy(label.request_spki, request_spki, HF_SHA256_LEN);
	rc = expand(secrets, &label, out, kind->bits_len);
	OPENSSL_cleanse(secrets, sizeof(secrets));
	return rc;
}

/* --- keys --- */

/* FIPS 186-5 A.2.1: d = (c mod (n - 1)) + 1. */
static bool make_scalar(const EC_GROUP *group, const uint8_t *bits, size_t len, BIGNUM *d,
			BN_CTX *ctx)
{
	HF_AUTO(secret_bn) c = BN_secure_new();
	HF_AUTO(BIGNUM) less = BN_dup(EC_GROUP_get0_order(group));

	if (!c || !less || !BN_bin2bn(bits, (int)len, c) || !BN_sub_word(less, 1))
		return false;
	BN_set_flags(c, BN_FLG_CONSTTIME);
	return BN_mod(d, c, less, ctx) && BN_add_word(d, 1);
}

static EVP_PKEY *key_from(const EC_GROUP *group, const BIGNUM *d, const uint8_t *point,
			  size_t point_len)
{
	const char *name = OBJ_nid2sn(EC_GROUP_get_curve_name(group));
	HF_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	HF_AUTO(OSSL_PARAM_BLD) build = OSSL_PARAM_BLD_new();
	HF_AUTO(OSSL_PARAM) params = NULL;
	EVP_PKEY *key = NULL;

	if (!ctx || !build ||
	    !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_len) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d))
		return NULL;
	params = OSSL_PARAM_BLD_to_param(build); /* a secure number's copy is cleansed with it */
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return key;
}

static EVP_PKEY *make_ec(int curve, const uint8_t *bits, size_t len)
{
	HF_AUTO(EC_GROUP) group = EC_GROUP_new_by_curve_name(curve);
	HF_AUTO(EC_POINT) public = group ? EC_POINT_new(group) : NULL;
	HF_AUTO(BN_CTX) ctx = BN_CTX_secure_new();
	HF_AUTO(secret_bn) d = BN_secure_new();
	uint8_t point[POINT_CAP];
	size_t point_len;

	if (!public || !ctx || !d || !make_scalar(group, bits, len, d, ctx))
		return NULL;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (!EC_POINT_mul(group, public, d, NULL, NULL, ctx))
		return NULL;
	point_len = EC_POINT_point2oct(group, public, POINT_CONVERSION_UNCOMPRESSED, point,
				       sizeof(point), ctx);
	return point_len > 0 ? key_from(group, d, point, point_len) : NULL;
}

int hf_keygen_derive(const struct hf_keygen_secret *secret, const struct hf_token_text *token,
		     const uint8_t request_spki[HF_SHA256_LEN], enum hf_key_type type,
		     EVP_PKEY **ret_key, struct hf_err *err)
{
	const struct kind *kind = kind_of(type);
	EVP_PKEY *key = NULL;
	uint8_t bits[BITS_CAP];

	if (!kind)
		return hf_err_set(err, HF_E_POLICY, "keys of the kind '%s' are not made here",
				  hf_key_type_name(type));
	if (make_bits(secret, token, request_spki, kind, bits) == 0)
		key =
		    kind->curve == NID_undef
			? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bits, kind->bits_len)
			: make_ec(kind->curve, bits, kind->bits_len);
	OPENSSL_cleanse(bits, sizeof(bits));
	if (!key)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make a key");
	*ret_key = key;
	return 0;
}
