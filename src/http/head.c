/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the head of an HTTP/1.1 message into its lines.  Must never accept what another parser could
 * cut elsewhere: bare LF, bare CR, folded lines, space before a colon (RFC 9112 2.2, 5). */
#include "http/head.h"

#include <assert.h>
#include <string.h>

void hf_http_head_init(struct hf_http_head *head, enum hf_http_kind kind,
		       const struct hf_http_limits *limits)
{
	/* Not the fields: they are written before they are read. */
	memset(head, 0, offsetof(struct hf_http_head, fields));
	memset(&head->fields_len, 0, sizeof(*head) - offsetof(struct hf_http_head, fields_len));
	head->kind = kind;
	head->content_length = HF_HTTP_LENGTH_NONE;
	if (limits != NULL)
		head->limits = *limits;
	if (head->limits.head_cap == 0)
		head->limits.head_cap = HF_HTTP_HEAD_CAP;
	if (head->limits.target_cap == 0)
		head->limits.target_cap = HF_HTTP_TARGET_CAP;
	if (head->limits.fields_cap == 0 || head->limits.fields_cap > HF_HTTP_FIELDS_CAP)
		head->limits.fields_cap = HF_HTTP_FIELDS_CAP;
	assert(head->limits.head_cap <= HF_HTTP_HEAD_CAP_MAX);
}

enum hf_http_parse hf_http_refuse(struct hf_http_head *head, int status, const char *why)
{
	head->bad_status = status;
	head->why = why;
	return HF_HTTP_BAD;
}

void hf_http_head_move(struct hf_http_head *head, const char *data)
{
	head->data = data;
}

struct hf_slice hf_http_text(const struct hf_http_head *head, struct hf_http_span span)
{
	return (struct hf_slice){ head->data + span.at, span.len };
}

bool hf_http_field(const struct hf_http_head *head, const char *name, struct hf_slice *ret_value)
{
	for (size_t i = 0; i < head->fields_len; i++) {
		if (!hf_slice_case_is(hf_http_text(head, head->fields[i].name), name))
			continue;
		*ret_value = hf_http_text(head, head->fields[i].value);
		return true;
	}
	return false;
}

/* The line is over the limit, finished or not. */
static enum hf_http_parse too_large(struct hf_http_head *head)
{
	if (!head->start_done && head->kind == HF_HTTP_REQUEST)
		return hf_http_refuse(head, 414, "the request line is too long");
	return hf_http_refuse(head, 431, "the head is too large");
}

static enum hf_http_parse field_line(struct hf_http_head *head, size_t at, size_t len)
{
	const char *line = head->data + at;
	struct hf_http_field *field;
	struct hf_slice value;
	size_t name_len = 0;

	if (line[0] == ' ' || line[0] == '\t')
		return hf_http_refuse(head, 400, "a folded header line (obs-fold)");
	if (head->fields_len == head->limits.fields_cap)
		return hf_http_refuse(head, 431, "too many header fields");
	while (name_len < len && hf_http_is(line[name_len], HF_CHAR_TOKEN))
		name_len++;
	if (name_len == 0 || name_len == len || line[name_len] != ':')
		return hf_http_refuse(head, 400, "a header line without a name and a colon");
	value = hf_slice_trim((struct hf_slice){ line + name_len + 1, len - name_len - 1 });
	if (!hf_http_all(value.data, value.len, HF_CHAR_VALUE))
		return hf_http_refuse(head, 400, "a control byte in a header value");
	field = &head->fields[head->fields_len++];
	field->name = (struct hf_http_span){ (uint32_t)at, (uint32_t)name_len };
	field->value =
	    (struct hf_http_span){ (uint32_t)(value.data - head->data), (uint32_t)value.len };
	return hf_http_field_judge(head, field);
}

static enum hf_http_parse start_line(struct hf_http_head *head, size_t at, size_t len)
{
	/* RFC 9112 2.2: one empty line before a request is let pass, for old clients. */
	if (len == 0 && head->kind == HF_HTTP_REQUEST && !head->blank_skipped) {
		head->blank_skipped = true;
		return HF_HTTP_MORE;
	}
	head->start_done = true;
	return head->kind == HF_HTTP_REQUEST ? hf_http_request_line(head, at, len)
					     : hf_http_status_line(head, at, len);
}

/* One line with its LF at `end`. */
static enum hf_http_parse take_line(struct hf_http_head *head, size_t end)
{
	size_t at = head->line_at, len = end - at;

	if (end + 1 > head->limits.head_cap)
		return too_large(head);
	if (len == 0 || head->data[end - 1] != '\r')
		return hf_http_refuse(head, 400, "a line ends in a bare LF");
	len--;
	head->line_at = end + 1;
	if (!head->start_done)
		return start_line(head, at, len);
	if (len > 0)
		return field_line(head, at, len);
	head->len = end + 1;
	return hf_http_head_settle(head);
}

/* Bytes that can never become a request need not be waited for: binary rubbish, or a TLS hello on a
 * plain port, is told at its first byte. */
static bool start_hopeless(const struct hf_http_head *head, size_t len)
{
	if (head->start_done || head->kind != HF_HTTP_REQUEST || len <= head->line_at)
		return false;
	return !hf_http_is(head->data[head->line_at], HF_CHAR_TOKEN) &&
	       head->data[head->line_at] != '\r';
}

enum hf_http_parse hf_http_head_parse(struct hf_http_head *head, const char *data, size_t len)
{
	enum hf_http_parse rc = HF_HTTP_MORE;

	head->data = data;
	while (rc == HF_HTTP_MORE) {
		const char *lf = NULL;

		if (start_hopeless(head, len))
			return hf_http_refuse(head, 400, "not an HTTP request");
		if (len > head->scan_at)
			lf = memchr(data + head->scan_at, '\n', len - head->scan_at);
		if (lf == NULL) {
			head->scan_at = len;
			return len >= head->limits.head_cap ? too_large(head) : HF_HTTP_MORE;
		}
		head->scan_at = (size_t)(lf - data) + 1;
		rc = take_line(head, (size_t)(lf - data));
	}
	return rc;
}
