/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a one-time token: ID.SECRET.ROOT, where ROOT is the SHA-256 of the root's public key,
 * so that whoever holds a token knows whom to trust.  SECRET is 256 random bits; the ledger keeps
 * only its hash. */
#ifndef HF_ENROLL_TOKEN_H
#define HF_ENROLL_TOKEN_H

#include "base/buf.h"
#include "pki/key.h"

enum {
	HF_TOKEN_ID_CAP = 17,
	HF_TOKEN_SECRET_LEN = 32,
	HF_TOKEN_TEXT_LEN = 16 + 1 + 43 + 1 + 43,
	HF_TOKEN_LIFETIME = 3600, /* seconds, when nothing is said */
};

struct hf_token_text {
	char id[HF_TOKEN_ID_CAP]; /* 16 lower-case hex digits */
	uint8_t secret[HF_TOKEN_SECRET_LEN];
	uint8_t root[HF_SHA256_LEN];
};
int hf_token_text_make(const uint8_t root[HF_SHA256_LEN], struct hf_token_text *ret_token,
		       struct hf_err *err);
int hf_token_text_format(const struct hf_token_text *token, struct hf_buf *out);
/* Exactly one spelling is right. */
bool hf_token_text_parse(const char *text, size_t len, struct hf_token_text *ret_token);
/* The value of an Authorization field (RFC 6750, RFC 7617): "Bearer TOKEN", "Basic" with the token
 * as password, or with the id as user and the secret as password (root stays zero then). */
bool hf_token_from_authorization(const char *value, size_t len, struct hf_token_text *ret_token);

/* What the ledger keeps, and whether a secret is the one; the time tells nothing about how far two
 * secrets agree. */
int hf_token_secret_hash(const struct hf_token_text *token, uint8_t ret_hash[HF_SHA256_LEN],
			 struct hf_err *err);
bool hf_token_secret_is(const struct hf_token_text *token, const uint8_t hash[HF_SHA256_LEN]);

#endif
