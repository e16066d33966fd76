/* SPDX-License-Identifier: Apache-2.0 */
/* The BIO between libssl and the caller's socket.  OpenSSL's own socket BIO writes with write(2),
 * which raises SIGPIPE in whoever uses this library; this one sends with MSG_NOSIGNAL, counts bytes
 * and remembers errno.  Must never close the descriptor. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/bio.h>

#include "tls/internal.h"

enum {
	/* Any number without BIO_TYPE_DESCRIPTOR; BIO_get_new_index() would use up a global supply
	   of 127. */
	BIO_KIND = BIO_TYPE_SOURCE_SINK | 0x6f,
	RECORD_ALERT = 21,
	RECORD_HEADER_LEN = 5,
	ALERT_RECORD_LEN = RECORD_HEADER_LEN + 2,
};

static bool would_block(int errnum)
{
	return errnum == EAGAIN || errnum == EINTR;
}

/* What the peer began with, and how its direction ended, for the transcript. */
static void note_end(const struct hf_tls_conn *conn, int errnum)
{
	if (!conn->transcript)
		return;
	if (errnum == 0)
		hf_transcript_note(conn->transcript, HF_EVENT_EOF, false, 0, NULL);
	else
		hf_transcript_note(conn->transcript, HF_EVENT_RESET, false, 0, strerror(errnum));
}

/* libssl reads a record's five bytes first; what is no record is told with more of its words. */
static void note_first(const struct hf_tls_conn *conn, const char *data, size_t len)
{
	char text[RECORD_HEADER_LEN + 64];
	ssize_t more;

	if (conn->bytes_in > len || len > RECORD_HEADER_LEN) {
		hf_transcript_first(conn->transcript, data, len);
		return;
	}
	memcpy(text, data, len);
	more = recv(conn->fd, text + len, sizeof(text) - len, MSG_PEEK | MSG_DONTWAIT);
	hf_transcript_first(conn->transcript, text, len + (size_t)HF_MAX(more, (ssize_t)0));
}

static int bio_read(BIO *bio, char *data, size_t cap, size_t *ret_len)
{
	struct hf_tls_conn *conn = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (hf_tls_status_stalls(conn)) {
		conn->stalled = true;
		*ret_len = 0;
		BIO_set_retry_read(bio);
		return 0;
	}
	n = recv(conn->fd, data, cap, 0);
	if (n > 0) {
		if (conn->bytes_in < sizeof(conn->first))
			memcpy(conn->first + conn->bytes_in, data,
			       HF_MIN((size_t)n, sizeof(conn->first) - (size_t)conn->bytes_in));
		conn->bytes_in += (uint64_t)n;
		*ret_len = (size_t)n;
		if (conn->transcript && conn->bytes_in <= HF_FIRST_BYTES_CAP)
			note_first(conn, data, (size_t)n);
		return 1;
	}
	*ret_len = 0;
	if (n == 0) {
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
		note_end(conn, 0);
		return 0;
	}
	if (would_block(errno)) {
		BIO_set_retry_read(bio);
		return 0;
	}
	conn->io_errno = errno;
	note_end(conn, conn->io_errno);
	return 0;
}

/* A refusal by rule has an alert of its own, access_denied (RFC 8446 6.2), but libssl derives its
 * alert from a verify error, and no verify error becomes 49.  In TLS 1.2 the client's certificate
 * is judged before encryption starts, so the alert record is in clear here and the number is put
 * right.  (TLS 1.3: see deny_by_extension in judge.c.) */
static const char *put_right(const struct hf_tls_conn *conn, const char *data, size_t len,
			     char record[ALERT_RECORD_LEN])
{
	if (conn->deny_alert == 0 || len != ALERT_RECORD_LEN || data[0] != RECORD_ALERT)
		return data;
	for (size_t i = 0; i < ALERT_RECORD_LEN; i++)
		record[i] = data[i];
	record[ALERT_RECORD_LEN - 1] = (char)conn->deny_alert;
	return record;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *ret_len)
{
	struct hf_tls_conn *conn = BIO_get_data(bio);
	char record[ALERT_RECORD_LEN];
	bool kept = false;
	ssize_t n;

	BIO_clear_retry_flags(bio);
	data = put_right(conn, data, len, record);
	if (hf_tls_burst_keeps(conn, data, len, &kept))
		n = kept ? (ssize_t)len : -1;
	else
		n = hf_tls_send(conn, data, len);
	if (n >= 0) {
		*ret_len = (size_t)n;
		return 1;
	}
	*ret_len = 0;
	if (would_block(errno)) {
		BIO_set_retry_write(bio);
		return 0;
	}
	conn->io_errno = errno;
	note_end(conn, conn->io_errno);
	return 0;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

BIO_METHOD *hf_tls_bio_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_KIND, "handfast socket");

	if (!method)
		return NULL;
	if (BIO_meth_set_read_ex(method, bio_read) != 1 ||
	    BIO_meth_set_write_ex(method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(method, bio_ctrl) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

BIO *hf_tls_bio_new(BIO_METHOD *method, struct hf_tls_conn *conn)
{
	BIO *bio = BIO_new(method);

	if (bio) {
		BIO_set_data(bio, conn);
		BIO_set_init(bio, 1);
	}
	return bio;
}
