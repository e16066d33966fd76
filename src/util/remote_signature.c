/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of keys that are elsewhere: from OpenSSL's parameters to one question.  Must never ask
 * for a signature in another form than OpenSSL wanted: a form that is not known here fails. */
#include "util/remote_signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "base/err.h"
#include "base/str.h"

struct signature {
	struct hf_remote_key *key; /* borrowed: the EVP_PKEY lives longer */
	const EVP_MD *md;	   /* NULL: EdDSA */
	enum hf_sign_form form;
};

static void *signature_new(void *provider, const char *propq)
{
	(void)provider;
	(void)propq;
	return calloc(1, sizeof(struct signature));
}

static void signature_free(void *data)
{
	free(data);
}

static void *signature_dup(void *data)
{
	struct signature *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *(struct signature *)data;
	return copy;
}

/* --- parameters --- */

static const struct {
	const char *word;
	int number;
	enum hf_sign_form form;
} paddings[] = {
	{ OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING, HF_SIGN_PKCS1 },
	{ OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING, HF_SIGN_PSS },
};

/* A word or a number: both are in use (provider-signature(7)). */
static bool is_value(const OSSL_PARAM *p, const char *word, int number)
{
	const char *text = NULL;
	int n = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(p, &text) && hf_str_eq(text, word);
	return OSSL_PARAM_get_int(p, &n) && n == number;
}

static bool take_padding(struct signature *s, const OSSL_PARAM *p)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(paddings); i++) {
		if (is_value(p, paddings[i].word, paddings[i].number)) {
			s->form = paddings[i].form;
			return true;
		}
	}
	return false;
}

/* As long as the digest, the only one there is in TLS and the usual one elsewhere; OpenSSL writes
 * a number of bytes as text. */
static bool is_usual_salt(const struct signature *s, const OSSL_PARAM *p)
{
	char length[16] = "";

	if (s->md)
		(void)snprintf(length, sizeof(length), "%d", EVP_MD_get_size(s->md));
	return is_value(p, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, RSA_PSS_SALTLEN_DIGEST) ||
	       (s->md && is_value(p, length, EVP_MD_get_size(s->md)));
}

static const EVP_MD *digest_by_name(const char *name)
{
	static const int known[] = { NID_sha256, NID_sha384, NID_sha512 };
	const EVP_MD *md = EVP_get_digestbyname(name);

	for (size_t i = 0; md && i < HF_ARRAY_LEN(known); i++) {
		if (EVP_MD_get_type(md) == known[i])
			return md;
	}
	return NULL;
}

static bool take_digest(struct signature *s, const OSSL_PARAM *p)
{
	const char *name = NULL;

	s->md = OSSL_PARAM_get_utf8_string_ptr(p, &name) ? digest_by_name(name) : NULL;
	return s->md != NULL;
}

static int signature_set_params(void *data, const OSSL_PARAM params[])
{
	struct signature *s = data;
	const OSSL_PARAM *p;

	if (!params)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
	if (p && !take_digest(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p && (s->form == HF_SIGN_ECDSA || s->form == HF_SIGN_EDDSA || !take_padding(s, p)))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return !p || (s->form == HF_SIGN_PSS && is_usual_salt(s, p));
}

static const OSSL_PARAM *signature_settable(void *data, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)data;
	(void)provider;
	return settable;
}

/* What stands beside the signature in certificates (RFC 4055, RFC 5758, RFC 8410). */
static int put_algorithm(const struct signature *s, OSSL_PARAM *p)
{
	int key = EVP_PKEY_get_base_id(s->key->public), nid = NID_undef;
	X509_ALGOR *algorithm = X509_ALGOR_new();
	HF_AUTO(ossl_mem) der = NULL;
	int len = -1;

	if (s->form == HF_SIGN_EDDSA)
		nid = NID_ED25519;
	else if (s->form != HF_SIGN_PSS && s->md)
		(void)OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(s->md), key);
	if (algorithm && nid != NID_undef &&
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
			    key == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL))
		len = i2d_X509_ALGOR(algorithm, &der);
	X509_ALGOR_free(algorithm);
	return len > 0 && OSSL_PARAM_set_octet_string(p, der, (size_t)len);
}

static int signature_get_params(void *data, OSSL_PARAM params[])
{
	const struct signature *s = data;
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);

	return !p || (s->key && put_algorithm(s, p));
}

static const OSSL_PARAM *signature_gettable(void *data, void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)data;
	(void)provider;
	return gettable;
}

/* --- signing --- */

static enum hf_sign_form usual_form(const struct hf_remote_key *key)
{
	int id = EVP_PKEY_get_base_id(key->public);

	return id == EVP_PKEY_RSA  ? HF_SIGN_PKCS1
	       : id == EVP_PKEY_EC ? HF_SIGN_ECDSA
				   : HF_SIGN_EDDSA;
}

static int sign_init(void *data, void *key, const OSSL_PARAM params[])
{
	struct signature *s = data;

	if (key) {
		s->key = key;
		s->md = NULL;
	}
	if (!s->key || !s->key->remote)
		return 0;
	s->form = usual_form(s->key);
	return signature_set_params(data, params);
}

static int digest_sign_init(void *data, const char *md, void *key, const OSSL_PARAM params[])
{
	struct signature *s = data;

	if (!sign_init(data, key, NULL))
		return 0;
	if (s->form == HF_SIGN_EDDSA)
		return !md || !*md; /* it hashes by itself (RFC 8032 5.1.6) */
	s->md = digest_by_name(md && *md ? md : "SHA256");
	return s->md && signature_set_params(data, params);
}

static int ask_for(const struct signature *s, const uint8_t *data, size_t len, uint8_t *out,
		   size_t *out_len, size_t cap)
{
	const struct hf_sign_ask ask = { s->form, s->md ? EVP_MD_get_type(s->md) : NID_undef, data,
					 len };
	size_t size = (size_t)EVP_PKEY_get_size(s->key->public);
	struct hf_err err = HF_ERR_INIT;

	*out_len = size;
	if (!out)
		return 1;
	if (cap < size)
		return 0;
	if (hf_remote_sign(s->key->remote, &ask, out, cap, out_len, &err) == 0)
		return 1;
	ERR_raise_data(ERR_LIB_USER, HF_REMOTE_KEY_FAILED, "%s", err.msg);
	return 0;
}

static int sign_digest(void *data, unsigned char *out, size_t *out_len, size_t cap,
		       const unsigned char *digest, size_t digest_len)
{
	const struct signature *s = data;

	if (!s->md || digest_len != (size_t)EVP_MD_get_size(s->md))
		return 0;
	return ask_for(s, digest, digest_len, out, out_len, cap);
}

static int digest_sign(void *data, unsigned char *out, size_t *out_len, size_t cap,
		       const unsigned char *text, size_t text_len)
{
	const struct signature *s = data;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;

	if (!s->md || !out)
		return ask_for(s, text, text_len, out, out_len, cap);
	if (EVP_Digest(text, text_len, digest, &digest_len, s->md, NULL) != 1)
		return 0;
	return ask_for(s, digest, digest_len, out, out_len, cap);
}

static const OSSL_DISPATCH functions[] = {
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dup),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_SIGN, sign_digest),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, digest_sign),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, signature_get_params),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, signature_gettable),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signature_set_params),
	HF_REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signature_settable),
	HF_REMOTE_END,
};

const OSSL_ALGORITHM hf_remote_signatures[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", HF_REMOTE_PROPERTIES, functions, NULL },
	{ "ECDSA", HF_REMOTE_PROPERTIES, functions, NULL },
	{ "ED25519:1.3.101.112", HF_REMOTE_PROPERTIES, functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* --- with a key of this process --- */

static int sign_message(EVP_PKEY *key, const struct hf_sign_ask *ask, uint8_t *out, size_t *len)
{
	HF_AUTO(EVP_MD_CTX) ctx = EVP_MD_CTX_new();

	return ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestSign(ctx, out, len, ask->data, ask->len) == 1;
}

static int sign_hash(EVP_PKEY *key, const struct hf_sign_ask *ask, uint8_t *out, size_t *len)
{
	HF_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	const EVP_MD *md = EVP_get_digestbynid(ask->md);

	if (!ctx || !md || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return 0;
	if (ask->form == HF_SIGN_PSS &&
	    (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) != 1))
		return 0;
	return EVP_PKEY_sign(ctx, out, len, ask->data, ask->len) == 1;
}

/* Which forms a kind of key has: nothing else is tried. */
static bool fits(const EVP_PKEY *key, enum hf_sign_form form)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return form == HF_SIGN_PKCS1 || form == HF_SIGN_PSS;
	case EVP_PKEY_EC:
		return form == HF_SIGN_ECDSA;
	case EVP_PKEY_ED25519:
		return form == HF_SIGN_EDDSA;
	default:
		return false;
	}
}

int hf_sign_with(EVP_PKEY *key, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		 size_t *ret_len, struct hf_err *err)
{
	size_t len = cap;
	int ok;

	if (!fits(key, ask->form) || (size_t)EVP_PKEY_get_size(key) > cap)
		return hf_err_set(err, HF_E_UNSUPPORTED, "the key does not sign in this way");
	ERR_clear_error();
	ok = ask->form == HF_SIGN_EDDSA ? sign_message(key, ask, out, &len)
					: sign_hash(key, ask, out, &len);
	if (ok != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "the key cannot sign");
	*ret_len = len;
	return 0;
}
