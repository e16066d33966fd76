/* SPDX-License-Identifier: Apache-2.0 */
/* The provider of keys that are elsewhere.  Must never export a private half: it has none, and
 * OpenSSL would otherwise sign with what it got.
 *
 * It lives in a library context of its own, so that nothing else ever picks one of its algorithms.
 */
#include "util/remote_key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "base/err.h"
#include "base/str.h"
#include "util/remote_signature.h"

#define KEY_PARAM "handfast-remote"

/* --- the private half, wherever it is --- */

struct hf_remote {
	atomic_int refs;
	const struct hf_remote_key_ops *ops;
	void *arg;
};

static void remote_unref(struct hf_remote *remote)
{
	if (!remote || atomic_fetch_sub(&remote->refs, 1) != 1)
		return;
	remote->ops->unref(remote->arg);
	free(remote);
}

int hf_remote_sign(struct hf_remote *remote, const struct hf_sign_ask *ask, uint8_t *out,
		   size_t cap, size_t *ret_len, struct hf_err *err)
{
	return remote->ops->sign(remote->arg, ask, out, cap, ret_len, err);
}

/* --- keys --- */

static void *key_new(void *provider)
{
	(void)provider;
	return calloc(1, sizeof(struct hf_remote_key));
}

static void key_free(void *data)
{
	struct hf_remote_key *key = data;

	if (!key)
		return;
	remote_unref(key->remote);
	EVP_PKEY_free(key->public);
	free(key);
}

/* One more reference: what OpenSSL calls a copy of a request copies its key. */
static void *key_dup(const void *data, int selection)
{
	const struct hf_remote_key *key = data;
	struct hf_remote_key *copy = calloc(1, sizeof(*copy));

	(void)selection;
	if (!copy || (key->public && !EVP_PKEY_up_ref(key->public))) {
		free(copy);
		return NULL;
	}
	copy->public = key->public;
	copy->remote = key->remote;
	if (copy->remote)
		(void)atomic_fetch_add(&copy->remote->refs, 1);
	return copy;
}

static int key_has(const void *data, int selection)
{
	const struct hf_remote_key *key = data;

	(void)selection; /* the private half is there, in its way */
	return key && key->public != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct hf_remote_key *x = a, *y = b;

	(void)selection;
	return x->public && y->public && EVP_PKEY_eq(x->public, y->public) == 1;
}

/* Ours, from hf_remote_key_new; or somebody's public key, to be compared with one of ours. */
static int import_key(void *data, const char *kind, const OSSL_PARAM params[])
{
	struct hf_remote_key *key = data;
	const OSSL_PARAM *own = OSSL_PARAM_locate_const(params, KEY_PARAM);
	HF_AUTO(EVP_PKEY_CTX) ctx = NULL;
	const void *pointer = NULL;
	size_t len = 0;

	if (own) {
		const struct hf_remote_key *from;

		if (!OSSL_PARAM_get_octet_ptr(own, &pointer, &len) || !pointer)
			return 0;
		from = pointer;
		if (!EVP_PKEY_up_ref(from->public))
			return 0;
		*key = *from;
		(void)atomic_fetch_add(&key->remote->refs, 1);
		return 1;
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

static int ed25519_import(void *data, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import_key(data, "ED25519", params);
}

static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
	const struct hf_remote_key *key = data;

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
	const struct hf_remote_key *key = data;

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

#define KEY_FUNCTIONS                                                         \
	HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_NEW, key_new),                   \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),             \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_DUP, key_dup),               \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has),               \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),           \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types),    \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, key_export),         \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types),    \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params), \
	    HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable)

static const OSSL_DISPATCH rsa_keys[] = { KEY_FUNCTIONS,
					  HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, rsa_import),
					  HF_REMOTE_END };
static const OSSL_DISPATCH ec_keys[] = {
	KEY_FUNCTIONS, HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, ec_import),
	HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation), HF_REMOTE_END
};
static const OSSL_DISPATCH ed25519_keys[] = {
	KEY_FUNCTIONS, HF_REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, ed25519_import), HF_REMOTE_END
};

static const OSSL_ALGORITHM keymgmts[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", HF_REMOTE_PROPERTIES, rsa_keys, NULL },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", HF_REMOTE_PROPERTIES, ec_keys, NULL },
	{ "ED25519:1.3.101.112", HF_REMOTE_PROPERTIES, ed25519_keys, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* --- the provider --- */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT	? keymgmts
	       : operation == OSSL_OP_SIGNATURE ? hf_remote_signatures
						: NULL;
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		 const OSSL_DISPATCH **ret_functions, void **ret_context)
{
	static const OSSL_DISPATCH functions[] = {
		HF_REMOTE_FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
		HF_REMOTE_END,
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

	if (ctx && OSSL_PROVIDER_add_builtin(ctx, "handfast-remote", begin) == 1 &&
	    OSSL_PROVIDER_load(ctx, "handfast-remote") && OSSL_PROVIDER_load(ctx, "default"))
		context = ctx;
	else
		OSSL_LIB_CTX_free(ctx);
}

static const char *kind_of(EVP_PKEY *public)
{
	switch (EVP_PKEY_get_base_id(public)) {
	case EVP_PKEY_RSA:
		return "RSA";
	case EVP_PKEY_EC:
		return "EC";
	case EVP_PKEY_ED25519:
		return "ED25519";
	default:
		return NULL;
	}
}

static int make_key(const struct hf_remote_key *from, const char *kind, EVP_PKEY **ret_key)
{
	HF_AUTO(EVP_PKEY_CTX) ctx = NULL;
	void *pointer = (void *)(uintptr_t)from;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_ptr(KEY_PARAM, &pointer, 0),
		OSSL_PARAM_END,
	};

	(void)pthread_once(&once, load);
	if (context)
		ctx = EVP_PKEY_CTX_new_from_name(context, kind, HF_REMOTE_PROPERTIES);
	return ctx && EVP_PKEY_fromdata_init(ctx) > 0
		   ? EVP_PKEY_fromdata(ctx, ret_key, EVP_PKEY_KEYPAIR, params)
		   : 0;
}

int hf_remote_key_new(EVP_PKEY *public, const struct hf_remote_key_ops *ops, void *arg,
		      EVP_PKEY **ret_key, struct hf_err *err)
{
	const char *kind = kind_of(public);
	struct hf_remote_key from = { NULL, public };
	EVP_PKEY *key = NULL;

	if (!kind)
		return hf_err_set(err, HF_E_UNSUPPORTED,
				  "a key of this kind can only be used by the process that has it "
				  "(elsewhere: RSA, EC, Ed25519)");
	from.remote = malloc(sizeof(*from.remote));
	if (!from.remote)
		return hf_err_nomem(err);
	atomic_init(&from.remote->refs, 1);
	from.remote->ops = ops;
	from.remote->arg = arg;
	if (make_key(&from, kind, &key) <= 0) {
		free(from.remote);
		return hf_err_ossl(err, HF_E_CRYPTO, "a key that is elsewhere cannot be used");
	}
	remote_unref(from.remote); /* the key has its own reference */
	*ret_key = key;
	return 0;
}
