/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of an OCSP responder as findings.  Must never take silence for "good" where the policy
 * says refuse, nor blame the peer for a responder that is silent. */
#include "verify/status.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/time.h"
#include "pki/crl.h"
#include "verify/judge.h"

static const struct {
	enum hf_reason reason;
	const char *want;
	bool warns; /* where it does not refuse */
} kinds[] = {
	[HF_STATUS_REVOKED] = { HF_REASON_V_REVOKED, "not revoked, says its OCSP responder" },
	[HF_STATUS_UNKNOWN] = { HF_REASON_V_OCSP_UNKNOWN, "an answer that says good", true },
	[HF_STATUS_FAILED] = { HF_REASON_V_OCSP_DOWN, "an answer that can be believed", true },
	[HF_STATUS_NO_RESPONDER] = { HF_REASON_V_OCSP_NONE, "a responder to ask" },
};

static void describe(const struct hf_status *status, char *out, size_t cap)
{
	const char *reason = status->reason >= 0 ? hf_crl_reason_name(status->reason) : NULL;
	char when[HF_TIME_TEXT_CAP];

	switch (status->kind) {
	case HF_STATUS_REVOKED:
		hf_time_format(status->revoked_at, when);
		(void)snprintf(out, cap, "revoked at %s (%s)", when,
			       reason ? reason : "no reason given");
		break;
	case HF_STATUS_UNKNOWN:
		(void)snprintf(out, cap, "unknown");
		break;
	case HF_STATUS_FAILED:
		(void)snprintf(out, cap, "%s", status->why ? status->why : "none");
		break;
	case HF_STATUS_NO_RESPONDER:
	case HF_STATUS_GOOD:
	case HF_STATUS_PENDING:
		(void)snprintf(out, cap, "none");
		break;
	}
}

static int warn(const struct hf_status *status, const char *have, struct hf_verdict *v,
		struct hf_err *err)
{
	struct hf_finding *f;

	if (!kinds[status->kind].warns)
		return 0;
	f = hf_verdict_add(v, kinds[status->kind].reason, HF_STEP_REVOCATION, HF_ROLE_CLIENT_LEAF,
			   0, v->identity->leaf, kinds[status->kind].want, have);
	if (!f)
		return hf_err_nomem(err);
	f->severity = HF_SEVERITY_WARN;
	if (v->root_cause < 0)
		v->root_cause = (ssize_t)(v->findings_len - 1);
	return 0;
}

int hf_status_apply(const struct hf_status *status, bool hard, struct hf_verdict *v,
		    struct hf_err *err)
{
	char have[256];
	int rc;

	assert(status->kind != HF_STATUS_PENDING && v->accepted && v->identity);
	if (status->kind != HF_STATUS_GOOD) {
		describe(status, have, sizeof(have));
		if (hard || status->kind == HF_STATUS_REVOKED) {
			const enum hf_reason reason = kinds[status->kind].reason;

			rc = hf_verdict_overrule(v, reason, HF_STEP_REVOCATION,
						 kinds[status->kind].want, have, err);
			if (rc == 0)
				v->node_reason =
				    hf_node_reason_name(hf_reason_info(reason)->verify_error);
			return rc;
		}
		rc = warn(status, have, v, err);
		if (rc < 0)
			return rc;
	}
	v->valid_until = HF_MIN(v->valid_until, status->until);
	return 0;
}
