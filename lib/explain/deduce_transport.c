/* SPDX-License-Identifier: Apache-2.0 */
/* Below TLS: is there anybody, is it TLS, does the way between let everything pass.  Must never
 * blame the network for what a second look does not show. */
#include "explain/internal.h"

#include <errno.h>
#include <string.h>

/* Whoever resets so soon that connecting fails has listened. */
static bool reset_at_once(struct deduction *d)
{
	if (d->main->sys_errno != ECONNRESET)
		return false;
	hf_decide(d, HF_REASON_T_RESET, HF_SIDE_SERVER, HF_CERTAIN);
	hf_say_evidence(d->e,
			"connecting to %s: the connection came about, and was reset before "
			"a byte was sent",
			d->c->target);
	hf_say_cannot_know(d->e, "why the peer hangs up: no certificate is involved yet");
	return true;
}

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
	if (!lost && d->main->end != HF_LOOK_CLOSED && d->main->end != HF_LOOK_LOST)
		return false;
	if (hf_deduce_hello_size(d))
		return true;
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
		return reset_at_once(d) || unreached(d);
	if (plaintext_client(d))
		return true;
	if (d->c->set.plain)
		return false;
	return proxy_unexpected(d) || not_tls(d) || hf_deduce_silence(d) || no_words(d);
}
