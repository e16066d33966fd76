/* SPDX-License-Identifier: Apache-2.0 */
/* handfast pending, approve, deny: enrolments that a person looks at first (policy: approval).
 * Must never decide on what was not named. */
#include "base/err.h"
#include "cli/operate.h"

static const struct hf_option_group groups[] = {
	{ "Options", hf_operate_options, 0 },
	{ NULL, NULL, 0 },
};

/* --- pending --- */

static int run_pending(struct hf_cmd_ctx *ctx)
{
	static const char *const headings[] = { "ID",	   "NAME",  "PROFILE", "NAMES",
						"ADDRESS", "SINCE", NULL };
	static const char *const fields[] = { "id",	 "name",     "profile", "sans",
					      "address", "asked_at", NULL };
	struct hf_passphrase from = { NULL, true };
	json_t *result = NULL;
	int rc = hf_cli_operate(ctx, ctx->opts, (struct hf_wish){ "pending", json_object(), &from },
				&result);

	if (rc == 0)
		rc = hf_cli_rows(ctx, json_object_get(result, "pending"), headings, fields);
	json_decref(result);
	if (rc < 0)
		return rc;
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out,
		    rc ? "decide with: handfast approve ID, or handfast deny ID" : "nobody waits");
	return HF_EXIT_YES;
}

const struct hf_command cmd_pending = {
	.name = "pending",
	.group = "Service",
	.summary = "the enrolments that wait for somebody to approve them",
	.description =
	    "A policy that says `approval: yes` for a profile lets the holder of a token ask, and no more: the "
	    "certificate is made when an operator has approved. Each row names the key that asks by its SHA-256 "
	    "(with --json), which handfast enroll shows on the other machine.",
	.groups = groups,
	.opts_size = sizeof(struct hf_operate_opts),
	.see_also = "approve, deny, token, authority",
	.run = run_pending,
};

/* --- approve, deny --- */

static int decide(struct hf_cmd_ctx *ctx, const char *word, const char *past)
{
	const char *id = ctx->args->items[0];
	int changed = hf_cli_decide(ctx, word, id);

	if (changed < 0)
		return changed;
	if (!changed)
		hf_out_note(&ctx->out, "%s was decided before, and stays as it was", id);
	else if (!ctx->out.json_mode)
		hf_out_print(&ctx->out, "%s: %s\n", past, id);
	return changed ? HF_EXIT_YES : HF_EXIT_NO;
}

static int run_approve(struct hf_cmd_ctx *ctx)
{
	return decide(ctx, "approve", "approved");
}

static int run_deny(struct hf_cmd_ctx *ctx)
{
	return decide(ctx, "deny", "denied");
}

static const struct hf_example examples[] = {
	{ "handfast pending", "who waits" },
	{ "handfast approve 3f9a0c1122334455", "that one gets its certificate when it asks again" },
	{ "handfast approve 3f9a0c1122334455 --at https://ca.abc.com:8443 --as ops",
	  "the same from elsewhere" },
	{ NULL, NULL },
};

const struct hf_command cmd_approve = {
	.name = "approve",
	.group = "Service",
	.arguments = "ID",
	.summary = "let an enrolment that waits have its certificate",
	.description =
	    "The ID is the one that handfast pending shows. The other machine gets its certificate the next time "
	    "it asks, also when its token has run out meanwhile.",
	.groups = groups,
	.opts_size = sizeof(struct hf_operate_opts),
	.examples = examples,
	.exits = "0 approved; 1 it had been decided before",
	.see_also = "pending, deny",
	.min_args = 1,
	.max_args = 1,
	.run = run_approve,
};

const struct hf_command cmd_deny = {
	.name = "deny",
	.group = "Service",
	.arguments = "ID",
	.summary = "refuse an enrolment that waits",
	.description =
	    "The ID is the one that handfast pending shows. The token is good for nothing then.",
	.groups = groups,
	.opts_size = sizeof(struct hf_operate_opts),
	.exits = "0 denied; 1 it had been decided before",
	.see_also = "pending, approve",
	.min_args = 1,
	.max_args = 1,
	.run = run_deny,
};
