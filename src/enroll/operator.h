/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator of an authority does about those who join: the same calls for one who sits at
 * its machine and for one who asks from elsewhere (service_operator.c).  A wish and its result are
 * JSON objects, whose fields are named as the options of the command line. */
#ifndef HF_ENROLL_OPERATOR_H
#define HF_ENROLL_OPERATOR_H

#include <jansson.h>

#include "ca/authority.h"

enum { HF_OPERATOR_WHO_CAP = 256 };

struct hf_operation {
	struct hf_authority *a;
	const json_t *wish; /* borrowed */
	const char *who;    /* "CN=ops from 10.0.0.7", for the log; NULL: who opened the ledger */
	int64_t now;
	json_t *result; /* owned by the caller afterwards; NULL when it failed */
};
/* "token", "tokens", "withdraw", "pending", "approve", "deny", "revoke" */
bool hf_operator_knows(const char *word);
/* -HF_E_INVALID for a wish that is not understood, -HF_E_NOENT, -HF_E_POLICY, -HF_E_EXIST for one
 * that cannot be met, with the reason; anything else is a failure of ours. */
int hf_operate(const char *word, struct hf_operation *op, struct hf_err *err);

#endif
