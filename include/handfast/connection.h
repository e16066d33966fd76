/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints and connections.  The library never opens, polls or closes a socket: the caller hands
 * in a connected stream socket and calls again when hf_connection_* says which way it waits.
 *
 * Thread rule: an endpoint may be used from one thread at a time; make one for each thread from the
 * same config.  A connection belongs to the thread of its endpoint.
 */
#ifndef HANDFAST_CONNECTION_H
#define HANDFAST_CONNECTION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <handfast/config.h>
#include <handfast/err.h>
#include <handfast/verdict.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_endpoint;
struct hf_connection;

/* Answers of the functions that may have to wait. */
enum hf_progress {
	HF_PROGRESS_DONE = 0,
	HF_PROGRESS_WANT_READ = 1,   /* call again when the socket is readable */
	HF_PROGRESS_WANT_WRITE = 2,  /* call again when the socket is writable */
	HF_PROGRESS_CLOSED = 3,      /* the peer closed, orderly */
	/* refused, by us or by the peer: see the verdict and the alert */
	HF_PROGRESS_REFUSED = 4,
};

/* now: the clock to judge by, Unix seconds; called with arg once for each handshake.  NULL is
 * -HF_E_INVALID. */
HF_PUBLIC int hf_endpoint_new_server(const struct hf_config *config, int64_t (*now)(void *arg),
				     void *arg, struct hf_endpoint **ret_endpoint,
				     struct hf_err *err);
/* server_name: host name (sent as SNI) or address; the server's certificate must be valid for it.
 */
HF_PUBLIC int hf_endpoint_new_client(const struct hf_config *config, const char *server_name,
				     int64_t (*now)(void *arg), void *arg,
				     struct hf_endpoint **ret_endpoint, struct hf_err *err);
HF_PUBLIC void hf_endpoint_free(struct hf_endpoint *endpoint); /* its connections first */

/* fd: connected, better non-blocking; stays the caller's and must outlive the connection. */
HF_PUBLIC int hf_connection_new(struct hf_endpoint *endpoint, int fd,
				struct hf_connection **ret_connection, struct hf_err *err);
HF_PUBLIC void hf_connection_free(struct hf_connection *connection);

/* Returns an enum hf_progress, or a negative -HF_E_* when it broke.  A client's DONE is not yet the
 * server's yes: under TLS 1.3 a refusal arrives with the first read (RFC 8446 4.4.2.4). */
HF_PUBLIC int hf_connection_handshake(struct hf_connection *connection, struct hf_err *err);

/* DONE with *ret_len > 0 bytes, or another hf_progress, or negative. */
HF_PUBLIC int hf_connection_read(struct hf_connection *connection, void *data, size_t cap,
				 size_t *ret_len, struct hf_err *err);
HF_PUBLIC int hf_connection_write(struct hf_connection *connection, const void *data, size_t len,
				  size_t *ret_len, struct hf_err *err);
/* Sends close_notify.  Afterwards half-close the socket and read on until the peer closes, or an
 * alert on its way to the peer may be lost in a reset. */
HF_PUBLIC int hf_connection_close(struct hf_connection *connection, struct hf_err *err);

/* What we think of the peer; NULL before its certificate (or the lack of it) was judged. */
HF_PUBLIC const struct hf_verdict *hf_connection_verdict(const struct hf_connection *connection);

/* The alert received from the peer (RFC 8446 6), or 0.  Not close_notify. */
HF_PUBLIC int hf_connection_alert_received(const struct hf_connection *connection);

#ifdef __cplusplus
}
#endif
#endif
