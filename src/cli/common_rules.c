/* SPDX-License-Identifier: Apache-2.0 */
/* The shared options --allow and --deny. */
#include <string.h>

#include "cli/common.h"

const struct hf_option hf_rule_options[] = {
	{ .name = "allow",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct hf_rule_opts, rules),
	  .arg = "RULE",
	  .prefix = "allow ",
	  .help =
	      "let in: any, cn:, o:, ou:, dns:, uri:, email:, ip:CIDR, sha256:, spki:, serial:HEX@ISSUER, "
	      "issuer:TRUST, policy:OID (of certificate policies, valid along the whole path), joined by '+' for "
	      "'and'" },
	{ .name = "deny",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct hf_rule_opts, rules),
	  .arg = "RULE",
	  .prefix = "deny ",
	  .help = "keep out; rules are tried in the order given, the first that matches decides" },
	{ .name = NULL },
};

int hf_cli_load_rules(struct hf_cmd_ctx *ctx, const struct hf_rule_opts *opts,
		      struct hf_rules **ret_rules)
{
	HF_AUTO(hf_rules) rules = NULL;
	int rc = hf_rules_new(&rules, &ctx->err);

	for (size_t i = 0; rc == 0 && i < opts->rules.len; i++) {
		const char *text = opts->rules.items[i];
		bool allow = hf_str_starts(text, "allow ");

		rc = hf_rules_add(rules, allow, text + (allow ? strlen("allow ") : strlen("deny ")),
				  &ctx->err);
	}
	if (rc == 0)
		*ret_rules = hf_take(rules);
	return rc;
}
