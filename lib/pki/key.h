/* SPDX-License-Identifier: Apache-2.0 */
/* Private and public keys: kinds, generation, reading, writing.  Keys are OpenSSL's EVP_PKEY. */
#ifndef HF_PKI_KEY_H
#define HF_PKI_KEY_H

#include "base/buf.h"
#include "base/ossl.h"
#include "base/secret.h"

/* Every kind the authority makes; a table in key.c holds name, algorithm, group or bits. */
enum hf_key_type {
	HF_KEY_OTHER = 0, /* readable, but not one we make (DSA, RSA-1024, secp256k1, Ed448 …) */
	HF_KEY_P256,
	HF_KEY_P384,
	HF_KEY_RSA2048,
	HF_KEY_RSA3072,
	HF_KEY_RSA4096,
	HF_KEY_ED25519,
};

#define HF_SHA256_LEN 32

/* Asks for a passphrase for `what` (a file name).  Returns 0 with *ret filled, 1 when there is
 * none to give, negative on failure. */
struct hf_passphrase_source {
	int (*get)(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err);
	void *arg;
};

/* "p256" … "ed25519"; HF_KEY_OTHER when unknown. */
enum hf_key_type hf_key_type_parse(const char *name);
const char *hf_key_type_name(enum hf_key_type type);         /* never NULL; "other" */
/* Space for hints and help: NULL-terminated list of the names. */
const char *const *hf_key_type_names(void);
enum hf_key_type hf_key_type_of(const EVP_PKEY *key);
/* "EC P-256", "RSA 2048 bits", "Ed25519", "DSA 1024 bits": for people. */
void hf_key_describe(const EVP_PKEY *key, char *out, size_t cap);

int hf_key_generate(enum hf_key_type type, EVP_PKEY **ret_key, struct hf_err *err);
bool hf_key_same(const EVP_PKEY *a, const EVP_PKEY *b);       /* same public key */
/* SHA-256 over the DER SubjectPublicKeyInfo. */
int hf_key_spki_sha256(const EVP_PKEY *key, uint8_t out[HF_SHA256_LEN], struct hf_err *err);
/* PKCS#8 PEM onto out (a buffer that is cleansed by hf_buf_done); encrypted (PBES2, AES-256-CBC,
 * PBKDF2 with at least 600,000 iterations of HMAC-SHA256) when passphrase is not NULL. */
int hf_key_to_pem(const EVP_PKEY *key, const struct hf_secret *passphrase, struct hf_buf *out,
		  struct hf_err *err);
/* The curve is spelled out instead of named (RFC 5480 2.1.1 forbids it); false for other keys. */
bool hf_key_has_explicit_parameters(const EVP_PKEY *key);
/* The digest to sign with: SHA-256 for P-256 and RSA, SHA-384 for P-384, NULL for Ed25519. */
const EVP_MD *hf_key_signing_digest(const EVP_PKEY *key);

#endif
