/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that decide where a message ends and whether the connection lives on (RFC 9112 6, 9;
 * RFC 9110 7.2, 10.1.1).  Must never choose between two readings of a length: it refuses. */
#include "http/head.h"

#include <string.h>

#include "base/macros.h"

static enum hf_http_parse once(struct hf_http_head *head, unsigned bit, const char *why)
{
	if ((head->seen & bit) != 0)
		return hf_http_refuse(head, 400, why);
	head->seen |= bit;
	return HF_HTTP_MORE;
}

/* Digits only, below 2^63.  "5, 5" and "+5" are read in two ways out there. */
static enum hf_http_parse judge_length(struct hf_http_head *head, struct hf_slice value)
{
	int64_t length = 0;

	if (once(head, HF_SEEN_LENGTH, "more than one Content-Length") != HF_HTTP_MORE)
		return HF_HTTP_BAD;
	if (value.len == 0 || value.len > 18 || !hf_http_all(value.data, value.len, HF_CHAR_DIGIT))
		return hf_http_refuse(head, 400, "a Content-Length that is no plain number");
	for (size_t i = 0; i < value.len; i++)
		length = length * 10 + (value.data[i] - '0');
	head->content_length = length;
	return HF_HTTP_MORE;
}

/* RFC 9112 6.1: a request whose last coding is not chunked has no end: 400; a coding before it that
 * we do not know: 501. */
static enum hf_http_parse judge_coding(struct hf_http_head *head, struct hf_slice value)
{
	struct hf_slice rest = value, part, last = { "", 0 };
	size_t chunked = 0, parts = 0;

	if (once(head, HF_SEEN_CODING, "more than one Transfer-Encoding") != HF_HTTP_MORE)
		return HF_HTTP_BAD;
	while (hf_slice_next(&rest, ',', &part)) {
		last = part;
		parts++;
		if (hf_slice_case_is(part, "chunked"))
			chunked++;
	}
	if (!hf_slice_case_is(last, "chunked"))
		return hf_http_refuse(head, 400,
				      "a Transfer-Encoding that does not end in chunked");
	if (chunked > 1)
		return hf_http_refuse(head, 400, "chunked more than once");
	if (parts > 1)
		return hf_http_refuse(head, 501, "a transfer coding besides chunked");
	head->chunked = true;
	return HF_HTTP_MORE;
}

static enum hf_http_parse judge_host(struct hf_http_head *head, struct hf_slice value)
{
	if (head->kind != HF_HTTP_REQUEST)
		return HF_HTTP_MORE;
	if (once(head, HF_SEEN_HOST, "more than one Host") != HF_HTTP_MORE)
		return HF_HTTP_BAD;
	if (!hf_http_host_ok(value))
		return hf_http_refuse(head, 400, "a Host that is no host");
	/* RFC 9112 3.2.2: the authority of an absolute target counts instead. */
	if (!head->target_absolute)
		head->host = (struct hf_http_span){ (uint32_t)(value.data - head->data),
						    (uint32_t)value.len };
	return HF_HTTP_MORE;
}

static enum hf_http_parse judge_connection(struct hf_http_head *head, struct hf_slice value)
{
	struct hf_slice rest = value, part;

	while (hf_slice_next(&rest, ',', &part)) {
		if (!hf_http_all(part.data, part.len, HF_CHAR_TOKEN))
			return hf_http_refuse(head, 400, "a Connection option that is no token");
		if (hf_slice_case_is(part, "close"))
			head->close = true;
		else if (hf_slice_case_is(part, "keep-alive"))
			head->keep_alive = true;
	}
	return HF_HTTP_MORE;
}

static enum hf_http_parse judge_expect(struct hf_http_head *head, struct hf_slice value)
{
	if (head->kind != HF_HTTP_REQUEST)
		return HF_HTTP_MORE;
	if (once(head, HF_SEEN_EXPECT, "more than one Expect") != HF_HTTP_MORE)
		return HF_HTTP_BAD;
	if (!hf_slice_case_is(value, "100-continue"))
		return hf_http_refuse(head, 417, "an expectation other than 100-continue");
	/* RFC 9110 10.1.1: ignored from an HTTP/1.0 client. */
	head->expect_continue = head->minor > 0;
	return HF_HTTP_MORE;
}

static const struct {
	const char *name;
	enum hf_http_parse (*judge)(struct hf_http_head *head, struct hf_slice value);
} judges[] = {
	{ "host", judge_host },
	{ "connection", judge_connection },
	{ "content-length", judge_length },
	{ "transfer-encoding", judge_coding },
	{ "expect", judge_expect },
};

enum hf_http_parse hf_http_field_judge(struct hf_http_head *head, const struct hf_http_field *field)
{
	struct hf_slice name = hf_http_text(head, field->name);

	for (size_t i = 0; i < HF_ARRAY_LEN(judges); i++)
		if (hf_slice_case_is(name, judges[i].name))
			return judges[i].judge(head, hf_http_text(head, field->value));
	return HF_HTTP_MORE;
}

enum hf_http_parse hf_http_head_settle(struct hf_http_head *head)
{
	if ((head->seen & HF_SEEN_LENGTH) != 0 && (head->seen & HF_SEEN_CODING) != 0)
		return hf_http_refuse(head, 400, "both Content-Length and Transfer-Encoding");
	/* RFC 9112 6.1: HTTP/1.0 has no codings; its peers would take the length from elsewhere. */
	if (head->minor == 0 && (head->seen & HF_SEEN_CODING) != 0)
		return hf_http_refuse(head, 400, "Transfer-Encoding in HTTP/1.0");
	if (head->kind == HF_HTTP_REQUEST && head->minor > 0 && (head->seen & HF_SEEN_HOST) == 0)
		return hf_http_refuse(head, 400, "no Host");
	if (head->minor == 0 && !head->keep_alive)
		head->close = true;
	return HF_HTTP_DONE;
}
