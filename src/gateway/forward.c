/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange: one request from its head to the end of its answer.  Must never send a request twice
 * that may have been acted on, nor give a connection back that still owes or is owed a byte. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "gateway/forwarder.h"
#include "http/message.h"

enum { SPARE_CAP = 64, TRIES_CAP = 8, HEAD_CAP = 512 * 1024, HEAD_KEEP = 16 * 1024 };

static void begin(struct hf_exchange *exchange);

/* --- from and to the heap --- */

static struct hf_exchange *exchange_new(struct hf_forwarder *forwarder)
{
	struct hf_exchange *exchange = forwarder->spare;
	struct hf_buf head = HF_BUF_INIT(HEAD_CAP), facts = HF_BUF_INIT(HEAD_CAP);

	if (exchange != NULL) {
		forwarder->spare = exchange->next;
		forwarder->spare_len--;
		head = exchange->head;
		facts = exchange->facts;
	} else {
		exchange = malloc(sizeof(*exchange));
	}
	if (exchange == NULL)
		return NULL;
	memset(exchange, 0, sizeof(*exchange));
	exchange->forwarder = forwarder;
	exchange->head = head;
	exchange->facts = facts;
	return exchange;
}

void hf_exchange_free(struct hf_exchange *exchange)
{
	struct hf_forwarder *forwarder = exchange->forwarder;

	if (exchange->backend != NULL)
		exchange->backend->active--;
	hf_buf_clear(&exchange->facts);
	hf_buf_clear(&exchange->head);
	if (forwarder->spare_len >= SPARE_CAP || exchange->head.alloc > HEAD_KEEP) {
		hf_buf_done(&exchange->head);
		hf_buf_done(&exchange->facts);
		free(exchange);
		return;
	}
	exchange->next = forwarder->spare;
	forwarder->spare = exchange;
	forwarder->spare_len++;
}

static void note_facts(struct hf_exchange *exchange, const struct hf_http_request *request)
{
	const struct hf_http_head *head = request->head;
	const struct hf_http_span spans[] = { head->method_text, head->target, head->host };

	for (size_t i = 0; i < HF_ARRAY_LEN(spans); i++)
		hf_buf_append(&exchange->facts, head->data + spans[i].at, spans[i].len);
	exchange->method_len = head->method_text.len;
	exchange->target_len = head->target.len;
	exchange->method = head->method;
	exchange->minor = head->minor;
	exchange->conn = request->conn;
	exchange->session_arg = request->session_arg;
	exchange->at = request->at;
	exchange->number = request->number;
	exchange->begun_ms = hf_loop_now_ms(exchange->forwarder->loop) - request->taken_ms;
}

/* --- the end --- */

void hf_exchange_log(struct hf_exchange *exchange)
{
	struct hf_forwarder *forwarder = exchange->forwarder;
	const char *facts = hf_buf_str(&exchange->facts);
	size_t method = exchange->method_len, target = exchange->target_len;
	const struct hf_access_entry entry = {
		.conn = exchange->conn,
		.session_arg = exchange->session_arg,
		.at = exchange->at,
		.method = { facts, method },
		.target = { facts + method, target },
		.host = { facts + method + target, exchange->facts.len - method - target },
		.status = exchange->status,
		.bytes = exchange->bytes,
		.bytes_in = exchange->bytes_in,
		.taken_ms = hf_loop_now_ms(forwarder->loop) - exchange->begun_ms,
		.number = exchange->number,
		.upstream = exchange->backend != NULL ? exchange->backend->target.text : NULL,
		.route = exchange->group != NULL && exchange->group->route != NULL
			     ? exchange->group->route->name
			     : NULL,
		.upstream_ms =
		    exchange->first_ms ? (int64_t)(exchange->first_ms - exchange->begun_ms) : -1,
		.reference = exchange->reference[0] ? exchange->reference : NULL,
		.trouble = exchange->trouble,
	};

	forwarder->hooks.answered(&entry, forwarder->hooks.arg);
}

/* The answer is out, or cannot be completed. */
static void finish(struct hf_exchange *exchange, bool whole)
{
	struct hf_http_session *session = exchange->session;

	hf_exchange_log(exchange);
	hf_exchange_free(exchange);
	hf_http_stream_end(session, whole);
}

/* A short answer of our own. */
static void answer(struct hf_exchange *exchange, int status, const char *text)
{
	const char *fields = exchange->challenge;
	struct hf_http_session *session = exchange->session;
	bool head_only = exchange->method == HF_METHOD_HEAD;

	exchange->status = status;
	exchange->bytes = head_only ? 0 : strlen(text);
	hf_exchange_log(exchange);
	hf_exchange_free(exchange);
	hf_http_stream_answer_fields(session, status, fields, text, head_only);
}

static void refuse(struct hf_exchange *exchange, int status, const char *why)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(512);

	hf_buf_printf(&text, "%s: %s.\n", hf_http_status_text(status), why);
	if (exchange->reference[0] &&
	    (status == 503 || exchange->forwarder->config->tell_reference))
		hf_buf_printf(&text, "Reference: %s\n", exchange->reference);
	exchange->trouble = why;
	answer(exchange, status, hf_buf_str(&text));
}

/* --- trouble --- */

/* RFC 9110 9.2.2 */
static bool idempotent(enum hf_http_method method)
{
	switch (method) {
	case HF_METHOD_GET:
	case HF_METHOD_HEAD:
	case HF_METHOD_PUT:
	case HF_METHOD_DELETE:
	case HF_METHOD_OPTIONS:
	case HF_METHOD_TRACE:
		return true;
	case HF_METHOD_OTHER:
	case HF_METHOD_POST:
	case HF_METHOD_PATCH:
	case HF_METHOD_CONNECT:
		break;
	}
	return false;
}

/* What we hold is the whole of what was sent: a connection that never came took nothing, and one
 * from the pool that ended without a byte had been closed before it could read the request. */
static bool may_try_again(const struct hf_exchange *exchange, const struct hf_http_failure *failure)
{
	if (exchange->forwarder->closing || exchange->answering || exchange->tries >= TRIES_CAP)
		return false;
	if (failure->trouble == HF_TROUBLE_CONNECT)
		return !failure->sent &&
		       exchange->tries <
			   exchange->group->len + exchange->backend->target.addresses_len;
	return failure->trouble == HF_TROUBLE_LOST && failure->reused && !exchange->body_begun &&
	       idempotent(exchange->method);
}

/* After a connection that could not be made: the next address, then the next service. */
static void move_on(struct hf_exchange *exchange)
{
	struct hf_forwarder *forwarder = exchange->forwarder;
	struct hf_backend *backend = exchange->backend;

	backend->good = (backend->good + 1) % backend->target.addresses_len;
	if (exchange->tries % backend->target.addresses_len != 0)
		return;
	hf_backend_failed(forwarder, backend);
	/* The head was written for this prefix. */
	if (exchange->group->len == 1)
		return;
	backend = hf_forwarder_choose(forwarder, exchange->group);
	if (backend == NULL ||
	    strcmp(backend->target.prefix, exchange->backend->target.prefix) != 0)
		return;
	exchange->backend->active--;
	exchange->backend = backend;
	backend->active++;
}

static void on_failed(const struct hf_http_failure *failure, void *arg)
{
	struct hf_exchange *exchange = arg;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(512);
	int status = hf_forward_failure_status(failure);

	exchange->client = NULL;
	if (may_try_again(exchange, failure)) {
		if (failure->trouble == HF_TROUBLE_CONNECT)
			move_on(exchange);
		begin(exchange);
		return;
	}
	if (failure->trouble == HF_TROUBLE_CONNECT)
		hf_backend_failed(exchange->forwarder, exchange->backend);
	hf_forward_record(exchange, failure);
	if (exchange->answering) {
		finish(exchange, false);
		return;
	}
	hf_buf_printf(&text, "%s: the service behind this gateway %s.\nReference: %s\n",
		      hf_http_status_text(status),
		      status == 504 ? "did not answer in time" : "gave no valid answer",
		      exchange->reference);
	answer(exchange, status, hf_buf_str(&text));
}

/* --- the answer comes --- */

static void on_interim(const struct hf_http_head *head, void *arg)
{
	hf_forward_interim(arg, head);
}

static void switch_protocols(struct hf_exchange *exchange, const struct hf_http_head *head)
{
	static const struct hf_http_failure unasked = { .trouble = HF_TROUBLE_BAD,
							.why = "an upgrade that nobody asked for",
							.sent = true };

	if (exchange->upgrade) {
		hf_forward_switch(exchange, head);
		return;
	}
	hf_http_client_drop(exchange->client);
	on_failed(&unasked, exchange);
}

static void on_head(const struct hf_http_head *head, enum hf_http_body_kind kind, void *arg)
{
	struct hf_exchange *exchange = arg;

	exchange->first_ms = hf_loop_now_ms(exchange->forwarder->loop);
	if (head->status_code == 101) {
		switch_protocols(exchange, head);
		return;
	}
	hf_forward_answer_head(exchange, head, kind);
}

/* The client takes no more for now: neither do we. */
static void balance(struct hf_exchange *exchange)
{
	bool much = hf_http_stream_unsent(exchange->session) > HF_FORWARD_UNSENT_CAP;

	if (exchange->client == NULL || exchange->paused == much)
		return;
	exchange->paused = much;
	hf_http_client_pause(exchange->client, much);
	hf_http_client_hold(exchange->client, much);
}

static void on_body(struct hf_slice piece, void *arg)
{
	struct hf_exchange *exchange = arg;

	/* When the client is gone, on_gone tells. */
	if (hf_forward_answer_piece(exchange, piece))
		balance(exchange);
}

static void on_told(void *arg)
{
	struct hf_exchange *exchange = arg;

	if (hf_http_stream_out(exchange->session)->len > 0 &&
	    hf_http_stream_send(exchange->session, NULL, 0))
		balance(exchange);
}

static void on_done(bool reusable, void *arg)
{
	struct hf_exchange *exchange = arg;
	struct hf_http_client *client = exchange->client;

	exchange->client = NULL;
	if (exchange->chunked_out) {
		const struct hf_trailer_filter filter = hf_forward_trailers(exchange);

		hf_trailers_write(hf_http_client_trailers(client), &filter,
				  hf_http_stream_out(exchange->session));
	}
	if (reusable && exchange->body_done && hf_http_client_unsent(client) == 0)
		hf_http_pool_give(client);
	else
		hf_http_client_drop(client);
	finish(exchange, true);
}

/* --- the request goes out --- */

/* While the client owes us body the service is not to blame for silence. */
static void watch_body(struct hf_exchange *exchange)
{
	size_t unsent = hf_http_client_unsent(exchange->client);
	bool open = hf_http_client_open(exchange->client);

	hf_http_stream_pause(exchange->session, !open || unsent > HF_FORWARD_UNSENT_CAP);
	hf_http_client_hold(exchange->client, open && !exchange->body_done && unsent == 0);
}

static void on_client_writable(void *arg)
{
	struct hf_exchange *exchange = arg;

	if (!exchange->body_done)
		watch_body(exchange);
}

static const struct hf_http_client_ops client_ops = {
	.on_interim = on_interim,
	.on_head = on_head,
	.on_body = on_body,
	.on_done = on_done,
	.on_writable = on_client_writable,
	.on_told = on_told,
	.on_failed = on_failed,
};

static void send_on(struct hf_exchange *exchange, const void *data, size_t len)
{
	if (exchange->client == NULL)
		return;
	/* Not connected yet: it may have to be said again to somebody else. */
	if (!hf_http_client_open(exchange->client))
		hf_buf_append(&exchange->head, data, len);
	else
		exchange->body_begun = true;
	/* A failure comes as on_failed. */
	(void)hf_http_client_send(exchange->client, data, len);
}

static void on_request_body(struct hf_slice piece, void *arg)
{
	struct hf_exchange *exchange = arg;
	struct hf_buf *scratch = &exchange->forwarder->scratch;

	exchange->bytes_in += piece.len;
	if (exchange->chunked_in) {
		hf_buf_clear(scratch);
		hf_http_chunk_write(scratch, piece.data, piece.len);
		send_on(exchange, scratch->data, scratch->len);
	} else {
		send_on(exchange, piece.data, piece.len);
	}
	if (exchange->client != NULL)
		watch_body(exchange);
}

static void send_last_chunk(struct hf_exchange *exchange)
{
	const struct hf_trailer_filter filter = hf_forward_trailers(exchange);
	struct hf_buf *scratch = &exchange->forwarder->scratch;

	hf_buf_clear(scratch);
	hf_trailers_write(hf_http_stream_trailers(exchange->session), &filter, scratch);
	send_on(exchange, scratch->data, scratch->len);
}

static void on_request_end(void *arg)
{
	struct hf_exchange *exchange = arg;

	exchange->body_done = true;
	if (exchange->chunked_in)
		send_last_chunk(exchange);
	if (exchange->client != NULL)
		hf_http_client_hold(exchange->client, exchange->paused);
}

static void on_session_writable(void *arg)
{
	balance(arg);
}

static void on_gone(const char *why, void *arg)
{
	struct hf_exchange *exchange = arg;

	hf_http_client_drop(exchange->client);
	exchange->client = NULL;
	exchange->trouble = why;
	hf_exchange_log(exchange);
	hf_exchange_free(exchange);
}

static const struct hf_http_stream_ops stream_ops = { .on_body = on_request_body,
						      .on_body_end = on_request_end,
						      .on_writable = on_session_writable,
						      .on_gone = on_gone };

static int connect_some(struct hf_exchange *exchange)
{
	struct hf_backend *backend = exchange->backend;
	struct hf_err err = HF_ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < backend->target.addresses_len; i++) {
		rc = hf_http_pool_connect(backend->pool, backend->good, &exchange->client, &err);
		if (rc == 0)
			return 0;
		backend->good = (backend->good + 1) % backend->target.addresses_len;
	}
	return rc;
}

static void begin(struct hf_exchange *exchange)
{
	const struct hf_http_failure no_connection = { .trouble = HF_TROUBLE_CONNECT };

	exchange->tries++;
	exchange->client = hf_http_pool_take(exchange->backend->pool,
					     !idempotent(exchange->method) ||
						 !exchange->body_done || exchange->tries > 1);
	if (exchange->client == NULL && connect_some(exchange) < 0) {
		on_failed(&no_connection, exchange);
		return;
	}
	/* A failure to send comes as on_failed, from the loop. */
	(void)hf_http_client_ask(exchange->client, &client_ops, exchange, exchange->method,
				 exchange->head.data, exchange->head.len);
	if (!exchange->body_done)
		watch_body(exchange);
}

void hf_forward(struct hf_forwarder *forwarder, const struct hf_http_request *request,
		struct hf_http_session *session, const struct hf_forward_under *under)
{
	struct hf_exchange *exchange = exchange_new(forwarder);
	const char *why = NULL;
	int status;

	if (exchange == NULL) {
		hf_http_stream_answer(session, 503, "Service Unavailable\n", false);
		return;
	}
	exchange->session = session;
	exchange->body_done = !hf_http_stream_has_body(session);
	note_facts(exchange, request);
	status = hf_forward_route(exchange, request, under, &why);
	if (status == 0)
		status = hf_forward_head(exchange, request, under, &why);
	if (status != 0) {
		refuse(exchange, status, why);
		return;
	}
	hf_http_stream_take(session, &stream_ops, exchange);
	begin(exchange);
}
