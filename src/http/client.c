/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a service: a request out, an answer in.  Must never hand out a byte behind the
 * end of an answer, nor call a connection reusable that is not exactly at that end. */
#include "http/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "http/client_internal.h"

/* --- being gone --- */

void hf_http_client_free(struct hf_http_client *client)
{
	client->state = HF_CLIENT_GONE;
	hf_conn_discard(client->conn);
	client->conn = NULL;
	if (client->inside)
		return; /* whoever is inside does the rest */
	hf_buf_done(&client->early);
	hf_buf_done(&client->bytes);
	hf_buf_done(&client->trailers);
	free(client);
}

void hf_http_client_drop(struct hf_http_client *client)
{
	if (client != NULL)
		hf_http_client_free(client);
}

static void fail(struct hf_http_client *client, enum hf_http_trouble trouble, int errnum,
		 const char *why)
{
	const struct hf_http_failure failure = {
		.trouble = trouble,
		.sys_errno = errnum,
		.why = why,
		.reused = client->asked > 1,
		.sent = client->sent,
		.tls = client->tls_failure,
	};
	const struct hf_http_client_ops *ops = client->ops;
	void *arg = client->arg;
	bool asked = client->state == HF_CLIENT_HEAD || client->state == HF_CLIENT_BODY;

	hf_http_pool_forget(client);
	hf_http_client_free(client);
	if (asked)
		ops->on_failed(&failure, arg);
}

/* --- the answer --- */

static void done(struct hf_http_client *client, bool clean)
{
	const struct hf_http_head *head = &client->head;
	bool reusable = clean && !head->close && client->body.kind != HF_BODY_UNTIL_CLOSE;

	client->state = HF_CLIENT_DONE;
	client->ops->on_done(reusable, client->arg);
}

static size_t take_body(struct hf_http_client *client, const char *data, size_t len)
{
	size_t at = 0, used;
	struct hf_slice piece;

	while (client->state == HF_CLIENT_BODY) {
		enum hf_http_parse rc =
		    hf_http_body_read(&client->body, data + at, len - at, &used, &piece);

		at += used;
		if (rc == HF_HTTP_BAD) {
			fail(client, HF_TROUBLE_BAD, 0, client->body.why);
			return len;
		}
		if (piece.len > 0)
			client->ops->on_body(piece, client->arg);
		if (client->state != HF_CLIENT_BODY)
			return len;
		if (rc == HF_HTTP_DONE) {
			done(client, at == len);
			return at;
		}
		if (at == len)
			break;
	}
	return at;
}

/* false: it is over. */
static bool final_head(struct hf_http_client *client, const char *data, size_t len)
{
	hf_http_body_of_response(&client->body, &client->head, client->method, 0);
	client->state = HF_CLIENT_BODY;
	hf_conn_set_idle(client->conn, client->pool->config.idle_ms);
	client->rest = data;
	client->rest_len = len;
	client->ops->on_head(&client->head, client->body.kind, client->arg);
	client->rest = NULL;
	return client->state == HF_CLIENT_BODY;
}

/* A complete head; `len` bytes at data lie behind it.  false: it is over, or failed. */
static bool take_head(struct hf_http_client *client, const char *data, size_t len)
{
	struct hf_http_head *head = &client->head;

	if (head->status_code >= 200 || head->status_code == 101)
		return final_head(client, data, len);
	if (++client->interims > HF_CLIENT_INTERIMS_CAP) {
		fail(client, HF_TROUBLE_BAD, 0, "interim answers without end");
		return false;
	}
	client->ops->on_interim(head, client->arg);
	return client->state == HF_CLIENT_HEAD;
}

#ifdef HF_ANALYZER /* it does not see that nobody is freed while `inside` is set */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-use-after-free"
#endif
/* Takes from data; how much.  The bytes of an incomplete head are kept. */
static size_t feed_head(struct hf_http_client *client, const char *data, size_t len)
{
	struct hf_http_head *head = &client->head;
	struct hf_buf *bytes = &client->bytes;
	size_t before = bytes->len, end;
	enum hf_http_parse rc;

	if (before == 0) {
		hf_http_head_init(head, HF_HTTP_RESPONSE, &client->pool->config.limits);
		rc = hf_http_head_parse(head, data, len);
	} else if (hf_buf_append(bytes, data, len) < 0) {
		fail(client, HF_TROUBLE_BAD, 0, "the head is too large");
		return len;
	} else {
		rc = hf_http_head_parse(head, bytes->data, bytes->len);
	}
	if (rc == HF_HTTP_BAD) {
		fail(client, HF_TROUBLE_BAD, 0, head->why);
		return len;
	}
	if (rc == HF_HTTP_MORE) {
		if (before == 0 && hf_buf_append(bytes, data, len) < 0)
			fail(client, HF_TROUBLE_BAD, 0, "the head is too large");
		return len;
	}
	end = head->len - before;
	(void)take_head(client, data + end, len - end);
	if (client->state != HF_CLIENT_GONE)
		hf_buf_clear(bytes);
	return end;
}

static void feed(struct hf_http_client *client, const char *data, size_t len)
{
	size_t at = 0;

	client->inside = true;
	client->began = true;
	while (at < len && client->state == HF_CLIENT_HEAD)
		at += feed_head(client, data + at, len - at);
	if (client->state == HF_CLIENT_BODY)
		(void)take_body(client, data + at, len - at);
	if (client->state == HF_CLIENT_HEAD || client->state == HF_CLIENT_BODY)
		client->ops->on_told(client->arg);
	client->inside = false;
	if (client->state == HF_CLIENT_GONE)
		hf_http_client_free(client);
}
#ifdef HF_ANALYZER
#pragma GCC diagnostic pop
#endif

static void stream_ended(struct hf_http_client *client)
{
	if (client->state == HF_CLIENT_BODY && client->body.kind == HF_BODY_UNTIL_CLOSE) {
		client->inside = true;
		done(client, false);
		client->inside = false;
		if (client->state == HF_CLIENT_GONE)
			hf_http_client_free(client);
		return;
	}
	fail(client, client->began ? HF_TROUBLE_TRUNCATED : HF_TROUBLE_LOST, 0,
	     client->began ? "the answer ended too early"
			   : "the service closed the connection without an answer");
}

/* --- callbacks --- */

static void on_ready(struct hf_conn *conn, void *arg)
{
	struct hf_http_client *client = arg;
	struct hf_buf early = client->early;

	client->open = true;
	hf_buf_init(&client->early, HF_CLIENT_OUT_CAP);
	hf_conn_set_idle(conn, client->state == HF_CLIENT_IDLE ? client->pool->config.keep_ms
							       : client->pool->config.first_ms);
	if (early.len > 0) {
		client->sent = true;
		/* A failure comes as on_end. */
		(void)hf_conn_write(conn, early.data, early.len);
	}
	hf_buf_done(&early);
	/* The sender may have stopped because so much waited. */
	if (client->state == HF_CLIENT_HEAD && hf_conn_unsent(conn) == 0)
		client->ops->on_writable(client->arg);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	struct hf_http_client *client = arg;
	struct hf_http_pool *pool = client->pool;
	size_t len = 0;

	switch (hf_conn_read(conn, pool->in, sizeof(pool->in), &len)) {
	case HF_CONN_DATA:
		/* Bytes that nobody asked for: the next answer could not be trusted. */
		if (client->state == HF_CLIENT_IDLE || client->state == HF_CLIENT_DONE)
			fail(client, HF_TROUBLE_BAD, 0, "bytes that nobody asked for");
		else
			feed(client, pool->in, len);
		break;
	case HF_CONN_EOF:
		stream_ended(client);
		break;
	case HF_CONN_WAIT:
	case HF_CONN_OVER:
		break;
	}
}

static void on_writable(struct hf_conn *conn, void *arg)
{
	struct hf_http_client *client = arg;

	(void)conn;
	if (client->state == HF_CLIENT_HEAD || client->state == HF_CLIENT_BODY)
		client->ops->on_writable(client->arg);
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct hf_http_client *client = arg;

	client->conn = NULL;
	client->tls_failure = hf_conn_failure(conn);
	switch (end->kind) {
	case HF_CONN_END_CONNECT:
	case HF_CONN_END_HANDSHAKE_TIMEOUT:
		fail(client, HF_TROUBLE_CONNECT, end->sys_errno, NULL);
		return;
	case HF_CONN_END_IDLE_TIMEOUT:
		fail(client, HF_TROUBLE_TIMEOUT, ETIMEDOUT,
		     client->state == HF_CLIENT_HEAD ? "no answer in time"
						     : "the answer stopped in the middle");
		return;
	case HF_CONN_END_VIA:
	case HF_CONN_END_PREFACE:
	case HF_CONN_END_CLOSED:
	case HF_CONN_END_REFUSED:
	case HF_CONN_END_LOST:
	case HF_CONN_END_ABORTED:
		break;
	}
	fail(client, client->began ? HF_TROUBLE_TRUNCATED : HF_TROUBLE_LOST, end->sys_errno,
	     client->began ? "the connection broke in the middle of the answer"
			   : "the connection broke before the answer");
}

const struct hf_conn_ops hf_http_client_conn_ops = { .on_ready = on_ready,
						     .on_readable = on_readable,
						     .on_writable = on_writable,
						     .on_end = on_end };

/* --- asking --- */

int hf_http_client_ask(struct hf_http_client *client, const struct hf_http_client_ops *ops,
		       void *arg, enum hf_http_method method, const char *head, size_t len)
{
	assert(client->state == HF_CLIENT_IDLE);
	client->ops = ops;
	client->arg = arg;
	client->method = method;
	client->state = HF_CLIENT_HEAD;
	client->began = client->sent = false;
	client->interims = 0;
	client->asked++;
	if (client->open)
		hf_conn_set_idle(client->conn, client->pool->config.first_ms);
	return hf_http_client_send(client, head, len);
}

int hf_http_client_send(struct hf_http_client *client, const void *data, size_t len)
{
	if (!client->open)
		return hf_buf_append(&client->early, data, len);
	client->sent = true;
	return hf_conn_write(client->conn, data, len);
}

size_t hf_http_client_unsent(const struct hf_http_client *client)
{
	return client->early.len + hf_conn_unsent(client->conn);
}

void hf_http_client_keep_trailers(struct hf_http_client *client)
{
	hf_buf_clear(&client->trailers);
	client->body.trailers = &client->trailers;
}

struct hf_slice hf_http_client_trailers(const struct hf_http_client *client)
{
	return hf_http_body_trailers(&client->body);
}

void hf_http_client_pause(struct hf_http_client *client, bool pause)
{
	hf_conn_want_read(client->conn, !pause);
}

void hf_http_client_hold(struct hf_http_client *client, bool hold)
{
	hf_conn_hold_idle(client->conn, hold);
}

const struct hf_conn *hf_http_client_conn(const struct hf_http_client *client)
{
	return client->conn;
}

bool hf_http_client_open(const struct hf_http_client *client)
{
	return client->open;
}

bool hf_http_client_reused(const struct hf_http_client *client)
{
	return client->asked > 1;
}

struct hf_conn *hf_http_client_leave(struct hf_http_client *client, struct hf_buf *rest)
{
	struct hf_conn *conn = client->conn;

	if (client->rest != NULL)
		hf_buf_append(rest, client->rest, client->rest_len);
	client->conn = NULL;
	hf_http_client_free(client);
	hf_conn_hold_idle(conn, false);
	return conn;
}
