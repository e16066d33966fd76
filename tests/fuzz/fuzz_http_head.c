/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests and responses: no crash, and the same result whole and in three pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hf_http_head whole, pieces;

static void check(enum hf_http_kind kind, const char *text, size_t len)
{
	size_t cuts[] = { len / 3, len / 2, len };
	enum hf_http_parse one, rc = HF_HTTP_MORE;

	hf_http_head_init(&whole, kind, NULL);
	hf_http_head_init(&pieces, kind, NULL);
	one = hf_http_head_parse(&whole, text, len);
	for (size_t i = 0; i < 3 && rc == HF_HTTP_MORE; i++)
		rc = hf_http_head_parse(&pieces, text, cuts[i]);
	if (rc != one || whole.bad_status != pieces.bad_status || whole.len != pieces.len)
		abort();
	if (one == HF_HTTP_BAD && (whole.bad_status < 400 || whole.why == NULL))
		abort();
	if (one != HF_HTTP_DONE)
		return;
	/* What was accepted can only be read in one way. */
	if (whole.len > len || (whole.chunked && whole.content_length != HF_HTTP_LENGTH_NONE))
		abort();
	for (size_t i = 0; i < whole.fields_len; i++) {
		struct hf_slice value = hf_http_text(&whole, whole.fields[i].value);

		if (!hf_http_all(value.data, value.len, HF_CHAR_VALUE))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size > 0 ? (const char *)data : "";

	check(HF_HTTP_REQUEST, text, size);
	check(HF_HTTP_RESPONSE, text, size);
	return 0;
}
