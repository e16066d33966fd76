/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a policy as the policy.yaml that reads back as the same.  Must never leave out a rule: the
 * file is what people look at to know what holds. */
#include "base/err.h"
#include "base/time.h"
#include "ca/policy/extension.h"
#include "ca/policy/policy.h"
#include "util/yaml.h"

static const char *yes_no(bool value)
{
	return value ? "yes" : "no";
}

static void write_list(struct hf_buf *out, const char *key, const struct hf_strv *items)
{
	(void)hf_buf_printf(out, "%s: [", key);
	for (size_t i = 0; i < items->len; i++) {
		(void)hf_buf_puts(out, i ? ", " : "");
		(void)hf_yaml_write_scalar(out, items->items[i]);
	}
	(void)hf_buf_puts(out, "]");
}

static void write_life(struct hf_buf *out, const char *key, int64_t seconds)
{
	if (seconds % HF_DAY_SECONDS == 0)
		(void)hf_buf_printf(out, "    %s: %lld\n", key,
				    (long long)(seconds / HF_DAY_SECONDS));
	else
		(void)hf_buf_printf(out, "    %s: %llds\n", key, (long long)seconds);
}

static void write_subject(struct hf_buf *out, const struct hf_policy_subject *subject)
{
	(void)hf_buf_puts(out, "    subject:\n");
	for (size_t i = 0; i < subject->len; i++) {
		const struct hf_policy_field *f = &subject->fields[i];

		(void)hf_buf_printf(out, "      %s: ", OBJ_nid2ln(f->nid));
		if (f->like.len) {
			(void)hf_buf_printf(out, "{ is: %s, ", hf_match_words[f->is]);
			write_list(out, "like", &f->like);
			(void)hf_buf_puts(out, " }\n");
		} else {
			(void)hf_buf_printf(out, "%s\n", hf_match_words[f->is]);
		}
	}
	(void)hf_buf_printf(out, "      others: %s\n", hf_others_words[subject->others]);
}

static void write_names(struct hf_buf *out, const struct hf_policy_names *names)
{
	if (names->any || names->len == 0) {
		(void)hf_buf_printf(out, "    names: %s\n", names->any ? "any" : "none");
		return;
	}
	(void)hf_buf_puts(out, "    names:\n");
	for (int kind = HF_SAN_DNS; kind <= HF_SAN_EMAIL; kind++) {
		bool first = true;

		for (size_t i = 0; i < names->len; i++) {
			if ((int)names->items[i].kind != kind)
				continue;
			if (first)
				(void)hf_buf_printf(out, "      %s: [",
						    hf_san_kind_name((enum hf_san_kind)kind));
			else
				(void)hf_buf_puts(out, ", ");
			(void)hf_yaml_write_scalar(out, names->items[i].text);
			first = false;
		}
		(void)hf_buf_puts(out, first ? "" : "]\n");
	}
	(void)hf_buf_printf(out, "      wildcards: %s\n", yes_no(names->wildcards));
}

static void write_key_types(struct hf_buf *out, unsigned types)
{
	bool first = true;

	(void)hf_buf_puts(out, "    key_types: [");
	for (int i = 0; hf_policy_key_words[i]; i++) {
		if (!(types & 1U << i))
			continue;
		(void)hf_buf_printf(out, "%s%s", first ? "" : ", ", hf_policy_key_words[i]);
		first = false;
	}
	(void)hf_buf_puts(out, "]\n");
}

static void write_request(struct hf_buf *out, const struct hf_policy_profile *pp)
{
	(void)hf_buf_puts(out, "    request:\n");
	(void)hf_buf_printf(out, "      ca: %s\n", hf_answer_words[pp->ca]);
	(void)hf_buf_printf(out, "      names: %s\n", hf_answer_words[pp->foreign_names]);
	(void)hf_buf_printf(out, "      critical: %s\n", hf_answer_words[pp->critical]);
	(void)hf_buf_printf(out, "      extensions: %s\n", hf_answer_words[pp->extensions]);
	write_list(out, "      copy", &pp->copy);
	(void)hf_buf_puts(out, "\n");
}

static void write_profile(struct hf_buf *out, const struct hf_policy_profile *pp)
{
	(void)hf_buf_printf(out, "  %s:\n    allow: %s\n", pp->profile->name, yes_no(pp->allow));
	write_life(out, "days", pp->days);
	write_life(out, "max_days", pp->max_days);
	write_key_types(out, pp->key_types);
	(void)hf_buf_printf(out, "    rsa_bits: %lld\n", (long long)pp->rsa_bits);
	write_subject(out, &pp->subject);
	write_names(out, &pp->names);
	(void)hf_buf_printf(out, "    require_names: %s\n", yes_no(pp->require_names));
	write_life(out, "renew_grace", pp->renew_grace);
	(void)hf_buf_printf(out, "    approval: %s\n", yes_no(pp->approval));
	(void)hf_buf_printf(out, "    serverkeygen: %s\n", yes_no(pp->serverkeygen));
	if (pp->lines[HF_POLICY_REQUESTERS]) {
		write_list(out, "    requesters", &pp->requesters);
		(void)hf_buf_puts(out, "\n");
	}
	write_request(out, pp);
}

int hf_policy_format(const struct hf_policy *policy, struct hf_buf *out)
{
	(void)hf_buf_puts(out, "# The policy of this authority: policy.yaml(5).\n");
	(void)hf_buf_printf(out, "unique_subject: %s\n", yes_no(policy->unique_subject));
	hf_policy_revocation_format(&policy->revocation, out);
	(void)hf_buf_puts(out, "profiles:\n");
	for (size_t i = 0; i < HF_POLICY_PROFILES; i++)
		write_profile(out, &policy->profiles[i]);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}
