/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an authority under a policy.  Must never go on without one that was asked for. */
#include "cli/policy_opts.h"

#include "base/err.h"
#include "util/clock.h"

const struct hf_option hf_policy_options[] = {
	{ .name = "policy",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_policy_opts, policy),
	  .arg = "FILE",
	  .help = "this policy instead of ca/policy.yaml of the home (handfast policy show)" },
	{ .name = NULL },
};

int hf_cli_open_under_policy(struct hf_cmd_ctx *ctx, struct hf_passphrase *from,
			     const struct hf_policy_opts *opts, struct hf_authority **ret_authority)
{
	HF_AUTO(hf_authority) a = NULL;
	struct hf_authority_options options = {
		.now = hf_clock_now(),
		.actor = hf_cli_actor(),
		.pass = { hf_passphrase_get, from },
		.policy_path = opts->policy,
	};
	int rc = hf_authority_open(ctx->home, &options, &a, &ctx->err);

	if (rc < 0)
		return rc;
	if (!a->policy) {
		ctx->err = a->policy_err;
		return -a->policy_err.code;
	}
	*ret_authority = hf_take(a);
	return 0;
}
