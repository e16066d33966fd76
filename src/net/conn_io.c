/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of a connection.  Must never read what the application has not asked for, nor
 * keep more unsent than out_cap. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/internal.h"

enum {
	LINGER_CAP = 8 * 1024 * 1024, /* most bytes read away for one peer that will not stop */
	LINGER_READ = 64 * 1024,
	OUT_KEEP = 4096, /* an empty buffer larger than this is given back */
};

void hf_socket_no_delay(int fd, int family)
{
	const int on = 1;

	if (family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void hf_socket_quick_ack(int fd, int family)
{
	const int on = 1;

	if (family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

size_t hf_conn_unsent(const struct hf_conn *conn)
{
	return conn->out.len - conn->out_sent + (conn->tls ? hf_tls_conn_unsent(conn->tls) : 0);
}

/* --- in -----------------------------------------------------------------------------------------
 */

static enum hf_conn_read read_plain(struct hf_conn *conn, void *data, size_t cap, size_t *ret_len)
{
	ssize_t n = recv(conn->fd, data, cap, 0);

	if (n > 0) {
		*ret_len = (size_t)n;
		return HF_CONN_DATA;
	}
	if (n == 0) {
		conn->eof = true;
		return HF_CONN_EOF;
	}
	if (errno == EAGAIN || errno == EINTR)
		return HF_CONN_WAIT;
	hf_conn_end_with(conn, HF_CONN_END_LOST, errno, false);
	return HF_CONN_OVER;
}

static enum hf_conn_read read_tls(struct hf_conn *conn, void *data, size_t cap, size_t *ret_len)
{
	switch (hf_tls_conn_read(conn->tls, data, cap, ret_len)) {
	case HF_TLS_DONE:
		return HF_CONN_DATA;
	case HF_TLS_WANT_WRITE:
		conn->read_wants_write = true;
		return HF_CONN_WAIT;
	case HF_TLS_WANT_READ:
	case HF_TLS_WANT_STATUS: /* of a handshake, and this one is done */
		return HF_CONN_WAIT;
	case HF_TLS_CLOSED:
		conn->eof = true;
		return HF_CONN_EOF;
	case HF_TLS_FAILED:
		break;
	}
	hf_conn_tls_failed(conn);
	return HF_CONN_OVER;
}

enum hf_conn_read hf_conn_read(struct hf_conn *conn, void *data, size_t cap, size_t *ret_len)
{
	enum hf_conn_read answer;

	if (conn->state != HF_CONN_OPEN)
		return HF_CONN_OVER;
	if (conn->eof)
		return HF_CONN_EOF;
	answer =
	    conn->tls ? read_tls(conn, data, cap, ret_len) : read_plain(conn, data, cap, ret_len);
	if (answer == HF_CONN_DATA)
		conn->active_ms = hf_loop_now_ms(conn->loop);
	hf_conn_watch(conn);
	return answer;
}

void hf_conn_want_read(struct hf_conn *conn, bool want)
{
	if (conn->want_read == want)
		return;
	conn->want_read = want;
	hf_conn_watch(conn);
	if (want && conn->tls && conn->state == HF_CONN_OPEN && hf_tls_conn_pending(conn->tls)) {
		conn->read_due = true;
		hf_conn_soon(conn);
	}
}

void hf_conn_linger_read(struct hf_conn *conn)
{
	static char waste[LINGER_READ]; /* written, never read */
	ssize_t n = recv(conn->fd, waste, sizeof(waste), 0);

	if (n > 0)
		conn->lingered += (size_t)n;
	if ((n > 0 && conn->lingered < LINGER_CAP) ||
	    (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	hf_conn_linger_over(conn);
}

/* --- out --------------------------------------------------------------------------------- */

/* Hands bytes to the kernel: how many it took, 0 when it takes none now, -1 when the connection
 * ended. */
static ssize_t send_some(struct hf_conn *conn, const void *data, size_t len)
{
	size_t taken = 0;
	ssize_t n;

	if (conn->tls) {
		switch (hf_tls_conn_write_burst(conn->tls, data, len, &taken)) {
		case HF_TLS_DONE:
			return (ssize_t)taken;
		case HF_TLS_WANT_READ:
		case HF_TLS_WANT_WRITE:
		case HF_TLS_WANT_STATUS:
			return 0;
		case HF_TLS_CLOSED:
		case HF_TLS_FAILED:
			hf_conn_tls_failed(conn);
			return -1;
		}
	}
	n = send(conn->fd, data, len, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	hf_conn_end_with(conn, HF_CONN_END_LOST, errno, false);
	return -1;
}

/* false: the connection ended. */
static bool send_all(struct hf_conn *conn, const char *data, size_t len, size_t *ret_sent)
{
	while (*ret_sent < len) {
		ssize_t n = send_some(conn, data + *ret_sent, len - *ret_sent);

		if (n < 0)
			return false;
		if (n == 0)
			break;
		*ret_sent += (size_t)n;
		conn->active_ms = hf_loop_now_ms(conn->loop);
	}
	return true;
}

static void out_empty(struct hf_conn *conn)
{
	conn->out_sent = 0;
	if (conn->out.alloc > OUT_KEEP || conn->keeps_no_copy) {
		size_t cap = conn->out.cap;

		conn->keeps_no_copy = false;
		hf_buf_done(&conn->out);
		hf_buf_init(&conn->out, cap);
	} else {
		hf_buf_clear(&conn->out);
	}
}

static void finish_writing(struct hf_conn *conn)
{
	/* WANT_WRITE here would be a full socket right after it took everything: the alert is then
	 * lost to a peer that gets our FIN all the same. */
	if (conn->tls && !conn->end_said)
		(void)hf_tls_conn_shutdown(conn->tls);
	conn->end_said = true;
	/* Most proxies end both directions at the first FIN; TLS has said it already. */
	if (conn->through && conn->state == HF_CONN_OPEN)
		return;
	if (!conn->fin_sent)
		(void)shutdown(conn->fd, SHUT_WR);
	conn->fin_sent = true;
}

static void all_out(struct hf_conn *conn)
{
	out_empty(conn);
	if (conn->state == HF_CONN_FLUSHING) {
		finish_writing(conn);
		hf_conn_end_with(conn, HF_CONN_END_CLOSED, 0, true);
		return;
	}
	if (conn->fin_asked && !conn->end_said)
		finish_writing(conn);
	if (!conn->blocked)
		return;
	conn->blocked = false;
	if (conn->ops->on_writable)
		conn->ops->on_writable(conn, conn->arg);
}

/* Records that TLS could not hand over go first.  false: the connection ended. */
static bool push(struct hf_conn *conn)
{
	size_t before = conn->tls ? hf_tls_conn_unsent(conn->tls) : 0;

	if (before == 0)
		return true;
	if (hf_tls_conn_push(conn->tls) == HF_TLS_FAILED) {
		hf_conn_tls_failed(conn);
		return false;
	}
	if (hf_tls_conn_unsent(conn->tls) < before)
		conn->active_ms = hf_loop_now_ms(conn->loop);
	return true;
}

void hf_conn_flush(struct hf_conn *conn)
{
	if (!push(conn) || !send_all(conn, conn->out.data, conn->out.len, &conn->out_sent))
		return;
	if (hf_conn_unsent(conn) == 0)
		all_out(conn);
}

/* Moving the rest to the front is worth it only when it makes much room. */
static void out_compact(struct hf_conn *conn)
{
	if (conn->out_sent < conn->out.len / 2)
		return;
	hf_buf_consume(&conn->out, conn->out_sent);
	conn->out_sent = 0;
}

void hf_conn_keep_no_copy(struct hf_conn *conn)
{
	conn->keeps_no_copy = true;
}

int hf_conn_write(struct hf_conn *conn, const void *data, size_t len)
{
	size_t sent = 0;

	if (conn->state != HF_CONN_OPEN || conn->fin_asked)
		return -HF_E_CLOSED;
	if (hf_conn_unsent(conn) + len > conn->out.cap)
		return -HF_E_LIMIT;
	if (hf_conn_unsent(conn) == 0 && !send_all(conn, data, len, &sent))
		return -HF_E_CLOSED;
	if (sent == len && hf_conn_unsent(conn) == 0)
		return 0;
	conn->blocked = true;
	out_compact(conn);
	if (conn->out.len + len - sent > conn->out.cap) {
		hf_buf_consume(&conn->out, conn->out_sent);
		conn->out_sent = 0;
	}
	if (hf_buf_append(&conn->out, (const char *)data + sent, len - sent) < 0) {
		/* Half of it may be out already: the stream cannot go on. */
		hf_conn_end_with(conn, HF_CONN_END_LOST, ENOMEM, false);
		return -HF_E_CLOSED;
	}
	hf_conn_watch(conn);
	return 0;
}

void hf_conn_finish_writing(struct hf_conn *conn)
{
	if (conn->state != HF_CONN_OPEN || conn->fin_asked)
		return;
	conn->fin_asked = true;
	if (hf_conn_unsent(conn) == 0)
		finish_writing(conn);
}
