/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens that are bound to a certificate (RFC 8705 3): a token that was stolen is worth
 * nothing on another connection.  Only the binding is looked at.  The signature of a token, its
 * audience and its expiry are the service's to check, as without us: what is let through is not
 * said to be valid. */
#ifndef HF_GATEWAY_BOUND_TOKEN_H
#define HF_GATEWAY_BOUND_TOKEN_H

#include "http/head.h"
#include "verify/verdict.h"

enum hf_bound_tokens {
	HF_BOUND_TOKENS_OFF = 0,
	HF_BOUND_TOKENS_CHECK,	 /* a token that names a certificate must name this one */
	HF_BOUND_TOKENS_REQUIRE, /* every request needs a token that names its certificate */
};

enum { HF_TOKEN_CAP = 64 * 1024 }; /* of a token that is looked into */

enum hf_token_kind {
	HF_TOKEN_OPAQUE,  /* no JWT in compact form (RFC 7519 3) */
	HF_TOKEN_UNBOUND, /* a JWT that names no certificate */
	HF_TOKEN_BOUND,	  /* cnf."x5t#S256" is there */
	HF_TOKEN_BROKEN,  /* a JWT that cannot be read, or names one in no way that is known */
};
/* Pure: no signature is looked at. */
enum hf_token_kind hf_token_look(const char *token, size_t len,
				 uint8_t ret_thumbprint[HF_SHA256_LEN]);

/* What becomes of a request: 0 it goes on, 400 or 401.  verdict: of its connection, may be NULL.
 * On 401 *ret_fields is the line for the answer (RFC 6750 3), static. */
int hf_bound_token_check(enum hf_bound_tokens mode, const struct hf_http_head *head,
			 const struct hf_verdict *verdict, const char **ret_fields,
			 const char **ret_why);

/* "off", "check", "require", NULL */
extern const char *const hf_bound_tokens_words[];

#endif
