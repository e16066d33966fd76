/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: no crash, and the same payload and end whole and byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum hf_http_parse rc;
	size_t used;
	uint64_t sum, len;
};

static void take(struct hf_http_body *body, struct outcome *o, const char *text, size_t len)
{
	size_t at = 0, used;
	struct hf_slice piece;

	while (o->rc == HF_HTTP_MORE && at < len) {
		o->rc = hf_http_body_read(body, text + at, len - at, &used, &piece);
		if (used > len - at || (o->rc == HF_HTTP_MORE && used == 0))
			abort();
		for (size_t i = 0; i < piece.len; i++)
			o->sum = o->sum * 31 + (unsigned char)piece.data[i];
		o->len += piece.len;
		at += used;
		o->used += used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_http_head head;
	struct hf_http_body a, b;
	struct outcome whole = { 0 }, bytes = { 0 };

	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	head.chunked = true;
	hf_http_body_of_request(&a, &head, 1000);
	hf_http_body_of_request(&b, &head, 1000);
	take(&a, &whole, (const char *)data, size);
	for (size_t i = 0; i < size && bytes.rc == HF_HTTP_MORE; i++)
		take(&b, &bytes, (const char *)data + i, 1);
	if (whole.rc != bytes.rc || whole.used != bytes.used || whole.sum != bytes.sum ||
	    whole.len != bytes.len || a.bad_status != b.bad_status || whole.len > 1000)
		abort();
	return 0;
}
