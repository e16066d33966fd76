/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: asks the handler, writes head and body, sends files piece by piece.  Must never send a
 * body that is longer or shorter than its Content-Length. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "http/session.h"
#include "util/clock.h"

/* One write for all answers of a round, unless they are many. */
enum { FLUSH_AT = 64 * 1024 };

void hf_session_flush(struct hf_http_session *session)
{
	struct hf_buf *out = &session->server->out;

	if (hf_buf_failed(out) ||
	    (out->len > 0 && hf_conn_write(session->conn, out->data, out->len) < 0)) {
		session->state = HF_SESSION_ENDING;
		hf_conn_abort(session->conn);
	} else if (session->state == HF_SESSION_ENDING) {
		hf_conn_close(session->conn);
	}
	hf_buf_clear(out);
}

void hf_session_continue(struct hf_http_session *session)
{
	hf_buf_puts(&session->server->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void end_after_this(struct hf_http_session *session)
{
	hf_session_untime(session);
	session->state = HF_SESSION_ENDING;
}

void hf_session_refuse(struct hf_http_session *session, int status, const char *why)
{
	struct hf_http_server *server = session->server;
	const char *text = hf_http_status_text(status);
	const struct hf_http_answer_head head = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.content_length = (int64_t)(strlen(text) + strlen(": .\n") + strlen(why)),
		.close = true,
		.date = hf_http_server_date(server, hf_clock_now()),
	};

	end_after_this(session);
	hf_http_answer_head_write(&server->out, &head);
	hf_buf_printf(&server->out, "%s: %s.\n", text, why);
	if (server->ops->on_bad)
		server->ops->on_bad(session->conn, session->arg, status, why, server->arg);
}

static void write_head(struct hf_http_session *session, const struct hf_http_request *request,
		       const struct hf_http_answer *answer)
{
	struct hf_http_server *server = session->server;
	bool bodiless = answer->status == 204 || answer->status == 304;
	uint64_t len = answer->fd >= 0 ? answer->fd_len : answer->body_len;
	const struct hf_http_answer_head head = {
		.status = answer->status,
		.content_type = answer->content_type,
		.content_length = bodiless ? HF_HTTP_LENGTH_NONE : (int64_t)len,
		.fields = answer->fields,
		.close = session->finish,
		.keep_alive = request->head->minor == 0,
		.date = hf_http_server_date(server, request->at),
	};

	hf_http_answer_head_write(&server->out, &head);
}

/* The file goes out from on_writable; the session waits until it is out. */
static void begin_file(struct hf_http_session *session, const struct hf_http_answer *answer)
{
	if (!hf_session_hold(session)) {
		hf_fd_close(answer->fd);
		end_after_this(session);
		hf_conn_abort(session->conn);
		return;
	}
	session->held->fd = answer->fd;
	session->held->fd_left = answer->fd_len;
	session->state = HF_SESSION_SENDING;
	hf_session_flush(session);
	if (session->state == HF_SESSION_SENDING && hf_session_pump(session))
		session->state = HF_SESSION_IDLE;
}

static void write_body(struct hf_http_session *session, const struct hf_http_request *request,
		       const struct hf_http_answer *answer)
{
	struct hf_http_server *server = session->server;
	bool none = request->head->method == HF_METHOD_HEAD || answer->status == 204 ||
		    answer->status == 304;

	if (session->finish)
		end_after_this(session);
	if (answer->fd >= 0 && (none || answer->fd_len == 0)) {
		hf_fd_close(answer->fd);
	} else if (answer->fd >= 0) {
		begin_file(session, answer);
		return;
	} else if (!none) {
		hf_buf_append(&server->out, answer->body, answer->body_len);
	}
	if (server->out.len < FLUSH_AT)
		return;
	hf_session_flush(session);
	if (session->state == HF_SESSION_IDLE &&
	    hf_conn_unsent(session->conn) > HF_SESSION_UNSENT_CAP)
		session->state = HF_SESSION_SENDING;
}

void hf_session_request(struct hf_http_session *session, const struct hf_http_head *head,
			uint64_t body_len, struct hf_http_request *ret_request)
{
	*ret_request = (struct hf_http_request){
		.head = head,
		.conn = session->conn,
		.session_arg = session->arg,
		.body_len = body_len,
		.at = hf_clock_now(),
		.taken_ms = hf_loop_now_ms(session->server->loop) - session->begun_ms,
		.number = session->requests,
	};
}

void hf_session_answer(struct hf_http_session *session, const struct hf_http_head *head,
		       uint64_t body_len)
{
	struct hf_http_server *server = session->server;
	struct hf_http_request request;
	struct hf_http_answer answer;

	hf_session_request(session, head, body_len, &request);
	memset(&answer, 0, offsetof(struct hf_http_answer, fields_text));
	answer.status = 500;
	answer.fd = -1;
	answer.scratch = &server->scratch;
	hf_buf_clear(&server->scratch);
	server->ops->on_request(&request, &answer, server->arg);
	if (head->close || answer.close)
		session->finish = true;
	write_head(session, &request, &answer);
	if (server->ops->on_answered)
		server->ops->on_answered(&request, &answer, server->arg);
	write_body(session, &request, &answer);
}

/* --- files --- */

/* One piece into server->out; 0 at an unexpected end. */
static ssize_t read_piece(struct hf_http_session *session)
{
	struct hf_session_held *held = session->held;
	struct hf_buf *out = &session->server->out;
	size_t want = held->fd_left < HF_SESSION_FILE_READ ? (size_t)held->fd_left
							   : (size_t)HF_SESSION_FILE_READ;
	ssize_t n;

	if (hf_buf_reserve(out, want) < 0)
		return -1;
	do
		n = read(held->fd, out->data + out->len, want);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		out->len += (size_t)n;
		held->fd_left -= (uint64_t)n;
	}
	return n;
}

static void file_done(struct hf_http_session *session)
{
	hf_fd_close(session->held->fd);
	session->held->fd = -1;
	if (session->finish) {
		end_after_this(session);
		hf_conn_close(session->conn);
	}
}

bool hf_session_pump(struct hf_http_session *session)
{
	struct hf_session_held *held = session->held;

	while (held != NULL && held->fd >= 0) {
		if (hf_conn_unsent(session->conn) > HF_SESSION_UNSENT_CAP)
			return false;
		if (read_piece(session) <= 0) {
			/* Shorter than promised: only the end of the connection says so. */
			end_after_this(session);
			hf_conn_abort(session->conn);
			hf_buf_clear(&session->server->out);
			return false;
		}
		hf_session_flush(session);
		if (session->state != HF_SESSION_SENDING)
			return false;
		if (held->fd_left == 0)
			file_done(session);
	}
	return session->state == HF_SESSION_SENDING;
}
