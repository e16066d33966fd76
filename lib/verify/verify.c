/* SPDX-License-Identifier: Apache-2.0 */
/* The judge: search for a path that every rule accepts; when there is none, tell what is wrong with
 * the best one.  Must never read a clock or a file, and never take any certificate but the first
 * for the peer's identity. */
#include "verify/verify.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "verify/judge.h"

/* The path judged last, and the best so far. */
struct trial {
	struct hf_judgement j;
	struct hf_verdict now, best;
	struct hf_path best_path;
	int64_t best_until;
	bool any;
};

static void keep(struct trial *t, const struct hf_path *path)
{
	struct hf_verdict old = t->best;

	t->best = t->now;
	t->now = old;
	t->best_path = *path;
	t->best_until = t->j.valid_until;
	t->any = true;
}

/* Fewer refusals are better; the first of equals stays, as likelier issuers are tried first. */
static bool found(void *arg, const struct hf_path *path)
{
	struct trial *t = arg;

	hf_verdict_done(&t->now);
	t->j.path = path;
	t->j.verdict = &t->now;
	hf_judge_path(&t->j);
	if (t->j.no_memory)
		return true;
	if (!t->any || hf_findings_weight(&t->now) < hf_findings_weight(&t->best))
		keep(t, path);
	return hf_findings_weight(&t->best) == 0;
}

static bool judge_without_anchor(struct trial *t, const struct hf_search *search)
{
	t->j.path = &search->longest;
	t->j.verdict = &t->now;
	hf_verdict_done(&t->now);
	hf_explain_no_path(&t->j, search);
	hf_judge_path(&t->j);
	keep(t, &search->longest);
	return !t->j.no_memory;
}

/* Moves the findings of the best path into the verdict. */
static int take_best(struct trial *t, struct hf_verdict *v, struct hf_err *err)
{
	const struct hf_path *path = &t->best_path;
	size_t len = path->len;

	v->findings = hf_take(t->best.findings);
	v->findings_len = t->best.findings_len;
	v->findings_alloc = t->best.findings_alloc;
	t->best.findings_len = t->best.findings_alloc = 0;
	v->policies = t->best.policies;
	t->best.policies = (struct hf_strv)HF_STRV_INIT;
	for (size_t i = 0; i < len; i++) {
		if (hf_certs_add(&v->chain, path->certs[i], err) < 0)
			return -HF_E_NOMEM;
	}
	hf_findings_settle(v);
	v->accepted = path->anchored && hf_findings_weight(v) == 0;
	v->judge = v->accepted ? HF_JUDGE_NOBODY : HF_JUDGE_US;
	if (!v->accepted)
		return 0;
	v->valid_until = t->best_until;
	return hf_identity_new(path->certs[0], len > 1 ? path->certs[1] : NULL,
			       t->j.options->compat_cn, &v->identity, err);
}

static bool is_crl_error(int error)
{
	return error == X509_V_ERR_CRL_HAS_EXPIRED || error == X509_V_ERR_CRL_NOT_YET_VALID ||
	       error == X509_V_ERR_CRL_SIGNATURE_FAILURE ||
	       error == X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD ||
	       error == X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD;
}

/* The alert is that of OpenSSL's first error, the name Node would report that of its last.  A list
 * of ours that is out of date is our fault: the peer must not read "certificate expired" for it. */
static void name_refusal(struct hf_verdict *v)
{
	const struct hf_finding *root = hf_verdict_root(v);
	const struct hf_reason_info *info = hf_reason_info(root ? root->reason : HF_REASON_NONE);

	v->alert = info->alert;
	v->node_reason = hf_node_reason_name(info->verify_error);
	if (v->ossl_len == 0)
		return;
	v->node_reason = hf_node_reason_name(v->ossl[v->ossl_len - 1].error);
	if (root->step != HF_STEP_REVOCATION && root->step != HF_STEP_NAME &&
	    !is_crl_error(v->ossl[0].error))
		v->alert = hf_verify_error_alert(v->ossl[0].error);
}

static int judge_empty(const struct hf_verify_options *options, struct hf_verdict *v,
		       struct hf_err *err)
{
	struct hf_path none = { .len = 0 };
	struct hf_judgement j = { .options = options, .path = &none, .verdict = v };

	if (!hf_judge_find(&j, HF_REASON_N_NONE, HF_STEP_HANDSHAKE, -1, "a certificate", "none"))
		return hf_err_nomem(err);
	hf_findings_settle(v);
	v->judge = HF_JUDGE_US;
	v->alert = hf_reason_info(HF_REASON_N_NONE)->alert;
	/* OpenSSL's verify result is "ok" then; this is Node's own default. */
	v->node_reason = hf_node_reason_name(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT);
	return 0;
}

static int judge(struct trial *t, const struct hf_certs *chain, struct hf_verdict *verdict,
		 struct hf_err *err)
{
	struct hf_search search = {
		.sent = chain,
		.trust = t->j.trust,
		.at = t->j.options->at,
		.purpose = t->j.options->purpose,
		.found = found,
		.arg = t,
	};

	(void)hf_search_run(&search, chain->items[0]);
	if (search.no_memory || t->j.no_memory || (!t->any && !judge_without_anchor(t, &search)))
		return hf_err_nomem(err);
	if (search.limited && t->any && t->best_path.anchored && hf_findings_weight(&t->best) > 0) {
		t->j.verdict = &t->best;
		t->j.path = &t->best_path;
		if (!hf_judge_find(&t->j, HF_REASON_V_PATH_LIMIT, HF_STEP_CHAIN, -1, NULL, NULL))
			return hf_err_nomem(err);
	}
	return take_best(t, verdict, err);
}

int hf_verify(const struct hf_certs *chain, const struct hf_trust *trust,
	      const struct hf_verify_options *options, struct hf_verdict *verdict,
	      struct hf_err *err)
{
	struct trial *t;
	int rc;

	hf_verdict_init(verdict);
	if (chain->len == 0)
		return judge_empty(options, verdict, err);
	t = calloc(1, sizeof(*t));
	if (!t)
		return hf_err_nomem(err);
	t->j = (struct hf_judgement){ .sent = chain, .trust = trust, .options = options };
	hf_verdict_init(&t->now);
	hf_verdict_init(&t->best);
	rc = judge(t, chain, verdict, err);
	hf_verdict_done(&t->now);
	hf_verdict_done(&t->best);
	free(t);
	if (rc == 0 && (!verdict->accepted || options->second_opinion))
		rc = hf_opinion_ask(chain, trust, options, verdict, err);
	if (rc == 0 && !verdict->accepted)
		name_refusal(verdict);
	if (rc < 0)
		hf_verdict_done(verdict);
	ERR_clear_error();
	return rc;
}

bool hf_verdict_still_good(const struct hf_verdict *v, int64_t at)
{
	if (!v->accepted || at > v->valid_until)
		return false;
	for (size_t i = 0; i < v->chain.len; i++) {
		if (at < v->chain.items[i]->not_before)
			return false;
	}
	return true;
}
