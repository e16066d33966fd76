/* SPDX-License-Identifier: Apache-2.0 */
/* A private key in a PKCS#11 token.  Must never show or keep the PIN, and never ask a token twice
 * with one that was wrong: tokens lock. */
#include "ca/signer_token.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#if __has_include(<p11-kit-1/p11-kit/pkcs11.h>)

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "ca/signer_mechanism.h"

enum { SLOTS_CAP = 64, VALUE_CAP = 2048, POINT_SIZE_CAP = 66 };

struct hf_token {
	atomic_int refs;
	pthread_mutex_t lock;
	void *library;
	CK_FUNCTION_LIST_PTR p11;
	bool initialized; /* by us: then it is ours to finalize */
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	EVP_PKEY *public;
	bool is_rsa;
};

/* --- what went wrong --- */

static const struct {
	CK_RV rv;
	const char *words;
} failures[] = {
	{ CKR_PIN_INCORRECT, "the PIN is wrong" },
	{ CKR_PIN_LOCKED, "the PIN is locked" },
	{ CKR_PIN_EXPIRED, "the PIN has expired" },
	{ CKR_PIN_LEN_RANGE, "the PIN has the wrong length" },
	{ CKR_TOKEN_NOT_PRESENT, "the token is not there" },
	{ CKR_DEVICE_REMOVED, "the device was removed" },
	{ CKR_DEVICE_ERROR, "the device failed" },
	{ CKR_MECHANISM_INVALID, "the token cannot sign in this way" },
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, "the key may not sign" },
	{ CKR_USER_NOT_LOGGED_IN, "the token wants a PIN" },
};

static int token_error(CK_RV rv, int code, const char *doing, struct hf_err *err)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(failures); i++) {
		if (failures[i].rv == rv)
			return hf_err_set(err, code, "the token cannot %s: %s", doing,
					  failures[i].words);
	}
	return hf_err_set(err, code, "the token cannot %s (PKCS#11 0x%lx)", doing, rv);
}

/* --- the module --- */

/* What Debian installs, p11-kit's first: it knows every module of the system. */
static const char *const usual_modules[] = {
	"p11-kit-proxy.so",
	"/usr/lib/softhsm/libsofthsm2.so",
	NULL,
};

static void *open_library(const struct hf_pkcs11_uri *uri)
{
	const char *named =
	    uri->module_path[0] ? uri->module_path : getenv("HANDFAST_PKCS11_MODULE");
	void *library = NULL;

	if (named && *named)
		return dlopen(named, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; !library && usual_modules[i]; i++)
		library = dlopen(usual_modules[i], RTLD_NOW | RTLD_LOCAL);
	return library;
}

static int load_module(struct hf_token *t, const struct hf_pkcs11_uri *uri, struct hf_err *err)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get = NULL;
	void *symbol;
	CK_RV rv;

	t->library = open_library(uri);
	symbol = t->library ? dlsym(t->library, "C_GetFunctionList") : NULL;
	if (!symbol) {
		(void)hf_err_set(err, HF_E_NOENT, "no PKCS#11 module could be loaded: %s",
				 uri->module_path[0] ? uri->module_path : "there is none here");
		return hf_err_hint(err, "name it in the URI (?module-path=/PATH) or in "
					"$HANDFAST_PKCS11_MODULE");
	}
	memcpy(&get, &symbol, sizeof(get)); /* POSIX: a symbol may be a function */
	rv = get(&t->p11);
	if (rv == CKR_OK)
		rv = t->p11->C_Initialize(&args);
	t->initialized = rv == CKR_OK;
	return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED
		   ? 0
		   : token_error(rv, HF_E_IO, "be reached", err);
}

/* --- the slot --- */

/* PKCS#11 pads text with blanks and ends it with nothing. */
static bool is_text(const CK_UTF8CHAR *padded, size_t cap, const char *want)
{
	size_t len = cap;

	while (len > 0 && (padded[len - 1] == ' ' || padded[len - 1] == '\0'))
		len--;
	return !*want || (strlen(want) == len && memcmp(padded, want, len) == 0);
}

static bool is_token(const struct hf_token *t, CK_SLOT_ID slot, const struct hf_pkcs11_uri *uri)
{
	CK_TOKEN_INFO info;

	return (!uri->has_slot || uri->slot == slot) &&
	       t->p11->C_GetTokenInfo(slot, &info) == CKR_OK &&
	       info.flags & CKF_TOKEN_INITIALIZED &&
	       is_text(info.label, sizeof(info.label), uri->token) &&
	       is_text(info.manufacturerID, sizeof(info.manufacturerID), uri->manufacturer) &&
	       is_text(info.model, sizeof(info.model), uri->model) &&
	       is_text(info.serialNumber, sizeof(info.serialNumber), uri->serial);
}

static int open_session(struct hf_token *t, const struct hf_pkcs11_uri *uri, struct hf_err *err)
{
	CK_SLOT_ID slots[SLOTS_CAP];
	CK_ULONG len = SLOTS_CAP;
	CK_RV rv = t->p11->C_GetSlotList(CK_TRUE, slots, &len);

	if (rv != CKR_OK)
		return token_error(rv, HF_E_IO, "list its slots", err);
	for (CK_ULONG i = 0; i < len; i++) {
		if (!is_token(t, slots[i], uri))
			continue;
		rv = t->p11->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &t->session);
		return rv == CKR_OK ? 0 : token_error(rv, HF_E_IO, "open a session", err);
	}
	(void)hf_err_set(err, HF_E_NOENT, "there is no token '%s' among the %lu here", uri->token,
			 len);
	return hf_err_hint(err, "p11tool --list-tokens shows them");
}

static int log_in(struct hf_token *t, const struct hf_pkcs11_uri *uri,
		  const struct hf_passphrase_source *pin, struct hf_err *err)
{
	HF_AUTO_DONE(hf_secret) secret = HF_SECRET_INIT;
	HF_AUTO(cstr) what = hf_str_printf("the token '%s' (PIN)", uri->token);
	CK_RV rv;
	int rc = 1;

	if (!what)
		return hf_err_nomem(err);
	if (uri->pin_source[0])
		rc = hf_secret_load(&secret, uri->pin_source, err);
	else if (pin && pin->get)
		rc = pin->get(pin->arg, what, &secret, err);
	if (rc < 0)
		return hf_err_context(err, rc, "the PIN");
	if (rc > 0) {
		(void)hf_err_set(err, HF_E_PASSPHRASE, "the token '%s' wants a PIN", uri->token);
		return hf_err_hint(err, "give --passphrase-file FILE, $HANDFAST_PASSPHRASE, or "
					"?pin-source=file:/PATH in the URI");
	}
	rv = t->p11->C_Login(t->session, CKU_USER, (CK_UTF8CHAR_PTR)secret.data, secret.len);
	return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN
		   ? 0
		   : token_error(rv, HF_E_PASSPHRASE, "be opened", err);
}

/* --- the key --- */

/* How many there are of the class with label and id; the first into *ret_object. */
static CK_ULONG find(struct hf_token *t, CK_OBJECT_CLASS class, const char *label,
		     const uint8_t *id, size_t id_len, CK_OBJECT_HANDLE *ret_object)
{
	CK_ATTRIBUTE wanted[3] = { { CKA_CLASS, &class, sizeof(class) } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG len = 0, n = 1;

	if (*label)
		wanted[n++] = (CK_ATTRIBUTE){ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) };
	if (id_len)
		wanted[n++] = (CK_ATTRIBUTE){ CKA_ID, (void *)(uintptr_t)id, id_len };
	if (t->p11->C_FindObjectsInit(t->session, wanted, n) != CKR_OK)
		return 0;
	if (t->p11->C_FindObjects(t->session, found, HF_ARRAY_LEN(found), &len) != CKR_OK)
		len = 0;
	(void)t->p11->C_FindObjectsFinal(t->session);
	if (len)
		*ret_object = found[0];
	return len;
}

static bool get_value(struct hf_token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		      uint8_t out[VALUE_CAP], size_t *ret_len)
{
	CK_ATTRIBUTE a = { type, out, VALUE_CAP };

	if (t->p11->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK ||
	    a.ulValueLen > VALUE_CAP)
		return false;
	*ret_len = a.ulValueLen;
	return true;
}

static EVP_PKEY *from_params(const char *kind, OSSL_PARAM *params)
{
	HF_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return NULL;
	return key;
}

/* From the token's order of bytes to the machine's, which OSSL_PARAM wants. */
static int to_native(uint8_t *number, size_t len)
{
	HF_AUTO(BIGNUM) n = BN_bin2bn(number, (int)len, NULL);

	return n ? BN_bn2nativepad(n, number, (int)len) : -1;
}

static EVP_PKEY *rsa_public(struct hf_token *t, CK_OBJECT_HANDLE object)
{
	uint8_t n[VALUE_CAP], e[VALUE_CAP];
	size_t n_len = 0, e_len = 0;
	OSSL_PARAM params[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };

	if (!get_value(t, object, CKA_MODULUS, n, &n_len) ||
	    !get_value(t, object, CKA_PUBLIC_EXPONENT, e, &e_len))
		return NULL;
	if (to_native(n, n_len) < 0 || to_native(e, e_len) < 0)
		return NULL;
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, n_len);
	params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, e_len);
	return from_params("RSA", params);
}

/* CKA_EC_PARAMS is the curve's OBJECT IDENTIFIER, CKA_EC_POINT an OCTET STRING around the point. */
static EVP_PKEY *ec_public(struct hf_token *t, CK_OBJECT_HANDLE object)
{
	uint8_t curve[VALUE_CAP], point[VALUE_CAP];
	const unsigned char *p = curve, *q = point;
	size_t curve_len = 0, point_len = 0;
	HF_AUTO(ASN1_OBJECT) oid = NULL;
	HF_AUTO(ASN1_OCTET_STRING) octets = NULL;
	OSSL_PARAM params[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };
	char group[64];

	if (!get_value(t, object, CKA_EC_PARAMS, curve, &curve_len) ||
	    !get_value(t, object, CKA_EC_POINT, point, &point_len))
		return NULL;
	oid = d2i_ASN1_OBJECT(NULL, &p, (long)curve_len);
	octets = d2i_ASN1_OCTET_STRING(NULL, &q, (long)point_len);
	if (!oid || !octets || OBJ_obj2nid(oid) == NID_undef)
		return NULL;
	(void)hf_str_copy(group, sizeof(group), OBJ_nid2sn(OBJ_obj2nid(oid)));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets->data,
						      (size_t)octets->length);
	return from_params("EC", params);
}

static int load_public(struct hf_token *t, const struct hf_pkcs11_uri *uri, struct hf_err *err)
{
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE kind = { CKA_KEY_TYPE, &type, sizeof(type) };
	CK_OBJECT_HANDLE object = t->key;
	uint8_t id[VALUE_CAP];
	size_t id_len = 0;
	CK_RV rv = t->p11->C_GetAttributeValue(t->session, t->key, &kind, 1);

	if (rv != CKR_OK)
		return token_error(rv, HF_E_IO, "tell the kind of its key", err);
	(void)get_value(t, t->key, CKA_ID, id, &id_len);
	/* by the id, which pairs them; by the label where there is none */
	if (!find(t, CKO_PUBLIC_KEY, id_len ? "" : uri->object, id, id_len, &object) &&
	    type != CKK_RSA)
		return hf_err_set(err, HF_E_NOENT,
				  "the token has the private key, and not the public key to it");
	t->is_rsa = type == CKK_RSA;
	t->public = t->is_rsa	     ? rsa_public(t, object)
		    : type == CKK_EC ? ec_public(t, object)
				     : NULL;
	return t->public ? 0
			 : hf_err_ossl(err, HF_E_UNSUPPORTED,
				       "the token's key is none that can be used here (RSA, or EC "
				       "on a named curve)");
}

static int find_key(struct hf_token *t, const struct hf_pkcs11_uri *uri, struct hf_err *err)
{
	CK_ULONG len = find(t, CKO_PRIVATE_KEY, uri->object, uri->id, uri->id_len, &t->key);

	if (len == 1)
		return load_public(t, uri, err);
	(void)hf_err_set(err, HF_E_NOENT, "the token '%s' has %s private key '%s'", uri->token,
			 len ? "more than one" : "no", uri->object);
	return hf_err_hint(err, len ? "say which: object=LABEL or id=%%01 in the URI"
				    : "make one in the token, such as with: p11tool --login "
				      "--generate-privkey=ecdsa --curve=secp256r1 --label=…");
}

/* --- signing --- */

static CK_RV sign_raw(struct hf_token *t, CK_MECHANISM *mechanism, const uint8_t *input, size_t len,
		      uint8_t raw[VALUE_CAP], CK_ULONG *ret_len)
{
	CK_RV rv;

	(void)pthread_mutex_lock(&t->lock);
	rv = t->p11->C_SignInit(t->session, mechanism, t->key);
	if (rv == CKR_OK)
		rv = t->p11->C_Sign(t->session, (CK_BYTE_PTR)(uintptr_t)input, len, raw, ret_len);
	(void)pthread_mutex_unlock(&t->lock);
	return rv;
}

int hf_token_sign(struct hf_token *t, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		  size_t *ret_len, struct hf_err *err)
{
	uint8_t input[HF_MECHANISM_INPUT_CAP], raw[VALUE_CAP];
	size_t len = hf_mechanism_input(ask, input), size = (size_t)EVP_PKEY_get_size(t->public);
	CK_ULONG raw_len = sizeof(raw);
	CK_RSA_PKCS_PSS_PARAMS pss;
	CK_MECHANISM mechanism;
	CK_RV rv;

	if (!len || !hf_mechanism_of(t->is_rsa, ask, &pss, &mechanism))
		return hf_err_set(err, HF_E_UNSUPPORTED,
				  "the token signs SHA-256 to SHA-512 only, by ECDSA or RSA");
	rv = sign_raw(t, &mechanism, input, len, raw, &raw_len);
	if (rv != CKR_OK)
		return token_error(rv, HF_E_CRYPTO, "sign", err);
	if (raw_len > size || size > cap)
		return hf_err_set(err, HF_E_CRYPTO, "the token's signature is too long");
	if (!t->is_rsa)
		return hf_mechanism_ecdsa_der(raw, raw_len, out, ret_len)
			   ? 0
			   : hf_err_ossl(err, HF_E_CRYPTO, "the token's signature is malformed");
	memcpy(out, raw, raw_len);
	*ret_len = raw_len;
	return 0;
}

/* --- life --- */

/* A login is of the whole process, and so is the module: the last one out ends both (PKCS#11 2.40,
 * 5.4 and 5.6). */
static atomic_int open_tokens;

int hf_token_open(const struct hf_pkcs11_uri *uri, const struct hf_passphrase_source *pin,
		  struct hf_token **ret_token, struct hf_err *err)
{
	HF_AUTO(hf_token) t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return hf_err_nomem(err);
	atomic_init(&t->refs, 1);
	(void)atomic_fetch_add(&open_tokens, 1);
	(void)pthread_mutex_init(&t->lock, NULL);
	t->session = CK_INVALID_HANDLE;
	rc = load_module(t, uri, err);
	if (rc == 0)
		rc = open_session(t, uri, err);
	if (rc == 0)
		rc = log_in(t, uri, pin, err);
	if (rc == 0)
		rc = find_key(t, uri, err);
	if (rc < 0)
		return rc;
	*ret_token = hf_take(t);
	return 0;
}

struct hf_token *hf_token_ref(struct hf_token *t)
{
	(void)atomic_fetch_add(&t->refs, 1);
	return t;
}

/* The library stays: modules do not like to be unloaded while OpenSSL still holds what they made.
 */
void hf_token_unref(struct hf_token *t)
{
	bool last;

	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	last = atomic_fetch_sub(&open_tokens, 1) == 1;
	if (t->p11 && t->session != CK_INVALID_HANDLE) {
		if (last)
			(void)t->p11->C_Logout(t->session);
		(void)t->p11->C_CloseSession(t->session);
	}
	if (t->p11 && t->initialized && last)
		(void)t->p11->C_Finalize(NULL);
	EVP_PKEY_free(t->public);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

EVP_PKEY *hf_token_public(const struct hf_token *t)
{
	return t->public;
}

#endif /* else: signer_none.c */
