/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection's time runs out and how it ends: limits, half-close, lingering, freeing.  Must
 * never close a socket that still has an alert on its way, nor free what libuv still holds. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/str.h"
#include "net/internal.h"

enum { LINGER_MS = 1000 };

/* --- counting, freeing ------------------------------------------------------------------- */

static size_t *counter_of(const struct hf_conn *conn)
{
	if (!conn->count)
		return NULL;
	switch (conn->state) {
	case HF_CONN_CONNECTING:
	case HF_CONN_VIA:
	case HF_CONN_PREFACE:
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

void hf_conn_state_set(struct hf_conn *conn, enum hf_conn_state state)
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
void hf_conn_destroy(struct hf_conn *conn)
{
	hf_conn_state_set(conn, HF_CONN_DEAD);
	hf_loop_disown(conn->loop, &conn->owned);
	uv_close((uv_handle_t *)&conn->poll, handle_closed);
	uv_close((uv_handle_t *)&conn->timer, handle_closed);
	hf_tls_conn_free(conn->tls);
	conn->tls = NULL;
	hf_conn_via_free(conn);
	hf_buf_done(&conn->out);
	hf_fd_close(conn->fd);
	conn->fd = -1;
	if (conn->count && conn->count->on_change)
		conn->count->on_change(conn->count, conn->count->arg);
}

void hf_conn_destroy_owned(struct hf_owned *owned)
{
	struct hf_conn *conn = (struct hf_conn *)(void *)owned;

	if (!conn->end_told) {
		conn->end_told = true;
		conn->end.kind = HF_CONN_END_ABORTED;
		conn->ops->on_end(conn, &conn->end, conn->arg);
	}
	hf_conn_destroy(conn);
}

/* --- time -------------------------------------------------------------------------------- */

static void timer_fired(uv_timer_t *timer);

/* When the next limit is reached; 0: no limit. */
static uint64_t next_limit(const struct hf_conn *conn)
{
	uint64_t idle = 0;

	if (conn->state == HF_CONN_OPEN && conn->idle_ms && !conn->idle_held)
		idle = conn->active_ms + conn->idle_ms;
	if (!conn->deadline_ms || (idle && idle < conn->deadline_ms))
		return idle;
	return conn->deadline_ms;
}

/* The timer is lazy: activity only moves active_ms, and the timer looks again when it fires. */
void hf_conn_timer_arm(struct hf_conn *conn)
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

void hf_conn_deadline(struct hf_conn *conn, uint64_t after_ms)
{
	conn->deadline_ms = after_ms ? hf_loop_now_ms(conn->loop) + after_ms : 0;
	hf_conn_timer_arm(conn);
}

static void time_over(struct hf_conn *conn)
{
	switch (conn->state) {
	case HF_CONN_CONNECTING:
		hf_conn_end_with(conn, HF_CONN_END_CONNECT, ETIMEDOUT, false);
		break;
	case HF_CONN_VIA:
		(void)hf_str_copy(conn->via->why, sizeof(conn->via->why),
				  "it does not answer in time");
		hf_conn_end_with(conn, HF_CONN_END_VIA, ETIMEDOUT, false);
		break;
	case HF_CONN_PREFACE:
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
		hf_conn_timer_arm(conn);
}

/* --- ending -------------------------------------------------------------------------------------
 */

/* Our half is closed, so that the peer gets our last bytes and then an end; what it still sends is
 * read away, because closing over unread data would make the kernel send a reset, and a reset
 * destroys what the peer has not read yet. */
static void linger(struct hf_conn *conn)
{
	hf_conn_state_set(conn, HF_CONN_LINGERING);
	if (!conn->fin_sent)
		(void)shutdown(conn->fd, SHUT_WR);
	conn->fin_sent = true;
	hf_conn_deadline(conn, LINGER_MS);
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
		hf_conn_state_set(conn, HF_CONN_DEAD);
		hf_conn_watch(conn);
	}
	hf_conn_soon(conn);
}

void hf_conn_linger_over(struct hf_conn *conn)
{
	hf_conn_state_set(conn, HF_CONN_DEAD);
	hf_conn_watch(conn);
	hf_conn_soon(conn);
}

void hf_conn_tls_failed(struct hf_conn *conn)
{
	const struct hf_tls_failure *failure = hf_tls_conn_failure(conn->tls);
	bool refused = failure && failure->refused_by != HF_JUDGE_NOBODY;

	/* An alert may stand behind records that waited. */
	if (refused)
		(void)hf_tls_conn_push(conn->tls);
	hf_conn_end_with(conn, refused ? HF_CONN_END_REFUSED : HF_CONN_END_LOST,
			 failure ? failure->sys_errno : 0, refused);
}
