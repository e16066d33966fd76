/* SPDX-License-Identifier: Apache-2.0 */
/* One session: bytes in, requests out, one after the other (RFC 9112 9.3.2).  Must never read on
 * while an answer cannot be sent: that is what keeps a slow reader from filling our memory. */
#include "http/session.h"

#include <stdlib.h>

#include "base/err.h"

/* The request is complete: the session waits for the next, unless its answer is still going out. */
static void request_done(struct hf_http_session *session, const struct hf_http_head *head,
			 uint64_t body_len)
{
	hf_session_untime(session);
	session->state = HF_SESSION_IDLE;
	hf_session_answer(session, head, body_len);
}

/* The head must last until the body has come. */
static bool keep_head(struct hf_http_session *session, const struct hf_http_head *head)
{
	struct hf_session_held *held = session->held;

	if (held != NULL && head == &held->head) {
		hf_buf_truncate(&held->bytes, head->len);
		return true;
	}
	if (!hf_session_hold(session))
		return false;
	held = session->held;
	if (hf_buf_append(&held->bytes, head->data, head->len) < 0)
		return false;
	held->head = *head;
	hf_http_head_move(&held->head, held->bytes.data);
	return true;
}

static void head_done(struct hf_http_session *session, const struct hf_http_head *head)
{
	struct hf_http_server *server = session->server;
	struct hf_http_body body;

	session->requests++;
	hf_http_body_of_request(&body, head, server->config.body_cap);
	if (head->method == HF_METHOD_CONNECT) {
		hf_session_refuse(session, 501, "this is not a proxy");
		return;
	}
	if (body.kind == HF_BODY_LENGTH && body.cap > 0 && body.left > body.cap) {
		hf_session_refuse(session, 413, "the body is too large");
		return;
	}
	if (hf_session_offer(session, head, &body))
		return;
	if (body.kind == HF_BODY_NONE) {
		request_done(session, head, 0);
		return;
	}
	if (!keep_head(session, head)) {
		hf_session_refuse(session, 503, "out of memory");
		return;
	}
	session->held->body = body;
	hf_session_untime(session);
	session->state = HF_SESSION_BODY;
	hf_session_time(session, &server->in_body, server->config.body_ms);
	if (session->held->head.expect_continue)
		hf_session_continue(session);
}

/* A head that goes on from what is held. */
static size_t feed_held_head(struct hf_http_session *session, const char *data, size_t len)
{
	struct hf_session_held *held = session->held;
	size_t excess;

	if (hf_buf_append(&held->bytes, data, len) < 0) {
		hf_session_refuse(session, 503, "out of memory");
		return len;
	}
	switch (hf_http_head_parse(&held->head, held->bytes.data, held->bytes.len)) {
	case HF_HTTP_MORE:
		return len;
	case HF_HTTP_BAD:
		hf_session_refuse(session, held->head.bad_status, held->head.why);
		return len;
	case HF_HTTP_DONE:
		break;
	}
	excess = held->bytes.len - held->head.len;
	head_done(session, &held->head);
	return len - excess;
}

/* The first bytes of a request: most come in one piece and are never copied. */
static size_t feed_fresh_head(struct hf_http_session *session, const char *data, size_t len)
{
	struct hf_http_server *server = session->server;
	struct hf_http_head *head = &server->head;

	session->begun_ms = hf_loop_now_ms(server->loop);
	session->state = HF_SESSION_HEAD;
	hf_http_head_init(head, HF_HTTP_REQUEST, &server->config.limits);
	switch (hf_http_head_parse(head, data, len)) {
	case HF_HTTP_DONE:
		head_done(session, head);
		return head->len;
	case HF_HTTP_BAD:
		hf_session_refuse(session, head->bad_status, head->why);
		return len;
	case HF_HTTP_MORE:
		break;
	}
	if (!hf_session_hold(session) || hf_buf_append(&session->held->bytes, data, len) < 0) {
		hf_session_refuse(session, 503, "out of memory");
		return len;
	}
	session->held->head = *head;
	hf_session_time(session, &server->in_head, server->config.header_ms);
	return len;
}

static size_t feed_body(struct hf_http_session *session, const char *data, size_t len)
{
	struct hf_session_held *held = session->held;
	size_t at = 0, used;
	struct hf_slice piece;

	while (at < len) {
		enum hf_http_parse rc =
		    hf_http_body_read(&held->body, data + at, len - at, &used, &piece);

		at += used;
		if (rc == HF_HTTP_BAD) {
			hf_session_refuse(session, held->body.bad_status, held->body.why);
			return len;
		}
		if (rc == HF_HTTP_DONE) {
			request_done(session, &held->head, held->body.received);
			break;
		}
	}
	return at;
}

/* Nothing of a request is held any more, so nothing needs to be kept. */
static void let_go(struct hf_http_session *session)
{
	if (session->state != HF_SESSION_IDLE || session->held == NULL)
		return;
	hf_session_held_free(session->held);
	session->held = NULL;
}

/* Bytes that came while an answer is going out wait for it. */
static void put_aside(struct hf_http_session *session, const char *data, size_t len)
{
	hf_conn_want_read(session->conn, false);
	if (len == 0)
		return;
	if (hf_session_hold(session) && hf_buf_append(&session->held->rest, data, len) == 0)
		return;
	session->state = HF_SESSION_ENDING;
	hf_conn_abort(session->conn);
}

static void feed(struct hf_http_session *session, const char *data, size_t len)
{
	struct hf_http_server *server = session->server;
	size_t at = 0;

	server->feeding = session;
	while (at < len && session->state < HF_SESSION_SENDING) {
		if (session->state == HF_SESSION_STREAM_BODY)
			at += hf_session_feed_stream(session, data + at, len - at);
		else if (session->state == HF_SESSION_BODY)
			at += feed_body(session, data + at, len - at);
		else if (session->state == HF_SESSION_HEAD)
			at += feed_held_head(session, data + at, len - at);
		else
			at += feed_fresh_head(session, data + at, len - at);
		let_go(session);
	}
	hf_session_flush(session);
	server->feeding = NULL;
	if (session->state == HF_SESSION_SENDING ||
	    (session->state == HF_SESSION_STREAM && at < len))
		put_aside(session, data + at, len - at);
}

void hf_session_resume(struct hf_http_session *session)
{
	struct hf_buf rest = HF_BUF_INIT(0);

	session->state = HF_SESSION_IDLE;
	if (session->held != NULL) {
		rest = session->held->rest;
		hf_buf_init(&session->held->rest, rest.cap);
	}
	let_go(session);
	hf_conn_want_read(session->conn, true);
	feed(session, rest.data, rest.len);
	hf_buf_done(&rest);
}

static void read_some(struct hf_http_session *session)
{
	struct hf_http_server *server = session->server;
	size_t len = 0;

	if (session->state == HF_SESSION_SENDING || session->state == HF_SESSION_ENDING)
		return;
	switch (hf_conn_read(session->conn, server->in, sizeof(server->in), &len)) {
	case HF_CONN_DATA:
		feed(session, server->in, len);
		break;
	case HF_CONN_EOF:
		/* A client that has said all it has to say still wants its answer. */
		if (session->state == HF_SESSION_STREAM) {
			session->finish = true;
			break;
		}
		hf_session_stream_gone(session, "the client ended in the middle of a body");
		hf_session_untime(session);
		session->state = HF_SESSION_ENDING;
		hf_conn_close(session->conn);
		break;
	case HF_CONN_WAIT:
	case HF_CONN_OVER:
		break;
	}
}

/* What has come already is still answered. */
void hf_session_finish(struct hf_http_session *session)
{
	session->finish = true;
	if (session->state == HF_SESSION_IDLE)
		read_some(session);
	if (session->state != HF_SESSION_IDLE)
		return;
	session->state = HF_SESSION_ENDING;
	hf_conn_close(session->conn);
}

/* --- callbacks --- */

static void on_ready(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	(void)conn;
	read_some(arg);
}

static void on_writable(struct hf_conn *conn, void *arg)
{
	struct hf_http_session *session = arg;

	(void)conn;
	if (session->stream != NULL)
		hf_session_stream_writable(session);
	else if (session->state == HF_SESSION_SENDING && hf_session_pump(session))
		hf_session_resume(session);
}

void hf_session_unlink(struct hf_http_session *session)
{
	struct hf_http_server *server = session->server;

	hf_session_untime(session);
	if (session->prev)
		session->prev->next = session->next;
	else
		server->sessions = session->next;
	if (session->next)
		session->next->prev = session->prev;
	server->sessions_len--;
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct hf_http_session *session = arg;
	struct hf_http_server *server = session->server;

	hf_session_stream_gone(session, "the client has gone");
	hf_session_unlink(session);
	server->ops->on_end(conn, session->arg, end, server->arg);
	hf_session_held_free(session->held);
	free(session);
}

const struct hf_conn_ops hf_session_ops = {
	.on_ready = on_ready,
	.on_readable = on_readable,
	.on_writable = on_writable,
	.on_end = on_end,
};
