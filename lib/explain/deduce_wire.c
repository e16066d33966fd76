/* SPDX-License-Identifier: Apache-2.0 */
/* Below the certificates: is there anybody, is it TLS, do the two know a common version, suite,
 * group, name and protocol. */
#include "explain/internal.h"

#include <errno.h>
#include <string.h>

/* --- transport --------------------------------------------------------------------------- */

static bool unreached(struct deduction *d)
{
	bool timeout = d->main->sys_errno == ETIMEDOUT || d->main->sys_errno == EHOSTUNREACH ||
		       d->main->sys_errno == ENETUNREACH;

	hf_decide(d, timeout ? HF_REASON_T_TIMEOUT : HF_REASON_T_REFUSED, HF_SIDE_NOBODY,
		  HF_CERTAIN);
	d->e->fault_in = HF_SIDE_SERVER;
	hf_say_evidence(d->e, "connecting to %s: %s", d->c->target, strerror(d->main->sys_errno));
	return true;
}

static bool starts(const struct hf_transcript *t, const char *text)
{
	size_t n = strlen(text);

	return t->first_len >= n && memcmp(t->first, text, n) == 0;
}

static bool not_tls(struct deduction *d)
{
	static const char *const greetings[] = { "220 ",      "220-",  "* OK",	 "+OK",
						 "* PREAUTH", "<?xml", "<stream" };
	const struct hf_event *text = hf_transcript_find(d->t, HF_EVENT_TEXT, false);

	if (!text)
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(greetings); i++) {
		if (!starts(d->t, greetings[i]))
			continue;
		hf_decide(d, HF_REASON_T_STARTTLS, HF_SIDE_CLIENT, HF_CERTAIN);
		hf_say_evidence(d->e, "the port greets first, in plain text: \"%s\"", text->detail);
		return true;
	}
	hf_decide(d, HF_REASON_T_PLAINTEXT_SERVER, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_say_evidence(d->e, "the answer to the ClientHello begins with \"%s\"", text->detail);
	return true;
}

/* Sent with a PROXY header that nobody expected: everything goes wrong in its own way, so the proof
 * is that it works without. */
static bool proxy_unexpected(struct deduction *d)
{
	const struct hf_look *without = hf_look_of(d, HF_LOOK_NO_PROXY);

	if (!d->c->set.send_proxy || d->t->choice.seen)
		return false;
	if (!without && hf_want(d, HF_LOOK_NO_PROXY))
		return true;
	if (without && !hf_speaks_tls(without))
		return false;
	hf_decide(d, HF_REASON_T_PROXY_UNEXPECTED, HF_SIDE_SERVER,
		  without ? HF_CERTAIN : HF_LIKELY);
	if (without)
		hf_say_evidence(d->e, "without the header the same port answers in TLS");
	return true;
}

static bool no_words(struct deduction *d)
{
	const struct hf_look *with = hf_look_of(d, HF_LOOK_PROXY);
	bool lost = hf_transcript_find(d->t, HF_EVENT_RESET, false) != NULL;

	if (d->t->first_len > 0 || d->t->choice.seen)
		return false;
	if (d->main->end == HF_LOOK_SILENT) {
		hf_decide(d, HF_REASON_T_TIMEOUT, HF_SIDE_NOBODY, HF_CERTAIN);
		hf_say_evidence(d->e,
				"TCP connects, the ClientHello is sent, not one byte comes back");
		hf_add_candidate(d->e, HF_REASON_T_MTU);
		return true;
	}
	if (!lost && d->main->end != HF_LOOK_CLOSED && d->main->end != HF_LOOK_LOST)
		return false;
	if (!with && !d->c->set.send_proxy && hf_want(d, HF_LOOK_PROXY))
		return true;
	if (hf_speaks_tls(with)) {
		hf_decide(d, HF_REASON_T_PROXY_EXPECTED, HF_SIDE_SERVER, HF_CERTAIN);
		hf_say_evidence(d->e, "with a PROXY header in front the same port answers in TLS");
		return true;
	}
	hf_decide(d, lost ? HF_REASON_T_RESET : HF_REASON_T_EOF, HF_SIDE_SERVER, HF_CERTAIN);
	hf_say_evidence(d->e, "%s right after the ClientHello, without a TLS alert",
			lost ? "a TCP reset" : "the end of the stream (FIN)");
	if (with)
		hf_say_evidence(d->e, "a PROXY header in front changes nothing");
	hf_say_cannot_know(d->e, "why the peer hangs up: no certificate is involved yet");
	return true;
}

static bool looks_like_refused_plain(const struct hf_look *look)
{
	static const char *const pages[] = { "plain HTTP request was sent to HTTPS port",
					     "HTTP request to an HTTPS server",
					     "speaking plain HTTP to an SSL-enabled" };

	for (size_t i = 0; i < HF_ARRAY_LEN(pages); i++) {
		if (strstr(look->http.body, pages[i]))
			return true;
	}
	return look->transcript.first_len >= 2 && look->transcript.first[0] == 0x15 &&
	       look->transcript.first[1] == 3;
}

/* An http:// target: the answer, its absence, or whether the port speaks TLS when asked to. */
static bool plaintext_client(struct deduction *d)
{
	const struct hf_look *tls = hf_look_of(d, HF_LOOK_DATE);
	bool said = looks_like_refused_plain(d->main);

	if (!d->c->set.plain || (d->main->http.status > 0 && !said))
		return false;
	if (!said && !tls && hf_want(d, HF_LOOK_DATE))
		return true;
	if (!said && !hf_speaks_tls(tls))
		return false;
	hf_decide(d, HF_REASON_T_PLAINTEXT_CLIENT, HF_SIDE_SERVER, HF_CERTAIN);
	if (said && d->main->http.status)
		hf_say_evidence(d->e, "the server answers %d: plain HTTP sent to its HTTPS port",
				d->main->http.status);
	else if (said)
		hf_say_evidence(d->e, "the server answers plain HTTP with a TLS alert");
	if (hf_speaks_tls(tls))
		hf_say_evidence(d->e, "asked in TLS, the same port answers in TLS");
	return true;
}

bool hf_deduce_transport(struct deduction *d)
{
	if (d->main->end == HF_LOOK_UNREACHED)
		return unreached(d);
	if (plaintext_client(d))
		return true;
	if (d->c->set.plain)
		return false;
	return proxy_unexpected(d) || not_tls(d) || no_words(d);
}

/* --- protocol ---------------------------------------------------------------------------- */

static const char *key_words(const struct hf_look *look, int *ret_nid)
{
	const struct hf_certs *certs = &look->transcript.server.certs;

	*ret_nid = certs->len ? certs->items[0]->key_nid : 0;
	return *ret_nid == EVP_PKEY_EC	      ? "an ECDSA key"
	       : *ret_nid == EVP_PKEY_RSA     ? "an RSA key"
	       : *ret_nid == EVP_PKEY_ED25519 ? "an Ed25519 key"
					      : "a key of another type";
}

/* TLS 1.2 suites name the type of key (RFC 8422 2); TLS 1.3 suites do not. */
static bool suites_fit_key(const struct hf_codes *suites, int key_nid)
{
	static const uint16_t rsa[] = { 0xc02f, 0xc030, 0xc013, 0xc014, 0xc027, 0xc028,
					0xcca8, 0x009c, 0x009d, 0x002f, 0x0035, 0x003c,
					0x003d, 0x009e, 0x009f, 0xccaa, 0x0033, 0x0039 };
	static const uint16_t ec[] = { 0xc02b, 0xc02c, 0xc009, 0xc00a, 0xc023, 0xc024, 0xcca9 };
	const uint16_t *fit = key_nid == EVP_PKEY_RSA ? rsa : ec;
	size_t len = key_nid == EVP_PKEY_RSA ? HF_ARRAY_LEN(rsa) : HF_ARRAY_LEN(ec);

	for (size_t i = 0; i < len; i++) {
		if (hf_codes_have(suites, fit[i]))
			return true;
	}
	return false;
}

static bool schemes_fit_key(const struct hf_codes *sigalgs, const struct hf_cert *leaf)
{
	struct hf_demand as_demand = { .seen = true, .sigalgs = *sigalgs };

	return hf_key_can_sign(leaf, &as_demand, false);
}

/* A digitalSignature-less certificate cannot serve ECDHE at all (RFC 8422 5.3). */
static bool server_key_usage(struct deduction *d, const struct hf_certs *certs)
{
	const struct hf_cert *leaf = certs->len ? certs->items[0] : NULL;

	if (!leaf || !(leaf->flags & HF_CERT_HAS_KU) || (leaf->ku & KU_DIGITAL_SIGNATURE))
		return false;
	hf_decide(d, HF_REASON_V_KU, HF_SIDE_SERVER, HF_CERTAIN);
	d->e->fault_in = HF_SIDE_SERVER;
	hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, certs->items[0]);
	hf_say_evidence(d->e, "the server's certificate allows no digitalSignature, so no modern "
			      "suite is left");
	return true;
}

static void say_found(struct deduction *d, const struct hf_look *open, const char *what)
{
	char a[8], b[8];

	hf_say_evidence(d->e, "%s: the server takes %s with %s", what,
			hf_version_name(open->transcript.choice.version, a),
			open->transcript.choice.group
			    ? hf_group_name(open->transcript.choice.group, b)
			    : "its own group");
}

static bool share_group(const struct hf_transcript *narrow, const struct hf_look *open)
{
	return open->transcript.choice.group == 0 ||
	       hf_codes_have(&narrow->offer.groups, open->transcript.choice.group);
}

/* Alert 40 to the ClientHello: which of the lists has nothing in common?  A look with wider lists
 * shows what the server has. */
static bool from_open_look(struct deduction *d, const struct hf_look *open)
{
	const struct hf_certs *certs = &open->transcript.server.certs;
	const struct hf_offer *offer = &d->t->offer;
	struct hf_cert *leaf = certs->len ? certs->items[0] : NULL;
	enum hf_reason cause = HF_REASON_P_CIPHER;
	bool in_tls12 = hf_highest_version(&offer->versions) < 0x0304 ||
			open->transcript.choice.version < 0x0304;
	int nid;
	const char *key = key_words(open, &nid);

	if (server_key_usage(d, certs))
		return true;
	if (offer->versions.len &&
	    !hf_codes_have(&offer->versions, open->transcript.choice.version)) {
		/* GnuTLS says 40 where others say 70 */
		hf_versions_apart(d, HF_SIDE_SERVER, open->transcript.choice.version);
		return true;
	}
	if (leaf && d->c->set.sigalgs && !schemes_fit_key(&offer->sigalgs, leaf))
		cause = HF_REASON_P_SIGALG;
	else if (leaf && in_tls12 && nid != EVP_PKEY_ED25519 &&
		 !suites_fit_key(&offer->ciphers, nid))
		cause = HF_REASON_P_CIPHER_KEY;
	else if (hf_codes_have(&offer->ciphers, open->transcript.choice.cipher) ||
		 !share_group(d->t, open))
		cause = HF_REASON_P_GROUP;
	hf_decide(d, cause, HF_SIDE_SERVER, HF_LIKELY);
	if (cause == HF_REASON_P_SIGALG || cause == HF_REASON_P_CIPHER_KEY) {
		d->e->confidence = HF_CERTAIN;
		hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, leaf);
		hf_say_evidence(d->e, "the server's certificate %s has %s", leaf->subject, key);
	}
	say_found(d, open, "with wider lists");
	return true;
}

static bool no_common(struct deduction *d)
{
	const struct hf_client_settings *set = &d->c->set;
	bool narrowed = set->ciphers || set->groups || set->sigalgs || set->versions;
	const struct hf_look *open = hf_look_of(d, HF_LOOK_DEFAULTS);

	if (narrowed && !open && hf_want(d, HF_LOOK_DEFAULTS))
		return true;
	if (!open || !open->transcript.choice.seen) {
		open = hf_look_of(d, HF_LOOK_ANYTHING);
		if (!open && hf_want(d, HF_LOOK_ANYTHING))
			return true;
	}
	if (open && open->transcript.choice.seen) {
		bool group_only = set->groups && !set->ciphers && !set->sigalgs;

		if (from_open_look(d, open) && group_only && d->e->cause == HF_REASON_P_CIPHER)
			hf_decide(d, HF_REASON_P_GROUP, HF_SIDE_SERVER, HF_CERTAIN);
		return true;
	}
	if (d->c->server_chain.len > 0 && server_key_usage(d, &d->c->server_chain))
		return true;
	hf_decide(d, set->groups ? HF_REASON_P_GROUP : HF_REASON_P_CIPHER, HF_SIDE_SERVER,
		  HF_LIKELY);
	hf_add_candidate(d->e, HF_REASON_P_GROUP);
	hf_add_candidate(d->e, HF_REASON_P_SIGALG);
	hf_add_candidate(d->e, HF_REASON_V_KU);
	hf_say_cannot_know(d->e, "which of its lists the server compared: its log says");
	return true;
}

/* Only alerts that answer the ClientHello itself. */
static bool answer_to_hello(struct deduction *d, int alert)
{
	if (alert == 70)
		return hf_deduce_version(d, true);
	if (alert == 112) {
		hf_decide(d, HF_REASON_P_SNI, HF_SIDE_SERVER, HF_CERTAIN);
		hf_say_evidence(d->e, "server name asked for: %s",
				d->t->offer.sni ? d->t->offer.sni : "(none)");
		return true;
	}
	if (alert == 120) {
		hf_decide(d, HF_REASON_P_ALPN, HF_SIDE_SERVER, HF_CERTAIN);
		hf_say_evidence(d->e, "the client offers %s",
				d->t->offer.alpn ? d->t->offer.alpn : "no protocol");
		return true;
	}
	return alert == 40 && !d->t->demand.seen && !d->t->server.seen ? no_common(d) : false;
}

/* The list of CA names is written after the server's hello, and does not fit (RFC 8446 4.2.4). */
static bool names_too_many(struct deduction *d, int alert)
{
	size_t bytes = 0;

	if (alert != 80 || !d->t->choice.seen || d->t->demand.seen)
		return false;
	for (size_t i = 0; i < d->c->server_trust.len; i++)
		bytes +=
		    2 +
		    (size_t)i2d_X509_NAME(X509_get_subject_name(d->c->server_trust.items[i]->x509),
					  NULL);
	hf_decide(d, HF_REASON_L_CA_NAMES, HF_SIDE_SERVER, bytes > 65531 ? HF_CERTAIN : HF_LIKELY);
	hf_say_evidence(d->e, "alert 80 internal_error stands where the CertificateRequest should");
	if (bytes)
		hf_say_evidence(d->e, "the %zu CAs of its file have %zu bytes of names; 65535 fit",
				d->c->server_trust.len, bytes);
	return true;
}

static bool refused_here(struct deduction *d)
{
	const char *cause = d->main->failure.cause;
	enum hf_reason reason = hf_reason_by_id(cause);

	if (d->main->failure.refused_by != HF_JUDGE_US || hf_refusing_finding(&d->main->server))
		return false;
	if (strcmp(cause, "P-VERSION") == 0)
		return hf_deduce_version(d, false);
	if (reason == HF_REASON_NONE)
		return false;
	hf_decide(d, reason, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_say_evidence(d->e, "%s", d->main->failure.text);
	return true;
}

bool hf_deduce_protocol(struct deduction *d)
{
	const struct hf_event *alert = hf_transcript_find(d->t, HF_EVENT_ALERT, false);

	if (!d->main->failed)
		return false;
	if (alert && alert->type != 0 && !d->main->handshake_done)
		return answer_to_hello(d, alert->type) || names_too_many(d, alert->type);
	return refused_here(d);
}
