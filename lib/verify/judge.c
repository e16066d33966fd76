/* SPDX-License-Identifier: Apache-2.0 */
/* One path before every rule.  Must never stop at the first finding: people mend all of them at
 * once. */
#include "verify/judge.h"

#include "base/time.h"

bool hf_judge_is_anchor(const struct hf_judgement *j, size_t depth)
{
	return j->path->anchored && depth + 1 == j->path->len;
}

enum hf_role hf_judge_role(const struct hf_judgement *j, int depth)
{
	static const enum hf_role leaf[] = {
		[HF_PURPOSE_ANY] = HF_ROLE_LEAF,
		[HF_PURPOSE_SERVER] = HF_ROLE_SERVER_LEAF,
		[HF_PURPOSE_CLIENT] = HF_ROLE_CLIENT_LEAF,
	};
	static const enum hf_role ca[] = {
		[HF_PURPOSE_ANY] = HF_ROLE_CA,
		[HF_PURPOSE_SERVER] = HF_ROLE_SERVER_CA,
		[HF_PURPOSE_CLIENT] = HF_ROLE_CLIENT_CA,
	};

	if (depth < 0)
		return HF_ROLE_NONE;
	if (depth == 0)
		return leaf[j->options->purpose];
	return j->path->certs[depth]->flags & HF_CERT_SELF_ISSUED &&
		       hf_judge_is_anchor(j, (size_t)depth)
		   ? HF_ROLE_ROOT
		   : ca[j->options->purpose];
}

struct hf_finding *hf_judge_find(struct hf_judgement *j, enum hf_reason reason, enum hf_step step,
				 int depth, const char *want, const char *have)
{
	struct hf_cert *cert = depth < 0 ? NULL : j->path->certs[depth];
	struct hf_finding *f;

	if (j->objections) {
		hf_judge_object(j, reason, HF_WORLDS_ALL, want, have);
		return NULL;
	}
	f = hf_verdict_add(j->verdict, reason, step, hf_judge_role(j, depth), depth, cert, want,
			   have);
	if (!f)
		j->no_memory = true;
	return f;
}

void hf_judge_quirk(struct hf_judgement *j, enum hf_quirk quirk, int depth, const char *want,
		    const char *have)
{
	const struct hf_quirk_info *info = hf_quirk_info(quirk);
	struct hf_finding *f;
	enum hf_severity severity;

	if (j->objections) {
		hf_judge_object(j, info->reason, hf_quirk_refusers(quirk, j->options->purpose),
				want, have);
		return;
	}
	if (!hf_quirk_severity(quirk, j->options->profile, j->options->purpose, &severity))
		return;
	f = hf_judge_find(j, info->reason, info->step, depth, want, have);
	if (!f)
		return;
	f->severity = severity;
	if (info->clause)
		f->rule = info->clause;
}

/* One certificate may come early; a whole hierarchy that does says more about our clock. */
static void check_clock(struct hf_judgement *j)
{
	if (j->path->len < 2)
		return;
	for (size_t i = 0; i < j->path->len; i++) {
		if (j->options->at >= j->path->certs[i]->not_before)
			return;
	}
	hf_judge_find(j, HF_REASON_K_CLOCK, HF_STEP_CHAIN, -1, NULL, NULL);
}

void hf_judge_path(struct hf_judgement *j)
{
	j->valid_until = HF_TIME_MAX;
	for (size_t i = 0; i < j->path->len; i++) {
		hf_check_form(j, i);
		hf_check_time(j, i);
		hf_check_strength(j, i);
		hf_check_profile(j, i);
		if (i > 0)
			hf_check_issuer(j, i);
	}
	check_clock(j);
	hf_check_leaf(j);
	hf_check_name(j);
	hf_check_constraints(j);
	if (!j->path->anchored)
		return;
	hf_check_anchor(j);
	hf_check_depth(j);
	hf_check_policies(j);
	hf_check_revocation(j);
}
