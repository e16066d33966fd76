/* SPDX-License-Identifier: Apache-2.0 */
/* The server's alert (or its silence) when nothing is wrong with the client's certificate as far as
 * can be seen from here.  Must never be surer than the alert. */
#include "explain/internal.h"

#include <string.h>

enum { SKEW = 600 };

/* An alert that servers give for a depth: OpenSSL 48; Apache 80, which counts the root too, so that
 * its default of 1 is too little for one intermediate. */
bool hf_says_too_deep(const struct deduction *d, int alert)
{
	size_t intermediates = hf_intermediates(&d->c->own);

	return (alert == 48 && intermediates >= 2) || (alert == 80 && intermediates >= 1);
}

/* Issued moments ago by a CA that is older: a clock some minutes behind is enough to refuse it. */
static bool only_leaf_is_new(const struct deduction *d)
{
	const struct hf_certs *path = d->c->own_path.len ? &d->c->own_path : &d->c->own;

	if (d->c->now - path->items[0]->not_before >= SKEW)
		return false;
	for (size_t i = 1; i < path->len; i++) {
		if (d->c->now - path->items[i]->not_before < SKEW)
			return false;
	}
	return true;
}

bool hf_server_clock_is_off(struct deduction *d, int alert, enum hf_confidence otherwise)
{
	bool known;
	int64_t offset = hf_clock_offset(d, &known);
	struct hf_cert *leaf = hf_own_leaf(d);

	if (alert == 42 && only_leaf_is_new(d) && (!known || offset > -SKEW)) {
		hf_blame(d, HF_REASON_K_SKEW_SMALL, known && offset < 0 ? HF_CERTAIN : HF_LIKELY,
			 HF_ROLE_CLIENT_LEAF, leaf);
		hf_say_evidence(d->e, "the certificate was issued %lld seconds ago",
				(long long)(d->c->now - leaf->not_before));
		hf_add_candidate(d->e, HF_REASON_K_CLOCK);
		return true;
	}
	if (known && offset > -SKEW && offset < SKEW)
		return false;
	if (!known && otherwise == HF_CANNOT_KNOW)
		return false;
	hf_blame(d, HF_REASON_K_CLOCK, known ? HF_CERTAIN : otherwise, HF_ROLE_ROOT, hf_own_top(d));
	if (alert == 42 && d->c->now - leaf->not_before < SKEW)
		hf_add_candidate(d->e, HF_REASON_K_SKEW_SMALL);
	hf_say_evidence(d->e, "every certificate of the client's chain is in date");
	if (known)
		hf_say_evidence(d->e, "the server's clock (HTTP Date) is %lld seconds off ours",
				(long long)offset);
	return true;
}

bool hf_deduce_server_clock(struct deduction *d)
{
	bool known;
	int64_t at = d->c->now + hf_clock_offset(d, &known);
	const struct hf_certs *path = d->c->own_path.len ? &d->c->own_path : &d->c->own;

	for (size_t i = 0; known && i < path->len; i++) {
		const struct hf_cert *c = path->items[i];

		if (d->c->now < c->not_before || d->c->now > c->not_after)
			return false; /* out of date by our clock too */
		if (at < c->not_before || at > c->not_after)
			return hf_server_clock_is_off(d, at < c->not_before ? 42 : 45, HF_LIKELY);
	}
	return false;
}

static bool expired_elsewhere(struct deduction *d)
{
	if (hf_server_clock_is_off(d, 45, HF_CANNOT_KNOW))
		return true;
	hf_blame(d, HF_REASON_V_CRL_EXPIRED, HF_LIKELY, HF_ROLE_CLIENT_CA,
		 d->c->own.len > 1 ? d->c->own.items[1] : NULL);
	hf_add_candidate(d->e, HF_REASON_V_ROOT_EXPIRED); /* as the server has it */
	hf_add_candidate(d->e, HF_REASON_K_CLOCK);
	hf_say_evidence(d->e, "every certificate of the client's chain is in date");
	if (!(hf_own_top(d)->flags & HF_CERT_SELF_ISSUED)) {
		d->e->confidence = HF_CANNOT_KNOW;
		hf_say_cannot_know(d->e,
				   "the dates of the root, %s: it is not among the files here",
				   hf_own_top(d)->issuer);
	}
	hf_say_evidence(d->e,
			"OpenSSL servers say \"certificate expired\" of a revocation list that "
			"is out of date");
	hf_say_cannot_know(d->e, "the server's lists and its clock: its log, or "
				 "handfast explain --record there, is certain");
	return true;
}

/* Which certificate the alert means is known only from a list that has it; those that were given
 * and have not say that the server's is another. */
static void say_lists(struct deduction *d)
{
	const struct hf_case *c = d->c;
	bool server = c->own_by_server_judged && c->server_crl_path;

	if (!server && !c->crl_path) {
		hf_say_cannot_know(d->e, "which entry of the server's list it is: give the list "
					 "with --crl");
		return;
	}
	hf_say_evidence(d->e,
			"%s has neither the certificate nor a CA above it: the server goes by "
			"another list",
			server ? c->server_crl_path : c->crl_path);
	hf_say_cannot_know(d->e, "which list the server has, and which entry of it is meant");
}

static bool revoked(struct deduction *d)
{
	struct hf_cert *leaf = hf_own_leaf(d);
	bool short_serial = strlen(leaf->serial) <= 8;
	bool below_a_ca = hf_intermediates(&d->c->own_path) > 0 || hf_intermediates(&d->c->own) > 0;

	hf_blame(d, HF_REASON_V_REVOKED, HF_LIKELY, HF_ROLE_CLIENT_LEAF, leaf);
	if (below_a_ca) /* a root stands on no list */
		hf_add_candidate(d->e, HF_REASON_V_CA_REVOKED);
	hf_add_candidate(d->e, HF_REASON_V_DUP_SERIAL);
	hf_say_why(d->e,
		   "A certificate of the client's chain stands on a revocation list of the server. "
		   "Most often it is the client's own, %s; alert 44 does not say whether it is%s "
		   "or the entry of another certificate with the serial %s.",
		   leaf->subject, below_a_ca ? ", or that of its CA," : "", leaf->serial);
	hf_say_evidence(d->e, "alert 44: the server's list has serial %s%s", leaf->serial,
			below_a_ca ? ", or that of its CA" : "");
	if (short_serial)
		hf_say_evidence(d->e, "the serial %s is short: another certificate may share it",
				leaf->serial);
	say_lists(d);
	return true;
}

/* What may be wrong on the server's side when nothing is wrong on ours. */
static void add_unsaid(struct deduction *d)
{
	bool known;
	int64_t offset = hf_clock_offset(d, &known);

	if (hf_intermediates(&d->c->own) >= 2)
		hf_add_candidate(d->e, HF_REASON_V_DEPTH);
	hf_add_candidate(d->e, HF_REASON_V_REVOKED);
	hf_add_candidate(d->e, HF_REASON_V_CRL_EXPIRED);
	hf_add_candidate(d->e, HF_REASON_V_CA_REVOKED);
	hf_add_candidate(d->e, HF_REASON_V_CRL_MISSING);
	hf_add_candidate(d->e, HF_REASON_V_SAME_NAME_CA);
	hf_add_candidate(d->e, HF_REASON_V_PARTIAL_ANCHOR);
	hf_add_candidate(d->e, HF_REASON_V_OCSP_DOWN);
	if (!known || offset < -SKEW || offset > SKEW)
		hf_add_candidate(d->e, HF_REASON_K_CLOCK);
}

/* Libraries are known by how their list of schemes begins: GnuTLS with RSA+SHA256 and the rare
 * rsa_pss_pss, Go with rsa_pss_rsae, and OpenSSL has its PSS keys after the two EdDSA ones. */
enum { BEGINNING = 6 };
static const uint16_t of_gnutls[BEGINNING] = { 0x0401, 0x0809 };
static const uint16_t of_go[BEGINNING] = { 0x0804, 0x0403, 0x0807 };
static const uint16_t of_openssl[BEGINNING] = { 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809 };

static bool is_peer(const struct deduction *d, const uint16_t beginning[BEGINNING])
{
	const struct hf_codes *schemes = &d->t->demand.sigalgs;

	for (size_t i = 0; i < BEGINNING && beginning[i]; i++) {
		if (i >= schemes->len || schemes->items[i] != beginning[i])
			return false;
	}
	return true;
}

bool hf_is_gnutls(const struct deduction *d)
{
	return is_peer(d, of_gnutls);
}

/* Apache tells OpenSSL "unspecified" of a list that is out of date, and alert 46 goes out. */
static bool list_out_of_date(struct deduction *d)
{
	if (!is_peer(d, of_openssl))
		return false;
	hf_blame(d, HF_REASON_V_CRL_EXPIRED, HF_LIKELY, HF_ROLE_CLIENT_CA,
		 d->c->own.len > 1 ? d->c->own.items[1] : NULL);
	hf_say_evidence(d->e, "the client's chain is in order, with nothing in it that OpenSSL "
			      "says alert 46 of");
	hf_say_evidence(d->e, "Apache says alert 46 of every client when its revocation list is "
			      "out of date");
	add_unsaid(d);
	hf_say_cannot_know(d->e, "the server's lists: its log is certain (Apache: \"Found CRL is "
				 "expired\")");
	return true;
}

/* Go's "bad certificate" is also what a rule of the application ends in (VerifyConnection). */
static bool rule_of_go(struct deduction *d)
{
	if (!is_peer(d, of_go))
		return false;
	hf_say_evidence(d->e, "a Go server, by its list of schemes: alert 42 is its word for "
			      "whatever is neither expired nor of an unknown CA, and for a rule of "
			      "its application");
	(void)hf_deduce_unsaid(d);
	hf_add_candidate(d->e, HF_REASON_A_NOT_ALLOWED);
	return true;
}

static bool not_allowed(struct deduction *d)
{
	if (hf_is_gnutls(d)) {
		hf_say_evidence(d->e, "a GnuTLS server, by its list of schemes: it says alert 49 "
				      "whatever it holds against a certificate");
		return hf_deduce_unsaid(d);
	}
	hf_blame(d, HF_REASON_A_NOT_ALLOWED, HF_LIKELY, HF_ROLE_CLIENT_LEAF, hf_own_leaf(d));
	hf_say_evidence(d->e,
			"the certificate itself is in order, and the server asked for its CA");
	hf_say_cannot_know(d->e, "the server's rule");
	return true;
}

static bool say_unknown(struct deduction *d, const struct hf_cert *leaf)
{
	hf_say_evidence(d->e, "%s (issuer %s, serial %s) is in order by all that is known here",
			leaf->subject, leaf->issuer, leaf->serial);
	hf_say_cannot_know(d->e, "what the server holds against it: it does not say");
	return true;
}

bool hf_deduce_unsaid(struct deduction *d)
{
	struct hf_cert *leaf = hf_own_leaf(d);
	bool deep = hf_intermediates(&d->c->own) >= 2;

	hf_blame(d, deep ? HF_REASON_V_DEPTH : HF_REASON_V_REVOKED, HF_CANNOT_KNOW,
		 deep ? HF_ROLE_CLIENT_CA : HF_ROLE_CLIENT_LEAF,
		 deep ? d->c->own.items[d->c->own.len - 1] : leaf);
	add_unsaid(d);
	hf_say_why(d->e,
		   "The server refused the certificate without saying why, and nothing is wrong "
		   "with it here: signatures, dates, uses and issuers are in order. What is left "
		   "is on the server: its revocation lists (most often the certificate is on "
		   "one), the keys of the CAs it trusts, its verify depth.");
	if (deep) /* the words for a depth are more to the point */
		return say_unknown(d, leaf);
	hf_say_fix(
	    d->e,
	    "read the server's log (nginx: \"client SSL certificate verify error: (N:...)\"; "
	    "Apache: \"Certificate Verification: Error (N)\"), or ask again with "
	    "--server-files. When it says revoked: enrol again with a new key and install "
	    "the certificate in %s",
	    d->c->cert_path ? d->c->cert_path : "the client's certificate file");
	return say_unknown(d, leaf);
}

/* Our own servers say 46 when they ask responders and insist on an answer (serve --ocsp hard). */
static bool no_answer_of_a_responder(struct deduction *d)
{
	(void)hf_deduce_unsaid(d);
	hf_add_candidate(d->e, HF_REASON_V_OCSP_DOWN);
	hf_add_candidate(d->e, HF_REASON_V_OCSP_UNKNOWN);
	hf_add_candidate(d->e, HF_REASON_V_OCSP_NONE);
	return true;
}

static bool by_alert(struct deduction *d, int alert)
{
	switch (alert) {
	case 42:
		return rule_of_go(d) || hf_server_clock_is_off(d, alert, HF_LIKELY) ||
		       hf_deduce_unsaid(d);
	case 44:
		return revoked(d);
	case 45:
		return expired_elsewhere(d);
	case 46:
		return list_out_of_date(d) || no_answer_of_a_responder(d);
	case 49:
		return not_allowed(d);
	default:
		return hf_says_nothing(alert) && alert >= 0 && hf_deduce_unsaid(d);
	}
}

static bool lost_alert(struct deduction *d, int alert, bool by_http)
{
	if (alert >= 0 || by_http)
		return false;
	hf_blame(d, HF_REASON_T_ALERT_LOST, HF_LIKELY, HF_ROLE_CLIENT_LEAF, hf_own_leaf(d));
	d->e->fault_in = HF_SIDE_NOBODY; /* its list, its trust, or our certificate: who knows */
	hf_say_evidence(d->e, "the server ended the connection after the client's certificate");
	hf_say_evidence(d->e,
			"Node does so for every certificate it refuses; others lose the alert "
			"in a reset");
	add_unsaid(d);
	hf_say_cannot_know(d->e, "what it held against the certificate: its log tells");
	return true;
}

bool hf_deduce_by_alert(struct deduction *d, int alert, bool by_http)
{
	return by_alert(d, alert) || lost_alert(d, alert, by_http);
}
