/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a connection: readiness of its socket, and what the application is told of it.
 * Must never call the application from inside one of its own calls. */
#include <errno.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/internal.h"

static void handshake(struct hf_conn *conn);

enum { READS_A_ROUND = 16 }; /* of one connection, before others have their turn */

/* --- what the application is owed -------------------------------------------------------- */

static bool may_read(const struct hf_conn *conn)
{
	return conn->state == HF_CONN_OPEN && conn->want_read && !conn->eof;
}

/* What TLS has decrypted already no poll tells of. */
static void tell_readable(struct hf_conn *conn)
{
	int rounds = 0;

	do {
		conn->ops->on_readable(conn, conn->arg);
	} while (may_read(conn) && conn->tls && hf_tls_conn_pending(conn->tls) &&
		 ++rounds < READS_A_ROUND);
	if (rounds == READS_A_ROUND) {
		conn->read_due = true;
		hf_conn_soon(conn);
	}
}

static void tell_ready(struct hf_conn *conn)
{
	conn->ready_due = false;
	conn->ops->on_ready(conn, conn->arg);
	if (may_read(conn) && conn->tls && hf_tls_conn_pending(conn->tls))
		tell_readable(conn);
}

static void tell_end(struct hf_conn *conn)
{
	conn->end_due = false;
	conn->end_told = true;
	conn->ops->on_end(conn, &conn->end, conn->arg);
	if (conn->state != HF_CONN_LINGERING)
		return;
	/* Only the socket is needed to linger. */
	hf_tls_conn_free(conn->tls);
	conn->tls = NULL;
	hf_buf_done(&conn->out);
	conn->out_sent = 0;
}

void hf_conn_run_soon(struct hf_deferred *work)
{
	struct hf_conn *conn =
	    (struct hf_conn *)(void *)((char *)work - offsetof(struct hf_conn, soon));

	if (conn->step_due && conn->state == HF_CONN_HANDSHAKE) {
		conn->step_due = false;
		handshake(conn);
	}
	if (conn->ready_due && conn->state == HF_CONN_OPEN)
		tell_ready(conn);
	if (conn->read_due) {
		conn->read_due = false;
		if (may_read(conn))
			tell_readable(conn);
	}
	if (conn->end_due)
		tell_end(conn);
	if (conn->state == HF_CONN_DEAD && conn->end_told && !conn->soon.queued)
		hf_conn_destroy(conn);
	else
		hf_conn_watch(conn);
}

void hf_conn_soon(struct hf_conn *conn)
{
	hf_loop_defer(conn->loop, &conn->soon);
}

/* --- events ------------------------------------------------------------------------------ */

/* The client has the last word of a handshake in TLS 1.3, and of a resumption in TLS 1.2.  Unless
 * it set TCP_NODELAY its request waits until we have acknowledged that (RFC 896), and we would wait
 * 40 ms for an answer to send it with. */
static void acknowledge_last_word(struct hf_conn *conn, const struct hf_tls_info *info)
{
	if (conn->accepted && (info->version >= HF_TLS_1_3 || info->resumed))
		hf_socket_quick_ack(conn->fd, conn->peer.sa.ss_family);
}

static void opened(struct hf_conn *conn)
{
	struct hf_tls_info info;

	hf_conn_info(conn, &info);
	conn->sni = info.sni;
	conn->version = info.version;
	hf_conn_state_set(conn, HF_CONN_OPEN);
	conn->active_ms = hf_loop_now_ms(conn->loop);
	conn->want_read = true;
	hf_conn_deadline(conn, 0);
	acknowledge_last_word(conn, &info);
	tell_ready(conn);
}

static void handshake(struct hf_conn *conn)
{
	enum hf_tls_step step = conn->tls ? hf_tls_conn_handshake(conn->tls) : HF_TLS_DONE;
	bool waited = conn->step_waits;

	conn->step_waits = step == HF_TLS_WANT_STATUS;
	if (waited != conn->step_waits)
		hf_conn_deadline(conn, waited ? conn->handshake_ms : 0);
	conn->step_wants_write = step == HF_TLS_WANT_WRITE;
	if (step == HF_TLS_DONE)
		opened(conn);
	else if (step == HF_TLS_FAILED || step == HF_TLS_CLOSED)
		hf_conn_tls_failed(conn);
}

static void connected(struct hf_conn *conn)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) != 0)
		errnum = errno;
	if (errnum) {
		hf_conn_end_with(conn, HF_CONN_END_CONNECT, errnum, false);
		return;
	}
	if (conn->via != NULL) {
		hf_conn_state_set(conn, HF_CONN_VIA);
		(void)hf_conn_via_begin(conn);
		return;
	}
	hf_conn_state_set(conn, HF_CONN_HANDSHAKE);
	handshake(conn);
}

static void through(struct hf_conn *conn)
{
	if (!hf_conn_via_read(conn))
		return;
	hf_conn_via_free(conn);
	hf_conn_state_set(conn, HF_CONN_HANDSHAKE);
	handshake(conn);
}

static void preface(struct hf_conn *conn)
{
	if (!hf_conn_preface_read(conn))
		return;
	if (conn->peer_told && conn->ops->on_told && !conn->ops->on_told(conn, conn->arg)) {
		hf_conn_end_with(conn, HF_CONN_END_ABORTED, 0, false);
		return;
	}
	hf_conn_state_set(conn, HF_CONN_HANDSHAKE);
	handshake(conn);
}

static void open_event(struct hf_conn *conn, int events)
{
	bool write_first = conn->read_wants_write && (events & UV_WRITABLE);

	if (events & UV_WRITABLE)
		hf_conn_flush(conn);
	if (((events & UV_READABLE) || write_first) && may_read(conn)) {
		conn->read_wants_write = false;
		tell_readable(conn);
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct hf_conn *conn = poll->data;

	/* An error on the socket (libuv has stopped watching it): the next call on it says which.
	 */
	if (status < 0) {
		conn->events = 0;
		events = UV_READABLE | UV_WRITABLE;
	}
	switch (conn->state) {
	case HF_CONN_CONNECTING:
		connected(conn);
		break;
	case HF_CONN_VIA:
		through(conn);
		break;
	case HF_CONN_PREFACE:
		preface(conn);
		break;
	case HF_CONN_HANDSHAKE:
		handshake(conn);
		break;
	case HF_CONN_OPEN:
		open_event(conn, events);
		break;
	case HF_CONN_FLUSHING:
		hf_conn_flush(conn);
		break;
	case HF_CONN_LINGERING:
		hf_conn_linger_read(conn);
		break;
	case HF_CONN_DEAD:
		break;
	}
	hf_conn_watch(conn);
}

static int wanted_events(const struct hf_conn *conn)
{
	bool unsent = hf_conn_unsent(conn) > 0;

	switch (conn->state) {
	case HF_CONN_CONNECTING:
		return UV_WRITABLE;
	case HF_CONN_VIA:
	case HF_CONN_PREFACE:
		return UV_READABLE;
	case HF_CONN_HANDSHAKE:
		if (conn->step_waits)
			return 0;
		return conn->step_wants_write ? UV_WRITABLE : UV_READABLE;
	case HF_CONN_OPEN:
		return (conn->want_read && !conn->eof ? UV_READABLE : 0) |
		       (unsent || conn->read_wants_write ? UV_WRITABLE : 0);
	case HF_CONN_FLUSHING:
		return UV_WRITABLE;
	case HF_CONN_LINGERING:
		return UV_READABLE;
	case HF_CONN_DEAD:
		break;
	}
	return 0;
}

/* libuv forgets and re-adds the descriptor at each start, so only changes go to it. */
void hf_conn_watch(struct hf_conn *conn)
{
	int events = wanted_events(conn);

	if (events == conn->events || uv_is_closing((uv_handle_t *)&conn->poll))
		return;
	conn->events = events;
	if (events == 0)
		uv_poll_stop(&conn->poll);
	else
		uv_poll_start(&conn->poll, events, on_event);
}
