/* SPDX-License-Identifier: Apache-2.0 */
/* A request that is answered piece by piece, while its body may still be coming: what a gateway
 * that forwards needs.
 *
 * Contract: on_head of the server's ops takes the request with hf_http_stream_take; from then on
 * the body comes through the stream's ops and the answer goes out through the calls below, until
 * hf_http_stream_end, _leave, or on_gone.  After any of these the session must not be touched.
 * Back-pressure is the caller's: it pauses the body, and stops writing while much is unsent. */
#ifndef HF_HTTP_STREAM_H
#define HF_HTTP_STREAM_H

#include "http/server.h"

struct hf_http_stream_ops {
	/* A piece of the request's body, borrowed; and its end. */
	void (*on_body)(struct hf_slice piece, void *arg);
	void (*on_body_end)(void *arg);
	void (*on_writable)(void *arg); /* what waited for the client is out */
	/* The client has gone, or the rest of its body makes no sense (`why`, answered already). */
	void (*on_gone)(const char *why, void *arg);
};

void hf_http_stream_take(struct hf_http_session *session, const struct hf_http_stream_ops *ops,
			 void *arg);
/* The body is not wanted for now; up to one read of it may still come. */
void hf_http_stream_pause(struct hf_http_session *session, bool pause);
bool hf_http_stream_has_body(const struct hf_http_session *session); /* more of it is to come */
/* The trailers of the body are wanted; from inside on_head only.  _trailers gives their lines in
 * on_body_end, borrowed. */
void hf_http_stream_keep_trailers(struct hf_http_session *session);
struct hf_slice hf_http_stream_trailers(const struct hf_http_session *session);

/* The final answer begins: false when the connection ends after it, and its head must say so. */
bool hf_http_stream_begin(struct hf_http_session *session);
/* The connection ends after this answer, and that end is what ends the answer. */
void hf_http_stream_last(struct hf_http_session *session);
/* Where to append heads and small pieces; nothing goes out before the next call. */
struct hf_buf *hf_http_stream_out(struct hf_http_session *session);
/* Sends what was appended, then data (may be empty).  false: the client is gone, on_gone follows.
 */
bool hf_http_stream_send(struct hf_http_session *session, const void *data, size_t len);
size_t hf_http_stream_unsent(const struct hf_http_session *session);
/* The answer is out (what was appended goes with it), or it cannot be completed and the connection
 * is cut so that nobody takes it for whole. */
void hf_http_stream_end(struct hf_http_session *session, bool whole);
/* A whole short answer of our own, and the end of the stream.  HEAD gets the head only. */
void hf_http_stream_answer(struct hf_http_session *session, int status, const char *body,
			   bool head_only);
/* The same with more header lines, each with its CRLF. */
void hf_http_stream_answer_fields(struct hf_http_session *session, int status, const char *fields,
				  const char *body, bool head_only);
/* After a 101 was sent: the connection is the caller's, the session is gone without on_end.
 * Bytes that had come already are appended to rest. */
struct hf_conn *hf_http_stream_leave(struct hf_http_session *session, struct hf_buf *rest);

const char *hf_http_stream_date(struct hf_http_session *session); /* for a Date field */

#endif
