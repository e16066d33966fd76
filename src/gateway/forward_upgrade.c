/* SPDX-License-Identifier: Apache-2.0 */
/* After 101 Switching Protocols: the two connections become one stream of bytes (WebSocket).  Must
 * never be entered for a protocol in which requests could hide from the rules. */
#include "gateway/forwarder.h"

static void on_client_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct hf_exchange *exchange = arg;
	const struct hf_forwarder_hooks *hooks = &exchange->forwarder->hooks;

	if (exchange->relay != NULL)
		hf_relay_bytes(exchange->relay, &exchange->bytes_in, &exchange->bytes);
	hf_exchange_log(exchange);
	hooks->ended(conn, exchange->session_arg, end, hooks->arg);
}

static void on_relay_end(enum hf_relay_why why, void *arg)
{
	(void)why;
	hf_exchange_free(arg);
}

static const struct hf_relay_ops relay_ops = { .on_a_end = on_client_end, .on_end = on_relay_end };

static void write_head(struct hf_exchange *exchange, const struct hf_http_head *head)
{
	struct hf_buf *out = hf_http_stream_out(exchange->session);
	struct hf_connection_options options;
	struct hf_slice protocol = { "websocket", 9 };
	bool has_date;

	hf_connection_options(head, &options);
	(void)hf_http_field(head, "upgrade", &protocol);
	hf_buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\n");
	hf_fields_write_answer(head, &options, out, &has_date);
	hf_buf_puts(out, "Connection: Upgrade\r\n");
	hf_field_write(out, "Upgrade", protocol);
	hf_buf_puts(out, "\r\n");
}

/* Without memory for a relay. */
static void nothing(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

static void on_cut_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	on_client_end(conn, end, arg);
	hf_exchange_free(arg);
}

static void cut(struct hf_exchange *exchange, struct hf_conn *client, struct hf_conn *service)
{
	static const struct hf_conn_ops client_ops = { .on_ready = nothing,
						       .on_readable = nothing,
						       .on_end = on_cut_end };

	hf_conn_set_ops(client, &client_ops, exchange);
	hf_conn_abort(client);
	hf_conn_discard(service);
}

void hf_forward_switch(struct hf_exchange *exchange, const struct hf_http_head *head)
{
	HF_AUTO_DONE(hf_buf) from_client = HF_BUF_INIT(64 * 1024);
	HF_AUTO_DONE(hf_buf) from_service = HF_BUF_INIT(256 * 1024);
	struct hf_relay_start start = {
		.idle_ms = exchange->forwarder->config->upstream.tunnel_ms,
		.ops = &relay_ops,
		.arg = exchange,
	};

	exchange->status = 101;
	write_head(exchange, head);
	start.b = hf_http_client_leave(exchange->client, &from_service);
	start.a = hf_http_stream_leave(exchange->session, &from_client);
	exchange->client = NULL;
	exchange->session = NULL;
	start.from_a = from_client.data;
	start.from_a_len = from_client.len;
	start.from_b = from_service.data;
	start.from_b_len = from_service.len;
	if (hf_relay_new(&start, &exchange->relay, NULL) < 0)
		cut(exchange, start.a, start.b);
}
