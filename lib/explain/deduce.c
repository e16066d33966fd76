/* SPDX-License-Identifier: Apache-2.0 */
/* The order of questions: files, transport, protocol, the server's certificate, the client's, the
 * HTTP layer, and what is wrong although they met.  The first that answers names the cause.  Must
 * prefer silence to a wrong guess. */
#include "explain/internal.h"

#include <string.h>

#include "base/err.h"
#include "pki/name.h"

/* The client's own files come before any packet, the server's before any blame. */
static bool from_files(struct deduction *d, bool server_side)
{
	for (size_t i = 0; i < d->c->files_len; i++) {
		const struct hf_file_finding *f = &d->c->files[i];

		if (f->server_side != server_side)
			continue;
		if (d->e->cause) {
			hf_say_also(d->e, "%s: %s [%s]", f->path, f->text,
				    hf_reason_info(f->reason)->id);
			continue;
		}
		hf_decide(d, f->reason, server_side ? HF_SIDE_NOBODY : HF_SIDE_CLIENT, HF_CERTAIN);
		d->e->fault_in = server_side ? HF_SIDE_SERVER : HF_SIDE_CLIENT;
		hf_set_cert(d->e, server_side ? HF_ROLE_SERVER_LEAF : HF_ROLE_CLIENT_LEAF, f->cert);
		hf_say_why(d->e, "%s", f->text);
		hf_say_fix(d->e, "%s", f->fix);
		hf_say_evidence(d->e, "%s: %s", f->path, f->text);
	}
	return d->e->cause != HF_REASON_NONE;
}

/* The TLS library of the client itself refuses a weak key or chain: nothing is ever sent. */
static bool from_weak_own(struct deduction *d)
{
	static const enum hf_reason weak[] = { HF_REASON_V_WEAK_KEY, HF_REASON_V_WEAK_SIG };
	const struct hf_verdict *v = &d->c->own_alone;

	for (size_t i = 0; d->c->own_judged && i < v->findings_len; i++) {
		const struct hf_finding *f = &v->findings[i];

		if (f->severity != HF_SEVERITY_REFUSE ||
		    (f->reason != weak[0] && f->reason != weak[1]))
			continue;
		if (!hf_certs_has(&d->c->own, f->cert))
			continue;
		hf_decide(d, f->reason, HF_SIDE_CLIENT, HF_CERTAIN);
		d->e->fault_in = HF_SIDE_CLIENT;
		hf_set_cert(d->e, f->depth > 0 ? HF_ROLE_CLIENT_CA : HF_ROLE_CLIENT_LEAF, f->cert);
		hf_say_evidence(d->e, "%s: %s%s%s", f->cert->subject,
				hf_reason_info(f->reason)->sentence, f->have ? ": " : "",
				f->have ? f->have : "");
		hf_say_evidence(d->e, "OpenSSL 3 at security level 2 does not load it; servers "
				      "refuse it as well");
		return true;
	}
	return false;
}

static bool from_own_error(struct deduction *d)
{
	if (d->main->end != HF_LOOK_NOT_MADE)
		return false;
	d->e->refused_by = HF_SIDE_CLIENT;
	d->e->fault_in = HF_SIDE_CLIENT;
	d->e->confidence = HF_CANNOT_KNOW;
	hf_say_evidence(d->e, "our own side could not begin: %s", d->main->own_error);
	return true;
}

/* Other things that are wrong with the client's chain, when they did not decide. */
static void add_other_findings(struct deduction *d)
{
	const struct hf_verdict *lists[] = { d->c->own_judged ? &d->c->own_alone : NULL,
					     d->main->judged ? &d->main->server : NULL };

	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++) {
		for (size_t i = 0; lists[l] && i < lists[l]->findings_len; i++) {
			const struct hf_finding *f = &lists[l]->findings[i];

			if (f->reason == d->e->cause || !f->cert ||
			    f->severity != HF_SEVERITY_REFUSE)
				continue;
			hf_say_also(d->e, "%s: %s%s [%s]", f->cert->subject,
				    hf_reason_info(f->reason)->sentence,
				    f->consequence ? " (follows from the first)" : "",
				    hf_reason_info(f->reason)->id);
		}
	}
}

static bool look_is_good(const struct hf_look *look)
{
	/* after our request the end of the connection is the application's business */
	return look->handshake_done &&
	       (!look->failed || (look->asked && look->failure.refused_by == HF_JUDGE_NOBODY));
}

static void look_instead(struct deduction *d, const struct hf_look *look)
{
	d->main = look;
	d->t = &look->transcript;
}

/* A server that speaks HTTP/2 although nobody offered it: what it says to those who do. */
static bool over_http2(struct deduction *d)
{
	const struct hf_look *same = hf_look_of(d, HF_LOOK_HTTP2);

	if (!look_is_good(d->main) || !d->main->speaks_h2 || d->t->choice.alpn)
		return false;
	if (!same && hf_want(d, HF_LOOK_HTTP2))
		return true;
	hf_say_also(d->e, "the server speaks HTTP/2 alone: clients that offer no protocol, or "
			  "HTTP/1.1, get no answer [P-ALPN]");
	if (same && same->handshake_done) {
		d->over_h2 = true;
		look_instead(d, same);
	}
	return false;
}

/* Of an answer over HTTP/2 only status and page are read; the same over HTTP/1.1 has its fields too
 * (the clock, the server's name, a login of its own).  Where it answers otherwise it counts for
 * nothing: a server may know HTTP/2 alone. */
static bool over_http1(struct deduction *d)
{
	const struct hf_look *same = hf_look_of(d, HF_LOOK_HTTP1);
	int status = d->main->http.status;

	if (!look_is_good(d->main) || !hf_transcript_chose(d->t, "h2"))
		return false;
	d->over_h2 = true;
	if (d->main->http.stream_error >= 0 || (status > 0 && status < 400))
		return false;
	if (!same && hf_want(d, HF_LOOK_HTTP1))
		return true;
	if (same && same->handshake_done && (status == 0 || same->http.status == status)) {
		hf_say_evidence(d->e,
				"asked over HTTP/1.1, the server says the same of its client");
		look_instead(d, same);
	} else if (status == 0) {
		hf_say_cannot_know(d->e, "what the server says of its client over HTTP/2: it gave "
					 "no answer");
	}
	return false;
}

static void deduce(struct deduction *d)
{
	if (from_files(d, false) || from_weak_own(d) || from_files(d, true))
		return;
	if (!d->main->made || from_own_error(d))
		return;
	if (hf_deduce_transport(d) || hf_deduce_protocol(d) || hf_deduce_server_certificate(d) ||
	    hf_deduce_broken_off(d) || over_http2(d) || over_http1(d) ||
	    hf_deduce_renegotiation(d) || hf_deduce_default_policy(d) ||
	    hf_deduce_client_certificate(d) || hf_deduce_http(d))
		return;
	if (d->c->set.plain ? d->main->http.status > 0 : look_is_good(d->main)) {
		d->e->meets = true;
		hf_deduce_after_meeting(d);
		return;
	}
	d->e->confidence = HF_CANNOT_KNOW;
	d->e->refused_by = d->main->failed && d->main->failure.refused_by == HF_JUDGE_US
			       ? HF_SIDE_CLIENT
			       : HF_SIDE_SERVER;
	hf_say_evidence(d->e, "%s",
			d->main->failed ? d->main->failure.text : "the connection ended early");
	hf_say_cannot_know(d->e, "what the peer held against it: its log says more");
}

static void alert_of(struct deduction *d)
{
	int in = hf_transcript_failure(d->t, false);

	d->e->alert_received = in >= 0;
	d->e->alert = in >= 0 ? in : hf_transcript_failure(d->t, true);
}

/* The trusted root of that name, which has the other key. */
static void settle_namesake(struct deduction *d)
{
	struct hf_explanation *e = d->e;
	const struct hf_certs *trust =
	    e->refused_by == HF_SIDE_CLIENT ? &d->c->client_trust : &d->c->server_trust;

	for (size_t i = 0; i < trust->len; i++) {
		if (!hf_name_equal(X509_get_issuer_name(e->cert->x509),
				   X509_get_subject_name(trust->items[i]->x509)))
			continue;
		hf_set_cert(e, e->role, trust->items[i]);
		return;
	}
}

/* The certificate that the catalogue puts into a cause's row, once the words are made. */
static void settle_certificate(struct deduction *d)
{
	struct hf_explanation *e = d->e;
	const struct hf_certs *sent =
	    e->refused_by == HF_SIDE_CLIENT ? &d->t->server.certs : &d->c->own;
	bool leaf_wanted;

	if (!e->cert)
		return;
	e->role = hf_cause_role(e->cause, e->refused_by, e->role);
	if (e->cause == HF_REASON_V_SAME_NAME_CA)
		settle_namesake(d);
	leaf_wanted = e->cause == HF_REASON_V_NOT_A_CA && e->role == HF_ROLE_CLIENT_LEAF;
	if (leaf_wanted && sent->len > 0)
		hf_set_cert(e, e->role, sent->items[0]);
	for (size_t i = 1; e->cause == HF_REASON_V_WRONG_INTERMEDIATE && i < sent->len; i++) {
		if ((sent->items[i]->flags & HF_CERT_SELF_ISSUED) ||
		    hf_cert_equal(sent->items[i], sent->items[0]))
			continue; /* s_server sends the leaf of a chain file twice */
		hf_set_cert(e, e->role, sent->items[i]);
		return;
	}
}

int hf_explain(const struct hf_case *c, struct hf_explanation *e, struct hf_err *err)
{
	struct deduction d = { .c = c, .main = &c->looks[HF_LOOK_MAIN], .e = e };

	d.t = &d.main->transcript;
	hf_explanation_done(e);
	deduce(&d);
	alert_of(&d);
	e->http_status = d.main->http.status;
	if (e->wants != HF_LOOK_MAIN)
		return 0;
	add_other_findings(&d);
	hf_explanation_words(&d);
	settle_certificate(&d);
	return e->headline && e->why && e->fix ? 0 : hf_err_nomem(err);
}
