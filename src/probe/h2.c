/* SPDX-License-Identifier: Apache-2.0 */
/* One GET over HTTP/2.  Must never trust a length: a frame larger than what we allow, or a field
 * that does not end within it, ends the conversation. */
#include "probe/h2.h"

#include <string.h>

#include "base/err.h"

enum {
	FRAME_HEAD = 9,
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FLAG_ACK = 1,
	FLAG_END_STREAM = 1,
	FLAG_END_HEADERS = 4,
	FLAG_PADDED = 8,
	FLAG_PRIORITY = 0x20,
	SETTING_LEN = 6,
	OUR_STREAM = 1,
	SETTINGS_CAP = 600,
};

struct frame {
	uint8_t type, flags;
	uint32_t stream;
	const uint8_t *body;
	size_t len;
};

void hf_h2_reader_init(struct hf_h2_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	hf_buf_init(&reader->in, FRAME_HEAD + HF_H2_FRAME_CAP);
	reader->error = -1;
}

void hf_h2_reader_done(struct hf_h2_reader *reader)
{
	hf_buf_done(&reader->in);
}

/* --- sending ----------------------------------------------------------------------------- */

static int put_frame(struct hf_buf *out, uint8_t type, uint8_t flags, uint32_t stream,
		     const void *body, size_t len)
{
	const uint8_t head[FRAME_HEAD] = {
		(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags, 0, 0, 0,
		(uint8_t)stream,
	};
	int rc = hf_buf_append(out, head, sizeof(head));

	return rc < 0 ? rc : hf_buf_append(out, body, len);
}

/* A literal that is not indexed, its name from the static table, its value as it is (RFC 7541
 * 6.2.2, 5.1). */
static void put_field(struct hf_buf *out, unsigned name, const char *value)
{
	size_t len = strlen(value), rest;

	if (name < 15) {
		(void)hf_buf_putc(out, (char)name);
	} else {
		(void)hf_buf_putc(out, 15);
		(void)hf_buf_putc(out, (char)(name - 15));
	}
	if (len < 127) {
		(void)hf_buf_putc(out, (char)len);
	} else {
		(void)hf_buf_putc(out, 127);
		for (rest = len - 127; rest >= 128; rest >>= 7)
			(void)hf_buf_putc(out, (char)(rest % 128 + 128));
		(void)hf_buf_putc(out, (char)rest);
	}
	(void)hf_buf_append(out, value, len);
}

int hf_h2_request(const struct hf_url *url, struct hf_buf *out)
{
	enum {
		METHOD_GET = 0x82,
		SCHEME_HTTPS = 0x87,
		AUTHORITY = 1,
		PATH = 4,
		ACCEPT = 19,
		USER_AGENT = 58
	};
	static const uint8_t no_push[SETTING_LEN] = { 0, 2, 0, 0, 0, 0 };
	HF_AUTO_DONE(hf_buf) fields = HF_BUF_INIT(HF_H2_FRAME_CAP);
	int rc = hf_buf_puts(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

	(void)hf_buf_putc(&fields, (char)METHOD_GET);
	(void)hf_buf_putc(&fields, (char)SCHEME_HTTPS);
	put_field(&fields, AUTHORITY, url->authority);
	put_field(&fields, PATH, url->target);
	put_field(&fields, ACCEPT, "*/*");
	put_field(&fields, USER_AGENT, "handfast/" HF_VERSION);
	if (rc == 0)
		rc = put_frame(out, FRAME_SETTINGS, 0, 0, no_push, sizeof(no_push));
	if (rc == 0)
		rc = put_frame(out, FRAME_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS, OUR_STREAM,
			       fields.data, fields.len);
	return rc < 0 || hf_buf_failed(&fields) ? -HF_E_NOMEM : 0;
}

/* --- :status ----------------------------------------------------------------------------- */

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* An integer with a prefix of so many bits (RFC 7541 5.1); false when it does not end or is larger
 * than anything here. */
static bool take_int(struct bytes *b, unsigned bits, size_t *ret)
{
	size_t most = (1U << bits) - 1, shift = 0;

	if (b->len == 0)
		return false;
	*ret = b->at[0] & most;
	b->at++;
	b->len--;
	for (bool more = *ret == most; more; shift += 7) {
		if (b->len == 0 || shift > 14)
			return false;
		*ret += (size_t)(b->at[0] & 0x7f) << shift;
		more = b->at[0] & 0x80;
		b->at++;
		b->len--;
	}
	return true;
}

/* Digits have codes of five bits (0-2) and of six (RFC 7541 appendix B). */
static int huffman_digit(const struct bytes *b, size_t *bit)
{
	unsigned code = 0;

	for (unsigned n = 1; n <= 6; n++, ++*bit) {
		if (*bit >= 8 * b->len)
			return -1;
		code = code << 1 | ((unsigned)b->at[*bit / 8] >> (7 - *bit % 8) & 1U);
		if (n == 5 && code <= 2) {
			++*bit;
			return (int)code;
		}
	}
	return code >= 25 && code <= 31 ? (int)code - 25 + 3 : -1;
}

static int three_digits(const struct bytes *b, bool huffman)
{
	size_t bit = 0;
	int status = 0;

	for (size_t i = 0; i < 3; i++) {
		int digit = huffman ? huffman_digit(b, &bit) : i < b->len ? b->at[i] - '0' : -1;

		if (digit < 0 || digit > 9)
			return 0;
		status = 10 * status + digit;
	}
	return status;
}

/* The first field of a block; 0 when it is not a :status that we can read. */
static int status_of(struct bytes b)
{
	static const int known[] = { 200, 204, 206, 304, 400, 404, 500 };
	enum { FIRST = 8 }; /* of the static table (RFC 7541 appendix A) */
	size_t index, len;
	bool huffman;

	while (b.len > 0 && (b.at[0] & 0xe0) == 0x20) { /* a new size of the table */
		if (!take_int(&b, 5, &index))
			return 0;
	}
	if (b.len > 0 && (b.at[0] & 0x80))
		return take_int(&b, 7, &index) && index >= FIRST &&
			       index < FIRST + HF_ARRAY_LEN(known)
			   ? known[index - FIRST]
			   : 0;
	if (b.len == 0 || !take_int(&b, b.at[0] & 0x40 ? 6 : 4, &index) || index < FIRST ||
	    index >= FIRST + HF_ARRAY_LEN(known) || b.len == 0)
		return 0;
	huffman = b.at[0] & 0x80;
	if (!take_int(&b, 7, &len) || len > b.len)
		return 0;
	b.len = len;
	return three_digits(&b, huffman);
}

/* --- receiving --------------------------------------------------------------------------- */

/* Without padding, and without what a priority takes (6.1, 6.2). */
static bool strip(const struct frame *f, struct bytes *ret)
{
	size_t front = (f->flags & FLAG_PADDED ? 1U : 0U) +
		       (f->type == FRAME_HEADERS && (f->flags & FLAG_PRIORITY) ? 5U : 0U);
	size_t back = f->flags & FLAG_PADDED && f->len > 0 ? f->body[0] : 0;

	if (front + back > f->len)
		return false;
	*ret = (struct bytes){ f->body + front, f->len - front - back };
	return true;
}

static uint32_t number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void keep_body(struct hf_h2_reader *r, const struct bytes *b)
{
	size_t n = HF_MIN(b->len, sizeof(r->body) - r->body_len);

	if (n > 0)
		memcpy(r->body + r->body_len, b->at, n);
	r->body_len += n;
	r->ended |= r->body_len == sizeof(r->body);
}

static void of_our_stream(struct hf_h2_reader *r, const struct frame *f)
{
	struct bytes b = { NULL, 0 };
	int status;

	if (f->type == FRAME_RST_STREAM) {
		r->error = f->len == 4 ? (int)(number(f->body) & 0xff) : -1;
		r->ended = true;
		return;
	}
	if (f->type != FRAME_HEADERS && f->type != FRAME_DATA)
		return;
	if (!strip(f, &b)) {
		r->ended = true;
		return;
	}
	status = f->type == FRAME_HEADERS && r->status == 0 ? status_of(b) : 0;
	if (status >= 200) /* 1xx are only on the way (8.1) */
		r->status = status;
	if (f->type == FRAME_DATA)
		keep_body(r, &b);
	r->ended |= f->flags & FLAG_END_STREAM;
}

static void of_connection(struct hf_h2_reader *r, const struct frame *f, struct hf_buf *reply)
{
	if (f->type == FRAME_SETTINGS && !(f->flags & FLAG_ACK))
		(void)put_frame(reply, FRAME_SETTINGS, FLAG_ACK, 0, "", 0);
	else if (f->type == FRAME_PING && !(f->flags & FLAG_ACK) && f->len == 8)
		(void)put_frame(reply, FRAME_PING, FLAG_ACK, 0, f->body, f->len);
	else if (f->type == FRAME_GOAWAY && f->len >= 8 && number(f->body) < OUR_STREAM) {
		r->error = (int)(number(f->body + 4) & 0xff);
		r->ended = true;
	}
}

/* One frame from the front; 0 when it is not whole. */
static size_t take_frame(struct hf_h2_reader *r, const uint8_t *data, size_t len,
			 struct hf_buf *reply)
{
	struct frame f;

	if (len < FRAME_HEAD)
		return 0;
	f = (struct frame){ .type = data[3],
			    .flags = data[4],
			    .stream = number(data + 5) & 0x7fffffff,
			    .body = data + FRAME_HEAD,
			    .len = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2] };
	if (f.len > HF_H2_FRAME_CAP) {
		r->ended = true;
		return 0;
	}
	if (len < FRAME_HEAD + f.len)
		return 0;
	if (f.stream == OUR_STREAM)
		of_our_stream(r, &f);
	else if (f.stream == 0)
		of_connection(r, &f, reply);
	return FRAME_HEAD + f.len;
}

void hf_h2_take(struct hf_h2_reader *reader, const void *data, size_t len, struct hf_buf *reply)
{
	const char *at = data;

	while (len > 0 && !reader->ended) {
		size_t room = FRAME_HEAD + HF_H2_FRAME_CAP - reader->in.len;
		size_t n = HF_MIN(len, room), used = 0, one;

		if (hf_buf_append(&reader->in, at, n) < 0) {
			reader->ended = true;
			return;
		}
		at += n;
		len -= n;
		while (!reader->ended &&
		       (one = take_frame(reader, (const uint8_t *)reader->in.data + used,
					 reader->in.len - used, reply)) > 0)
			used += one;
		hf_buf_consume(&reader->in, used);
	}
}

bool hf_h2_begins(const void *data, size_t len)
{
	const uint8_t *head = data;
	size_t settings;

	if (len < FRAME_HEAD)
		return false;
	settings = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
	return head[3] == FRAME_SETTINGS && head[4] == 0 && number(head + 5) == 0 &&
	       settings % SETTING_LEN == 0 && settings <= SETTINGS_CAP;
}
