/* SPDX-License-Identifier: Apache-2.0 */
/* Setting Host in a stream.  Must never lose or add a byte elsewhere, nor take for a head what is
 * the body of a request. */
#include "gateway/host_filter.h"

#include <stdlib.h>

#include "http/body.h"

enum { HELD_CAP = HF_HTTP_HEAD_CAP_MAX + 256 * 1024 };

enum state { STATE_HEAD, STATE_BODY, STATE_RAW };

struct hf_host_filter {
	const char *host;
	enum state state;
	struct hf_buf held; /* of a head that is not whole */
	struct hf_http_head head;
	struct hf_http_body body;
};

static void expect_head(struct hf_host_filter *filter)
{
	static const struct hf_http_limits widest = { .head_cap = HF_HTTP_HEAD_CAP_MAX };

	filter->state = STATE_HEAD;
	hf_buf_clear(&filter->held);
	hf_http_head_init(&filter->head, HF_HTTP_REQUEST, &widest);
}

int hf_host_filter_new(const char *host, struct hf_host_filter **ret_filter, struct hf_err *err)
{
	struct hf_host_filter *filter = calloc(1, sizeof(*filter));

	if (filter == NULL)
		return hf_err_nomem(err);
	filter->host = host;
	hf_buf_init(&filter->held, HELD_CAP);
	expect_head(filter);
	*ret_filter = filter;
	return 0;
}

void hf_host_filter_free(struct hf_host_filter *filter)
{
	if (filter == NULL)
		return;
	hf_buf_done(&filter->held);
	free(filter);
}

/* --- heads --- */

/* In absolute form the target counts, not Host (RFC 9112 3.2.2): whoever writes that means it. */
static const struct hf_http_field *host_field(const struct hf_http_head *head)
{
	for (size_t i = 0; !head->target_absolute && i < head->fields_len; i++)
		if (hf_slice_case_is(hf_http_text(head, head->fields[i].name), "host"))
			return &head->fields[i];
	return NULL;
}

static void write_head(const struct hf_host_filter *filter, struct hf_buf *out)
{
	const struct hf_http_head *head = &filter->head;
	const struct hf_http_field *field = host_field(head);
	const char *data = filter->held.data;
	size_t end;

	if (field == NULL) {
		(void)hf_buf_append(out, data, head->len);
		return;
	}
	end = field->value.at + field->value.len;
	(void)hf_buf_append(out, data, field->value.at);
	(void)hf_buf_puts(out, filter->host);
	(void)hf_buf_append(out, data + end, head->len - end);
}

static bool leaves_http(const struct hf_http_head *head)
{
	struct hf_slice protocol;

	return head->method == HF_METHOD_CONNECT || hf_http_field(head, "upgrade", &protocol);
}

static void head_is_whole(struct hf_host_filter *filter, struct hf_buf *out)
{
	write_head(filter, out);
	if (leaves_http(&filter->head)) {
		filter->state = STATE_RAW;
		return;
	}
	hf_http_body_of_request(&filter->body, &filter->head, 0);
	if (filter->body.kind == HF_BODY_NONE)
		expect_head(filter);
	else
		filter->state = STATE_BODY;
}

/* How many bytes were taken. */
static size_t take_head(struct hf_host_filter *filter, const char *data, size_t len,
			struct hf_buf *out)
{
	struct hf_buf *held = &filter->held;
	size_t before = held->len, used;
	enum hf_http_parse rc;

	if (hf_buf_append(held, data, len) < 0) {
		hf_host_filter_end(filter, out);
		return 0;
	}
	rc = hf_http_head_parse(&filter->head, held->data, held->len);
	if (rc == HF_HTTP_MORE)
		return len;
	if (rc == HF_HTTP_BAD) {
		hf_host_filter_end(filter, out);
		return len;
	}
	used = filter->head.len - before;
	head_is_whole(filter, out);
	return used;
}

static size_t take_body(struct hf_host_filter *filter, const char *data, size_t len,
			struct hf_buf *out)
{
	struct hf_slice piece;
	size_t used = 0;
	enum hf_http_parse rc = hf_http_body_read(&filter->body, data, len, &used, &piece);

	if (rc == HF_HTTP_BAD) {
		filter->state = STATE_RAW;
		return 0;
	}
	(void)hf_buf_append(out, data, used);
	if (rc == HF_HTTP_DONE)
		expect_head(filter);
	return used;
}

void hf_host_filter_pass(struct hf_host_filter *filter, const char *data, size_t len,
			 struct hf_buf *out)
{
	while (len > 0 && filter->state != STATE_RAW) {
		size_t used = filter->state == STATE_HEAD ? take_head(filter, data, len, out)
							  : take_body(filter, data, len, out);

		data += used;
		len -= used;
	}
	(void)hf_buf_append(out, data, len);
}

void hf_host_filter_end(struct hf_host_filter *filter, struct hf_buf *out)
{
	if (filter->state == STATE_HEAD)
		(void)hf_buf_append(out, filter->held.data, filter->held.len);
	filter->state = STATE_RAW;
	hf_buf_done(&filter->held);
}
