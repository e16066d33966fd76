/* SPDX-License-Identifier: Apache-2.0 */
/* handfast revoke --wait: who has put a revocation into force, and who has not. */
#ifndef HF_CLI_REVOKE_WAIT_H
#define HF_CLI_REVOKE_WAIT_H

#include "ca/authority.h"
#include "util/cmd.h"

/* The newest row of the audit log. */
int hf_revoke_mark(struct hf_authority *a, int64_t *ret_mark, struct hf_err *err);
/* Waits up to `seconds` for every subscriber of the feed to confirm the list that was recorded
 * after `mark`, and prints who did.  0 all; HF_EXIT_NO when one has not. */
int hf_revoke_wait(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t mark, int64_t seconds);

#endif
