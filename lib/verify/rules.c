/* SPDX-License-Identifier: Apache-2.0 */
/* The list of rules and its decision.  Must never let anybody in by default: without a rule nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "verify/judge.h"
#include "verify/rules_internal.h"

enum { RULES_CAP = 10000 };

int hf_rules_new(struct hf_rules **ret_rules, struct hf_err *err)
{
	struct hf_rules *r = calloc(1, sizeof(*r));

	if (!r)
		return hf_err_nomem(err);
	atomic_init(&r->refs, 1);
	*ret_rules = r;
	return 0;
}

struct hf_rules *hf_rules_ref(struct hf_rules *rules)
{
	(void)atomic_fetch_add_explicit(&rules->refs, 1, memory_order_relaxed);
	return rules;
}

void hf_rules_unref(struct hf_rules *rules)
{
	if (!rules || atomic_fetch_sub_explicit(&rules->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < rules->len; i++)
		hf_rule_done(&rules->items[i]);
	free(rules->items);
	free(rules);
}

int hf_rules_add(struct hf_rules *rules, bool allow, const char *text, struct hf_err *err)
{
	int rc;

	if (rules->len >= RULES_CAP)
		return hf_err_set(err, HF_E_LIMIT, "there may be %d rules at most", RULES_CAP);
	if (rules->len == rules->alloc) {
		size_t alloc = rules->alloc ? 2 * rules->alloc : 4;
		struct hf_rule *items = realloc(rules->items, alloc * sizeof(*items));

		if (!items)
			return hf_err_nomem(err);
		rules->items = items;
		rules->alloc = alloc;
	}
	rc = hf_rule_parse(allow, text, &rules->items[rules->len], err);
	if (rc < 0)
		return rc;
	rules->len++;
	return 0;
}

size_t hf_rules_count(const struct hf_rules *rules)
{
	return rules->len;
}

bool hf_rules_ask_policies(const struct hf_rules *rules)
{
	for (size_t i = 0; i < rules->len; i++) {
		for (size_t t = 0; t < rules->items[i].terms_len; t++) {
			if (rules->items[i].terms[t].kind == HF_TERM_POLICY)
				return true;
		}
	}
	return false;
}

static bool has_allow(const struct hf_rules *rules)
{
	for (size_t i = 0; i < rules->len; i++) {
		if (rules->items[i].allow)
			return true;
	}
	return false;
}

static enum hf_role leaf_role(const struct hf_verdict *v)
{
	unsigned eku = v->identity->leaf->eku;

	if (eku & HF_EKU_CLIENT)
		return HF_ROLE_CLIENT_LEAF;
	return eku & HF_EKU_SERVER ? HF_ROLE_SERVER_LEAF : HF_ROLE_LEAF;
}

int hf_verdict_overrule(struct hf_verdict *v, enum hf_reason reason, enum hf_step step,
			const char *want, const char *have, struct hf_err *err)
{
	struct hf_finding *f;
	struct hf_finding last;

	f = hf_verdict_add(v, reason, step, leaf_role(v), 0, v->identity->leaf, want, have);
	if (!f)
		return hf_err_nomem(err);
	/* Findings so far were only warnings: this one is told first. */
	last = *f;
	memmove(v->findings + 1, v->findings, (v->findings_len - 1) * sizeof(*v->findings));
	v->findings[0] = last;
	v->root_cause = 0;
	v->accepted = false;
	v->judge = HF_JUDGE_US;
	v->valid_until = 0;
	v->alert = hf_reason_info(reason)->alert;
	/* Node has no such check: an application refuses after the handshake. */
	v->node_reason = "UNSPECIFIED";
	return 0;
}

static int refuse(struct hf_verdict *v, enum hf_reason reason, const char *want, struct hf_err *err)
{
	return hf_verdict_overrule(v, reason, HF_STEP_RULES, want, v->identity->name, err);
}

int hf_rules_revoke(struct hf_verdict *verdict, struct hf_err *err)
{
	int rc =
	    refuse(verdict, HF_REASON_V_REVOKED, "a certificate that was not withdrawn here", err);

	if (rc == 0)
		verdict->node_reason = hf_node_reason_name(X509_V_ERR_CERT_REVOKED);
	return rc;
}

static int set_rule(struct hf_verdict *v, const char *text, struct hf_err *err)
{
	free(v->rule);
	v->rule = hf_str_dup(text);
	return v->rule ? 0 : hf_err_nomem(err);
}

int hf_rules_apply(const struct hf_rules *rules, const struct hf_trust *trust,
		   struct hf_verdict *verdict, struct hf_err *err)
{
	if (!verdict->accepted || !verdict->identity)
		return 0;
	for (size_t i = 0; i < rules->len; i++) {
		const struct hf_rule *rule = &rules->items[i];

		if (!hf_rule_matches(rule, trust, verdict))
			continue;
		if (set_rule(verdict, rule->text, err) < 0)
			return -HF_E_NOMEM;
		return rule->allow ? 0 : refuse(verdict, HF_REASON_A_DENIED, rule->text, err);
	}
	if (set_rule(verdict, "no rule matches", err) < 0)
		return -HF_E_NOMEM;
	if (rules->len > 0 && !has_allow(rules))
		return 0;
	return refuse(verdict, HF_REASON_A_NOT_ALLOWED,
		      rules->len > 0 ? "an allow rule that matches" : "any allow rule", err);
}

bool hf_rules_admit(const struct hf_rules *rules, const struct hf_trust *trust,
		    const struct hf_verdict *verdict, struct hf_verdict *ret_denied)
{
	bool admitted;

	hf_verdict_init(ret_denied);
	if (verdict == NULL || !verdict->accepted || verdict->identity == NULL) {
		(void)hf_verdict_add(ret_denied, HF_REASON_A_NOT_ALLOWED, HF_STEP_RULES,
				     HF_ROLE_CLIENT_LEAF, -1, NULL, "a verified certificate", NULL);
		ret_denied->root_cause = 0;
		return false;
	}
	/* Lent for the judgement, and given back. */
	ret_denied->accepted = true;
	ret_denied->chain = verdict->chain;
	ret_denied->policies = verdict->policies;
	ret_denied->identity = verdict->identity;
	admitted = hf_rules_apply(rules, trust, ret_denied, NULL) == 0 && ret_denied->accepted;
	ret_denied->chain = (struct hf_certs)HF_CERTS_INIT;
	ret_denied->policies = (struct hf_strv)HF_STRV_INIT;
	ret_denied->identity = NULL;
	return admitted;
}

void hf_rules_digest(const struct hf_rules *rules, uint8_t out[HF_SHA256_LEN])
{
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	/* The text says all, its NUL keeps the rules apart. */
	for (size_t i = 0; ok && i < rules->len; i++)
		ok = EVP_DigestUpdate(md, rules->items[i].text, strlen(rules->items[i].text) + 1) ==
		     1;
	memset(out, 0, HF_SHA256_LEN);
	if (ok)
		(void)EVP_DigestFinal_ex(md, out, NULL);
}
