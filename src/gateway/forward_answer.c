/* SPDX-License-Identifier: Apache-2.0 */
/* The service's answer as the client gets it.  Must never frame a body in two ways, nor end one
 * properly that did not end properly for us. */
#include "base/str.h"
#include "gateway/forwarder.h"

enum { GATHER = 32 * 1024 }; /* small pieces go out together */

static void put_status_line(struct hf_buf *out, const struct hf_http_head *head)
{
	struct hf_slice reason = hf_http_text(head, head->reason);

	hf_buf_puts(out, "HTTP/1.1 ");
	hf_buf_put_int(out, head->status_code);
	hf_buf_putc(out, ' ');
	hf_buf_append(out, reason.data, reason.len);
	hf_buf_puts(out, "\r\n");
}

static void put_fields(struct hf_exchange *exchange, const struct hf_http_head *head,
		       struct hf_buf *out)
{
	const char *via = exchange->forwarder->config->upstream.via;
	struct hf_connection_options options;
	bool has_date = false;

	hf_connection_options(head, &options);
	hf_fields_write_answer(head, &options, out, &has_date);
	/* RFC 9110 6.6.1 */
	if (!has_date && head->status_code >= 200)
		hf_field_write_text(out, "Date", hf_http_stream_date(exchange->session));
	if (via != NULL)
		hf_buf_printf(out, "Via: 1.%d %s\r\n", head->minor, via);
}

/* RFC 9110 6.5.1: only to a client that said it takes them. */
static void put_trailers(struct hf_exchange *exchange, const struct hf_http_head *head,
			 struct hf_buf *out)
{
	const struct hf_trailer_filter filter = hf_forward_trailers(exchange);

	hf_trailers_announce(head, &filter, out);
	hf_http_client_keep_trailers(exchange->client);
}

/* How the body is framed for the client; may decide that the connection ends after it. */
static void put_framing(struct hf_exchange *exchange, const struct hf_http_head *head,
			enum hf_http_body_kind kind, struct hf_buf *out)
{
	bool bodiless = exchange->method == HF_METHOD_HEAD || head->status_code == 304;

	exchange->chunked_out = false;
	switch (kind) {
	case HF_BODY_NONE:
		/* RFC 9110 8.6: a length may describe what a HEAD or a 304 leaves out. */
		if (head->status_code == 204 || (bodiless && head->content_length < 0))
			return;
		hf_field_write_int(out, "Content-Length", HF_MAX(head->content_length, 0));
		return;
	case HF_BODY_LENGTH:
		hf_field_write_int(out, "Content-Length", head->content_length);
		return;
	case HF_BODY_CHUNKED:
	case HF_BODY_UNTIL_CLOSE:
		break;
	}
	if (exchange->minor == 0) {
		hf_http_stream_last(exchange->session); /* its end is the end of the connection */
		return;
	}
	exchange->chunked_out = true;
	hf_buf_puts(out, "Transfer-Encoding: chunked\r\n");
	if (exchange->trailers_taken && kind == HF_BODY_CHUNKED)
		put_trailers(exchange, head, out);
}

void hf_forward_answer_head(struct hf_exchange *exchange, const struct hf_http_head *head,
			    enum hf_http_body_kind kind)
{
	struct hf_buf *out = hf_http_stream_out(exchange->session);

	exchange->answering = true;
	exchange->status = head->status_code;
	put_status_line(out, head);
	put_fields(exchange, head, out);
	put_framing(exchange, head, kind, out);
	if (!hf_http_stream_begin(exchange->session))
		hf_buf_puts(out, "Connection: close\r\n");
	else if (exchange->minor == 0)
		hf_buf_puts(out, "Connection: keep-alive\r\n");
	hf_buf_puts(out, "\r\n");
}

void hf_forward_interim(struct hf_exchange *exchange, const struct hf_http_head *head)
{
	struct hf_buf *out = hf_http_stream_out(exchange->session);

	/* RFC 9110 15.2: HTTP/1.0 does not know them. */
	if (exchange->minor == 0)
		return;
	put_status_line(out, head);
	put_fields(exchange, head, out);
	hf_buf_puts(out, "\r\n");
}

bool hf_forward_answer_piece(struct hf_exchange *exchange, struct hf_slice piece)
{
	struct hf_buf *out = hf_http_stream_out(exchange->session);

	exchange->bytes += piece.len;
	if (exchange->chunked_out) {
		hf_http_chunk_write(out, piece.data, piece.len);
		return out->len < GATHER || hf_http_stream_send(exchange->session, NULL, 0);
	}
	if (out->len + piece.len > GATHER)
		return hf_http_stream_send(exchange->session, piece.data, piece.len);
	hf_buf_append(out, piece.data, piece.len);
	return true;
}
