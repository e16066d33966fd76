/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: no crash, and the same payload, trailers and end whole and byte by byte; what is
 * written of the trailers is read again as the end of one body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "http/body.h"
#include "http/trailers.h"

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

static void check_written(struct hf_slice lines)
{
	static char any[] = "any";
	char *names[] = { any };
	const struct hf_strv list = { names, HF_ARRAY_LEN(names), 0 };
	const struct hf_trailer_filter filter = { .names = &list };
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4 * HF_TRAILER_CAP);
	static struct hf_http_head head;
	struct hf_http_body body;
	struct hf_slice piece;
	size_t used;

	hf_trailers_write(lines, &filter, &out);
	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	head.chunked = true;
	hf_http_body_of_request(&body, &head, 0);
	/* Each line may have grown by a space. */
	if (out.len > HF_TRAILER_CAP)
		return;
	if (hf_http_body_read(&body, out.data, out.len, &used, &piece) != HF_HTTP_DONE ||
	    used != out.len || body.received != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_http_head head;
	HF_AUTO_DONE(hf_buf) kept_a = HF_BUF_INIT(HF_TRAILER_CAP);
	HF_AUTO_DONE(hf_buf) kept_b = HF_BUF_INIT(HF_TRAILER_CAP);
	struct hf_http_body a, b;
	struct outcome whole = { 0 }, bytes = { 0 };

	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	head.chunked = true;
	hf_http_body_of_request(&a, &head, 1000);
	hf_http_body_of_request(&b, &head, 1000);
	a.trailers = &kept_a;
	b.trailers = &kept_b;
	take(&a, &whole, (const char *)data, size);
	for (size_t i = 0; i < size && bytes.rc == HF_HTTP_MORE; i++)
		take(&b, &bytes, (const char *)data + i, 1);
	if (whole.rc != bytes.rc || whole.used != bytes.used || whole.sum != bytes.sum ||
	    whole.len != bytes.len || a.bad_status != b.bad_status || whole.len > 1000)
		abort();
	if (kept_a.len != kept_b.len ||
	    (kept_a.len > 0 && memcmp(kept_a.data, kept_b.data, kept_a.len) != 0))
		abort();
	if (whole.rc == HF_HTTP_DONE)
		check_written(hf_http_body_trailers(&a));
	return 0;
}
