/* SPDX-License-Identifier: Apache-2.0 */
/* handfast policy: what the authority certifies, as a file that can be changed and given back. */
#include "base/err.h"
#include "base/file.h"
#include "ca/policy/policy.h"
#include "cli/policy_opts.h"
#include "util/home.h"

enum { POLICY_CAP = 1024 * 1024 };

static const struct hf_option_group show_groups[] = {
	{ "Options", hf_policy_options, 0 },
	{ NULL, NULL, 0 },
};

static int find_policy(struct hf_cmd_ctx *ctx, const struct hf_policy_opts *o,
		       struct hf_policy **ret_policy)
{
	char path[PATH_MAX];
	int rc = hf_cli_read_policy(ctx, o, ret_policy);

	if (rc != 0 || *ret_policy)
		return rc;
	rc = hf_home_ca(ctx->home, "policy.yaml", path, &ctx->err);
	if (rc < 0)
		return rc;
	return hf_file_exists(path) ? hf_policy_load(path, ret_policy, &ctx->err)
				    : hf_policy_new(ret_policy, &ctx->err);
}

static int show(struct hf_cmd_ctx *ctx)
{
	const struct hf_policy_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(POLICY_CAP);
	HF_AUTO(hf_policy) policy = NULL;
	int rc = find_policy(ctx, o, &policy);

	if (rc != 0)
		return rc;
	if (hf_policy_format(policy, &text) < 0)
		return hf_err_nomem(&ctx->err);
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "file", policy->name);
		hf_json_string(&ctx->out.json, "policy", hf_buf_str(&text));
		hf_out_json_end(&ctx->out);
		return 0;
	}
	hf_out_raw(&ctx->out, text.data, text.len);
	return 0;
}

static int check(struct hf_cmd_ctx *ctx)
{
	const char *path = ctx->args->items[0];
	HF_AUTO(hf_policy) policy = NULL;
	int rc = hf_policy_load(path, &policy, &ctx->err);

	if (rc == -HF_E_PARSE || rc == -HF_E_LIMIT) {
		hf_out_error(&ctx->out, &ctx->err);
		return HF_EXIT_NO;
	}
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "file", path);
		hf_json_bool(&ctx->out.json, "ok", true);
		hf_out_json_end(&ctx->out);
	}
	hf_out_safe(&ctx->out, path);
	hf_out_print(&ctx->out, ": OK\n");
	return 0;
}

static const struct hf_command cmd_policy_show = {
	.name = "policy show",
	.summary = "print the policy that holds, as a file that can be given back",
	.groups = show_groups,
	.opts_size = sizeof(struct hf_policy_opts),
	.run = show,
};
static const struct hf_command cmd_policy_check = {
	.name = "policy check",
	.arguments = "FILE",
	.summary = "look for mistakes in a policy file",
	.exits = "0 it is a policy; 1 it has a mistake, told with line and column",
	.min_args = 1,
	.max_args = 1,
	.run = check,
};
static const struct hf_command *const subcommands[] = { &cmd_policy_show, &cmd_policy_check, NULL };

static const struct hf_example examples[] = {
	{ "handfast policy show > policy.yaml", "what holds now, to start from" },
	{ "handfast policy show --openssl-config openssl.cnf > policy.yaml",
	  "what an openssl.cnf says, in these words" },
	{ "handfast policy check policy.yaml", "before it is put into the home's ca/" },
	{ "handfast sign node-07.csr --profile client --dry-run",
	  "which of its rules admits or refuses this request" },
	{ NULL, NULL },
};

const struct hf_command cmd_policy = {
	.name = "policy",
	.group = "Identities",
	.arguments = "show | check FILE",
	.summary = "show and check the authority's policy",
	.description =
	    "ca/policy.yaml in the home says which subjects, names, keys and lifetimes the authority "
	    "certifies, and what becomes of extensions that requests ask for; policy.yaml(5) tells the "
	    "keys. Without the file the built-in policy holds, which policy show prints. No policy makes "
	    "the authority do what it never does: a CA certificate from a leaf's request, a weak key, a "
	    "leaf that outlives its issuer.",
	.examples = examples,
	.see_also = "issue, sign",
	.subcommands = subcommands,
	.max_args = -1,
};
