/* SPDX-License-Identifier: Apache-2.0 */
/* What --dry-run of issue and sign tells: rules, changes, judges. */
#ifndef HF_CLI_DRY_RUN_H
#define HF_CLI_DRY_RUN_H

#include "ca/policy/extfile.h"
#include "ca/policy/opinions.h"
#include "cli/ca_common.h"

struct hf_dry_run {
	struct hf_cert *cert; /* what it would be; NULL when it did not come so far */
	struct hf_opinions opinions;
};
void hf_dry_run_done(struct hf_dry_run *run);
HF_DEFINE_AUTO_DONE(hf_dry_run, struct hf_dry_run, hf_dry_run_done);

/* An order that was checked: what would come out, and what the judges say.  -HF_E_POLICY when it
 * would not be issued; *ret_run has what is known then too. */
int hf_dry_run_try(struct hf_authority *a, struct hf_order *order, int64_t now,
		   struct hf_dry_run *ret_run, struct hf_err *err);

/* On standard output: the lines under the one that says what it would be … */
void hf_dry_run_print(struct hf_cmd_ctx *ctx, const struct hf_order *order,
		      const struct hf_dry_run *run);
/* … and "rules", "added", "extensions" and "judges" of the open object. */
void hf_dry_run_json(struct hf_json *j, const struct hf_order *order,
		     const struct hf_dry_run *run);

#endif
