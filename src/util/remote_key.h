/* SPDX-License-Identifier: Apache-2.0 */
/* Keys whose private half is elsewhere: in a PKCS#11 token, in another process.
 *
 * The EVP_PKEY belongs to a small provider (provider(7)) of our own.  Everything public is answered
 * by an ordinary public key, and each signature is asked of whoever holds the private half.  Both
 * ways that OpenSSL signs work: EVP_DigestSign (TLS, certificates) and EVP_PKEY_sign of a digest.
 * RSA (PKCS#1 v1.5, PSS with a salt as long as the digest), EC and Ed25519. */
#ifndef HF_UTIL_REMOTE_KEY_H
#define HF_UTIL_REMOTE_KEY_H

#include <stdint.h>

#include "base/ossl.h"

/* The numbers stand in messages between processes (gateway/custody_wire.h): they stay. */
enum hf_sign_form {
	HF_SIGN_ECDSA = 1, /* DER (RFC 3279 2.2.3) */
	HF_SIGN_PKCS1 = 2, /* RFC 8017 8.2 */
	HF_SIGN_PSS = 3,   /* RFC 8017 8.1, the salt as long as the digest (RFC 8446 4.2.3) */
	HF_SIGN_EDDSA = 4, /* the message itself (RFC 8032) */
};

struct hf_sign_ask {
	enum hf_sign_form form;
	int md; /* NID_sha256, NID_sha384 or NID_sha512; NID_undef for EdDSA */
	const uint8_t *data; /* the digest, or for EdDSA the message */
	size_t len;
};

enum { HF_SIGNATURE_CAP = 1024 }; /* RSA of 8192 bits */

struct hf_remote_key_ops {
	/* The signature into out; cap is at least EVP_PKEY_get_size of the public key. */
	int (*sign)(void *arg, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		    size_t *ret_len, struct hf_err *err);
	void (*unref)(void *arg); /* after the last copy of the key has gone */
};

/* The reason of ERR_LIB_USER in OpenSSL's queue after a signature that could not be had. */
enum { HF_REMOTE_KEY_FAILED = 117 };

/* Takes arg over when it succeeds, and a reference of the public key. */
int hf_remote_key_new(EVP_PKEY *public, const struct hf_remote_key_ops *ops, void *arg,
		      EVP_PKEY **ret_key, struct hf_err *err);

/* Signs with a key that OpenSSL can use: of this process, or one from above. */
int hf_sign_with(EVP_PKEY *key, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		 size_t *ret_len, struct hf_err *err);

#endif
