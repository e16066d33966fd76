/* SPDX-License-Identifier: Apache-2.0 */
/* Many records in one system call.  libssl sends each record of 16 KiB by itself; for a stream of
 * them that is most of what the kernel does.  Must never let a later record overtake what the
 * socket did not take. */
#include <errno.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "base/err.h"
#include "tls/internal.h"

enum {
	RECORD = 16 * 1024,
	BURST = 64 * 1024, /* plaintext of one call; more outgrows the second-level cache */
	BURST_CAP = BURST + BURST / 16,	  /* with headers and tags */
	LATE_CAP = BURST_CAP + 64 * 1024, /* and what libssl says in between */
};

static size_t late_len(const struct hf_tls_conn *conn)
{
	return conn->late.len - conn->late_sent;
}

size_t hf_tls_conn_unsent(const struct hf_tls_conn *conn)
{
	return late_len(conn);
}

ssize_t hf_tls_send(struct hf_tls_conn *conn, const void *data, size_t len)
{
	ssize_t n = send(conn->fd, data, len, MSG_NOSIGNAL);

	if (n > 0)
		conn->bytes_out += (uint64_t)n;
	return n;
}

static bool is_late(struct hf_tls_conn *conn, const char *data, size_t len)
{
	if (conn->late.cap == 0)
		hf_buf_init(&conn->late, LATE_CAP);
	if (hf_buf_append(&conn->late, data, len) == 0)
		return true;
	errno = ENOMEM;
	return false;
}

/* 1: all of it is out, 0: the socket takes no more, -1: it is broken (errno). */
static int push(struct hf_tls_conn *conn)
{
	while (late_len(conn) > 0) {
		ssize_t n = hf_tls_send(conn, conn->late.data + conn->late_sent, late_len(conn));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		conn->late_sent += (size_t)n;
	}
	hf_buf_done(&conn->late);
	conn->late_sent = 0;
	return 1;
}

bool hf_tls_burst_keeps(struct hf_tls_conn *conn, const char *data, size_t len, bool *ret_kept)
{
	*ret_kept = true;
	if (conn->bursting) {
		*ret_kept = hf_buf_append(&conn->front->burst, data, len) == 0;
		errno = ENOMEM;
		return true;
	}
	if (late_len(conn) == 0 || push(conn) == 1)
		return false;
	*ret_kept = is_late(conn, data, len);
	return true;
}

enum hf_tls_step hf_tls_conn_push(struct hf_tls_conn *conn)
{
	switch (push(conn)) {
	case 1:
		return HF_TLS_DONE;
	case 0:
		return HF_TLS_WANT_WRITE;
	default:
		return conn->failure ? HF_TLS_FAILED : hf_tls_conn_broke(conn, errno);
	}
}

/* Records into the buffer, as many as fit; how much of data is in them. */
static size_t seal(struct hf_tls_conn *conn, const char *data, size_t len)
{
	size_t at = 0;

	conn->bursting = true;
	while (at < len && at < BURST) {
		size_t n = 0;

		if (hf_tls_conn_write(conn, data + at, HF_MIN(len - at, (size_t)RECORD), &n) !=
		    HF_TLS_DONE)
			break;
		at += n;
	}
	conn->bursting = false;
	return at;
}

static enum hf_tls_step send_burst(struct hf_tls_conn *conn)
{
	struct hf_buf *burst = &conn->front->burst;
	ssize_t n = hf_tls_send(conn, burst->data, burst->len);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return hf_tls_conn_broke(conn, errno);
	n = HF_MAX(n, (ssize_t)0);
	if ((size_t)n == burst->len || is_late(conn, burst->data + n, burst->len - (size_t)n))
		return HF_TLS_DONE;
	return hf_tls_conn_broke(conn, errno);
}

enum hf_tls_step hf_tls_conn_write_burst(struct hf_tls_conn *conn, const void *data, size_t len,
					 size_t *ret_len)
{
	struct hf_buf *burst = &conn->front->burst;
	enum hf_tls_step step;
	size_t taken;

	if (late_len(conn) > 0) {
		step = hf_tls_conn_push(conn);
		if (step != HF_TLS_DONE)
			return step;
	}
	if (len <= RECORD || conn->failure || !conn->handshake_done)
		return hf_tls_conn_write(conn, data, len, ret_len);
	if (burst->cap == 0)
		hf_buf_init(burst, BURST_CAP);
	hf_buf_clear(burst);
	/* A record that waits inside libssl goes first, and alone. */
	if (SSL_want_write(conn->ssl))
		return hf_tls_conn_write(conn, data, len, ret_len);
	taken = seal(conn, data, len);
	step = send_burst(conn);
	if (step != HF_TLS_DONE || taken == 0)
		return HF_TLS_FAILED;
	*ret_len = taken;
	return HF_TLS_DONE;
}
