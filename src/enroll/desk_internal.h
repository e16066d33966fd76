/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the desk; for src/enroll/desk*.c only. */
#ifndef HF_ENROLL_DESK_INTERNAL_H
#define HF_ENROLL_DESK_INTERNAL_H

#include "enroll/desk.h"

/* A refusal: its sentence is in ask->err already when `sentence` is NULL.  Returns 1. */
int hf_ask_refuse(struct hf_ask *ask, int status, const char *code, const char *sentence);
/* A failure of ours: 503 where trying again may help.  Returns 1. */
int hf_ask_fail(struct hf_ask *ask, int rc);

/* desk_wish.c: meets ask->wish, or says why not. */
void hf_ask_operate(struct hf_ask *ask, struct hf_authority *a, int64_t now);

/* desk_key.c */
/* A key for who asks with that token and request, into ask->made, and another reference to it; of
 * a kind that the profile's policy allows.  1: refused. */
int hf_ask_make_key(struct hf_ask *ask, struct hf_authority *a,
		    const struct hf_ca_profile *profile, EVP_PKEY **ret_key);
/* Whether a spent token still gives its key once more: within its life, or HF_KEYGEN_RETRY_SECONDS
 * after it was spent, and where the policy still says so.  0; 1: refused. */
int hf_ask_check_retry(struct hf_ask *ask, const struct hf_authority *a,
		       const struct hf_token *token, int64_t now);
/* Whether ask->cert is for the key that would be answered now; makes that again where it was ours.
 * 0; 1: it is not. */
int hf_ask_check_key(struct hf_ask *ask, struct hf_authority *a);

#endif
