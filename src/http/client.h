/* SPDX-License-Identifier: Apache-2.0 */
/* The client side of HTTP/1.1: one connection to a service, asked one thing at a time, and the pool
 * of those that wait for the next.
 *
 * Contract: a client made or taken is the caller's until it gives it back, drops it, or on_failed
 * has told that it is gone.  Callbacks come from the loop only, never from inside a call.  Answers
 * are parsed strictly: what cannot be read in one way only fails, and its connection is never used
 * again. */
#ifndef HF_HTTP_CLIENT_H
#define HF_HTTP_CLIENT_H

#include "base/buf.h"
#include "http/body.h"
#include "net/conn.h"

struct hf_http_client;
struct hf_http_pool;

enum hf_http_trouble {
	HF_TROUBLE_CONNECT,   /* no connection: sys_errno */
	HF_TROUBLE_LOST,      /* closed or reset before a byte of an answer */
	HF_TROUBLE_TIMEOUT,   /* too long without a byte */
	HF_TROUBLE_BAD,	      /* no valid answer: why */
	HF_TROUBLE_TRUNCATED, /* it ended in the middle of an answer */
};

struct hf_http_failure {
	enum hf_http_trouble trouble;
	int sys_errno;
	const char *why; /* one sentence, static; NULL for CONNECT */
	bool reused;	 /* the connection had carried a request before */
	bool sent;	 /* bytes of the request may have reached the service */
	const struct hf_tls_failure *tls; /* NULL: TLS did not fail */
};

struct hf_http_client_ops {
	/* 1xx but 101. */
	void (*on_interim)(const struct hf_http_head *head, void *arg);
	/* The final head, 101 included; `more` when a body follows. */
	void (*on_head)(const struct hf_http_head *head, enum hf_http_body_kind kind, void *arg);
	void (*on_body)(struct hf_slice piece, void *arg); /* borrowed */
	/* The answer is whole.  Give the client back when `reusable` and the request is out in
	 * full, else drop it. */
	void (*on_done)(bool reusable, void *arg);
	void (*on_writable)(void *arg);
	/* All that came with one read has been told: send on what was gathered. */
	void (*on_told)(void *arg);
	/* The client is gone. */
	void (*on_failed)(const struct hf_http_failure *failure, void *arg);
};

struct hf_http_pool_config {
	const struct hf_address *addresses; /* all of one service; copied */
	size_t addresses_len;
	uint64_t connect_ms;
	uint64_t first_ms; /* until the head of the answer */
	uint64_t idle_ms;  /* between two pieces of it */
	uint64_t keep_ms;  /* how long an idle connection is kept */
	size_t keep_cap;   /* how many */
	struct hf_tls_context *tls; /* borrowed; NULL: plain */
	struct hf_http_limits limits;
};

/* --- the pool --- */

int hf_http_pool_new(struct hf_loop *loop, const struct hf_http_pool_config *config,
		     struct hf_http_pool **ret_pool, struct hf_err *err);
/* Drops what is idle; no client may be in use. */
void hf_http_pool_free(struct hf_http_pool *pool);
HF_DEFINE_AUTO(hf_http_pool, struct hf_http_pool, hf_http_pool_free);
size_t hf_http_pool_idle(const struct hf_http_pool *pool);
/* The connection that was used last, or NULL.  `sure`: only one that the kernel says is still
 * quiet, for requests that must not be sent twice. */
struct hf_http_client *hf_http_pool_take(struct hf_http_pool *pool, bool sure);
/* A new connection to address number `nth`. */
int hf_http_pool_connect(struct hf_http_pool *pool, size_t nth, struct hf_http_client **ret_client,
			 struct hf_err *err);
void hf_http_pool_give(struct hf_http_client *client);

/* --- one client --- */

/* Sends a head (waits for the connection when need be), expects the answer to `method`. */
int hf_http_client_ask(struct hf_http_client *client, const struct hf_http_client_ops *ops,
		       void *arg, enum hf_http_method method, const char *head, size_t len);
/* More of the request, framed by the caller; 0 or negative (on_failed follows). */
int hf_http_client_send(struct hf_http_client *client, const void *data, size_t len);
size_t hf_http_client_unsent(const struct hf_http_client *client);
/* The trailers of the answer are wanted; from inside on_head only.  _trailers gives their lines in
 * on_done, borrowed. */
void hf_http_client_keep_trailers(struct hf_http_client *client);
struct hf_slice hf_http_client_trailers(const struct hf_http_client *client);
/* The answer is not wanted for now; what was read already still comes. */
void hf_http_client_pause(struct hf_http_client *client, bool pause);
/* The limits rest: it is not the service that we wait for. */
void hf_http_client_hold(struct hf_http_client *client, bool hold);
const struct hf_conn *hf_http_client_conn(const struct hf_http_client *client);
bool hf_http_client_open(const struct hf_http_client *client); /* connected */
bool hf_http_client_reused(const struct hf_http_client *client);
void hf_http_client_drop(struct hf_http_client *client); /* NULL-safe, also in callbacks */
/* After a 101: the connection is the caller's, the client is gone.  What came behind the head is
 * appended to rest.  Only from on_head. */
struct hf_conn *hf_http_client_leave(struct hf_http_client *client, struct hf_buf *rest);

#endif
