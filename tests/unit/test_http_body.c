/* SPDX-License-Identifier: Apache-2.0 */
/* src/http: bodies, counted and chunked, read whole and split at every byte, and heads of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "http/body.h"
#include "http/message.h"

struct outcome {
	enum hf_http_parse rc;
	int status;
	size_t used;
	char payload[256];
	size_t payload_len;
};

static void feed(struct hf_http_body *body, const char *text, size_t len, struct outcome *o)
{
	char *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy + 1, text, len);
	for (size_t at = 0; o->rc == HF_HTTP_MORE;) {
		struct hf_slice piece;
		size_t used;

		o->rc = hf_http_body_read(body, copy + 1 + at, len - at, &used, &piece);
		assert_true(used <= len - at);
		at += used;
		o->used += used;
		assert_true(o->payload_len + piece.len <= sizeof(o->payload));
		memcpy(o->payload + o->payload_len, piece.data, piece.len);
		o->payload_len += piece.len;
		if (at == len)
			break;
	}
	o->status = body->bad_status;
	free(copy);
}

static void body_chunked(struct hf_http_body *body, uint64_t cap)
{
	static struct hf_http_head head;

	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	head.chunked = true;
	hf_http_body_of_request(body, &head, cap);
}

static struct outcome read_split(uint64_t cap, const char *text, size_t len, size_t cut)
{
	struct hf_http_body body;
	struct outcome o = { 0 };

	body_chunked(&body, cap);
	feed(&body, text, cut, &o);
	if (o.rc == HF_HTTP_MORE)
		feed(&body, text + cut, len - cut, &o);
	return o;
}

static const struct {
	const char *label, *text, *payload;
	int status;  /* 0: complete */
	size_t rest; /* bytes that belong to the next message */
} rows[] = {
	{ "nothing", "0\r\n\r\n", "", 0, 0 },
	{ "one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", 0, 0 },
	{ "hex in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
	  "01234567890123456789a", 0, 0 },
	{ "leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", 0, 0 },
	{ "an extension", "5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello", 0, 0 },
	{ "trailers", "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x", 0, 0 },
	{ "the next request behind it", "1\r\nx\r\n0\r\n\r\nGET /", "x", 0, 5 },
	{ "no size", "\r\nhello", "", 400, 0 },
	{ "a size that is no number", "xyz\r\n", "", 400, 0 },
	{ "a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n", "", 400, 0 },
	{ "a size with a sign", "+5\r\nhello\r\n", "", 400, 0 },
	{ "a size below nothing", "-1\r\n", "", 400, 0 },
	{ "a space before the size", " 5\r\nhello\r\n", "", 400, 0 },
	{ "a space after the size", "5 \r\nhello\r\n", "", 400, 0 },
	{ "a size of 16 digits", "0000000000000005\r\nhello\r\n", "", 400, 0 },
	{ "a size of 2^64", "10000000000000000\r\n", "", 400, 0 },
	{ "a bare LF after the size", "5\nhello\r\n0\r\n\r\n", "", 400, 0 },
	{ "a bare CR after the size", "5\rhello\r\n0\r\n\r\n", "", 400, 0 },
	{ "a chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n", "hello", 400, 0 },
	{ "a chunk shorter than its size", "5\r\nhel\r\n0\r\n\r\n", "hel\r\n", 400, 0 },
	{ "a bare LF after a chunk", "5\r\nhello\n0\r\n\r\n", "hello", 400, 0 },
	{ "a bare CR after a chunk", "5\r\nhello\rX", "hello", 400, 0 },
	{ "a bare LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n", "", 400, 0 },
	{ "a control byte in an extension", "5;a\x01\r\nhello\r\n", "", 400, 0 },
	{ "a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "", 400, 0 },
	{ "a trailer without a colon", "0\r\nAb\r\n\r\n", "", 400, 0 },
	{ "a space before a trailer's colon", "0\r\nA : b\r\n\r\n", "", 400, 0 },
	{ "a bare LF in a trailer", "0\r\nA: b\n\r\n", "", 400, 0 },
	{ "a bare LF at the end", "0\r\n\n", "", 400, 0 },
	{ "a bare CR at the end", "0\r\n\rX", "", 400, 0 },
};

static void check_chunked(size_t i)
{
	size_t len = strlen(rows[i].text);

	for (size_t cut = 0; cut <= len; cut++) {
		struct outcome o = read_split(0, rows[i].text, len, cut);
		bool ok = rows[i].status == 0 ? o.rc == HF_HTTP_DONE
					      : o.rc == HF_HTTP_BAD && o.status == rows[i].status;

		/* With the end in the first piece the rest was never offered. */
		if (rows[i].status == 0 && o.used != len - rows[i].rest)
			ok = false;
		if (o.payload_len != strlen(rows[i].payload) ||
		    memcmp(o.payload, rows[i].payload, o.payload_len) != 0)
			ok = false;
		if (!ok)
			fail_msg("%s, cut at %zu: rc %d status %d used %zu payload '%.*s'",
				 rows[i].label, cut, o.rc, o.status, o.used, (int)o.payload_len,
				 o.payload);
	}
}

static void test_chunked_bodies_are_read_the_same_however_they_are_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		check_chunked(i);
}

static void test_a_body_cap_counts_all_chunks(void **state)
{
	static const char text[] = "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		assert_int_equal(read_split(6, text, sizeof(text) - 1, cut).rc, HF_HTTP_DONE);
		assert_int_equal(read_split(5, text, sizeof(text) - 1, cut).status, 413);
	}
}

static void fill_with(struct hf_buf *b, char c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hf_buf_putc(b, c);
}

static void test_extensions_and_trailers_are_capped(void **state)
{
	static const struct {
		const char *before;
		size_t fill;
		const char *after;
		int status;
	} caps[] = {
		{ "1;", HF_CHUNK_EXTENSION_CAP, "\r\nx\r\n0\r\n\r\n", 0 },
		{ "1;", HF_CHUNK_EXTENSION_CAP + 1, "\r\nx\r\n0\r\n\r\n", 400 },
		{ "0\r\nA:", HF_TRAILER_CAP - 8, "\r\n\r\n", 0 },
		{ "0\r\nA:", HF_TRAILER_CAP, "\r\n\r\n", 431 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(caps); i++) {
		HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(100000);
		struct outcome o;

		hf_buf_puts(&b, caps[i].before);
		fill_with(&b, 'x', caps[i].fill);
		hf_buf_puts(&b, caps[i].after);
		o = read_split(0, b.data, b.len, b.len / 2);
		assert_int_equal(o.status, caps[i].status);
	}
}

static void test_many_small_extensions_are_capped_together(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(1000000);
	struct hf_http_body body;
	struct hf_slice piece;
	size_t used, at = 0;
	enum hf_http_parse rc = HF_HTTP_MORE;

	(void)state;
	for (int i = 0; i < 1000; i++)
		hf_buf_puts(&b, "1;0123456789012345678901234567890123456789\r\nx\r\n");
	body_chunked(&body, 0);
	while (rc == HF_HTTP_MORE && at < b.len) {
		rc = hf_http_body_read(&body, b.data + at, b.len - at, &used, &piece);
		at += used;
	}
	assert_int_equal(rc, HF_HTTP_BAD);
	assert_int_equal(body.bad_status, 400);
}

static void test_counted_bodies_take_their_own_bytes_only(void **state)
{
	struct hf_http_head head;
	struct hf_http_body body;
	struct hf_slice piece;
	size_t used;

	(void)state;
	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	head.content_length = 5;
	hf_http_body_of_request(&body, &head, 5);
	assert_int_equal(hf_http_body_read(&body, "hel", 3, &used, &piece), HF_HTTP_MORE);
	assert_false(hf_http_body_end_ok(&body));
	assert_int_equal(hf_http_body_read(&body, "loGET", 5, &used, &piece), HF_HTTP_DONE);
	assert_int_equal(used, 2);
	assert_true(hf_http_body_end_ok(&body));
	hf_http_body_of_request(&body, &head, 4);
	assert_int_equal(hf_http_body_read(&body, "h", 1, &used, &piece), HF_HTTP_BAD);
	assert_int_equal(body.bad_status, 413);
}

static void test_which_body_follows_a_response(void **state)
{
	static const struct {
		int status;
		enum hf_http_method method;
		int64_t length;
		bool chunked;
		enum hf_http_body_kind kind;
	} cases[] = {
		{ 200, HF_METHOD_GET, 5, false, HF_BODY_LENGTH },
		{ 200, HF_METHOD_GET, 0, false, HF_BODY_NONE },
		{ 200, HF_METHOD_GET, HF_HTTP_LENGTH_NONE, true, HF_BODY_CHUNKED },
		{ 200, HF_METHOD_GET, HF_HTTP_LENGTH_NONE, false, HF_BODY_UNTIL_CLOSE },
		{ 200, HF_METHOD_HEAD, 5, false, HF_BODY_NONE },
		{ 304, HF_METHOD_GET, 5, false, HF_BODY_NONE },
		{ 204, HF_METHOD_GET, HF_HTTP_LENGTH_NONE, true, HF_BODY_NONE },
		{ 100, HF_METHOD_GET, HF_HTTP_LENGTH_NONE, false, HF_BODY_NONE },
	};
	struct hf_http_head head;
	struct hf_http_body body;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		hf_http_head_init(&head, HF_HTTP_RESPONSE, NULL);
		head.status_code = cases[i].status;
		head.content_length = cases[i].length;
		head.chunked = cases[i].chunked;
		hf_http_body_of_response(&body, &head, cases[i].method, 0);
		assert_int_equal(body.kind, cases[i].kind);
	}
}

static void test_chunks_that_were_written_can_be_read(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(1000);
	struct outcome o;

	(void)state;
	hf_http_chunk_write(&b, "hello, ", 7);
	hf_http_chunk_write(&b, "a chunk of more than 16 bytes", 29);
	hf_buf_puts(&b, "0\r\n\r\n");
	o = read_split(0, b.data, b.len, 10);
	assert_int_equal(o.rc, HF_HTTP_DONE);
	assert_int_equal(o.payload_len, 36);
	assert_memory_equal(o.payload, "hello, a chunk of more than 16 bytes", 36);
}

static void test_heads_of_answers(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(1000);
	static const struct hf_http_answer_head full = {
		.status = 404,
		.content_type = "text/plain",
		.content_length = 3,
		.fields = "X: y\r\n",
		.close = true,
		.date = "Sat, 21 Nov 2026 06:39:31 GMT",
	};
	static const struct hf_http_answer_head bare = { .status = 304,
							 .content_length = HF_HTTP_LENGTH_NONE,
							 .keep_alive = true };

	(void)state;
	assert_int_equal(hf_http_answer_head_write(&b, &full), 0);
	assert_string_equal(hf_buf_str(&b), "HTTP/1.1 404 Not Found\r\n"
					    "Date: Sat, 21 Nov 2026 06:39:31 GMT\r\n"
					    "Content-Type: text/plain\r\nContent-Length: 3\r\n"
					    "X: y\r\nConnection: close\r\n\r\n");
	hf_buf_clear(&b);
	assert_int_equal(hf_http_answer_head_write(&b, &bare), 0);
	assert_string_equal(hf_buf_str(&b),
			    "HTTP/1.1 304 Not Modified\r\nConnection: keep-alive\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunked_bodies_are_read_the_same_however_they_are_split),
		cmocka_unit_test(test_a_body_cap_counts_all_chunks),
		cmocka_unit_test(test_extensions_and_trailers_are_capped),
		cmocka_unit_test(test_many_small_extensions_are_capped_together),
		cmocka_unit_test(test_counted_bodies_take_their_own_bytes_only),
		cmocka_unit_test(test_which_body_follows_a_response),
		cmocka_unit_test(test_chunks_that_were_written_can_be_read),
		cmocka_unit_test(test_heads_of_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
