/* SPDX-License-Identifier: Apache-2.0 */
/* Making connections, steering them and asking them.  Must never call the application: what it is
 * owed comes from the loop (conn_events.c). */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "net/internal.h"

enum {
	HANDSHAKE_MS = 10 * 1000,
	FLUSH_MS =
	    30 * 1000, /* a peer that reads nothing of our last answer, when no idle limit is set */
	OUT_CAP = 1024 * 1024,
};

/* --- making ------------------------------------------------------------------------------ */

static int handles_init(struct hf_conn *conn, struct hf_err *err)
{
	uv_loop_t *uv = hf_loop_uv(conn->loop);
	int rc = uv_poll_init(uv, &conn->poll, conn->fd);

	if (rc < 0)
		return hf_err_errno(err, -rc, "watching a connection");
	uv_timer_init(uv, &conn->timer);
	conn->poll.data = conn;
	conn->timer.data = conn;
	conn->open_handles = 2;
	return 0;
}

static struct hf_conn *conn_alloc(struct hf_loop *loop, int fd, const struct hf_address *peer,
				  const struct hf_conn_options *options)
{
	struct hf_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->owned.destroy = hf_conn_destroy_owned;
	conn->soon.run = hf_conn_run_soon;
	conn->state = HF_CONN_DEAD; /* counted from its first real state on */
	conn->loop = loop;
	conn->fd = fd;
	conn->ops = options->ops;
	conn->arg = options->arg;
	conn->count = options->count;
	conn->idle_ms = options->idle_ms;
	conn->handshake_ms = options->handshake_ms ? options->handshake_ms : HANDSHAKE_MS;
	if (peer)
		conn->peer = *peer;
	hf_buf_init(&conn->out, options->out_cap ? options->out_cap : OUT_CAP);
	return conn;
}

static int conn_new(struct hf_loop *loop, int fd, const struct hf_address *peer,
		    const struct hf_conn_options *options, enum hf_conn_state state,
		    struct hf_conn **ret_conn, struct hf_err *err)
{
	struct hf_conn *conn = conn_alloc(loop, fd, peer, options);
	int rc = conn ? 0 : hf_err_nomem(err);

	if (rc == 0 && options->tls)
		rc = hf_tls_conn_new(options->tls, fd, conn, &conn->tls, err);
	if (rc == 0)
		rc = handles_init(conn, err);
	if (rc < 0) {
		hf_tls_conn_free(conn ? conn->tls : NULL);
		free(conn);
		hf_fd_close(fd);
		return rc;
	}
	hf_conn_state_set(conn, state);
	hf_loop_own(loop, &conn->owned);
	hf_conn_deadline(conn, conn->handshake_ms);
	*ret_conn = conn;
	return 0;
}

int hf_conn_accept(struct hf_loop *loop, int fd, const struct hf_address *peer,
		   const struct hf_conn_options *options, struct hf_conn **ret_conn,
		   struct hf_err *err)
{
	enum hf_conn_state first = options->preface ? HF_CONN_PREFACE : HF_CONN_HANDSHAKE;
	int rc = conn_new(loop, fd, peer, options, first, ret_conn, err);

	if (rc < 0)
		return rc;
	(*ret_conn)->accepted = true;
	if (!options->tls && !options->preface) {
		hf_conn_state_set(*ret_conn, HF_CONN_OPEN);
		(*ret_conn)->want_read = true;
		(*ret_conn)->active_ms = hf_loop_now_ms(loop);
		(*ret_conn)->ready_due = true;
		hf_conn_deadline(*ret_conn, 0);
		hf_conn_soon(*ret_conn);
	} else {
		hf_conn_watch(*ret_conn);
	}
	return 0;
}

/* Begins to connect.  errno is good after a failure. */
static int open_to(const struct hf_address *to, int *ret_fd, struct hf_err *err)
{
	char text[HF_ADDRESS_TEXT_CAP];
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return hf_err_errno(err, errno, "making a socket");
	hf_socket_no_delay(fd, to->sa.ss_family);
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) != 0 && errno != EINPROGRESS) {
		int errnum = errno, rc;

		hf_fd_close(fd);
		hf_address_format(to, text);
		rc = hf_err_errno(err, errnum, "connecting to %s", text);
		errno = errnum;
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int hf_conn_connect(struct hf_loop *loop, const struct hf_address *to,
		    const struct hf_conn_options *options, struct hf_conn **ret_conn,
		    struct hf_err *err)
{
	struct hf_via_dialog *via = NULL;
	int fd, rc;

	if (options->via != NULL) {
		via = calloc(1, sizeof(*via));
		if (via == NULL)
			return hf_err_nomem(err);
		via->via = options->via;
	}
	rc = open_to(to, &fd, err);
	if (rc == 0)
		rc = conn_new(loop, fd, to, options, HF_CONN_CONNECTING, ret_conn, err);
	if (rc < 0) {
		free(via);
		return rc;
	}
	(*ret_conn)->via = via;
	(*ret_conn)->through = via != NULL;
	hf_conn_watch(*ret_conn);
	return 0;
}

/* --- asking and steering ----------------------------------------------------------------- */

void hf_conn_set_ops(struct hf_conn *conn, const struct hf_conn_ops *ops, void *arg)
{
	conn->ops = ops;
	conn->arg = arg;
}

void hf_conn_close(struct hf_conn *conn)
{
	if (conn->state != HF_CONN_OPEN) {
		if (conn->state < HF_CONN_OPEN)
			hf_conn_abort(conn);
		return;
	}
	hf_conn_state_set(conn, HF_CONN_FLUSHING);
	hf_conn_deadline(conn, conn->idle_ms ? conn->idle_ms : FLUSH_MS);
	hf_conn_flush(conn);
	hf_conn_watch(conn);
}

void hf_conn_go_on(struct hf_conn *conn)
{
	if (conn->state != HF_CONN_HANDSHAKE || !conn->step_waits)
		return;
	conn->step_due = true;
	hf_conn_soon(conn);
}

void hf_conn_abort(struct hf_conn *conn)
{
	hf_conn_end_with(conn, HF_CONN_END_ABORTED, 0, false);
}

static void ignore(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

static void ignore_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	(void)end;
	(void)arg;
}

static const struct hf_conn_ops nobodys_ops = { .on_ready = ignore,
						.on_readable = ignore,
						.on_end = ignore_end };

void hf_conn_discard(struct hf_conn *conn)
{
	if (conn == NULL)
		return;
	hf_conn_set_ops(conn, &nobodys_ops, NULL);
	hf_conn_abort(conn);
}

void hf_conn_reset(struct hf_conn *conn)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	hf_conn_abort(conn);
}

void hf_conn_set_idle(struct hf_conn *conn, uint64_t idle_ms)
{
	conn->idle_ms = idle_ms;
	conn->active_ms = hf_loop_now_ms(conn->loop);
	hf_conn_timer_arm(conn);
}

void hf_conn_hold_idle(struct hf_conn *conn, bool hold)
{
	if (conn->idle_held == hold)
		return;
	conn->idle_held = hold;
	if (hold)
		return; /* the timer finds out by itself */
	conn->active_ms = hf_loop_now_ms(conn->loop);
	hf_conn_timer_arm(conn);
}

bool hf_conn_quiet(const struct hf_conn *conn)
{
	char byte;

	if (conn->state != HF_CONN_OPEN || conn->eof)
		return false;
	return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EINTR);
}

void hf_conn_local(const struct hf_conn *conn, struct hf_address *ret_address)
{
	*ret_address = (struct hf_address){ .len = sizeof(ret_address->sa) };
	if (getsockname(conn->fd, (struct sockaddr *)&ret_address->sa, &ret_address->len) != 0)
		*ret_address = (struct hf_address){ .len = 0 };
}

const struct hf_verdict *hf_conn_verdict(const struct hf_conn *conn)
{
	return conn->tls ? hf_tls_conn_verdict(conn->tls) : NULL;
}

const struct hf_tls_failure *hf_conn_failure(const struct hf_conn *conn)
{
	return conn->tls ? hf_tls_conn_failure(conn->tls) : NULL;
}

const char *hf_conn_via_why(const struct hf_conn *conn, bool *ret_final)
{
	if (conn->via == NULL || conn->via->why[0] == '\0')
		return NULL;
	*ret_final = conn->via->final;
	return conn->via->why;
}

void hf_conn_info(const struct hf_conn *conn, struct hf_tls_info *ret_info)
{
	if (conn->tls)
		hf_tls_conn_info(conn->tls, ret_info);
	else
		*ret_info = (struct hf_tls_info){ .alert_sent = -1, .alert_received = -1 };
}

const char *hf_conn_sni(const struct hf_conn *conn)
{
	return conn->tls ? conn->sni : NULL;
}

enum hf_tls_version hf_conn_tls_version(const struct hf_conn *conn)
{
	return conn->version;
}

struct hf_tls_conn *hf_conn_tls(const struct hf_conn *conn)
{
	return conn->tls;
}

struct hf_conn *hf_conn_of_tls(const struct hf_tls_conn *tls)
{
	return hf_tls_conn_owner(tls);
}

const struct hf_address *hf_conn_peer(const struct hf_conn *conn)
{
	return &conn->peer;
}

void *hf_conn_arg(const struct hf_conn *conn)
{
	return conn->arg;
}

struct hf_loop *hf_conn_loop(const struct hf_conn *conn)
{
	return conn->loop;
}
