/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an authority elsewhere: one request for each call, and its refusals in words. */
#ifndef HF_CLI_AUTHORITY_CLIENT_H
#define HF_CLI_AUTHORITY_CLIENT_H

#include "pki/credential.h"
#include "trust/trust.h"
#include "util/cmd.h"

enum { HF_CLIENT_TIMEOUT_SECONDS = 30, HF_CLIENT_BODY_CAP = 1024 * 1024 };

struct hf_client_call {
	const char *url;    /* of the service: "https://ca.abc.com:8443" */
	const char *path;   /* "/enroll" */
	struct hf_trust *trust; /* NULL: whoever answers; nothing secret may be sent then */
	const struct hf_credential *credential; /* NULL: none */
	const char *token;  /* NULL: none */
	const struct hf_buf *body; /* NULL: GET */
	const char *type; /* of the body; NULL: application/pkcs10 */
	int64_t timeout;    /* seconds; 0: HF_CLIENT_TIMEOUT_SECONDS */
	struct hf_buf *names; /* where the names go by which the authority says it is met, separated
				 by commas; NULL: nowhere */
};
/* 0 with the body of a 200.  A refusal of the service is -HF_E_POLICY with its words; one of TLS
 * says whose it is. */
int hf_client_call(const struct hf_client_call *call, struct hf_buf *ret_body, struct hf_err *err);

/* The chain that came, leaf first, for this key, under that trust, now. */
int hf_client_chain(const struct hf_buf *body, const EVP_PKEY *key, const struct hf_trust *trust,
		    struct hf_certs *ret_chain, struct hf_err *err);
/* PEM of all roots of the authority, from a service that proves to stand below `trust`: during a
 * rollover there are two. */
int hf_client_roots(const char *url, struct hf_trust *trust, struct hf_buf *ret_pem,
		    struct hf_err *err);
/* The key that a request was or will be made with, so that a retry asks with the same one: read
 * from `path`, or made and written there (0600). */
int hf_client_pending_key(const char *path, enum hf_key_type type, EVP_PKEY **ret_key,
			  struct hf_err *err);
int hf_client_request(EVP_PKEY *key, struct hf_buf *ret_pem, struct hf_err *err);

#endif
