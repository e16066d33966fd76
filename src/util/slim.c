/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL 3.0 looks through every decoder of every provider each time it decodes a public key:
 * 0.1 ms a certificate, more than the signature costs (openssl issue 17627).  This provider hands
 * out the default provider's own algorithms with those lists cut short.  Must never add an
 * algorithm, and never be used when it does not pass its own test. */
#include "util/slim.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "base/ossl.h"
#include "base/str.h"

enum { LIST_CAP = 128 };

static struct {
	OSSL_LIB_CTX *hidden; /* where the default provider lives */
	OSSL_PROVIDER *full;  /* it */
	OSSL_PROVIDER *used;  /* ours, or the default one in its place: kept until the end */
	OSSL_ALGORITHM keymgmts[LIST_CAP], decoders[LIST_CAP], encoders[LIST_CAP];
	OSSL_LIB_CTX *tls; /* NULL: none */
} slim;

/* Keys that certificates, requests and key files can hold.  The rest (DH, X25519, MACs …) never
 * signs anything. */
static const char *const kinds[] = { "RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DSA", NULL };
/* Beside those: key exchange, and the MAC of TLS 1.2's older suites. */
static const char *const exchange_kinds[] = { "X25519", "X448", "HMAC", NULL };
static const char *const forms[] = { "SubjectPublicKeyInfo", "PrivateKeyInfo",
				     "EncryptedPrivateKeyInfo", "type-specific", NULL };

/* As a file holds what is not encrypted, or has been decrypted. */
static const char *const plain_forms[] = { "SubjectPublicKeyInfo", "PrivateKeyInfo",
					   "type-specific", NULL };

static bool is_word(const char *text, size_t len, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		if (strlen(words[i]) == len && hf_mem_case_eq(text, words[i], len))
			return true;
	}
	return false;
}

/* By the first of its names. */
static bool is_named(const OSSL_ALGORITHM *a, const char *const *words)
{
	return is_word(a->algorithm_names, strcspn(a->algorithm_names, ":"), words);
}

static bool is_kind(const OSSL_ALGORITHM *a)
{
	return is_named(a, kinds);
}

static bool is_form(const OSSL_ALGORITHM *a, const char *const *words)
{
	const char *at = strstr(a->property_definition, "structure=");

	at = at ? at + strlen("structure=") : "";
	return is_word(at, strcspn(at, ","), words);
}

static bool keeps_decoder(const OSSL_ALGORITHM *a)
{
	bool wraps = is_named(a, (const char *const[]){ "DER", NULL });

	if (strstr(a->property_definition, "input=pem"))
		return true;
	return (is_kind(a) || wraps) && strstr(a->property_definition, "input=der") &&
	       is_form(a, forms);
}

static bool keeps_encoder(const OSSL_ALGORITHM *a)
{
	return is_kind(a) && strstr(a->property_definition, "output=der") && is_form(a, forms);
}

static bool keeps_plain_decoder(const OSSL_ALGORITHM *a)
{
	return is_kind(a) && strstr(a->property_definition, "input=der") && is_form(a, plain_forms);
}

static void cut(OSSL_ALGORITHM *out, const OSSL_ALGORITHM *in,
		bool (*keeps)(const OSSL_ALGORITHM *))
{
	size_t len = 0;

	for (; in && in->algorithm_names && len < LIST_CAP - 1; in++) {
		if (keeps(in))
			out[len++] = *in;
	}
	out[len] = (OSSL_ALGORITHM){ .algorithm_names = NULL };
}

static bool has(const OSSL_ALGORITHM *list, const char *name)
{
	for (; list->algorithm_names; list++) {
		if (is_named(list, (const char *const[]){ name, NULL }))
			return true;
	}
	return false;
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return slim.keymgmts;
	case OSSL_OP_DECODER:
		return slim.decoders;
	case OSSL_OP_ENCODER:
		return slim.encoders;
	default:
		return OSSL_PROVIDER_query_operation(slim.full, operation, no_cache);
	}
}

/* The groups that libssl may offer. */
static int capabilities(void *provider, const char *capability, OSSL_CALLBACK *found, void *arg)
{
	(void)provider;
	return OSSL_PROVIDER_get_capabilities(slim.full, capability, found, arg);
}

/* Where the rest is: hf_ossl_whole asks. */
static int tell(void *provider, OSSL_PARAM params[])
{
	OSSL_PARAM *whole = OSSL_PARAM_locate(params, HF_OSSL_WHOLE);

	(void)provider;
	return !whole || OSSL_PARAM_set_octet_ptr(whole, slim.hidden, 0);
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		 const OSSL_DISPATCH **ret_functions, void **ret_context)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
		{ OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))tell },
		{ 0, NULL },
	};

	(void)handle;
	(void)core;
	*ret_functions = functions;
	*ret_context = OSSL_PROVIDER_get0_provider_ctx(slim.full);
	return 1;
}

static bool keeps_all(const OSSL_ALGORITHM *a)
{
	(void)a;
	return true;
}

static bool is_tls_kind(const OSSL_ALGORITHM *a)
{
	return is_kind(a) || is_named(a, exchange_kinds);
}

/* --- for connections --- */

/* What is not named here connections do without; an empty list keeps all. */
static const struct {
	int operation;
	const char *const *names; /* as the default provider has them first; NULL-terminated */
} tls_operations[] = {
	{ OSSL_OP_DIGEST, (const char *const[]){ "SHA1", "SHA2-224", "SHA2-256", "SHA2-384",
						 "SHA2-512", "MD5", "MD5-SHA1", NULL } },
	{ OSSL_OP_CIPHER,
	  (const char *const[]){ "AES-128-GCM", "AES-256-GCM", "AES-128-CCM", "AES-256-CCM",
				 "AES-128-CBC", "AES-256-CBC", "ChaCha20-Poly1305", NULL } },
	{ OSSL_OP_MAC, (const char *const[]){ "HMAC", NULL } },
	{ OSSL_OP_KDF, (const char *const[]){ "HKDF", "TLS13-KDF", "TLS1-PRF", NULL } },
	{ OSSL_OP_RAND, (const char *const[]){ NULL } },
	{ OSSL_OP_KEYMGMT, (const char *const[]){ "RSA", "RSA-PSS", "EC", "ED25519", "ED448",
						  "X25519", "X448", "HMAC", NULL } },
	{ OSSL_OP_KEYEXCH, (const char *const[]){ "ECDH", "X25519", "X448", NULL } },
	{ OSSL_OP_SIGNATURE,
	  (const char *const[]){ "RSA", "ECDSA", "ED25519", "ED448", "HMAC", NULL } },
};
static OSSL_ALGORITHM tls_lists[HF_ARRAY_LEN(tls_operations)][LIST_CAP];

static const OSSL_ALGORITHM *tls_query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(tls_operations); i++) {
		if (tls_operations[i].operation == operation)
			return tls_lists[i];
	}
	return NULL;
}

static int tls_begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		     const OSSL_DISPATCH **ret_functions, void **ret_context)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))tls_query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
		{ 0, NULL },
	};

	(void)handle;
	(void)core;
	*ret_functions = functions;
	*ret_context = OSSL_PROVIDER_get0_provider_ctx(slim.full);
	return 1;
}

static void tls_cut(const OSSL_ALGORITHM *in, const char *const *names, OSSL_ALGORITHM *out)
{
	size_t len = 0;

	for (; in && in->algorithm_names && len < LIST_CAP - 1; in++) {
		if (!names[0] || is_named(in, names))
			out[len++] = *in;
	}
}

static void load_tls(void)
{
	OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();

	for (size_t i = 0; i < HF_ARRAY_LEN(tls_operations); i++) {
		int no_cache = 0;

		tls_cut(OSSL_PROVIDER_query_operation(slim.full, tls_operations[i].operation,
						      &no_cache),
			tls_operations[i].names, tls_lists[i]);
	}
	if (library && OSSL_PROVIDER_add_builtin(library, "handfast-tls", tls_begin) == 1 &&
	    OSSL_PROVIDER_load(library, "handfast-tls"))
		slim.tls = library;
	else
		OSSL_LIB_CTX_free(library);
}

OSSL_LIB_CTX *hf_slim_tls(void)
{
	return slim.tls;
}

/* --- both --- */

/* A public key out of its DER and back, signed with and verified: what all work consists of. */
static bool works(void)
{
	static const uint8_t text[] = "handfast";
	HF_AUTO(EVP_PKEY) key = EVP_EC_gen("P-256");
	HF_AUTO(EVP_PKEY) public = NULL;
	HF_AUTO(ossl_mem) der = NULL;
	HF_AUTO(EVP_MD_CTX) sign = EVP_MD_CTX_new();
	HF_AUTO(EVP_MD_CTX) verify = EVP_MD_CTX_new();
	int len = key ? i2d_PUBKEY(key, &der) : -1;
	const unsigned char *p = der;
	unsigned char mac[256];
	size_t mac_len = sizeof(mac);

	if (len <= 0 || !sign || !verify)
		return false;
	public = d2i_PUBKEY(NULL, &p, len);
	return public && EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestSign(sign, mac, &mac_len, text, sizeof(text)) == 1 &&
	       EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL, public) == 1 &&
	       EVP_DigestVerify(verify, mac, mac_len, text, sizeof(text)) == 1;
}

/* The same for who only looks at certificates: making a key would cost a third of all that `verify`
 * does, so that this asks whether what decodes them is in the lists under its name. */
static bool decodes(void)
{
	static const char *const wanted[] = { "RSA", "EC", "ED25519" };
	bool all = true;

	for (size_t i = 0; i < HF_ARRAY_LEN(wanted); i++)
		all = all && has(slim.keymgmts, wanted[i]) && has(slim.decoders, wanted[i]);
	return all;
}

/* Which algorithms each purpose keeps, and the test that they must pass. */
static const struct purpose {
	bool (*keymgmt)(const OSSL_ALGORITHM *), (*decoder)(const OSSL_ALGORITHM *);
	bool (*encoder)(const OSSL_ALGORITHM *), (*good)(void);
	uint64_t init; /* of OPENSSL_init_crypto(3) */
} purposes[] = {
	[HF_SLIM_SIGNING] = { is_kind, keeps_decoder, keeps_encoder, works, 0 },
	[HF_SLIM_TLS] = { is_tls_kind, keeps_decoder, keeps_all, works, 0 },
	/* what decrypts is found at the provider by its name there */
	[HF_SLIM_JUDGING] = { is_kind, keeps_plain_decoder, keeps_encoder, decodes,
			      OPENSSL_INIT_NO_ADD_ALL_CIPHERS },
};

static bool load_full(const struct purpose *to)
{
	int no_cache = 0;

	slim.hidden = OSSL_LIB_CTX_new();
	slim.full = slim.hidden ? OSSL_PROVIDER_load(slim.hidden, "default") : NULL;
	if (!slim.full)
		return false;
	cut(slim.keymgmts, OSSL_PROVIDER_query_operation(slim.full, OSSL_OP_KEYMGMT, &no_cache),
	    to->keymgmt);
	cut(slim.decoders, OSSL_PROVIDER_query_operation(slim.full, OSSL_OP_DECODER, &no_cache),
	    to->decoder);
	cut(slim.encoders, OSSL_PROVIDER_query_operation(slim.full, OSSL_OP_ENCODER, &no_cache),
	    to->encoder);
	return true;
}

static int count(OSSL_PROVIDER *provider, void *arg)
{
	(void)provider;
	++*(int *)arg;
	return 1;
}

bool hf_slim_begin(enum hf_slim_for what)
{
	const struct purpose *to = &purposes[what];
	OSSL_PROVIDER *own = NULL;
	int active = 0;
	bool good;

	if (to->init)
		(void)OPENSSL_init_crypto(to->init, NULL); /* the first call decides */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	(void)ERR_set_mark();
	good = !slim.hidden && load_full(to) &&
	       OSSL_PROVIDER_add_builtin(NULL, "handfast-slim", begin) == 1;
	if (good)
		own = OSSL_PROVIDER_load(NULL, "handfast-slim");
	/* more than this one: openssl.cnf wants others, and they come first */
	(void)(own && OSSL_PROVIDER_do_all(NULL, count, &active));
	good = own && active == 1 && to->good();
	slim.used = own;
	if (own && !good) {
		(void)OSSL_PROVIDER_unload(own);
		slim.used = active <= 1 ? OSSL_PROVIDER_load(NULL, "default") : NULL;
	}
	if (good && what == HF_SLIM_TLS)
		load_tls();
	(void)ERR_pop_to_mark();
	return good;
}
