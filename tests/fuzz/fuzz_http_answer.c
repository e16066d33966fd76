/* SPDX-License-Identifier: Apache-2.0 */
/* A service's answer, heads and body: no crash, the same result whole and byte by byte, and what
 * the filter writes is itself a head that means the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "http/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum hf_http_parse head, body;
	int status;
	enum hf_http_body_kind kind;
	size_t used;
	uint64_t sum, len;
	bool ended;
};

static struct hf_http_head head;

static void read_body(struct outcome *o, const char *text, size_t len, size_t step)
{
	struct hf_http_body body;
	struct hf_slice piece;
	size_t at = head.len, used;

	hf_http_body_of_response(&body, &head, HF_METHOD_GET, 0);
	o->kind = body.kind;
	while (o->body == HF_HTTP_MORE && at < len) {
		size_t n = step < len - at ? step : len - at;

		o->body = hf_http_body_read(&body, text + at, n, &used, &piece);
		if (used > n || (o->body == HF_HTTP_MORE && used == 0))
			abort();
		for (size_t i = 0; i < piece.len; i++)
			o->sum = o->sum * 31 + (unsigned char)piece.data[i];
		o->len += piece.len;
		at += used;
	}
	o->used = at;
	o->ended = hf_http_body_end_ok(&body);
}

static struct outcome read_answer(const char *text, size_t len, size_t step)
{
	struct outcome o = { .head = HF_HTTP_MORE, .body = HF_HTTP_MORE };

	hf_http_head_init(&head, HF_HTTP_RESPONSE, NULL);
	for (size_t have = step < len ? step : len; o.head == HF_HTTP_MORE; have += step) {
		if (have > len)
			have = len;
		o.head = hf_http_head_parse(&head, text, have);
		if (have == len)
			break;
	}
	o.status = o.head == HF_HTTP_DONE ? head.status_code : head.bad_status;
	if (o.head == HF_HTTP_DONE)
		read_body(&o, text, len, step);
	return o;
}

/* Our own parser must read what we would send on, and find neither framing nor connection in it. */
static void check_filter(void)
{
	static struct hf_http_head again;
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(256 * 1024);
	struct hf_connection_options options;
	bool date;

	hf_connection_options(&head, &options);
	hf_buf_puts(&out, "HTTP/1.1 200 OK\r\n");
	hf_fields_write_answer(&head, &options, &out, &date);
	hf_buf_puts(&out, "\r\n");
	hf_http_head_init(&again, HF_HTTP_RESPONSE, NULL);
	if (hf_buf_failed(&out))
		abort();
	/* Each field may have grown by a space. */
	again.limits.head_cap = HF_HTTP_HEAD_CAP_MAX;
	if (hf_http_head_parse(&again, out.data, out.len) != HF_HTTP_DONE || again.chunked ||
	    again.close || again.content_length != HF_HTTP_LENGTH_NONE || again.len != out.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome bytes = read_answer((const char *)data, size, 1);
	struct outcome whole = read_answer((const char *)data, size, size + 1);

	if (whole.head != bytes.head || whole.status != bytes.status || whole.kind != bytes.kind ||
	    whole.body != bytes.body || whole.sum != bytes.sum || whole.len != bytes.len ||
	    whole.ended != bytes.ended || (whole.body != HF_HTTP_BAD && whole.used != bytes.used))
		abort();
	if (whole.head == HF_HTTP_DONE)
		check_filter();
	return 0;
}
