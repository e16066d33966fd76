/* SPDX-License-Identifier: Apache-2.0 */
/* A PROXY protocol header in front of the handshake.  Must never take a byte of what follows it,
 * nor believe one that is not complete. */
#include <errno.h>
#include <sys/socket.h>

#include "net/internal.h"
#include "net/proxy_header.h"

enum { PIECE = 4096 };

static void refuse(struct hf_conn *conn)
{
	hf_conn_end_with(conn, HF_CONN_END_PREFACE, EPROTO, true);
}

/* Takes n bytes that were looked at already. */
static bool take(struct hf_conn *conn, size_t n)
{
	char waste[PIECE];

	return recv(conn->fd, waste, n, 0) == (ssize_t)n;
}

/* out is free to use until the handshake: nothing can be sent yet. */
bool hf_conn_preface_read(struct hf_conn *conn)
{
	struct hf_proxy_header header;
	struct hf_buf *have = &conn->out;
	char piece[PIECE];
	size_t before = have->len;
	ssize_t n = recv(conn->fd, piece, sizeof(piece), MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 || hf_buf_append(have, piece, (size_t)n) < 0) {
		refuse(conn);
		return false;
	}
	switch (hf_proxy_header_read(have->data, have->len, &header)) {
	case HF_PROXY_MORE:
		if (!take(conn, (size_t)n))
			refuse(conn);
		return false;
	case HF_PROXY_BAD:
		refuse(conn);
		return false;
	case HF_PROXY_DONE:
		break;
	}
	hf_buf_clear(have);
	if (!take(conn, header.len - before)) {
		refuse(conn);
		return false;
	}
	conn->peer_told = header.has_address;
	if (header.has_address)
		conn->peer = header.source;
	return true;
}
