/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: counted and chunked (RFC 9112 6, 7.1).  Must never take a byte of the next message, and
 * never be lenient inside a chunk header: that is where smuggling lives. */
#include "http/body.h"

#include <string.h>

#include "base/macros.h"

enum chunk_state {
	CHUNK_SIZE = 0,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START, /* at the first byte of a trailer line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	CHUNKS_DONE,
};

static void body_init(struct hf_http_body *body, const struct hf_http_head *head, uint64_t cap)
{
	memset(body, 0, sizeof(*body));
	body->cap = cap;
	if (head->chunked) {
		body->kind = HF_BODY_CHUNKED;
	} else if (head->content_length > 0) {
		body->kind = HF_BODY_LENGTH;
		body->left = (uint64_t)head->content_length;
	}
}

void hf_http_body_of_request(struct hf_http_body *body, const struct hf_http_head *head,
			     uint64_t cap)
{
	body_init(body, head, cap);
}

void hf_http_body_of_response(struct hf_http_body *body, const struct hf_http_head *head,
			      enum hf_http_method request_method, uint64_t cap)
{
	body_init(body, head, cap);
	if (request_method == HF_METHOD_HEAD || head->status_code < 200 ||
	    head->status_code == 204 || head->status_code == 304)
		body->kind = HF_BODY_NONE;
	else if (body->kind == HF_BODY_NONE && head->content_length == HF_HTTP_LENGTH_NONE)
		body->kind = HF_BODY_UNTIL_CLOSE;
}

static enum hf_http_parse refuse(struct hf_http_body *body, int status, const char *why)
{
	body->bad_status = status;
	body->why = why;
	return HF_HTTP_BAD;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/* Each of these takes one byte and says MORE or BAD. */
static enum hf_http_parse size_byte(struct hf_http_body *body, char c)
{
	if (hf_http_is(c, HF_CHAR_HEX)) {
		/* 15 digits are a million terabytes; leading zeros do not go on for ever. */
		if (++body->digits > 15)
			return refuse(body, 400, "a chunk size that is too long");
		body->left = body->left * 16 + (uint64_t)hex_value(c);
		return HF_HTTP_MORE;
	}
	if (body->digits == 0 || (c != '\r' && c != ';'))
		return refuse(body, 400, "a chunk size that is no number");
	body->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
	return HF_HTTP_MORE;
}

static enum hf_http_parse extension_byte(struct hf_http_body *body, char c)
{
	if (c == '\r') {
		body->state = CHUNK_SIZE_LF;
		body->extension_len = 0;
		return HF_HTTP_MORE;
	}
	if (!hf_http_is(c, HF_CHAR_VALUE))
		return refuse(body, 400, "a control byte in a chunk extension");
	if (++body->extension_len > HF_CHUNK_EXTENSION_CAP ||
	    ++body->extensions_len > HF_CHUNK_EXTENSIONS_CAP)
		return refuse(body, 400, "chunk extensions that are too long");
	return HF_HTTP_MORE;
}

static enum hf_http_parse size_lf_byte(struct hf_http_body *body, char c)
{
	if (c != '\n')
		return refuse(body, 400, "a bare CR after a chunk size");
	body->state = body->left > 0 ? CHUNK_DATA : TRAILER_START;
	body->digits = 0;
	if (body->cap > 0 && body->left > body->cap - body->received)
		return refuse(body, 413, "the body is too large");
	return HF_HTTP_MORE;
}

static enum hf_http_parse data_cr_byte(struct hf_http_body *body, char c)
{
	if (c != '\r')
		return refuse(body, 400, "a chunk longer than its size");
	body->state = CHUNK_DATA_LF;
	return HF_HTTP_MORE;
}

static enum hf_http_parse data_lf_byte(struct hf_http_body *body, char c)
{
	if (c != '\n')
		return refuse(body, 400, "a bare CR after a chunk");
	body->state = CHUNK_SIZE;
	return HF_HTTP_MORE;
}

static enum hf_http_parse trailer_start_byte(struct hf_http_body *body, char c)
{
	if (c == '\r') {
		body->state = END_LF;
		return HF_HTTP_MORE;
	}
	if (!hf_http_is(c, HF_CHAR_TOKEN))
		return refuse(body, 400, "a trailer line that does not start with a name");
	body->state = TRAILER_NAME;
	return HF_HTTP_MORE;
}

static enum hf_http_parse trailer_name_byte(struct hf_http_body *body, char c)
{
	if (c == ':')
		body->state = TRAILER_VALUE;
	else if (!hf_http_is(c, HF_CHAR_TOKEN))
		return refuse(body, 400, "a trailer line without a name and a colon");
	return HF_HTTP_MORE;
}

static enum hf_http_parse trailer_value_byte(struct hf_http_body *body, char c)
{
	if (c == '\r')
		body->state = TRAILER_LF;
	else if (!hf_http_is(c, HF_CHAR_VALUE))
		return refuse(body, 400, "a control byte in a trailer");
	return HF_HTTP_MORE;
}

static enum hf_http_parse trailer_lf_byte(struct hf_http_body *body, char c)
{
	if (c != '\n')
		return refuse(body, 400, "a bare CR in a trailer");
	body->state = TRAILER_START;
	return HF_HTTP_MORE;
}

static enum hf_http_parse end_lf_byte(struct hf_http_body *body, char c)
{
	if (c != '\n')
		return refuse(body, 400, "a bare CR after the last chunk");
	body->state = CHUNKS_DONE;
	return HF_HTTP_MORE;
}

static enum hf_http_parse (*const byte_rules[])(struct hf_http_body *body, char c) = {
	[CHUNK_SIZE] = size_byte,
	[CHUNK_EXTENSION] = extension_byte,
	[CHUNK_SIZE_LF] = size_lf_byte,
	[CHUNK_DATA] = NULL,
	[CHUNK_DATA_CR] = data_cr_byte,
	[CHUNK_DATA_LF] = data_lf_byte,
	[TRAILER_START] = trailer_start_byte,
	[TRAILER_NAME] = trailer_name_byte,
	[TRAILER_VALUE] = trailer_value_byte,
	[TRAILER_LF] = trailer_lf_byte,
	[END_LF] = end_lf_byte,
};

/* Payload at the front of data. */
static void take_piece(struct hf_http_body *body, const char *data, size_t len, size_t *used,
		       struct hf_slice *piece)
{
	size_t n = body->left < len ? (size_t)body->left : len;

	*piece = (struct hf_slice){ data, n };
	*used += n;
	body->left -= n;
	body->received += n;
}

/* Counts it, and keeps it when somebody wants it.  false: too many. */
static bool keep_trailer_byte(struct hf_http_body *body, char c)
{
	if (++body->trailer_len > HF_TRAILER_CAP)
		return false;
	if (body->trailers != NULL)
		hf_buf_putc(body->trailers, c);
	return true;
}

static enum hf_http_parse read_chunked(struct hf_http_body *body, const char *data, size_t len,
				       size_t *used, struct hf_slice *piece)
{
	while (*used < len && body->state != CHUNKS_DONE) {
		enum hf_http_parse rc;

		if (body->state == CHUNK_DATA) {
			take_piece(body, data + *used, len - *used, used, piece);
			if (body->left == 0)
				body->state = CHUNK_DATA_CR;
			return HF_HTTP_MORE;
		}
		if (body->state >= TRAILER_START && !keep_trailer_byte(body, data[*used]))
			return refuse(body, 431, "trailers that are too long");
		rc = byte_rules[body->state](body, data[(*used)++]);
		if (rc != HF_HTTP_MORE)
			return rc;
	}
	return body->state == CHUNKS_DONE ? HF_HTTP_DONE : HF_HTTP_MORE;
}

static enum hf_http_parse read_counted(struct hf_http_body *body, const char *data, size_t len,
				       size_t *used, struct hf_slice *piece)
{
	if (body->cap > 0 && body->left > body->cap - body->received)
		return refuse(body, 413, "the body is too large");
	take_piece(body, data, len, used, piece);
	return body->left == 0 ? HF_HTTP_DONE : HF_HTTP_MORE;
}

static enum hf_http_parse read_to_the_end(struct hf_http_body *body, const char *data, size_t len,
					  size_t *used, struct hf_slice *piece)
{
	if (body->cap > 0 && len > body->cap - body->received)
		return refuse(body, 413, "the body is too large");
	*piece = (struct hf_slice){ data, len };
	*used = len;
	body->received += len;
	return HF_HTTP_MORE;
}

enum hf_http_parse hf_http_body_read(struct hf_http_body *body, const char *data, size_t len,
				     size_t *ret_used, struct hf_slice *ret_piece)
{
	*ret_used = 0;
	*ret_piece = (struct hf_slice){ data, 0 };
	switch (body->kind) {
	case HF_BODY_NONE:
		return HF_HTTP_DONE;
	case HF_BODY_LENGTH:
		return read_counted(body, data, len, ret_used, ret_piece);
	case HF_BODY_CHUNKED:
		return read_chunked(body, data, len, ret_used, ret_piece);
	case HF_BODY_UNTIL_CLOSE:
		return read_to_the_end(body, data, len, ret_used, ret_piece);
	}
	return HF_HTTP_DONE;
}

bool hf_http_body_end_ok(const struct hf_http_body *body)
{
	switch (body->kind) {
	case HF_BODY_NONE:
	case HF_BODY_UNTIL_CLOSE:
		return true;
	case HF_BODY_LENGTH:
		return body->left == 0;
	case HF_BODY_CHUNKED:
		return body->state == CHUNKS_DONE;
	}
	return false;
}

struct hf_slice hf_http_body_trailers(const struct hf_http_body *body)
{
	if (body->trailers == NULL || hf_buf_failed(body->trailers))
		return (struct hf_slice){ "", 0 };
	return (struct hf_slice){ body->trailers->data, body->trailers->len };
}

int hf_http_chunk_write(struct hf_buf *out, const void *data, size_t len)
{
	hf_buf_printf(out, "%zx\r\n", len);
	hf_buf_append(out, data, len);
	return hf_buf_puts(out, "\r\n");
}
