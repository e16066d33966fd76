/* SPDX-License-Identifier: Apache-2.0 */
/* Reading private keys.  Must never ask for a passphrase that is not needed, never name one in a
 * message, and never accept an EC key whose curve is spelled out instead of named. */
#include "pki/keyread.h"

#include <limits.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"

int hf_unlock_ask(struct hf_unlock *u, struct hf_err *err)
{
	int rc = 1;

	if (u->pass.data || u->without)
		return 0;
	if (u->source && !u->asked) {
		u->asked = true;
		rc = u->source->get(u->source->arg, u->name, &u->pass, err);
	}
	if (rc < 0 || (rc == 0 && u->pass.data))
		return rc;
	(void)hf_err_set(err, HF_MISTAKE_KEY_ENCRYPTED,
			 "it is encrypted and no passphrase was given");
	return hf_err_hint(
	    err,
	    "give the passphrase (--passphrase-file), or store the key decrypted with "
	    "mode 0600: openssl pkey -in %s -out new.key",
	    u->name);
}

const char *hf_unlock_get(const struct hf_unlock *u)
{
	return u->without ? NULL : u->pass.data;
}

bool hf_pbe_is_legacy(int nid)
{
	static const int legacy[] = {
		NID_pbe_WithSHA1And40BitRC2_CBC, NID_pbe_WithSHA1And128BitRC2_CBC,
		NID_pbe_WithSHA1And40BitRC4,	 NID_pbe_WithSHA1And128BitRC4,
		NID_pbeWithMD2AndDES_CBC,	 NID_pbeWithMD5AndDES_CBC,
		NID_pbeWithMD2AndRC2_CBC,	 NID_pbeWithMD5AndRC2_CBC,
		NID_pbeWithSHA1AndDES_CBC,	 NID_pbeWithSHA1AndRC2_CBC,
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(legacy); i++) {
		if (legacy[i] == nid)
			return true;
	}
	return false;
}

int hf_unlock_spend(struct hf_unlock *u, long iterations, struct hf_err *err)
{
	if (iterations < 0 || iterations > u->iterations_left)
		return hf_err_set(err, HF_E_LIMIT,
				  "its encryption asks for more than %d iterations",
				  (int)HF_PBE_ITERATIONS_CAP);
	u->iterations_left -= iterations;
	return 0;
}

static long pbkdf2_cost(const ASN1_TYPE *parameter)
{
	PBKDF2PARAM *kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
	long n = kdf ? ASN1_INTEGER_get(kdf->iter) : 0;

	PBKDF2PARAM_free(kdf);
	return n;
}

/* OpenSSL bounds scrypt's memory, but not how often it goes through it (RFC 7914: N * r * p). */
static long scrypt_cost(const ASN1_TYPE *parameter)
{
	SCRYPT_PARAMS *kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
	const ASN1_INTEGER *factors[3];
	long cost = 1;

	if (!kdf)
		return 0;
	factors[0] = kdf->costParameter;
	factors[1] = kdf->blockSize;
	factors[2] = kdf->parallelizationParameter;
	for (size_t i = 0; i < HF_ARRAY_LEN(factors) && cost > 0; i++) {
		long factor = ASN1_INTEGER_get(factors[i]);

		cost = factor > 0 && factor <= LONG_MAX / cost ? cost * factor : -1;
	}
	SCRYPT_PARAMS_free(kdf);
	return cost;
}

static long pbes2_cost(const ASN1_TYPE *parameter)
{
	PBE2PARAM *pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
	int kdf = pbe2 ? OBJ_obj2nid(pbe2->keyfunc->algorithm) : NID_undef;
	long n = 0;

	if (kdf == NID_id_pbkdf2)
		n = pbkdf2_cost(pbe2->keyfunc->parameter);
	else if (kdf == NID_id_scrypt)
		n = scrypt_cost(pbe2->keyfunc->parameter);
	PBE2PARAM_free(pbe2);
	return n;
}

static long pbe_cost(const ASN1_TYPE *parameter)
{
	PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter);
	long n = pbe ? ASN1_INTEGER_get(pbe->iter) : 0;

	PBEPARAM_free(pbe);
	return n;
}

int hf_unlock_check(struct hf_unlock *u, const X509_ALGOR *alg, struct hf_err *err)
{
	int nid = OBJ_obj2nid(alg->algorithm);

	if (hf_pbe_is_legacy(nid)) {
		(void)hf_err_set(
		    err, HF_E_UNSUPPORTED,
		    "it is encrypted with %s, which OpenSSL 3 has only in its legacy provider",
		    OBJ_nid2ln(nid));
		return hf_err_hint(
		    err,
		    "re-encrypt it: openssl pkcs12 -legacy -in %s -nodes -out plain.pem, "
		    "then openssl pkcs12 -export -in plain.pem -out new.p12",
		    u->name);
	}
	if (!alg->parameter)
		return 0; /* OpenSSL will say that it does not know it */
	return hf_unlock_spend(u,
			       nid == NID_pbes2 ? pbes2_cost(alg->parameter)
						: pbe_cost(alg->parameter),
			       err);
}

static int check_read(EVP_PKEY *key, EVP_PKEY **ret_key, struct hf_err *err)
{
	if (hf_key_has_explicit_parameters(key)) {
		EVP_PKEY_free(key);
		(void)hf_err_set(
		    err, HF_E_UNSUPPORTED,
		    "the EC key spells its curve out instead of naming it, which TLS does not allow");
		return hf_err_hint(
		    err,
		    "make a new key, or name the curve: openssl pkey -ec_param_enc named_curve");
	}
	*ret_key = key;
	return 0;
}

int hf_key_from_der(const uint8_t *der, size_t len, EVP_PKEY **ret_key, struct hf_err *err)
{
	const uint8_t *p = der;
	EVP_PKEY *key;

	if (!hf_der_is_whole(der, len))
		return hf_der_explain(der, len, "the private key", err);
	key = d2i_AutoPrivateKey_ex(NULL, &p, (long)len, NULL, NULL);
	if (!key)
		return hf_err_ossl(err, HF_E_PARSE, "the private key does not decode");
	ERR_clear_error(); /* decoders that were tried first leave their complaints */
	return check_read(key, ret_key, err);
}

int hf_key_from_pkcs8(const PKCS8_PRIV_KEY_INFO *p8, EVP_PKEY **ret_key, struct hf_err *err)
{
	EVP_PKEY *key = EVP_PKCS82PKEY_ex(p8, NULL, NULL);

	if (!key)
		return hf_err_ossl(err, HF_E_PARSE, "the private key does not decode");
	ERR_clear_error();
	return check_read(key, ret_key, err);
}

/* A wrong passphrase shows as bad padding, or as rubbish that does not decode. */
static int wrong_passphrase(struct hf_unlock *u, struct hf_err *err)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_REASON(e);

	if (ERR_GET_LIB(e) == ERR_LIB_EVP &&
	    (reason == EVP_R_UNSUPPORTED_ALGORITHM || reason == EVP_R_UNSUPPORTED_CIPHER ||
	     reason == EVP_R_UNKNOWN_PBE_ALGORITHM ||
	     reason == EVP_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION)) {
		(void)hf_err_ossl(err, HF_E_UNSUPPORTED,
				  "its encryption is not known to this OpenSSL");
		return hf_err_hint(err, "decrypt it with the program that made it");
	}
	ERR_clear_error();
	(void)hf_err_set(err, HF_MISTAKE_PASSPHRASE_WRONG, "the passphrase does not open it");
	return hf_err_hint(err, "check the passphrase given for %s", u->name);
}

int hf_key_from_encrypted(const X509_SIG *sig, struct hf_unlock *u, EVP_PKEY **ret_key,
			  struct hf_err *err)
{
	HF_AUTO(PKCS8_PRIV_KEY_INFO) p8 = NULL;
	const X509_ALGOR *alg;
	int rc;

	X509_SIG_get0(sig, &alg, NULL);
	rc = hf_unlock_check(u, alg, err);
	if (rc == 0)
		rc = hf_unlock_ask(u, err);
	if (rc < 0)
		return rc;
	p8 = PKCS8_decrypt(sig, hf_unlock_get(u), (int)u->pass.len);
	return p8 ? hf_key_from_pkcs8(p8, ret_key, err) : wrong_passphrase(u, err);
}

static int give_passphrase(char *buf, int cap, int writing, void *arg)
{
	const struct hf_unlock *u = arg;

	(void)writing;
	if (u->pass.len > (size_t)cap)
		return -1;
	memcpy(buf, u->pass.data, u->pass.len);
	return (int)u->pass.len;
}

int hf_key_from_traditional(const char *headers, uint8_t *der, size_t len, struct hf_unlock *u,
			    EVP_PKEY **ret_key, struct hf_err *err)
{
	HF_AUTO(cstr) copy = hf_str_dup(headers); /* OpenSSL wants to write to it */
	EVP_CIPHER_INFO cipher;
	long plain_len = (long)len;
	const uint8_t *p = der;
	EVP_PKEY *key;
	int rc;

	if (!copy)
		return hf_err_nomem(err);
	if (!PEM_get_EVP_CIPHER_INFO(copy, &cipher) || !cipher.cipher)
		return hf_err_ossl(err, HF_E_UNSUPPORTED,
				   "its encryption is not known to this OpenSSL");
	rc = hf_unlock_ask(u, err);
	if (rc < 0)
		return rc;
	if (!PEM_do_header(&cipher, der, &plain_len, give_passphrase, u))
		return wrong_passphrase(u, err);
	if (!hf_der_is_whole(der, (size_t)plain_len))
		return wrong_passphrase(u, err);
	key = d2i_AutoPrivateKey_ex(NULL, &p, plain_len, NULL, NULL);
	if (!key)
		return wrong_passphrase(u, err);
	ERR_clear_error();
	return check_read(key, ret_key, err);
}
