/* SPDX-License-Identifier: Apache-2.0 */
/* A provider (provider(7)) whose keys live in a PKCS#11 token: everything public is answered by an
 * ordinary public key, and only signing goes to the token.  Must never export a private half: it
 * has none, and OpenSSL would otherwise sign with what it got.
 *
 * It lives in a library context of its own, so that nothing else ever picks one of its algorithms.
 */
#include "ca/signer_provider.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "base/err.h"
#include "base/str.h"

#define KEY_PARAM "handfast-token"
#define PROPERTIES "provider=handfast-token"

/* --- keys --- */

struct token_key {
	struct hf_token *token;
	EVP_PKEY *public;
};

static void *key_new(void *provider)
{
	(void)provider;
	return calloc(1, sizeof(struct token_key));
}

static void key_free(void *data)
{
	struct token_key *key = data;

	if (!key)
		return;
	hf_token_unref(key->token);
	EVP_PKEY_free(key->public);
	free(key);
}

/* One more reference: what OpenSSL calls a copy of a request copies its key. */
static void *key_dup(const void *data, int selection)
{
	const struct token_key *key = data;
	struct token_key *copy = calloc(1, sizeof(*copy));

	(void)selection;
	if (!copy || (key->public && !EVP_PKEY_up_ref(key->public))) {
		free(copy);
		return NULL;
	}
	copy->public = key->public;
	copy->token = key->token ? hf_token_ref(key->token) : NULL;
	return copy;
}

static int key_has(const void *data, int selection)
{
	const struct token_key *key = data;

	(void)selection; /* the private half is there, in its way */
	return key && key->public != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct token_key *x = a, *y = b;

	(void)selection;
	return x->public && y->public && EVP_PKEY_eq(x->public, y->public) == 1;
}

/* Ours, from hf_token_pkey; or somebody's public key, to be compared with one of ours. */
static int import_key(void *data, const char *kind, const OSSL_PARAM params[])
{
	struct token_key *key = data;
	const OSSL_PARAM *own = OSSL_PARAM_locate_const(params, KEY_PARAM);
	HF_AUTO(EVP_PKEY_CTX) ctx = NULL;
	const void *token = NULL;
	size_t len = 0;

	if (own) {
		if (!OSSL_PARAM_get_octet_ptr(own, &token, &len) || !token)
			return 0;
		key->token = hf_token_ref((struct hf_token *)(uintptr_t)token);
		key->public = hf_token_public(key->token);
		return EVP_PKEY_up_ref(key->public);
	}
	ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	return ctx && EVP_PKEY_fromdata_init(ctx) > 0 &&
	       EVP_PKEY_fromdata(ctx, &key->public, EVP_PKEY_PUBLIC_KEY,
				 (OSSL_PARAM *)(uintptr_t)params) > 0;
}

static int rsa_import(void *data, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import_key(data, "RSA", params);
}

static int ec_import(void *data, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import_key(data, "EC", params);
}

static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
	const struct token_key *key = data;

	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return 0;
	return EVP_PKEY_export(key->public, EVP_PKEY_PUBLIC_KEY, callback, arg);
}

/* What these name is not looked at: import takes what comes. */
static const OSSL_PARAM *key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_DEFN(KEY_PARAM, OSSL_PARAM_OCTET_PTR, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)selection;
	return types;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
	const struct token_key *key = data;

	return EVP_PKEY_get_params(key->public, params);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return gettable;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define FUNCTION(id, f)               \
	{                             \
		id, (void (*)(void))f \
	}
#define KEY_FUNCTIONS                                                                           \
	FUNCTION(OSSL_FUNC_KEYMGMT_NEW, key_new), FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),   \
	    FUNCTION(OSSL_FUNC_KEYMGMT_DUP, key_dup), FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has), \
	    FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),                                       \
	    FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types),                                \
	    FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, key_export),                                     \
	    FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types),                                \
	    FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                             \
	    FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable)
#define END             \
	{               \
		0, NULL \
	}

static const OSSL_DISPATCH rsa_keys[] = { KEY_FUNCTIONS,
					  FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, rsa_import), END };
static const OSSL_DISPATCH ec_keys[] = {
	KEY_FUNCTIONS, FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, ec_import),
	FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation), END
};

static const OSSL_ALGORITHM keymgmts[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, rsa_keys, NULL },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, ec_keys, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* --- signatures --- */

struct token_signature {
	struct token_key *key; /* borrowed: the EVP_PKEY lives longer */
	const EVP_MD *md;
};

static void *signature_new(void *provider, const char *propq)
{
	(void)provider;
	(void)propq;
	return calloc(1, sizeof(struct token_signature));
}

static void signature_free(void *data)
{
	free(data);
}

static int signature_begin(void *data, const char *md, void *key, const OSSL_PARAM params[])
{
	struct token_signature *s = data;

	(void)params;
	if (key)
		s->key = key;
	s->md = EVP_get_digestbyname(md && *md ? md : "SHA256");
	return s->key && s->key->token && s->md;
}

static int signature_make(void *data, unsigned char *out, size_t *out_len, size_t cap,
			  const unsigned char *text, size_t text_len)
{
	const struct token_signature *s = data;
	size_t size = (size_t)EVP_PKEY_get_size(s->key->public);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	struct hf_err err = HF_ERR_INIT;

	*out_len = size;
	if (!out)
		return 1;
	if (cap < size || EVP_Digest(text, text_len, digest, &digest_len, s->md, NULL) != 1)
		return 0;
	if (hf_token_sign(s->key->token, s->md, digest, digest_len, out, out_len, &err) == 0)
		return 1;
	ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "%s", err.msg);
	return 0;
}

/* What stands beside the signature in certificates (RFC 4055, RFC 5758). */
static int put_algorithm(const struct token_signature *s, OSSL_PARAM *p)
{
	int key = EVP_PKEY_get_base_id(s->key->public), nid = NID_undef;
	X509_ALGOR *algorithm = X509_ALGOR_new();
	HF_AUTO(ossl_mem) der = NULL;
	int len = -1;

	if (algorithm && OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(s->md), key) &&
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
			    key == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL))
		len = i2d_X509_ALGOR(algorithm, &der);
	X509_ALGOR_free(algorithm);
	return len > 0 && OSSL_PARAM_set_octet_string(p, der, (size_t)len);
}

static int signature_get_params(void *data, OSSL_PARAM params[])
{
	const struct token_signature *s = data;
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);

	return !p || (s->key && s->md && put_algorithm(s, p));
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

static const OSSL_DISPATCH signatures_by_token[] = {
	FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
	FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_begin),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_make),
	FUNCTION(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, signature_get_params),
	FUNCTION(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, signature_gettable),
	END,
};

static const OSSL_ALGORITHM signatures[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, signatures_by_token, NULL },
	{ "ECDSA", PROPERTIES, signatures_by_token, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* --- the provider --- */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT	? keymgmts
	       : operation == OSSL_OP_SIGNATURE ? signatures
						: NULL;
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		 const OSSL_DISPATCH **ret_functions, void **ret_context)
{
	static const OSSL_DISPATCH functions[] = {
		FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
		END,
	};

	(void)core;
	*ret_functions = functions;
	*ret_context = (void *)(uintptr_t)handle;
	return 1;
}

static OSSL_LIB_CTX *context;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* For the life of the process: keys may outlive whoever asked for them.  The default provider is
 * there for its encoders, which write our public keys. */
static void load(void)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();

	if (ctx && OSSL_PROVIDER_add_builtin(ctx, "handfast-token", begin) == 1 &&
	    OSSL_PROVIDER_load(ctx, "handfast-token") && OSSL_PROVIDER_load(ctx, "default"))
		context = ctx;
	else
		OSSL_LIB_CTX_free(ctx);
}

int hf_token_pkey(struct hf_token *token, EVP_PKEY **ret_key, struct hf_err *err)
{
	HF_AUTO(EVP_PKEY_CTX) ctx = NULL;
	EVP_PKEY *key = NULL;
	void *pointer = token;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_ptr(KEY_PARAM, &pointer, 0),
		OSSL_PARAM_END,
	};
	bool is_rsa = EVP_PKEY_get_base_id(hf_token_public(token)) == EVP_PKEY_RSA;

	(void)pthread_once(&once, load);
	if (context)
		ctx = EVP_PKEY_CTX_new_from_name(context, is_rsa ? "RSA" : "EC", PROPERTIES);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "the token's key cannot be used by OpenSSL");
	*ret_key = key;
	return 0;
}
