/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS connection over a stream socket of the caller: a non-blocking driver.  It never opens,
 * polls or closes the socket.
 *
 * A refusal is a result: HF_TLS_FAILED with hf_tls_conn_failure() telling who refused whom.  After
 * it the alert has been handed to the kernel; to be sure that it arrives, shutdown(fd, SHUT_WR) and
 * read on until the peer closes or a second has passed: closing with unread data would make the
 * kernel send a reset, which destroys the alert (src/net does all that). */
#ifndef HF_TLS_CONN_H
#define HF_TLS_CONN_H

#include "tls/alerts.h"
#include "tls/context.h"
#include "tls/transcript.h"

struct hf_tls_conn;

enum hf_tls_step {
	HF_TLS_DONE = 0,
	HF_TLS_WANT_READ,  /* call again when the socket is readable */
	HF_TLS_WANT_WRITE, /* call again, with the same data, when the socket is writable */
	HF_TLS_WANT_STATUS, /* the handshake is held: call again when there is news about what
			       hf_tls_conn_awaited names */
	HF_TLS_CLOSED,	   /* the peer closed its direction (close_notify, or a bare FIN:
			      info.truncated) */
	HF_TLS_FAILED,	   /* over: see hf_tls_conn_failure() */
};

/* fd: connected, non-blocking (a blocking one works: no step ever waits then).  Takes a reference
 * of context. `owner` comes back from hf_tls_conn_owner (the peer table's sweep hands out
 * connections). */
int hf_tls_conn_new(struct hf_tls_context *context, int fd, void *owner,
		    struct hf_tls_conn **ret_conn, struct hf_err *err);
void hf_tls_conn_free(struct hf_tls_conn *conn); /* NULL-safe; sends nothing */
HF_DEFINE_AUTO(hf_tls_conn, struct hf_tls_conn, hf_tls_conn_free);
void *hf_tls_conn_owner(const struct hf_tls_conn *conn);
/* Of the context that judges the peer: the one given, or that of the name asked for. */
size_t hf_tls_conn_tag(const struct hf_tls_conn *conn);
const char *hf_tls_conn_scope(const struct hf_tls_conn *conn); /* borrowed; NULL: "" */
/* Everything that passes from now on is noted in `transcript`, which is borrowed and must outlive
 * conn; NULL ends it. */
void hf_tls_conn_record(struct hf_tls_conn *conn, struct hf_transcript *transcript);

enum hf_tls_step hf_tls_conn_handshake(struct hf_tls_conn *conn);
/* The key that the context's status source gave for what is awaited; NULL: nothing is. */
const uint8_t *hf_tls_conn_awaited(const struct hf_tls_conn *conn);
/* DONE with *ret_len > 0.  Also carries on a handshake that is not finished. */
enum hf_tls_step hf_tls_conn_read(struct hf_tls_conn *conn, void *data, size_t cap,
				  size_t *ret_len);
/* DONE with *ret_len > 0, which may be less than len.  After WANT_* the same bytes (anywhere in
 * memory, and perhaps more of them) must come first in the next call.  len > 0. */
enum hf_tls_step hf_tls_conn_write(struct hf_tls_conn *conn, const void *data, size_t len,
				   size_t *ret_len);
/* The same for much at once: up to 64 KiB go to the socket as one piece.  Of what was taken some
 * may be unsent yet; push sends more of it (DONE: all), and should be called until then. */
enum hf_tls_step hf_tls_conn_write_burst(struct hf_tls_conn *conn, const void *data, size_t len,
					 size_t *ret_len);
enum hf_tls_step hf_tls_conn_push(struct hf_tls_conn *conn);
size_t hf_tls_conn_unsent(const struct hf_tls_conn *conn); /* bytes taken, but not by the socket */
/* Sends close_notify; DONE when it is with the kernel (the peer's is not waited for). */
enum hf_tls_step hf_tls_conn_shutdown(struct hf_tls_conn *conn);
/* Bytes wait inside that a read may turn into data: a poll on the socket may not tell of them. */
bool hf_tls_conn_pending(const struct hf_tls_conn *conn);

/* What we think of the peer.  Servers in REQUIRE and REPORT and clients: never NULL once the
 * handshake is done, and there after a refusal by us.  NULL before, and for servers that do not
 * ask.  Good until the conn is freed or the peer table swept. With insecure or REPORT it may be a
 * refusal on a living connection. */
const struct hf_verdict *hf_tls_conn_verdict(const struct hf_tls_conn *conn);
/* The peer's certificates as it sent them, leaf first; empty when none.  Of a large number that was
 * accepted only those that its path needs. */
const struct hf_certs *hf_tls_conn_peer_chain(const struct hf_tls_conn *conn);

/* Everything that records and logs say of a connection; strings borrowed until the conn is freed.
 */
struct hf_tls_info {
	enum hf_tls_version version; /* 0 before ServerHello */
	const char *cipher;	     /* "TLS_AES_256_GCM_SHA384", NULL before */
	const char *group;	     /* "X25519", NULL before or without one */
	const char *alpn;	     /* NULL: none agreed */
	const char *
	    sni; /* what the client asked for (servers) or we sent (clients); escaped; NULL: none */
	char
	    peer_sigalg[48]; /* of the peer's CertificateVerify: "id-ecPublicKey-SHA256"; "" none */
	bool handshake_done;
	bool resumed;
	bool cert_requested; /* clients: the server asked for a certificate */
	bool cert_sent;	     /* clients: and we sent one (an empty list is none) */
	bool truncated;	     /* the peer's direction ended without close_notify */
	size_t ca_names;     /* clients: CA names in the CertificateRequest; servers: sent */
	int alert_sent;	     /* -1 none; else number, close_notify left out */
	int alert_received;
	uint64_t bytes_in, bytes_out; /* on the socket, TLS framing included */
};
void hf_tls_conn_info(const struct hf_tls_conn *conn, struct hf_tls_info *ret_info);

/* Why HF_TLS_FAILED, or NULL when it is not (yet) so. */
struct hf_tls_failure {
	enum hf_judge
	    refused_by;	   /* US, PEER; NOBODY: the network, or the peer went away without a word */
	int alert;	   /* the one that was sent (US) or received (PEER); -1 none */
	const char *cause; /* reason id: verdict's root cause, or "P-VERSION", "T-RESET", "N-NONE"
			      …; never NULL */
	char text[192];	   /* one sentence for logs: "the peer sent alert 48 unknown_ca" */
	bool in_handshake;
	int sys_errno; /* ECONNRESET, EPIPE …; 0 */
};
const struct hf_tls_failure *hf_tls_conn_failure(const struct hf_tls_conn *conn);

#endif
