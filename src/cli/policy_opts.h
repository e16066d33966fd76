/* SPDX-License-Identifier: Apache-2.0 */
/* Under which policy the commands that issue work, and with which extensions. */
#ifndef HF_CLI_POLICY_OPTS_H
#define HF_CLI_POLICY_OPTS_H

#include "ca/policy/extfile.h"
#include "cli/ca_common.h"

/* --policy --openssl-config --ca-name --extfile --extensions */
struct hf_policy_opts {
	const char *policy, *openssl_config, *ca_name, *extfile, *extensions;
};
extern const struct hf_option hf_policy_options[];

/* As hf_cli_open_authority, with the policy that the options name instead of the home's, and with
 * the extensions that they name for certificates of `profile` (ret_ext stays empty when there are
 * none).  A mistake in any of the files is told at once. */
int hf_cli_open_under_policy(struct hf_cmd_ctx *ctx, struct hf_passphrase *from,
			     const struct hf_policy_opts *opts, const struct hf_ca_profile *profile,
			     struct hf_extfile *ret_ext, struct hf_authority **ret_authority);
/* The file's policy: --policy or --openssl-config; NULL stays NULL when neither was given. */
int hf_cli_read_policy(struct hf_cmd_ctx *ctx, const struct hf_policy_opts *opts,
		       struct hf_policy **ret_policy);

#endif
