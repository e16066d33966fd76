/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions whose request somebody else answers, piece by piece.  Must never begin the next request
 * before both the body and the answer of this one are over, nor pass a cut answer off as whole. */
#include "http/stream.h"

#include <stdlib.h>
#include <string.h>

#include "http/session.h"
#include "util/clock.h"

/* Somebody is waited for: the client while it owes us body or takes our answer, else another. */
static void watch_idle(struct hf_http_session *session)
{
	bool on_client = (session->state == HF_SESSION_STREAM_BODY && !session->paused) ||
			 hf_conn_unsent(session->conn) > 0;

	hf_conn_hold_idle(session->conn, !on_client);
}

static bool streaming(const struct hf_http_session *session)
{
	return session->state == HF_SESSION_STREAM || session->state == HF_SESSION_STREAM_BODY;
}

bool hf_session_offer(struct hf_http_session *session, const struct hf_http_head *head,
		      const struct hf_http_body *body)
{
	struct hf_http_server *server = session->server;
	struct hf_http_request request;
	enum hf_session_state before = session->state;

	if (server->ops->on_head == NULL)
		return false;
	if (body->kind != HF_BODY_NONE) {
		if (!hf_session_hold(session)) {
			hf_session_refuse(session, 503, "out of memory");
			return true;
		}
		session->held->body = *body;
	}
	hf_session_untime(session);
	session->state = body->kind == HF_BODY_NONE ? HF_SESSION_STREAM : HF_SESSION_STREAM_BODY;
	session->finish |= head->close;
	session->answering = session->paused = session->unframed = false;
	hf_session_request(session, head, 0, &request);
	server->ops->on_head(&request, session, server->arg);
	if (session->stream != NULL || !streaming(session))
		return true; /* taken, or answered already */
	session->state = before;
	return false;
}

void hf_http_stream_take(struct hf_http_session *session, const struct hf_http_stream_ops *ops,
			 void *arg)
{
	session->stream = ops;
	session->stream_arg = arg;
	watch_idle(session);
}

void hf_http_stream_pause(struct hf_http_session *session, bool pause)
{
	if (session->state != HF_SESSION_STREAM_BODY || session->paused == pause)
		return;
	session->paused = pause;
	hf_conn_want_read(session->conn, !pause);
	watch_idle(session);
}

bool hf_http_stream_has_body(const struct hf_http_session *session)
{
	return session->state == HF_SESSION_STREAM_BODY;
}

void hf_http_stream_keep_trailers(struct hf_http_session *session)
{
	struct hf_session_held *held = session->held;

	if (session->state != HF_SESSION_STREAM_BODY)
		return;
	hf_buf_clear(&held->trailers);
	held->body.trailers = &held->trailers;
}

struct hf_slice hf_http_stream_trailers(const struct hf_http_session *session)
{
	return session->held != NULL ? hf_http_body_trailers(&session->held->body)
				     : (struct hf_slice){ "", 0 };
}

void hf_session_stream_gone(struct hf_http_session *session, const char *why)
{
	const struct hf_http_stream_ops *ops = session->stream;

	session->stream = NULL;
	if (ops != NULL)
		ops->on_gone(why, session->stream_arg);
}

/* What cannot be read is told while an answer is still owed; afterwards only a cut says it. */
static void body_bad(struct hf_http_session *session, int status, const char *why)
{
	bool answering = session->answering;

	hf_session_stream_gone(session, why);
	if (!answering) {
		hf_session_refuse(session, status, why);
		return;
	}
	session->state = HF_SESSION_ENDING;
	hf_conn_abort(session->conn);
}

size_t hf_session_feed_stream(struct hf_http_session *session, const char *data, size_t len)
{
	size_t at = 0, used;
	struct hf_slice piece;

	while (at < len && session->state == HF_SESSION_STREAM_BODY) {
		struct hf_http_body *body = &session->held->body;
		enum hf_http_parse rc = hf_http_body_read(body, data + at, len - at, &used, &piece);

		at += used;
		if (rc == HF_HTTP_BAD) {
			body_bad(session, body->bad_status, body->why);
			return len;
		}
		if (piece.len > 0 && session->stream != NULL)
			session->stream->on_body(piece, session->stream_arg);
		if (rc != HF_HTTP_DONE || session->state != HF_SESSION_STREAM_BODY)
			continue;
		session->state = HF_SESSION_STREAM;
		watch_idle(session);
		if (session->stream != NULL)
			session->stream->on_body_end(session->stream_arg);
		break;
	}
	return at;
}

void hf_session_stream_writable(struct hf_http_session *session)
{
	watch_idle(session);
	if (session->stream != NULL)
		session->stream->on_writable(session->stream_arg);
}

/* --- the answer --- */

bool hf_http_stream_begin(struct hf_http_session *session)
{
	session->answering = true;
	/* What is left of a body that nobody reads to its end would be taken for a request. */
	if (session->state == HF_SESSION_STREAM_BODY)
		session->finish = true;
	return !session->finish;
}

void hf_http_stream_last(struct hf_http_session *session)
{
	session->unframed = true;
	session->finish = true;
}

struct hf_buf *hf_http_stream_out(struct hf_http_session *session)
{
	return &session->server->out;
}

bool hf_http_stream_send(struct hf_http_session *session, const void *data, size_t len)
{
	hf_session_flush(session);
	if (!streaming(session))
		return false;
	if (len > 0 && hf_conn_write(session->conn, data, len) < 0) {
		session->state = HF_SESSION_ENDING;
		hf_conn_abort(session->conn);
		return false;
	}
	watch_idle(session);
	return true;
}

size_t hf_http_stream_unsent(const struct hf_http_session *session)
{
	return hf_conn_unsent(session->conn) + session->server->out.len;
}

void hf_http_stream_end(struct hf_http_session *session, bool whole)
{
	bool inside = session->server->feeding == session;
	bool body_left = session->state == HF_SESSION_STREAM_BODY;

	session->stream = NULL;
	if (!streaming(session))
		return; /* it is ending already */
	if (!whole) {
		hf_buf_clear(&session->server->out);
		session->state = HF_SESSION_ENDING;
		/* Without framing the end is all that tells. */
		if (session->unframed)
			hf_conn_reset(session->conn);
		else
			hf_conn_abort(session->conn);
		return;
	}
	session->state = session->finish || body_left ? HF_SESSION_ENDING : HF_SESSION_IDLE;
	hf_session_flush(session);
	if (session->state != HF_SESSION_IDLE)
		return;
	hf_conn_hold_idle(session->conn, false);
	if (hf_conn_unsent(session->conn) > HF_SESSION_UNSENT_CAP)
		session->state = HF_SESSION_SENDING;
	else if (!inside)
		hf_session_resume(session);
}

void hf_http_stream_answer(struct hf_http_session *session, int status, const char *body,
			   bool head_only)
{
	hf_http_stream_answer_fields(session, status, NULL, body, head_only);
}

void hf_http_stream_answer_fields(struct hf_http_session *session, int status, const char *fields,
				  const char *body, bool head_only)
{
	const struct hf_http_answer_head head = {
		.status = status,
		.fields = fields,
		.content_type = "text/plain; charset=utf-8",
		.content_length = (int64_t)strlen(body),
		.close = !hf_http_stream_begin(session),
		.date = hf_http_stream_date(session),
	};

	hf_http_answer_head_write(&session->server->out, &head);
	if (!head_only)
		hf_buf_puts(&session->server->out, body);
	hf_http_stream_end(session, true);
}

const char *hf_http_stream_date(struct hf_http_session *session)
{
	return hf_http_server_date(session->server, hf_clock_now());
}

struct hf_conn *hf_http_stream_leave(struct hf_http_session *session, struct hf_buf *rest)
{
	struct hf_conn *conn = session->conn;

	hf_session_flush(session);
	if (session->held != NULL)
		hf_buf_append(rest, session->held->rest.data, session->held->rest.len);
	hf_session_unlink(session);
	hf_session_held_free(session->held);
	free(session);
	hf_conn_hold_idle(conn, false);
	hf_conn_want_read(conn, true);
	return conn;
}
