/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals that come as an HTTP answer after a perfect handshake.  Must never take an answer of the
 * application for a refusal of the certificate unless it says so. */
#include "explain/internal.h"
#include "explain/logline.h"

#include <string.h>

enum { HTTP_1_1_REQUIRED = 0xd }; /* RFC 9113 7 */

static bool says(const struct deduction *d, const char *words)
{
	return strstr(d->main->http.body, words) != NULL;
}

static const char *server_name(const struct deduction *d)
{
	return d->main->http.server[0] ? d->main->http.server : "the server";
}

static void say_status(struct deduction *d)
{
	hf_say_evidence(d->e, "the handshake is complete; %s answers HTTP %d", server_name(d),
			d->main->http.status);
}

/* Another CA vouches for the server than the one above the client: a hop of somebody else's? */
static bool other_house(const struct deduction *d)
{
	const struct hf_certs *own = &d->c->own_path, *chain = &d->main->server.chain;

	return own->len > 1 && chain->len > 1 &&
	       !hf_cert_equal(own->items[own->len - 1], chain->items[chain->len - 1]);
}

static bool not_the_servers_file(const struct deduction *d)
{
	return d->c->server_chain.len > 0 && d->t->server.certs.len > 0 &&
	       strcmp(d->c->server_chain.items[0]->issuer, d->t->server.certs.items[0]->issuer) !=
		   0;
}

static void terminated(struct deduction *d, enum hf_confidence confidence)
{
	hf_decide(d, HF_REASON_T_TERMINATED, HF_SIDE_SERVER, confidence);
	if (d->t->server.certs.len > 0)
		hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, d->t->server.certs.items[0]);
	say_status(d);
	hf_say_evidence(d->e,
			"nobody asked for a client certificate in this handshake, and what is "
			"behind misses one");
	if (d->t->server.certs.len > 0)
		hf_say_evidence(d->e, "TLS ends at %s (issuer %s)",
				d->t->server.certs.items[0]->subject,
				d->t->server.certs.items[0]->issuer);
}

/* nginx answers 400 and names the fault on the page. */
static bool nginx_page(struct deduction *d)
{
	if (d->main->http.status != 400 && d->main->http.status != 403 &&
	    d->main->http.status != 495 && d->main->http.status != 496)
		return false;
	if (says(d, "No required SSL certificate was sent") || d->main->http.status == 496) {
		if (!d->t->demand.seen) {
			terminated(d, HF_CERTAIN);
			return true;
		}
		if (d->c->have_server_files && !d->c->have_own && !d->c->set.trusts_somebody)
			return false;
		if (!hf_deduce_refused_client(d, 116, true))
			return false;
		say_status(d);
		return true;
	}
	if (!says(d, "The SSL certificate error") && d->main->http.status != 495)
		return false;
	/* nginx does not say which alert it would have sent */
	if (!hf_deduce_server_clock(d) && !hf_deduce_refused_client(d, -1, true) &&
	    !(d->c->own.len && hf_deduce_unsaid(d)))
		return false;
	say_status(d);
	hf_say_evidence(d->e, "the page says \"The SSL certificate error\"");
	return true;
}

static void decide_late_auth(struct deduction *d)
{
	hf_decide(d, d->over_h2 ? HF_REASON_P_H2_RENEG : HF_REASON_P_PHA, HF_SIDE_SERVER,
		  HF_CERTAIN);
	if (d->over_h2)
		hf_say_evidence(d->e, "HTTP/2 knows neither renegotiation nor authentication after "
				      "the handshake (RFC 9113 9.2.1, RFC 8740): the request ends "
				      "in HTTP_1_1_REQUIRED or 403");
}

static bool late_auth(struct deduction *d)
{
	const struct hf_look *late = hf_look_of(d, HF_LOOK_LATE_AUTH);
	bool renegotiates = hf_transcript_message_find(d->t, HF_HANDSHAKE_HELLO_REQUEST, false);
	bool page = says(d, "Post-Handshake Authentication");

	if (!page && !renegotiates && !late && d->main->http.status == 403 &&
	    hf_want(d, HF_LOOK_LATE_AUTH))
		return true;
	if (!page && !renegotiates && !(late && late->transcript.demand.post_handshake))
		return false;
	decide_late_auth(d);
	say_status(d);
	if (page)
		hf_say_evidence(d->e,
				"the page says that post-handshake authentication is not possible");
	if (late && late->transcript.demand.post_handshake)
		hf_say_evidence(d->e,
				"offered post-handshake authentication, the server asks for a "
				"certificate for this path");
	if (renegotiates)
		hf_say_evidence(d->e, "the server sent a HelloRequest: it wants to renegotiate");
	return true;
}

/* TLS 1.2: asked for a certificate in a second handshake, which we do not begin. */
bool hf_deduce_renegotiation(struct deduction *d)
{
	if (d->over_h2 && d->main->http.stream_error == HTTP_1_1_REQUIRED) {
		decide_late_auth(d);
		hf_say_evidence(d->e, "the server ends the request with HTTP_1_1_REQUIRED (0xd)");
		return true;
	}
	if (!d->main->handshake_done || d->main->http.status ||
	    !hf_transcript_message_find(d->t, HF_HANDSHAKE_HELLO_REQUEST, false))
		return false;
	decide_late_auth(d);
	hf_say_evidence(d->e, "the server sent a HelloRequest after the request: for this path it "
			      "wants to renegotiate, for a client certificate");
	hf_say_evidence(d->e, "clients that renegotiate (curl with OpenSSL, in TLS 1.2) get in; "
			      "TLS 1.3, HTTP/2 and this client know no renegotiation");
	return true;
}

static bool not_asked(struct deduction *d)
{
	if (late_auth(d))
		return true;
	if (not_the_servers_file(d) || (d->c->have_own && other_house(d))) {
		terminated(d, not_the_servers_file(d) ? HF_CERTAIN : HF_LIKELY);
		hf_add_candidate(d->e, HF_REASON_N_NOT_REQUESTED);
		return true;
	}
	if (d->main->http.status == 400 || (!d->c->have_own && d->c->server_trust.len == 0)) {
		hf_say_cannot_know(d->e,
				   "why the application answers %d: nobody asked for a client "
				   "certificate, and none is configured",
				   d->main->http.status);
		return false;
	}
	hf_decide(d, HF_REASON_N_NOT_REQUESTED, HF_SIDE_SERVER,
		  d->c->have_own ? HF_CERTAIN : HF_LIKELY);
	say_status(d);
	hf_say_evidence(d->e, "there was no CertificateRequest in the handshake");
	hf_add_candidate(d->e, HF_REASON_T_TERMINATED);
	return true;
}

/* The page of an application that names the fault, as Node's authorizationError does. */
static bool named_on_page(struct deduction *d)
{
	struct hf_log_meaning meaning;

	if (!hf_log_line_read(d->main->http.body, NULL, &meaning) ||
	    !hf_str_starts(hf_reason_info(meaning.candidates[0])->id, "V-"))
		return false;
	hf_blame(d, meaning.candidates[0], HF_LIKELY, HF_ROLE_CLIENT_LEAF, hf_own_leaf(d));
	for (size_t i = 1; i < meaning.candidates_len; i++)
		hf_add_candidate(d->e, meaning.candidates[i]);
	hf_say_evidence(d->e, "the page says \"%s\"", meaning.pattern);
	return true;
}

/* A server that only asks lets the handshake pass, and its application looks at the verdict: a CA
 * that is not on its list, a CA certificate that is known here and was not sent, or what the page
 * says. */
static bool left_to_application(struct deduction *d)
{
	const STACK_OF(X509_NAME) *names = d->t->demand.names;
	bool listed = sk_X509_NAME_num(names) <= 0 || hf_chain_reaches(&d->c->own, names);

	if (!d->c->own.len || !((!listed && hf_deduce_by_names(d, -1)) || named_on_page(d)))
		return false;
	d->e->confidence = HF_LIKELY;
	hf_add_candidate(d->e, HF_REASON_A_NOT_ALLOWED);
	say_status(d);
	return true;
}

static bool forbidden(struct deduction *d)
{
	struct hf_cert *leaf = d->c->own.len ? d->c->own.items[0] : NULL;

	if (!d->t->demand.seen)
		return not_asked(d);
	if (!hf_certificate_sent(d->t)) {
		if (!hf_deduce_refused_client(d, 116, true))
			return false;
		say_status(d);
		return true;
	}
	/* A server that only asks may leave the verdict to its application. */
	if ((d->c->own_by_server_judged && hf_refusing_finding(&d->c->own_by_server)) ||
	    (d->c->own_judged && hf_refusing_finding(&d->c->own_alone))) {
		if (hf_deduce_refused_client(d, -1, true)) {
			say_status(d);
			return true;
		}
	}
	if (left_to_application(d))
		return true;
	hf_decide(d, HF_REASON_A_NOT_ALLOWED, HF_SIDE_SERVER, HF_LIKELY);
	hf_set_cert(d->e, HF_ROLE_CLIENT_LEAF, leaf);
	say_status(d);
	hf_say_evidence(d->e,
			"the server asked for a certificate, got %s, and let the handshake pass",
			leaf ? leaf->subject : "one");
	hf_say_cannot_know(d->e, "the server's rule: which identities it admits to this path");
	return true;
}

/* 401 with WWW-Authenticate asks for a password or a token (RFC 9110 11.6.1): no word about
 * certificates. */
static bool own_login(struct deduction *d)
{
	/* the fields of an answer over HTTP/2 are not read: it may well be one */
	bool challenge = d->main->http.challenge || hf_transcript_chose(d->t, "h2");

	if (challenge)
		hf_say_cannot_know(d->e,
				   "what the application says to its login: it answers 401 and "
				   "asks for one (WWW-Authenticate)");
	return challenge;
}

bool hf_deduce_http(struct deduction *d)
{
	int status = d->main->http.status;

	if (status == 0 || d->c->set.plain)
		return false;
	if (nginx_page(d))
		return true;
	if (status == 421) {
		hf_decide(d, HF_REASON_P_SNI_HOST, HF_SIDE_SERVER, HF_CERTAIN);
		say_status(d);
		hf_say_evidence(d->e, "server name asked for: %s; the request names %s",
				d->t->offer.sni ? d->t->offer.sni : "(none)", d->c->target);
		return true;
	}
	if (status == 403 || (status == 401 && !own_login(d)))
		return forbidden(d);
	/* what stands behind a hop misses a certificate that nobody asked for */
	return status == 400 && !d->t->demand.seen && d->c->have_own && not_asked(d);
}
