/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys that the authority makes for others (EST's serverkeygen), and keeps none of: each is
 * derived from a secret file of the authority and from the secret of the token that asks, so that
 * who lost the answer gets the same key again, and neither the authority's disk nor the token alone
 * gives it to anybody. */
#ifndef HF_ENROLL_KEYGEN_H
#define HF_ENROLL_KEYGEN_H

#include "ca/authority.h"
#include "enroll/token.h"

enum { HF_KEYGEN_SECRET_LEN = 32, HF_KEYGEN_RETRY_SECONDS = 3600 };
struct hf_keygen_secret {
	uint8_t bytes[HF_KEYGEN_SECRET_LEN];
};
/* Reads HF_KEYGEN_FILE of the authority's folder, or makes it (0600); durable before this returns.
 */
int hf_keygen_secret_load(const char *dir, struct hf_keygen_secret *ret_secret, struct hf_err *err);

/* Whether keys of that kind can be derived: EC and Ed25519 can, RSA cannot. */
bool hf_keygen_can(enum hf_key_type type);
/* The same key for the same secret, token (id and secret), request key and kind; owned by the
 * caller.  HKDF-SHA-256 (RFC 5869) gives the bits, FIPS 186-5 A.2.1 makes an EC key of them.
 * -HF_E_POLICY for a kind that cannot be derived. */
int hf_keygen_derive(const struct hf_keygen_secret *secret, const struct hf_token_text *token,
		     const uint8_t request_spki[HF_SHA256_LEN], enum hf_key_type type,
		     EVP_PKEY **ret_key, struct hf_err *err);

#endif
