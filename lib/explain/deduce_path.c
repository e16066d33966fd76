/* SPDX-License-Identifier: Apache-2.0 */
/* The way between the two: one that loses large packets, a hop that stumbles over a large
 * ClientHello, a peer that falls silent in the middle.  Must never blame the network for what a
 * second look does not show. */
#include "explain/internal.h"

enum { HELLO_OF_ONE_SEGMENT = 1300 }; /* with the headers of every path on the way */

static size_t hello_len(const struct hf_look *look)
{
	const struct hf_event *hello =
	    hf_transcript_message_find(&look->transcript, HF_HANDSHAKE_CLIENT_HELLO, true);

	return hello ? hello->len : 0;
}

bool hf_deduce_hello_size(struct deduction *d)
{
	const struct hf_look *smaller = hf_look_of(d, HF_LOOK_DEFAULTS);

	if (hello_len(d->main) <= HELLO_OF_ONE_SEGMENT)
		return false;
	if (!smaller && hf_want(d, HF_LOOK_DEFAULTS))
		return true;
	if (!hf_speaks_tls(smaller) || hello_len(smaller) > HELLO_OF_ONE_SEGMENT)
		return false;
	hf_decide(d, HF_REASON_T_HELLO_SIZE, HF_SIDE_SERVER, HF_CERTAIN);
	hf_say_evidence(d->e, "a ClientHello of %zu bytes, which needs two packets, gets no answer",
			hello_len(d->main));
	hf_say_evidence(d->e, "one of %zu bytes, in a single packet, is answered in TLS",
			hello_len(smaller));
	return true;
}

static bool says_something(const struct hf_look *look)
{
	const struct hf_transcript *t = &look->transcript;

	return t->data_received || hf_transcript_find(t, HF_EVENT_ALERT, false) ||
	       hf_transcript_message_find(t, HF_HANDSHAKE_TICKET, false);
}

/* Where the first look was left waiting, did this one go on? */
static bool went_further(const struct hf_look *first, const struct hf_look *look)
{
	if (first->handshake_done)
		return !look->unconfirmed && says_something(look);
	return look->handshake_done || hf_transcript_find(&look->transcript, HF_EVENT_ALERT, false);
}

/* The same in segments that every path carries: what passes then was lost for its size (RFC 8899 1,
 * RFC 4821 1). */
static bool large_packets_lost(struct deduction *d)
{
	const struct hf_look *small = hf_look_of(d, HF_LOOK_SMALL);

	if (!small && hf_want(d, HF_LOOK_SMALL))
		return true;
	if (!small || !went_further(d->main, small))
		return false;
	hf_decide(d, HF_REASON_T_MTU, HF_SIDE_NOBODY, HF_CERTAIN);
	if (d->main->unconfirmed)
		hf_say_evidence(d->e, "the server's TCP never confirmed what the client sent last");
	else
		hf_say_evidence(d->e,
				"TCP connects, the ClientHello is sent, and then the server's "
				"answer does not come");
	hf_say_evidence(d->e, "with TCP segments of 536 bytes the same connection goes on");
	return true;
}

static void say_last_message(struct deduction *d, const char *then)
{
	const struct hf_event *last = NULL;
	char name[64];

	for (size_t i = 0; i < d->t->len; i++) {
		if (d->t->events[i].kind == HF_EVENT_MESSAGE && !d->t->events[i].sent)
			last = &d->t->events[i];
	}
	if (!last) {
		hf_say_evidence(d->e, "%zu bytes of TLS come and no whole message; then %s",
				d->t->first_len, then);
		return;
	}
	hf_event_name(last, name, sizeof(name));
	hf_say_evidence(d->e, "the server's last message is %s; then %s", name, then);
}

/* Something came, and then nothing more. */
static bool silent_in_the_middle(struct deduction *d)
{
	hf_decide(d, HF_REASON_T_TIMEOUT, HF_SIDE_NOBODY, HF_LIKELY);
	hf_add_candidate(d->e, HF_REASON_T_MTU);
	say_last_message(d, "it says nothing more");
	hf_say_why(d->e, "The server began the handshake and fell silent in the middle of it: a "
			 "hung process (one that waits for a signer, a responder or a disk), or a "
			 "path that loses packets.");
	hf_say_cannot_know(d->e, "why the server does not go on: its log, or tcpdump there, tells");
	return true;
}

bool hf_deduce_silence(struct deduction *d)
{
	bool silent = hf_transcript_find(d->t, HF_EVENT_SILENCE, false) != NULL;

	if (d->main->handshake_done)
		return d->main->unconfirmed && large_packets_lost(d);
	if (!silent)
		return false;
	if (large_packets_lost(d))
		return true;
	if (d->t->first_len > 0)
		return silent_in_the_middle(d);
	if (hf_deduce_hello_size(d))
		return true;
	hf_decide(d, HF_REASON_T_TIMEOUT, HF_SIDE_NOBODY, HF_CERTAIN);
	hf_say_evidence(d->e, "TCP connects, the ClientHello is sent, not one byte comes back");
	hf_add_candidate(d->e, HF_REASON_T_MTU);
	return true;
}

bool hf_deduce_broken_off(struct deduction *d)
{
	bool lost = hf_transcript_find(d->t, HF_EVENT_RESET, false) != NULL;
	bool began = d->t->client.seen || (d->t->demand.seen && hf_chain_bytes(&d->c->own) > 16384);

	if (d->main->handshake_done || !d->t->choice.seen || began ||
	    (d->main->end != HF_LOOK_LOST && d->main->end != HF_LOOK_CLOSED) ||
	    hf_transcript_find(d->t, HF_EVENT_ALERT, false))
		return false;
	hf_decide(d, lost ? HF_REASON_T_RESET : HF_REASON_T_EOF, HF_SIDE_SERVER, HF_LIKELY);
	say_last_message(d, lost ? "a TCP reset" : "the end of the stream, without an alert");
	hf_say_evidence(d->e, "no certificate of the client was sent yet");
	hf_say_why(d->e, "The connection breaks off in the middle of the handshake, before the "
			 "client's certificate: a worker that crashed or was stopped, or something "
			 "between (a firewall, a balancer with a time limit) that cuts it.");
	hf_say_fix(
	    d->e,
	    "look into the log of what is behind %s at this moment (a crash, a restart), and "
	    "at what stands between",
	    d->c->target);
	hf_say_cannot_know(d->e, "which of them it was: the server's log, or tcpdump at both ends");
	return true;
}
