/* SPDX-License-Identifier: Apache-2.0 */
/* Under which policy the commands that issue work. */
#ifndef HF_CLI_POLICY_OPTS_H
#define HF_CLI_POLICY_OPTS_H

#include "cli/ca_common.h"

/* --policy */
struct hf_policy_opts {
	const char *policy;
};
extern const struct hf_option hf_policy_options[];

/* As hf_cli_open_authority, with the policy that the options name instead of the home's.  A policy
 * with a mistake is told at once. */
int hf_cli_open_under_policy(struct hf_cmd_ctx *ctx, struct hf_passphrase *from,
			     const struct hf_policy_opts *opts,
			     struct hf_authority **ret_authority);

#endif
