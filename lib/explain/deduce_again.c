/* SPDX-License-Identifier: Apache-2.0 */
/* What only a second connection shows of two that meet, or of a client that names nobody: another
 * policy under the name, a session that cannot be resumed.  Must never take a second connection
 * that failed for reasons of its own as proof. */
#include "explain/internal.h"

#include "pki/san.h"

static bool names_nobody(const struct deduction *d)
{
	return d->t->offer.seen && !d->t->offer.sni && !hf_is_ip(d->c->name);
}

static bool lets_in(const struct hf_look *look)
{
	return look->handshake_done && hf_transcript_failure(&look->transcript, false) < 0 &&
	       look->http.status < 400;
}

bool hf_deduce_default_policy(struct deduction *d)
{
	const struct hf_look *with = hf_look_of(d, HF_LOOK_SNI);
	bool refused = (hf_transcript_failure(d->t, false) >= 0 && d->t->demand.seen) ||
		       d->main->http.status == 400 || d->main->http.status == 403;

	if (!names_nobody(d) || !refused)
		return false;
	if (!with && hf_want(d, HF_LOOK_SNI))
		return true;
	if (!with || !lets_in(with))
		return false;
	hf_decide(d, HF_REASON_P_SNI_DEFAULT_POLICY, HF_SIDE_SERVER, HF_CERTAIN);
	d->e->fault_in = HF_SIDE_CLIENT;
	hf_say_evidence(d->e, "without a server name the server %s, and refuses the client",
			d->t->demand.seen ? "demands a client certificate"
					  : "asks for no client certificate");
	hf_say_evidence(d->e, "asked for %s it %s, and lets the same client in", d->c->name,
			!with->transcript.demand.seen ? "asks for none"
			: d->t->demand.seen	      ? "judges by another list"
						      : "asks for one");
	return true;
}

/* The other way round somebody gets in who should not. */
static bool open_by_default(struct deduction *d)
{
	const struct hf_look *with = hf_look_of(d, HF_LOOK_SNI);

	if (!names_nobody(d) || d->t->demand.seen)
		return false;
	if (!with && hf_want(d, HF_LOOK_SNI))
		return true;
	if (with && with->transcript.demand.seen)
		hf_say_also(d->e,
			    "asked for %s the server demands a client certificate, asked for no "
			    "name it demands none: whoever leaves the name out comes in by "
			    "another policy. Give the default virtual host the strictest one "
			    "[P-SNI-DEFAULT-POLICY]",
			    d->c->name);
	return false;
}

/* OpenSSL refuses to resume a session of a verified client where no context was set
 * (SSL_CTX_set_session_id_context(3)). */
static bool only_resumed_fail(struct deduction *d)
{
	const struct hf_look *again = hf_look_of(d, HF_LOOK_RESUMED);
	int alert;

	if (!d->c->looks[HF_LOOK_MAIN].resumable || !d->t->demand.seen ||
	    !hf_certificate_sent(d->t))
		return false;
	if (!again && hf_want(d, HF_LOOK_RESUMED))
		return true;
	alert = again ? hf_transcript_failure(&again->transcript, false) : -1;
	if (alert < 0 || !again->transcript.offer.resumes || again->handshake_done)
		return false;
	hf_decide(d, HF_REASON_R_SESSION_CONTEXT, HF_SIDE_SERVER,
		  alert == 80 ? HF_CERTAIN : HF_LIKELY);
	hf_say_evidence(d->e, "the first connection is let in");
	hf_say_evidence(d->e, "one that resumes its session is answered with alert %d %s", alert,
			hf_alert_name(alert));
	return true;
}

bool hf_deduce_again(struct deduction *d)
{
	return open_by_default(d) || only_resumed_fail(d);
}
