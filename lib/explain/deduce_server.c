/* SPDX-License-Identifier: Apache-2.0 */
/* The server's certificate, judged by the client. */
#include "explain/internal.h"

#include <string.h>

#include "base/time.h"
#include "pki/name.h"

enum { SKEW = 600 };

/* The same server name, the name sent this time: does the certificate fit then? */
static bool name_left_out(struct deduction *d, const struct hf_finding *f)
{
	const struct hf_look *with = hf_look_of(d, HF_LOOK_SNI);

	if (f->step != HF_STEP_NAME || d->t->offer.sni)
		return false;
	if (!with && hf_want(d, HF_LOOK_SNI))
		return true;
	if (!with || !with->judged || hf_refusing_finding(&with->server))
		return false;
	hf_decide(d, HF_REASON_P_SNI_MISSING, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, f->cert);
	hf_say_evidence(d->e, "without a server name the server shows %s",
			f->cert ? f->cert->subject : "another certificate");
	hf_say_evidence(d->e, "asked for %s it shows one that is valid for it", d->c->name);
	return true;
}

/* A chain that begins wholly in the future: the certificates, or the clock here? */
static bool our_clock(struct deduction *d)
{
	int64_t offset;
	bool known;

	if (!hf_verdict_has(&d->main->server, HF_REASON_K_CLOCK))
		return false;
	if (!hf_look_of(d, HF_LOOK_DATE) && hf_want(d, HF_LOOK_DATE))
		return true;
	offset = hf_clock_offset(d, &known);
	if (known && offset < SKEW)
		return false; /* the server lives in our time: the certificates are wrong */
	hf_decide(d, HF_REASON_K_CLOCK, HF_SIDE_CLIENT, known ? HF_CERTAIN : HF_LIKELY);
	if (d->main->server.chain.len > 0)
		hf_set_cert(d->e, HF_ROLE_ROOT,
			    d->main->server.chain.items[d->main->server.chain.len - 1]);
	hf_say_evidence(d->e,
			"every certificate of the server's chain begins after our clock's now");
	if (known)
		hf_say_evidence(d->e,
				"the server's clock (HTTP Date) is %lld seconds ahead of ours",
				(long long)offset);
	return true;
}

static bool clock_ahead(struct deduction *d, const struct hf_finding *f)
{
	int64_t offset;
	bool known;

	if (f->reason != HF_REASON_V_EXPIRED && f->reason != HF_REASON_V_CA_EXPIRED &&
	    f->reason != HF_REASON_V_ROOT_EXPIRED)
		return false;
	offset = hf_clock_offset(d, &known);
	if (!known || !f->cert || d->c->now + offset > f->cert->not_after || offset > -SKEW)
		return false;
	hf_decide(d, HF_REASON_K_CLOCK, HF_SIDE_CLIENT, HF_LIKELY);
	hf_set_cert(d->e, f->role, f->cert);
	hf_say_evidence(d->e,
			"the server's clock (HTTP Date) is %lld seconds behind ours, and by it "
			"the certificate is in date",
			(long long)-offset);
	return true;
}

/* Valid in some minutes: issued just now by a CA whose clock is ahead of ours, so one of the two is
 * off.  A server that lives in our time makes it the CA's. */
static bool valid_in_a_moment(struct deduction *d, const struct hf_finding *f)
{
	int64_t offset, left;
	bool known;

	if (f->reason != HF_REASON_V_NOT_YET || !f->cert || f->cert->not_before - d->c->now >= SKEW)
		return false;
	if (!hf_look_of(d, HF_LOOK_DATE) && hf_want(d, HF_LOOK_DATE))
		return true;
	left = f->cert->not_before - d->c->now;
	offset = hf_clock_offset(d, &known);
	hf_decide(d, HF_REASON_K_SKEW_SMALL, HF_SIDE_CLIENT,
		  known && offset >= left ? HF_CERTAIN : HF_LIKELY);
	if (known && offset < left)
		hf_decide(d, HF_REASON_V_NOT_YET, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_add_candidate(d->e, HF_REASON_V_NOT_YET);
	hf_add_candidate(d->e, HF_REASON_K_SKEW_SMALL);
	hf_set_cert(d->e, f->role, f->cert);
	hf_say_finding(d->e, f);
	hf_say_evidence(d->e, "by our clock it begins in %lld seconds", (long long)left);
	if (known)
		hf_say_evidence(d->e, "the server's clock (HTTP Date) is %lld seconds off ours",
				(long long)offset);
	return true;
}

/* What the process serves is not what its file holds. */
static bool stale_process(struct deduction *d, const struct hf_finding *f)
{
	const struct hf_certs *file = &d->c->server_chain, *sent = &d->t->server.certs;
	char ends[HF_TIME_TEXT_CAP], lasts[HF_TIME_TEXT_CAP];

	if (!file->len || !sent->len || hf_certs_has(file, sent->items[0]) ||
	    strcmp(file->items[0]->subject, sent->items[0]->subject) != 0)
		return false;
	if (f &&
	    (f->step == HF_STEP_NAME || file->items[0]->not_after <= sent->items[0]->not_after))
		return false;
	hf_decide(d, HF_REASON_R_STALE_PROCESS, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, sent->items[0]);
	d->e->since = sent->items[0]->not_after;
	hf_time_format(sent->items[0]->not_after, ends);
	hf_time_format(file->items[0]->not_after, lasts);
	hf_say_evidence(d->e, "the process sends serial %s, valid until %s", sent->items[0]->serial,
			ends);
	hf_say_evidence(d->e, "%s holds serial %s, valid until %s", d->c->server_cert_path,
			file->items[0]->serial, lasts);
	return true;
}

static enum hf_reason reason_of(const struct hf_finding *f)
{
	return hf_revoked_another(f) ? HF_REASON_V_DUP_SERIAL : f->reason;
}

static void since_of(struct deduction *d, const struct hf_finding *f)
{
	if (f->cert && (f->reason == HF_REASON_V_EXPIRED || f->reason == HF_REASON_V_CA_EXPIRED ||
			f->reason == HF_REASON_V_ROOT_EXPIRED))
		d->e->since = f->cert->not_after;
}

static void describe(struct deduction *d, const struct hf_finding *f)
{
	const struct hf_certs *sent = &d->t->server.certs;

	hf_say_finding(d->e, f);
	hf_say_evidence(d->e, "the server sends %zu certificate%s", sent->len,
			sent->len == 1 ? "" : "s");
}

/* The leaf came alone, but the server's file has its issuer too: it does not send the file whole,
 * or (GnuTLS) leaves out a CA that the leaf's key identifier does not name. */
static void issuer_in_file(struct deduction *d)
{
	const struct hf_certs *file = &d->c->server_chain, *sent = &d->t->server.certs;

	if (d->e->cause != HF_REASON_V_NO_INTERMEDIATE || file->len < 2 || !hf_leaf_alone(sent) ||
	    !hf_cert_equal(file->items[0], sent->items[0]) ||
	    !hf_name_equal(X509_get_issuer_name(sent->items[0]->x509),
			   X509_get_subject_name(file->items[1]->x509)))
		return;
	hf_say_evidence(d->e, "%s holds %zu certificates, the issuer's among them",
			d->c->server_cert_path, file->len);
	if (X509_check_issued(file->items[1]->x509, sent->items[0]->x509) ==
	    X509_V_ERR_AKID_SKID_MISMATCH) {
		hf_decide(d, HF_REASON_V_AKI, HF_SIDE_CLIENT, HF_CERTAIN);
		return;
	}
	hf_say_fix(d->e,
		   "reload the server; if that does not help, have it send the whole of %s (nginx: "
		   "ssl_certificate, Apache: SSLCertificateFile, s_server: -cert_chain)",
		   d->c->server_cert_path);
}

bool hf_deduce_server_certificate(struct deduction *d)
{
	const struct hf_finding *f = hf_refusing_finding(&d->main->server);

	if (!d->main->judged || !f || !d->c->set.trusts_somebody)
		return false;
	if (name_left_out(d, f) || our_clock(d))
		return true;
	if (f->reason == HF_REASON_V_EXPIRED && stale_process(d, f))
		return true;
	if (clock_ahead(d, f) || valid_in_a_moment(d, f))
		return true;
	hf_decide(d, reason_of(f), HF_SIDE_CLIENT, HF_CERTAIN);
	hf_set_cert(d->e, f->role, f->cert);
	if (hf_deduce_inspection(d, f) ||
	    (f->reason == HF_REASON_V_UNKNOWN_CA && hf_deduce_gap(d, HF_SIDE_CLIENT)))
		return true;
	hf_doubt_top(d, HF_SIDE_CLIENT);
	since_of(d, f);
	describe(d, f);
	issuer_in_file(d);
	return true;
}

/* --- they met ---------------------------------------------------------------------------- */

/* Accepted here, refused elsewhere: the cause is named, as a client may be one of those. */
static bool partial_anchor(struct deduction *d)
{
	for (size_t i = 0; d->main->judged && i < d->main->server.findings_len; i++) {
		const struct hf_finding *f = &d->main->server.findings[i];

		if (f->reason != HF_REASON_V_PARTIAL_ANCHOR || !d->c->set.trusts_somebody)
			continue;
		hf_decide(d, HF_REASON_V_PARTIAL_ANCHOR, HF_SIDE_CLIENT, HF_LIKELY);
		hf_set_cert(d->e, HF_ROLE_SERVER_CA, f->cert);
		hf_say_evidence(d->e, "the client trusts %s, which is no root",
				f->cert ? f->cert->subject : "an intermediate");
		hf_say_evidence(d->e,
				"OpenSSL's default (s_client, Node, Python below 3.13) refuses "
				"with alert 48; curl, Go, Java, GnuTLS and we accept");
		return true;
	}
	return false;
}

static bool staple_missing(struct deduction *d)
{
	const struct hf_certs *sent = &d->t->server.certs;

	if (!sent->len || d->t->server.stapled || !hf_wants_staple(sent->items[0]))
		return false;
	hf_decide(d, HF_REASON_V_STAPLE, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, sent->items[0]);
	hf_say_evidence(d->e,
			"the certificate carries the TLS feature status_request (must-staple)");
	hf_say_evidence(d->e,
			"asked for, no OCSP response came; GnuTLS refuses, OpenSSL does not look");
	return true;
}

static bool ca_list_filters(struct deduction *d)
{
	const struct hf_demand *demand = &d->t->demand;
	const struct hf_certs *path = &d->c->own_path;
	bool complete = path->len > 0 && (path->items[path->len - 1]->flags & HF_CERT_SELF_ISSUED);

	if (!demand->seen || sk_X509_NAME_num(demand->names) <= 0 || !hf_certificate_sent(d->t) ||
	    hf_chain_reaches(path, demand->names) || hf_chain_reaches(&d->c->own, demand->names))
		return false;
	if (!complete && d->c->own.len < 2)
		return false; /* who stands above is not known here */
	hf_decide(d, HF_REASON_N_CA_LIST, HF_SIDE_SERVER, HF_CERTAIN);
	hf_set_cert(d->e, HF_ROLE_ROOT, path->len ? path->items[path->len - 1] : NULL);
	if (d->c->server_trust.len > 0 && path->len > 0 &&
	    hf_certs_has(&d->c->server_trust, path->items[path->len - 1])) {
		hf_add_candidate(d->e, HF_REASON_R_ACCEPTED_NAMES_STALE);
		hf_say_evidence(d->e,
				"%s has it: the names come from another file, or the trust was "
				"reloaded and the names were not",
				d->c->server_ca_path);
	}
	hf_say_evidence(d->e, "CA names sent: %d; none of them is above %s",
			sk_X509_NAME_num(demand->names), d->c->own.items[0]->subject);
	hf_say_evidence(d->e,
			"sent all the same, the certificate was accepted: OpenSSL clients ignore "
			"the list, Java, Windows and browsers obey it and send nothing");
	return true;
}

static bool stale_but_met(struct deduction *d)
{
	if (!d->c->have_server_files || !stale_process(d, NULL))
		return false;
	d->e->since = 0;
	d->e->meets = true;
	d->e->cause = HF_REASON_NONE;
	d->e->refused_by = d->e->fault_in = HF_SIDE_NOBODY;
	hf_set_cert(d->e, HF_ROLE_NONE, NULL);
	d->e->candidates_len = 0;
	hf_say_also(d->e, "the server's file holds another certificate than the process sends "
			  "[R-STALE-PROCESS]: reload it");
	return false;
}

static void list_sizes(struct deduction *d)
{
	size_t bytes = d->t->demand.names_bytes;

	if (bytes > 32768)
		hf_say_also(d->e,
			    "the list of CA names is %zu bytes; Java clients stop at 32 KiB "
			    "[L-JSSE-32K]",
			    bytes);
	else if (bytes > 16384)
		hf_say_also(d->e,
			    "the list of CA names is %zu bytes; Windows stops at 16 KiB "
			    "[L-WINDOWS-16K]",
			    bytes);
}

void hf_deduce_after_meeting(struct deduction *d)
{
	if (d->c->set.plain)
		return;
	list_sizes(d);
	if (d->main->http.status == 0 && d->main->asked)
		hf_say_cannot_know(d->e,
				   "what the service thinks of its client: it gave no HTTP answer "
				   "(another protocol, perhaps)");
	if (partial_anchor(d) || staple_missing(d) || ca_list_filters(d) || hf_deduce_again(d))
		return;
	(void)stale_but_met(d);
}
