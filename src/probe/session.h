/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection, blocking up to a deadline: dial, handshake, send, read up to the verdict.
 * TLS, or plain for http:// URLs. */
#ifndef HF_PROBE_SESSION_H
#define HF_PROBE_SESSION_H

#include "net/via.h"
#include "tls/conn.h"

struct hf_session;

enum hf_session_end {
	HF_SESSION_OK = 0,
	HF_SESSION_CLOSED,    /* the peer ended its direction */
	HF_SESSION_REFUSED,   /* by us or by the peer: hf_session_failure() */
	HF_SESSION_LOST,      /* reset, broken pipe, no more words: hf_session_failure() for TLS */
	HF_SESSION_TIMEOUT,
};

/* Where a connection leads. */
struct hf_session_way {
	const struct hf_address *list; /* tried in turn until one answers */
	size_t len;
	/* The addresses are this proxy's, which is then asked for the server; NULL or kind NONE:
	 * straight. */
	const struct hf_via *via;
	int segment_len; /* bytes of a TCP segment at most, both ways; 0: the system's choice */
};
/* deadline_ms: on hf_clock_monotonic_ms().  Negative when no address answered: the error names each
 * and why. */
int hf_session_dial(const struct hf_session_way *way, int64_t deadline_ms,
		    struct hf_session **ret_session, struct hf_err *err);
/* context NULL: the session stays plain. */
int hf_session_start_tls(struct hf_session *session, struct hf_tls_context *context,
			 struct hf_err *err);
enum hf_session_end hf_session_handshake(struct hf_session *session);
/* After a TLS 1.3 handshake in which the server asked for a certificate, its verdict may be under
 * way (RFC 8446 4.4.2.4): waits a few round trips for an alert before anything is sent, because an
 * alert that crosses a request is often destroyed by the reset that follows. */
enum hf_session_end hf_session_await_verdict(struct hf_session *session);
/* The same, patiently: waits up to `ms` for words of the server, whatever the version; less when
 * the transcript has a ticket, because servers send one only after the client's certificate. */
enum hf_session_end hf_session_await_words(struct hf_session *session,
					   const struct hf_transcript *transcript, int64_t ms);
/* From now on everything must be over in ms. */
void hf_session_set_timeout(struct hf_session *session, int64_t ms);
/* A PROXY protocol header of version 1 (as a balancer sends it), before TLS is started. */
enum hf_session_end hf_session_send_proxy(struct hf_session *session);
enum hf_session_end hf_session_write(struct hf_session *session, const void *data, size_t len);
/* OK with *ret_len > 0 */
enum hf_session_end hf_session_read(struct hf_session *session, void *data, size_t cap,
				    size_t *ret_len);
void hf_session_close(struct hf_session *session);   /* close_notify, then frees; NULL-safe */
HF_DEFINE_AUTO(hf_session, struct hf_session, hf_session_close);

struct hf_tls_conn *hf_session_tls(const struct hf_session *session); /* NULL when plain */
/* Bytes of ours that the peer's TCP has not confirmed yet: what a path that loses them leaves. */
bool hf_session_unconfirmed(const struct hf_session *session);
const struct hf_address *hf_session_peer(const struct hf_session *session);
/* Microseconds that only go forward: the clock of transcripts. */
int64_t hf_session_clock_us(void);

#endif
