/* SPDX-License-Identifier: Apache-2.0 */
/* The server: its sessions, their deadlines, draining.  Must never keep a buffer for a session that
 * waits for its next request: ten thousand of those are the usual case. */
#include "http/server.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "http/session.h"
#include "util/clock.h"

enum { TICK_MS = 250, OUT_CAP = 32 * 1024 * 1024 };

/* --- deadlines --- */

static struct hf_session_list *list_of(struct hf_http_session *session)
{
	struct hf_http_server *server = session->server;

	return session->state == HF_SESSION_BODY ? &server->in_body : &server->in_head;
}

static void unlink_late(struct hf_session_list *list, struct hf_http_session *session)
{
	if (session->late_prev)
		session->late_prev->late_next = session->late_next;
	else
		list->first = session->late_next;
	if (session->late_next)
		session->late_next->late_prev = session->late_prev;
	else
		list->last = session->late_prev;
	session->late_prev = session->late_next = NULL;
}

void hf_session_untime(struct hf_http_session *session)
{
	if (!session->timed)
		return;
	unlink_late(list_of(session), session);
	session->timed = false;
	session->deadline_ms = 0;
}

void hf_session_time(struct hf_http_session *session, struct hf_session_list *list,
		     uint64_t after_ms)
{
	struct hf_http_server *server = session->server;

	assert(!session->timed && list == list_of(session));
	session->deadline_ms = hf_loop_now_ms(server->loop) + after_ms;
	session->timed = true;
	session->late_prev = list->last;
	if (list->last)
		list->last->late_next = session;
	else
		list->first = session;
	list->last = session;
	if (server->timer_runs || server->timer == NULL)
		return;
	hf_timer_start(server->timer, TICK_MS, TICK_MS);
	server->timer_runs = true;
}

static void expire(struct hf_session_list *list, uint64_t now_ms, const char *why)
{
	while (list->first && list->first->deadline_ms <= now_ms) {
		struct hf_http_session *session = list->first;

		hf_session_refuse(session, 408, why);
		hf_session_flush(session);
		/* Whatever became of it, it must not be found again. */
		hf_session_untime(session);
	}
}

static void on_tick(void *arg)
{
	struct hf_http_server *server = arg;
	uint64_t now_ms = hf_loop_now_ms(server->loop);

	expire(&server->in_head, now_ms, "the head took too long");
	expire(&server->in_body, now_ms, "the body took too long");
	if (server->in_head.first || server->in_body.first)
		return;
	hf_timer_stop(server->timer);
	server->timer_runs = false;
}

/* --- the server --- */

int hf_http_server_new(struct hf_loop *loop, const struct hf_http_server_config *config,
		       const struct hf_http_server_ops *ops, void *arg,
		       struct hf_http_server **ret_server, struct hf_err *err)
{
	HF_AUTO(hf_http_server) server = calloc(1, sizeof(*server));
	int rc;

	if (server == NULL)
		return hf_err_nomem(err);
	server->loop = loop;
	server->config = *config;
	server->ops = ops;
	server->arg = arg;
	server->date_at = -1;
	hf_buf_init(&server->out, OUT_CAP);
	hf_buf_init(&server->scratch, OUT_CAP);
	rc = hf_timer_new(loop, on_tick, server, &server->timer, err);
	if (rc < 0)
		return rc;
	*ret_server = hf_take(server);
	return 0;
}

void hf_http_server_stop(struct hf_http_server *server)
{
	if (server == NULL)
		return;
	hf_timer_free(server->timer);
	server->timer = NULL;
}

void hf_http_server_free(struct hf_http_server *server)
{
	if (server == NULL)
		return;
	assert(server->sessions == NULL);
	hf_http_server_stop(server);
	hf_buf_done(&server->out);
	hf_buf_done(&server->scratch);
	free(server);
}

const char *hf_http_server_date(struct hf_http_server *server, int64_t now)
{
	if (server->date_at != now) {
		hf_time_format_http(now, server->date);
		server->date_at = now;
	}
	return server->date;
}

size_t hf_http_server_sessions(const struct hf_http_server *server)
{
	return server->sessions_len;
}

uint64_t hf_http_server_served(const struct hf_http_server *server)
{
	return server->served;
}

/* --- sessions --- */

int hf_http_serve(struct hf_http_server *server, struct hf_conn *conn, void *session_arg,
		  struct hf_err *err)
{
	struct hf_http_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return hf_err_nomem(err);
	session->server = server;
	session->conn = conn;
	session->arg = session_arg;
	session->state = HF_SESSION_IDLE;
	session->finish = server->draining;
	session->next = server->sessions;
	if (session->next)
		session->next->prev = session;
	server->sessions = session;
	server->sessions_len++;
	server->served++;
	hf_conn_set_idle(conn, server->config.idle_ms);
	hf_conn_set_ops(conn, &hf_session_ops, session);
	return 0;
}

/* --- connections that are HTTP from their first byte --- */

static void on_ready(struct hf_conn *conn, void *arg)
{
	if (hf_http_serve(arg, conn, NULL, NULL) < 0)
		hf_conn_abort(conn);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	(void)end;
	(void)arg;
}

static const struct hf_conn_ops accepted_ops = { .on_ready = on_ready,
						 .on_readable = on_readable,
						 .on_end = on_end };

int hf_http_accept(struct hf_http_server *server, int fd, const struct hf_address *peer,
		   struct hf_tls_context *tls, struct hf_conn_count *count)
{
	const struct hf_conn_options options = {
		.ops = &accepted_ops, .arg = server, .tls = tls, .count = count
	};
	struct hf_conn *conn = NULL;

	return hf_conn_accept(server->loop, fd, peer, &options, &conn, NULL);
}

void hf_session_held_free(struct hf_session_held *held)
{
	if (held == NULL)
		return;
	hf_buf_done(&held->bytes);
	hf_buf_done(&held->rest);
	hf_buf_done(&held->trailers);
	hf_fd_close(held->fd);
	free(held);
}

bool hf_session_hold(struct hf_http_session *session)
{
	struct hf_session_held *held = session->held;
	size_t cap = session->server->config.limits.head_cap;

	if (held != NULL)
		return true;
	held = calloc(1, sizeof(*held));
	if (held == NULL)
		return false;
	held->fd = -1;
	hf_buf_init(&held->bytes, (cap ? cap : HF_HTTP_HEAD_CAP) + HF_SESSION_READ);
	hf_buf_init(&held->rest, HF_SESSION_READ);
	hf_buf_init(&held->trailers, HF_TRAILER_CAP);
	session->held = held;
	return true;
}

/* A session that never had a request has just come: its first one is on its way. */
enum { FIRST_REQUEST_MS = 1000 };

void hf_http_server_drain(struct hf_http_server *server)
{
	server->draining = true;
	/* on_end, which unlinks a session, never comes from inside a call. */
	for (struct hf_http_session *s = server->sessions; s; s = s->next) {
		s->finish = true;
		if (s->requests > 0 || s->state != HF_SESSION_IDLE)
			hf_session_finish(s);
		else
			hf_conn_set_idle(s->conn, FIRST_REQUEST_MS);
	}
}
