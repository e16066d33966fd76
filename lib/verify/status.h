/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCSP responder says of a leaf that chain, lists and rules accept.  The judge asks nobody:
 * whoever owns the connections brings the answer, and it is applied here. */
#ifndef HF_VERIFY_STATUS_H
#define HF_VERIFY_STATUS_H

#include "verify/verdict.h"

enum hf_status_kind {
	HF_STATUS_GOOD,
	HF_STATUS_REVOKED,
	HF_STATUS_UNKNOWN,	/* the responder does not know the certificate */
	HF_STATUS_FAILED,	/* no answer, or none that may be believed */
	HF_STATUS_NO_RESPONDER, /* nobody to ask */
	HF_STATUS_PENDING,	/* it is being asked; never applied */
};

struct hf_status {
	enum hf_status_kind kind;
	/* Unix seconds: to be looked up again after that */
	int64_t until;
	int64_t revoked_at; /* REVOKED */
	int reason;	    /* REVOKED: CRLReason; -1: none given */
	const char *why;    /* FAILED: what came of asking; borrowed; may be NULL */
	uint8_t key[HF_SHA256_LEN]; /* PENDING: what is waited for */
};

/* Applies it to an accepted verdict.  REVOKED refuses (V-REVOKED).  UNKNOWN, FAILED and
 * NO_RESPONDER refuse when `hard` (V-OCSP-UNKNOWN, V-OCSP-DOWN, V-OCSP-NONE); else UNKNOWN and
 * FAILED leave a warning.  What stays accepted is good up to `until` at most.  0 or negative. */
int hf_status_apply(const struct hf_status *status, bool hard, struct hf_verdict *verdict,
		    struct hf_err *err);

#endif
