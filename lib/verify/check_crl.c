/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation by lists over the whole path (RFC 5280 6.3).  Must never take "no list" or "a stale
 * list" for "not revoked": every CA of the path needs a usable list once checking is on, and one
 * that is out of date is usable only as long as the trust says. */
#include <stdio.h>

#include "base/time.h"
#include "verify/crl.h"

/* What is known so far about one certificate. */
struct inquiry {
	struct hf_judgement *j;
	size_t depth;
	bool nested;
	unsigned covered;	     /* reasons for which a usable list has spoken */
	unsigned current;	     /* of them, those by lists that are not out of date */
	const struct hf_crl *graced; /* out of date, and counted */
	enum hf_reason fault;	     /* the nearest to a usable list that we had */
	const struct hf_crl *fault_crl;
	const char *fault_why;
	bool revoked;
	int64_t revoked_at;
	int reason; /* CRLReason, -1 unspecified */
};

static int fault_rank(enum hf_reason fault)
{
	switch ((int)fault) {
	case HF_REASON_V_CRL_EXPIRED:
		return 4;
	case HF_REASON_V_CRL_NOT_YET:
		return 3;
	case HF_REASON_V_CRL_INVALID:
		return 2;
	default:
		return 1; /* missing */
	}
}

static void note_fault(struct inquiry *q, enum hf_reason fault, const struct hf_crl *crl,
		       const char *why)
{
	if (q->fault_crl && fault_rank(fault) <= fault_rank(q->fault))
		return;
	q->fault = fault;
	q->fault_crl = crl;
	q->fault_why = why;
}

/* The newest delta that goes with the list, of the same signer (RFC 5280 5.2.4, 6.3.3 (c)). */
static const struct hf_crl *find_delta(struct inquiry *q, const struct hf_crl *base,
				       const struct hf_cert *signer)
{
	const struct hf_crls *crls = hf_trust_crls(q->j->trust);
	const struct hf_crl *best = NULL;
	const char *why;

	for (size_t i = 0; i < crls->len && base->number; i++) {
		const struct hf_crl *d = crls->items[i];

		if (!d->base_number || !d->number || !hf_crl_same_scope(d, base) ||
		    hf_crl_number_compare(d->base_number, base->number) > 0 ||
		    hf_crl_number_compare(d->number, base->number) < 0 ||
		    (best && hf_crl_number_compare(d->number, best->number) <= 0))
			continue;
		if (hf_crl_fault(q->j, d, &why) == HF_REASON_NONE &&
		    hf_crl_signer(q->j, d, q->nested, &why) == signer)
			best = d;
	}
	return best;
}

static void take_entry(struct inquiry *q, const struct hf_crl_entry *entry)
{
	q->revoked = true;
	q->reason = hf_crl_entry_reason(entry);
	(void)hf_crl_entry_at(entry, &q->revoked_at);
}

/* 2 means removeFromCRL. */
static void look_up(struct inquiry *q, const struct hf_crl *crl, const struct hf_crl *delta)
{
	const X509 *x509 = q->j->path->certs[q->depth]->x509;
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	const X509_NAME *issuer = X509_get_issuer_name(x509);
	struct hf_crl_entry entry;
	int found = delta ? hf_crl_find(delta, serial, issuer, &entry) : 0;

	if (found == 0)
		found = hf_crl_find(crl, serial, issuer, &entry);
	if (found == 1)
		take_entry(q, &entry);
}

/* Is there a later list of the same scope that can be used?  What was released from that one no
 * longer counts as revoked, what was added to it does, in whatever order the files came. */
static bool is_superseded(struct inquiry *q, const struct hf_crl *crl)
{
	const struct hf_crls *crls = hf_trust_crls(q->j->trust);
	const char *why;

	for (size_t i = 0; i < crls->len; i++) {
		const struct hf_crl *other = crls->items[i];

		if (!other->base_number && hf_crl_is_newer(other, crl) &&
		    hf_crl_same_scope(other, crl) &&
		    hf_crl_fault(q->j, other, &why) == HF_REASON_NONE &&
		    hf_crl_signer(q->j, other, q->nested, &why))
			return true;
	}
	return false;
}

static void count_until(struct inquiry *q, const struct hf_crl *crl)
{
	q->j->valid_until = HF_MIN(q->j->valid_until, hf_trust_list_until(q->j->trust, crl));
}

static void consult(struct inquiry *q, const struct hf_crl *crl)
{
	const char *why = NULL;
	unsigned scope = hf_crl_scope(crl, q->j->path->certs[q->depth]);
	enum hf_reason fault;
	const struct hf_cert *signer;
	const struct hf_crl *delta;

	if (!scope || is_superseded(q, crl))
		return;
	fault = hf_crl_fault(q->j, crl, &why);
	if (fault == HF_REASON_V_CRL_INVALID) {
		note_fault(q, fault, crl, why);
		return;
	}
	signer = hf_crl_signer(q->j, crl, q->nested, &why);
	if (!signer) {
		note_fault(q, HF_REASON_V_CRL_INVALID, crl, why);
		return;
	}
	delta = find_delta(q, crl, signer);
	look_up(q, crl, delta);
	if (fault != HF_REASON_NONE) {
		note_fault(q, fault, crl, NULL);
		return;
	}
	q->covered |= scope;
	if (q->j->options->at > crl->next_update)
		q->graced = crl;
	else
		q->current |= scope;
	count_until(q, crl);
	if (delta)
		count_until(q, delta);
}

static void report_revoked(const struct inquiry *q)
{
	const char *reason = q->reason >= 0 ? hf_crl_reason_name(q->reason) : NULL;
	char have[128], when[HF_TIME_TEXT_CAP];

	hf_time_format(q->revoked_at, when);
	(void)snprintf(have, sizeof(have), "revoked at %s (%s)", when,
		       reason ? reason : "no reason given");
	hf_judge_find(q->j, q->depth == 0 ? HF_REASON_V_REVOKED : HF_REASON_V_CA_REVOKED,
		      HF_STEP_REVOCATION, (int)q->depth, "not on its CA's list", have);
}

/* What is let in by a list that is out of date should be known. */
static void report_grace(const struct inquiry *q)
{
	HF_AUTO_DONE(hf_buf) want = HF_BUF_INIT(8192);
	char have[128], ended[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP];
	struct hf_finding *f;

	hf_time_format(q->graced->next_update, ended);
	hf_time_format(hf_trust_list_until(q->j->trust, q->graced), until);
	(void)hf_buf_printf(&want, "a current list of %s", q->graced->issuer);
	(void)snprintf(have, sizeof(have), "one that ended at %s, and counts until %s by our grace",
		       ended, until);
	f = hf_judge_find(q->j, HF_REASON_V_CRL_EXPIRED, HF_STEP_REVOCATION, (int)q->depth + 1,
			  hf_buf_str(&want), have);
	if (f)
		f->severity = HF_SEVERITY_WARN;
}

static void report_fault(const struct inquiry *q)
{
	const struct hf_cert *cert = q->j->path->certs[q->depth];
	HF_AUTO_DONE(hf_buf) want = HF_BUF_INIT(8192), have = HF_BUF_INIT(8192);
	char when[HF_TIME_TEXT_CAP];
	enum hf_reason reason = q->fault_crl ? q->fault : HF_REASON_V_CRL_MISSING;

	(void)hf_buf_printf(&want, "a current list of %s", cert->issuer);
	if (reason == HF_REASON_V_CRL_EXPIRED) {
		hf_time_format(q->fault_crl->next_update, when);
		(void)hf_buf_printf(&have, "one that ended at %s", when);
		if (hf_trust_crl_grace(q->j->trust) > 0)
			(void)hf_buf_puts(&have, ", and whose grace is over");
	} else if (reason == HF_REASON_V_CRL_NOT_YET) {
		hf_time_format(q->fault_crl->this_update, when);
		(void)hf_buf_printf(&have, "one that begins at %s", when);
	} else if (reason == HF_REASON_V_CRL_INVALID) {
		(void)hf_buf_printf(&have, "one of %s, but %s", q->fault_crl->issuer, q->fault_why);
	} else if (q->covered) {
		(void)hf_buf_puts(&have, "lists for some reasons only");
	} else {
		hf_crl_tell_scope(hf_trust_crls(q->j->trust), cert, &want, &have);
	}
	/* It is the issuer's list that is at fault, and ours to fetch. */
	hf_judge_find(q->j, reason, HF_STEP_REVOCATION, (int)q->depth + 1, hf_buf_str(&want),
		      hf_buf_str(&have));
}

bool hf_crl_check_cert(struct hf_judgement *j, size_t depth, bool nested)
{
	struct inquiry q = { .j = j, .depth = depth, .nested = nested, .reason = -1 };
	const struct hf_crls *crls = hf_trust_crls(j->trust);

	/* RFC 9608 4: such a certificate is never on a list; it is short-lived.  For a CA it means
	 * nothing. */
	if (depth == 0 && (j->path->certs[0]->flags & (HF_CERT_NO_REV_AVAIL | HF_CERT_CA)) ==
			      HF_CERT_NO_REV_AVAIL)
		return true;
	for (size_t i = 0; i < crls->len && !q.revoked; i++)
		consult(&q, crls->items[i]);
	if (q.revoked)
		report_revoked(&q);
	else if (q.graced && q.covered == HF_CRL_ALL_REASONS && q.current != HF_CRL_ALL_REASONS)
		report_grace(&q);
	if (q.covered != HF_CRL_ALL_REASONS && !(q.revoked && !q.fault_crl))
		report_fault(&q);
	return !q.revoked && q.covered == HF_CRL_ALL_REASONS;
}

void hf_check_revocation(struct hf_judgement *j)
{
	for (size_t i = 0; i + 1 < j->path->len; i++) {
		if (hf_trust_wants_crl(j->trust, j->path->certs[i]))
			(void)hf_crl_check_cert(j, i, false);
	}
}
