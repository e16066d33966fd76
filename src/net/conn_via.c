/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is made through a proxy: what is said before the handshake.  Must never take a
 * byte of the server's, nor begin the handshake with the proxy. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/internal.h"

enum { WORDS_CAP = 4096, PIECE = 4096 };

static void lost(struct hf_conn *conn, const char *why)
{
	(void)hf_str_copy(conn->via->why, sizeof(conn->via->why), why);
	hf_conn_end_with(conn, HF_CONN_END_VIA, errno, false);
}

/* A few hundred bytes on a connection that is quiet: the kernel takes them whole. */
static bool say(struct hf_conn *conn, const struct hf_buf *words)
{
	if (!hf_buf_failed(words) &&
	    send(conn->fd, words->data, words->len, MSG_NOSIGNAL) == (ssize_t)words->len)
		return true;
	lost(conn, "it closed the connection");
	return false;
}

bool hf_conn_via_begin(struct hf_conn *conn)
{
	HF_AUTO_DONE(hf_buf) words = HF_BUF_INIT(WORDS_CAP);

	(void)hf_via_begin(conn->via, conn->via->via, &words);
	return say(conn, &words);
}

/* Takes n bytes that were looked at already. */
static bool take(struct hf_conn *conn, size_t n)
{
	char waste[PIECE];

	return recv(conn->fd, waste, n, 0) == (ssize_t)n;
}

bool hf_conn_via_read(struct hf_conn *conn)
{
	HF_AUTO_DONE(hf_buf) words = HF_BUF_INIT(WORDS_CAP);
	char piece[PIECE];
	ssize_t n = recv(conn->fd, piece, sizeof(piece), MSG_PEEK);
	enum hf_via_step step;
	size_t used = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		lost(conn, "it closed the connection without an answer");
		return false;
	}
	step = hf_via_take(conn->via, piece, (size_t)n, &used, &words);
	if (step == HF_VIA_REFUSED) {
		hf_conn_end_with(conn, HF_CONN_END_VIA, EPROTO, false);
		return false;
	}
	if (!take(conn, used)) {
		lost(conn, "it closed the connection");
		return false;
	}
	if (step == HF_VIA_SAY)
		(void)say(conn, &words);
	return step == HF_VIA_OPEN;
}

void hf_conn_via_free(struct hf_conn *conn)
{
	hf_via_dialog_done(conn->via);
	free(conn->via);
	conn->via = NULL;
}
