/* SPDX-License-Identifier: Apache-2.0 */
/* The server side of HTTP/1.1 over connections of src/net: reads requests, asks a handler for each
 * answer, sends answers in order.
 *
 * Contract: one server for each listener kind of a worker; a connection becomes a session once it
 * is ready (hf_http_serve) and stays one until on_end.  The handler is called when a request is
 * complete; its body is read away (up to body_cap).  An idle session holds no buffer. */
#ifndef HF_HTTP_SERVER_H
#define HF_HTTP_SERVER_H

#include "base/buf.h"
#include "http/head.h"
#include "net/conn.h"

enum {
	HF_HTTP_IDLE_MS = 60 * 1000,
	HF_HTTP_HEADER_MS = 10 * 1000,
	HF_HTTP_BODY_MS = 60 * 1000,
	HF_HTTP_BODY_CAP = 1024 * 1024,
};

struct hf_http_server_config {
	struct hf_http_limits limits;
	uint64_t idle_ms;   /* without a byte in or out, between requests and while sending */
	uint64_t header_ms; /* from the first byte of a head to its last */
	uint64_t body_ms;   /* from the end of a head to the end of the body */
	uint64_t body_cap;  /* most bytes of a request body; 0: no limit */
};

/* A request that is complete.  Everything is borrowed for the call. */
struct hf_http_request {
	const struct hf_http_head *head;
	struct hf_conn *conn;
	void *session_arg;
	uint64_t body_len;
	int64_t at;	   /* Unix seconds */
	uint64_t taken_ms; /* since its first byte came */
	uint64_t number;   /* 1: the first on this connection */
};

/* What to answer.  Strings must last until the handler's server has taken them, right after the
 * handler returns; `scratch` is a cleared buffer of the server for bodies that are made up. */
struct hf_http_answer {
	int status;
	const char *content_type; /* NULL: none */
	const char *fields;	  /* more header lines, each with CRLF; NULL: none */
	const char *body;
	size_t body_len;
	int fd;		  /* instead of body: a file to send from its start; the server closes it.
			     -1: none */
	uint64_t fd_len;  /* bytes of it to send */
	bool close;	  /* end the connection after this answer */
	struct hf_buf *scratch;
	char fields_text[512]; /* room for `fields` */
};

struct hf_http_session;

struct hf_http_server_ops {
	/* The head is complete, the body (if any) is not read yet: may take the request as a stream
	 * (http/stream.h).  NULL, or nothing taken: on_request once the body has been read away. */
	void (*on_head)(const struct hf_http_request *request, struct hf_http_session *session,
			void *arg);
	void (*on_request)(const struct hf_http_request *request, struct hf_http_answer *answer,
			   void *arg);
	/* The answer is on its way: for access logs.  NULL: not wanted. */
	void (*on_answered)(const struct hf_http_request *request,
			    const struct hf_http_answer *answer, void *arg);
	/* A request that could not be read was answered with `status`; NULL: not wanted. */
	void (*on_bad)(struct hf_conn *conn, void *session_arg, int status, const char *why,
		       void *arg);
	void (*on_end)(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
		       void *arg);
};

struct hf_http_server;
int hf_http_server_new(struct hf_loop *loop, const struct hf_http_server_config *config,
		       const struct hf_http_server_ops *ops, void *arg,
		       struct hf_http_server **ret_server, struct hf_err *err);
/* Gives up what it has on the loop; call it before the loop is freed, which ends the sessions. */
void hf_http_server_stop(struct hf_http_server *server);
/* Only when no session is left. */
void hf_http_server_free(struct hf_http_server *server);
HF_DEFINE_AUTO(hf_http_server, struct hf_http_server, hf_http_server_free);

/* Takes the connection over: its callbacks are the server's from now on.  Call it from on_ready. */
int hf_http_serve(struct hf_http_server *server, struct hf_conn *conn, void *session_arg,
		  struct hf_err *err);
/* Takes fd over, also on failure: served as soon as it is open, with `tls` (NULL: plain) after its
 * handshake.  `count` as in hf_conn_options. */
int hf_http_accept(struct hf_http_server *server, int fd, const struct hf_address *peer,
		   struct hf_tls_context *tls, struct hf_conn_count *count);
/* Idle sessions end now, others after the answer they are at; one that never had a request has a
 * second for it. */
void hf_http_server_drain(struct hf_http_server *server);
size_t hf_http_server_sessions(const struct hf_http_server *server);
/* How many there have been. */
uint64_t hf_http_server_served(const struct hf_http_server *server);

#endif
