/* SPDX-License-Identifier: Apache-2.0 */
/* The shared options --allow and --deny. */
#include <string.h>

#include "base/err.h"
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

/* A name that no anchor has would refuse everybody without a word. */
static int check_issuer_term(const struct hf_trust *trust, const char *term, struct hf_err *err)
{
	const struct hf_certs *anchors = hf_trust_anchors(trust);
	const char *name = term + strlen("issuer:"), *labels[64] = { NULL }, *nearest;
	size_t n = 0;

	if (!hf_str_starts(term, "issuer:"))
		return 0;
	for (size_t i = 0; i < anchors->len; i++) {
		const char *label = hf_trust_label(trust, anchors->items[i]);

		if (hf_str_eq(label, name))
			return 0;
		if (label != NULL && n + 1 < HF_ARRAY_LEN(labels))
			labels[n++] = label;
	}
	nearest = hf_str_nearest(name, labels);
	(void)hf_err_set(err, HF_E_INVALID, "rule '%s': no trust is called '%s'", term, name);
	return nearest != NULL ? hf_err_hint(err, "did you mean '%s'?", nearest)
			       : hf_err_hint(err, "'handfast trust list' shows their names");
}

int hf_cli_check_issuers(const struct hf_rule_opts *opts, const struct hf_trust *trust,
			 struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opts->rules.len; i++) {
		HF_AUTO_DONE(hf_strv) terms = HF_STRV_INIT;
		const char *rule = strchr(opts->rules.items[i], ' ') + 1;

		if (hf_strv_split(&terms, rule, '+') < 0)
			return hf_err_nomem(err);
		for (size_t t = 0; rc == 0 && t < terms.len; t++)
			rc = check_issuer_term(trust, terms.items[t], err);
	}
	return rc;
}
