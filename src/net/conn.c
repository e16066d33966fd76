/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: connecting, handshake, open, flushing, lingering, gone.  Must never
 * call the application from inside one of its own calls, nor close a socket that still has an alert
 * on its way. */
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
	LINGER_MS = 1000,
	OUT_CAP = 1024 * 1024,
	READS_A_ROUND = 16, /* of one connection, before others have their turn */
};

/* --- counting, freeing ------------------------------------------------------------------- */

static size_t *counter_of(const struct hf_conn *conn)
{
	if (!conn->count)
		return NULL;
	switch (conn->state) {
	case HF_CONN_CONNECTING:
	case HF_CONN_HANDSHAKE:
		return &conn->count->handshaking;
	case HF_CONN_OPEN:
	case HF_CONN_FLUSHING:
		return &conn->count->open;
	case HF_CONN_LINGERING:
		return &conn->count->lingering;
	case HF_CONN_DEAD:
		break;
	}
	return NULL;
}

static void state_set(struct hf_conn *conn, enum hf_conn_state state)
{
	size_t *counter = counter_of(conn);

	if (counter)
		--*counter;
	conn->state = state;
	counter = counter_of(conn);
	if (counter)
		++*counter;
}

static void handle_closed(uv_handle_t *handle)
{
	struct hf_conn *conn = handle->data;

	if (--conn->open_handles == 0)
		free(conn);
}

/* Everything goes but the memory, which libuv needs until its handles are closed. */
static void destroy(struct hf_conn *conn)
{
	state_set(conn, HF_CONN_DEAD);
	hf_loop_disown(conn->loop, &conn->owned);
	uv_close((uv_handle_t *)&conn->poll, handle_closed);
	uv_close((uv_handle_t *)&conn->timer, handle_closed);
	hf_tls_conn_free(conn->tls);
	conn->tls = NULL;
	hf_buf_done(&conn->out);
	hf_fd_close(conn->fd);
	conn->fd = -1;
	if (conn->count && conn->count->on_change)
		conn->count->on_change(conn->count, conn->count->arg);
}

static void destroy_owned(struct hf_owned *owned)
{
	struct hf_conn *conn = (struct hf_conn *)(void *)owned;

	if (!conn->end_told) {
		conn->end_told = true;
		conn->end.kind = HF_CONN_END_ABORTED;
		conn->ops->on_end(conn, &conn->end, conn->arg);
	}
	destroy(conn);
}

/* --- time -------------------------------------------------------------------------------- */

static void timer_fired(uv_timer_t *timer);

/* When the next limit is reached; 0: no limit. */
static uint64_t next_limit(const struct hf_conn *conn)
{
	uint64_t idle = 0;

	if (conn->state == HF_CONN_OPEN && conn->idle_ms)
		idle = conn->active_ms + conn->idle_ms;
	if (!conn->deadline_ms || (idle && idle < conn->deadline_ms))
		return idle;
	return conn->deadline_ms;
}

/* The timer is lazy: activity only moves active_ms, and the timer looks again when it fires. */
static void timer_arm(struct hf_conn *conn)
{
	uint64_t now = hf_loop_now_ms(conn->loop), limit = next_limit(conn);

	if (!limit) {
		uv_timer_stop(&conn->timer);
		return;
	}
	if (uv_is_active((uv_handle_t *)&conn->timer) &&
	    uv_timer_get_due_in(&conn->timer) + now <= limit)
		return;
	uv_timer_start(&conn->timer, timer_fired, limit > now ? limit - now : 0, 0);
}

static void deadline_set(struct hf_conn *conn, uint64_t after_ms)
{
	conn->deadline_ms = after_ms ? hf_loop_now_ms(conn->loop) + after_ms : 0;
	timer_arm(conn);
}

static void time_over(struct hf_conn *conn)
{
	switch (conn->state) {
	case HF_CONN_CONNECTING:
		hf_conn_end_with(conn, HF_CONN_END_CONNECT, ETIMEDOUT, false);
		break;
	case HF_CONN_HANDSHAKE:
		hf_conn_end_with(conn, HF_CONN_END_HANDSHAKE_TIMEOUT, ETIMEDOUT, false);
		break;
	case HF_CONN_OPEN:
		if (conn->tls)
			(void)hf_tls_conn_shutdown(conn->tls);
		hf_conn_end_with(conn, HF_CONN_END_IDLE_TIMEOUT, 0, true);
		break;
	case HF_CONN_FLUSHING:
		hf_conn_end_with(conn, HF_CONN_END_IDLE_TIMEOUT, 0, false);
		break;
	case HF_CONN_LINGERING:
		hf_conn_linger_over(conn);
		break;
	case HF_CONN_DEAD:
		break;
	}
}

static void timer_fired(uv_timer_t *timer)
{
	struct hf_conn *conn = timer->data;
	uint64_t limit = next_limit(conn);

	if (limit && limit <= hf_loop_now_ms(conn->loop))
		time_over(conn);
	else
		timer_arm(conn);
}

/* --- ending -------------------------------------------------------------------------------------
 */

/* Our half is closed, so that the peer gets our last bytes and then an end; what it still sends is
 * read away, because closing over unread data would make the kernel send a reset, and a reset
 * destroys what the peer has not read yet. */
static void linger(struct hf_conn *conn)
{
	state_set(conn, HF_CONN_LINGERING);
	if (!conn->fin_sent)
		(void)shutdown(conn->fd, SHUT_WR);
	conn->fin_sent = true;
	deadline_set(conn, LINGER_MS);
	hf_conn_watch(conn);
}

void hf_conn_end_with(struct hf_conn *conn, enum hf_conn_end_kind kind, int errnum, bool lingering)
{
	if (conn->end_due || conn->end_told)
		return;
	conn->end = (struct hf_conn_end){ kind, errnum, hf_conn_unsent(conn) > 0 };
	conn->end_due = true;
	if (lingering && !conn->eof) {
		linger(conn);
	} else {
		state_set(conn, HF_CONN_DEAD);
		hf_conn_watch(conn);
	}
	hf_conn_soon(conn);
}

void hf_conn_linger_over(struct hf_conn *conn)
{
	state_set(conn, HF_CONN_DEAD);
	hf_conn_watch(conn);
	hf_conn_soon(conn);
}

void hf_conn_tls_failed(struct hf_conn *conn)
{
	const struct hf_tls_failure *failure = hf_tls_conn_failure(conn->tls);
	bool refused = failure && failure->refused_by != HF_JUDGE_NOBODY;

	hf_conn_end_with(conn, refused ? HF_CONN_END_REFUSED : HF_CONN_END_LOST,
			 failure ? failure->sys_errno : 0, refused);
}

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

static void run_soon(struct hf_deferred *work)
{
	struct hf_conn *conn =
	    (struct hf_conn *)(void *)((char *)work - offsetof(struct hf_conn, soon));

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
		destroy(conn);
	else
		hf_conn_watch(conn);
}

void hf_conn_soon(struct hf_conn *conn)
{
	hf_loop_defer(conn->loop, &conn->soon);
}

/* --- events ------------------------------------------------------------------------------ */

static void opened(struct hf_conn *conn)
{
	state_set(conn, HF_CONN_OPEN);
	conn->active_ms = hf_loop_now_ms(conn->loop);
	conn->want_read = true;
	deadline_set(conn, 0);
	tell_ready(conn);
}

static void handshake(struct hf_conn *conn)
{
	enum hf_tls_step step = conn->tls ? hf_tls_conn_handshake(conn->tls) : HF_TLS_DONE;

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
	state_set(conn, HF_CONN_HANDSHAKE);
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
	case HF_CONN_HANDSHAKE:
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
	conn->owned.destroy = destroy_owned;
	conn->soon.run = run_soon;
	conn->loop = loop;
	conn->fd = fd;
	conn->ops = options->ops;
	conn->arg = options->arg;
	conn->count = options->count;
	conn->idle_ms = options->idle_ms;
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
	conn->state = state;
	if (counter_of(conn))
		++*counter_of(conn);
	hf_loop_own(loop, &conn->owned);
	deadline_set(conn, options->handshake_ms ? options->handshake_ms : HANDSHAKE_MS);
	*ret_conn = conn;
	return 0;
}

int hf_conn_accept(struct hf_loop *loop, int fd, const struct hf_address *peer,
		   const struct hf_conn_options *options, struct hf_conn **ret_conn,
		   struct hf_err *err)
{
	int rc = conn_new(loop, fd, peer, options, HF_CONN_HANDSHAKE, ret_conn, err);

	if (rc < 0)
		return rc;
	if (!options->tls) {
		state_set(*ret_conn, HF_CONN_OPEN);
		(*ret_conn)->want_read = true;
		(*ret_conn)->active_ms = hf_loop_now_ms(loop);
		(*ret_conn)->ready_due = true;
		deadline_set(*ret_conn, 0);
		hf_conn_soon(*ret_conn);
	} else {
		hf_conn_watch(*ret_conn);
	}
	return 0;
}

int hf_conn_connect(struct hf_loop *loop, const struct hf_address *to,
		    const struct hf_conn_options *options, struct hf_conn **ret_conn,
		    struct hf_err *err)
{
	char text[HF_ADDRESS_TEXT_CAP];
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return hf_err_errno(err, errno, "making a socket");
	hf_socket_no_delay(fd, to->sa.ss_family);
	rc = connect(fd, (const struct sockaddr *)&to->sa, to->len);
	if (rc != 0 && errno != EINPROGRESS) {
		int errnum = errno;

		hf_fd_close(fd);
		hf_address_format(to, text);
		return hf_err_errno(err, errnum, "connecting to %s", text);
	}
	rc = conn_new(loop, fd, to, options, HF_CONN_CONNECTING, ret_conn, err);
	if (rc == 0)
		hf_conn_watch(*ret_conn);
	return rc;
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
	state_set(conn, HF_CONN_FLUSHING);
	deadline_set(conn, conn->idle_ms ? conn->idle_ms : FLUSH_MS);
	hf_conn_flush(conn);
	hf_conn_watch(conn);
}

void hf_conn_abort(struct hf_conn *conn)
{
	hf_conn_end_with(conn, HF_CONN_END_ABORTED, 0, false);
}

void hf_conn_set_idle(struct hf_conn *conn, uint64_t idle_ms)
{
	conn->idle_ms = idle_ms;
	conn->active_ms = hf_loop_now_ms(conn->loop);
	timer_arm(conn);
}

const struct hf_verdict *hf_conn_verdict(const struct hf_conn *conn)
{
	return conn->tls ? hf_tls_conn_verdict(conn->tls) : NULL;
}

const struct hf_tls_failure *hf_conn_failure(const struct hf_conn *conn)
{
	return conn->tls ? hf_tls_conn_failure(conn->tls) : NULL;
}

void hf_conn_info(const struct hf_conn *conn, struct hf_tls_info *ret_info)
{
	if (conn->tls)
		hf_tls_conn_info(conn->tls, ret_info);
	else
		*ret_info = (struct hf_tls_info){ .alert_sent = -1, .alert_received = -1 };
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
