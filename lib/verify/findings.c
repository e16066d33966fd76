/* SPDX-License-Identifier: Apache-2.0 */
/* What to tell first, and what merely follows from it.  Must never drop a finding or soften one. */
#include <stdlib.h>

#include "verify/judge.h"

/* Nearer to the root cause first.  What is not listed comes in the middle, in the order it was
 * found. */
static const unsigned char ranks[HF_REASON_COUNT] = {
	[HF_REASON_N_NONE] = 1,
	[HF_REASON_L_CHAIN_SIZE] = 1,
	[HF_REASON_V_PATH_LIMIT] = 2,
	[HF_REASON_F_CRITICAL_LOAD] = 2,
	[HF_REASON_V_BAD_SIGNATURE] = 3,
	[HF_REASON_V_SELF_SIGNED] = 4,
	[HF_REASON_V_SAME_NAME_CA] = 4,
	[HF_REASON_V_NO_INTERMEDIATE] = 4,
	[HF_REASON_V_WRONG_INTERMEDIATE] = 4,
	[HF_REASON_V_UNKNOWN_CA] = 4,
	[HF_REASON_V_AKI] = 5,
	[HF_REASON_V_PROXY] = 6,
	[HF_REASON_V_V1_CA] = 7,
	[HF_REASON_V_NOT_A_CA] = 7,
	[HF_REASON_V_CA_KU] = 8,
	[HF_REASON_V_DEPTH] = 8,
	[HF_REASON_V_PATHLEN] = 8,
	[HF_REASON_V_CA_REVOKED] = 9,
	[HF_REASON_V_REVOKED] = 9,
	[HF_REASON_V_ROOT_EXPIRED] = 10,
	[HF_REASON_V_CA_EXPIRED] = 11,
	[HF_REASON_V_CA_NOT_YET] = 11,
	[HF_REASON_V_EXPIRED] = 12,
	[HF_REASON_V_NOT_YET] = 12,
	[HF_REASON_V_WEAK_KEY] = 13,
	[HF_REASON_V_WEAK_SIG] = 13,
	[HF_REASON_V_CA_AS_LEAF] = 14,
	[HF_REASON_V_CA_EKU] = 15,
	[HF_REASON_V_EKU] = 16,
	[HF_REASON_V_ANY_EKU] = 16,
	[HF_REASON_V_KU] = 17,
	[HF_REASON_V_NSTYPE] = 17,
	[HF_REASON_V_CRL_EXPIRED] = 30,
	[HF_REASON_V_CRL_NOT_YET] = 30,
	[HF_REASON_V_CRL_INVALID] = 31,
	[HF_REASON_V_CRL_MISSING] = 32,
	[HF_REASON_V_OCSP_DOWN] = 33,
	[HF_REASON_V_OCSP_UNKNOWN] = 33,
	[HF_REASON_V_OCSP_NONE] = 33,
	[HF_REASON_A_DENIED] = 40,
	[HF_REASON_A_NOT_ALLOWED] = 40,
};
enum { RANK_MIDDLE = 20 };

static int rank_of(const struct hf_finding *f)
{
	int rank = ranks[f->reason] ? ranks[f->reason] : RANK_MIDDLE;

	return rank + 100 * (HF_SEVERITY_REFUSE - (int)f->severity) + (f->consequence ? 1000 : 0);
}

/* Which finding makes which other one worthless to tell: about the same certificate when `same`. */
static const struct {
	enum hf_reason cause, effect;
	bool same;
} follows[] = {
	{ HF_REASON_V_NOT_A_CA, HF_REASON_V_CA_KU, true },
	{ HF_REASON_V_NOT_A_CA, HF_REASON_V_CA_EKU, true },
	{ HF_REASON_V_NOT_A_CA, HF_REASON_V_PATHLEN, false },
	{ HF_REASON_V_NOT_A_CA, HF_REASON_V_CRL_MISSING, false },
	{ HF_REASON_V_NOT_A_CA, HF_REASON_V_CRL_INVALID, false },
	{ HF_REASON_V_NOT_A_CA, HF_REASON_V_STRICT_PROFILE, true },
	{ HF_REASON_V_V1_CA, HF_REASON_V_CA_KU, true },
	{ HF_REASON_V_V1_CA, HF_REASON_V_STRICT_PROFILE, true },
	{ HF_REASON_V_V1_LEAF, HF_REASON_V_NO_EKU, true },
	{ HF_REASON_V_V1_LEAF, HF_REASON_V_STRICT_PROFILE, true },
	{ HF_REASON_V_V1_LEAF, HF_REASON_V_CN_ONLY, true },
	{ HF_REASON_V_CA_AS_LEAF, HF_REASON_V_KU, true },
	{ HF_REASON_V_CA_AS_LEAF, HF_REASON_V_EKU, true },
	{ HF_REASON_V_CA_AS_LEAF, HF_REASON_V_NO_EKU, true },
	{ HF_REASON_V_CA_AS_LEAF, HF_REASON_V_STRICT_PROFILE, true },
	{ HF_REASON_V_CA_EKU, HF_REASON_V_EKU, false },
	{ HF_REASON_V_BAD_SIGNATURE, HF_REASON_V_STRICT_PROFILE, true },
	{ HF_REASON_V_SELF_SIGNED, HF_REASON_V_CA_AS_LEAF, true },
	{ HF_REASON_V_SELF_SIGNED, HF_REASON_V_KU, true },
	{ HF_REASON_V_SELF_SIGNED, HF_REASON_V_NO_EKU, true },
	{ HF_REASON_V_SELF_SIGNED, HF_REASON_V_STRICT_PROFILE, true },
	{ HF_REASON_V_CA_REVOKED, HF_REASON_V_CRL_EXPIRED, false },
	{ HF_REASON_V_CA_REVOKED, HF_REASON_V_CRL_MISSING, false },
	{ HF_REASON_V_PATH_LIMIT, HF_REASON_V_UNKNOWN_CA, false },
	{ HF_REASON_V_PATH_LIMIT, HF_REASON_V_NO_INTERMEDIATE, false },
	{ HF_REASON_V_PATH_LIMIT, HF_REASON_V_WRONG_INTERMEDIATE, false },
	{ HF_REASON_V_PATH_LIMIT, HF_REASON_V_SAME_NAME_CA, false },
};

static bool is_effect(const struct hf_verdict *v, const struct hf_finding *f)
{
	for (size_t k = 0; k < HF_ARRAY_LEN(follows); k++) {
		if (follows[k].effect != f->reason)
			continue;
		for (size_t i = 0; i < v->findings_len; i++) {
			const struct hf_finding *c = &v->findings[i];

			/* A warning never explains a refusal away. */
			if (c->reason == follows[k].cause && c->severity >= f->severity &&
			    (!follows[k].same || c->cert == f->cert))
				return true;
		}
	}
	return false;
}

/* Few and stable: insertion keeps the order of equals. */
static void sort(struct hf_finding *f, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct hf_finding x = f[i];
		size_t k = i;

		for (; k > 0 && rank_of(&f[k - 1]) > rank_of(&x); k--)
			f[k] = f[k - 1];
		f[k] = x;
	}
}

void hf_findings_settle(struct hf_verdict *v)
{
	for (size_t i = 0; i < v->findings_len; i++)
		v->findings[i].consequence = is_effect(v, &v->findings[i]);
	sort(v->findings, v->findings_len);
	v->root_cause = v->findings_len > 0 ? 0 : -1;
}

size_t hf_findings_weight(const struct hf_verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->findings_len; i++)
		n += v->findings[i].severity == HF_SEVERITY_REFUSE;
	return n;
}
