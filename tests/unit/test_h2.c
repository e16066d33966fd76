/* SPDX-License-Identifier: Apache-2.0 */
/* The little HTTP/2 that a look needs: blocks of RFC 7541 appendix C, frames in pieces, frames that
 * are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "probe/h2.h"

enum { STREAM = 1 };

static void put(struct hf_buf *to, unsigned type, unsigned flags, unsigned stream, const char *body,
		size_t len)
{
	const char head[9] = {
		(char)(len >> 16), (char)(len >> 8), (char)len, (char)type, (char)flags, 0, 0, 0,
		(char)stream
	};

	assert_int_equal(hf_buf_append(to, head, sizeof(head)), 0);
	assert_int_equal(hf_buf_append(to, body, len), 0);
}

static int status_of(const char *block, size_t len)
{
	HF_AUTO_DONE(hf_buf) in = HF_BUF_INIT(65536), reply = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_h2_reader) r;

	hf_h2_reader_init(&r);
	put(&in, 1, 4, STREAM, block, len);
	hf_h2_take(&r, in.data, in.len, &reply);
	return r.status;
}

static void test_the_first_field_is_the_status(void **state)
{
	static const struct {
		const char *what, *block;
		size_t len;
		int status;
	} rows[] = {
		{ "indexed", "\x88", 1, 200 },
		{ "the last of the table", "\x8e", 1, 500 },
		{ "RFC 7541 C.5.1",
		  "\x48\x03"
		  "302",
		  5, 302 },
		{ "RFC 7541 C.6.1", "\x48\x82\x64\x02", 4, 302 },
		{ "never indexed",
		  "\x18\x03"
		  "421",
		  5, 421 },
		{ "after a new size of the table", "\x3f\xe1\x1f\x88", 4, 200 },
		{ "the path's index", "\x84", 1, 0 },
		{ "another field", "\x58\x07private", 9, 0 },
		{ "a name that is spelled out",
		  "\x40\x07:status\x03"
		  "200",
		  13, 0 },
		{ "two digits",
		  "\x48\x02"
		  "20",
		  4, 0 },
		{ "a letter",
		  "\x48\x03"
		  "2x0",
		  5, 0 },
		{ "longer than the block",
		  "\x48\x7f"
		  "200",
		  5, 0 },
		{ "Huffman that ends too early", "\x48\x81\x64", 3, 0 },
		{ "Huffman of letters", "\x48\x82\xff\xff", 4, 0 },
		{ "an integer without an end", "\xff\xff\xff\xff\xff", 5, 0 },
		{ "nothing", "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		if (status_of(rows[i].block, rows[i].len) != rows[i].status)
			fail_msg("%s: %d", rows[i].what, status_of(rows[i].block, rows[i].len));
	}
}

/* An answer as nginx gives it, with padding and priority, after an interim one. */
static void whole_answer(struct hf_buf *in)
{
	put(in, 4, 0, 0, "\0\3\0\0\0\x80", 6);
	put(in, 6, 0, 0, "pingping", 8);
	put(in, 1, 4, STREAM,
	    "\x48\x03"
	    "103",
	    5);
	put(in, 1, 4 | 8 | 0x20, STREAM, "\x02\0\0\0\0\x10\x8c??", 9);
	put(in, 0, 8, STREAM, "\1no!", 4);
	put(in, 0, 1, STREAM, " body", 5);
}

static void test_an_answer_in_any_pieces(void **state)
{
	HF_AUTO_DONE(hf_buf) in = HF_BUF_INIT(65536);

	(void)state;
	whole_answer(&in);
	for (size_t piece = 1; piece <= in.len; piece++) {
		HF_AUTO_DONE(hf_buf) reply = HF_BUF_INIT(65536);
		HF_AUTO_DONE(hf_h2_reader) r;

		hf_h2_reader_init(&r);
		for (size_t at = 0; at < in.len; at += piece)
			hf_h2_take(&r, in.data + at, HF_MIN(piece, in.len - at), &reply);
		assert_int_equal(r.status, 400);
		assert_true(r.ended);
		assert_int_equal(r.error, -1);
		assert_int_equal(r.body_len, 7);
		assert_memory_equal(r.body, "no body", 7);
		assert_int_equal(reply.len, 9 + 9 + 8); /* settings and ping, both answered */
	}
}

static void test_what_ends_it(void **state)
{
	static const struct {
		const char *what;
		unsigned type, flags, stream;
		const char *body;
		size_t len;
		int error;
	} rows[] = {
		{ "HTTP_1_1_REQUIRED", 3, 0, 1, "\0\0\0\x0d", 4, 0xd },
		{ "a broken RST_STREAM", 3, 0, 1, "\0\0", 2, -1 },
		{ "GOAWAY before our stream", 7, 0, 0, "\0\0\0\0\0\0\0\x0b", 8, 0xb },
		{ "more padding than frame", 0, 8, 1, "\x09x", 2, -1 },
		{ "an empty frame with padding", 0, 8, 1, "", 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) in = HF_BUF_INIT(65536), reply = HF_BUF_INIT(65536);
		HF_AUTO_DONE(hf_h2_reader) r;

		hf_h2_reader_init(&r);
		put(&in, rows[i].type, rows[i].flags, rows[i].stream, rows[i].body, rows[i].len);
		hf_h2_take(&r, in.data, in.len, &reply);
		if (!r.ended || r.error != rows[i].error || r.status != 0)
			fail_msg("%s: %d", rows[i].what, r.error);
	}
}

static void test_a_frame_that_is_too_large_is_not_waited_for(void **state)
{
	HF_AUTO_DONE(hf_buf) reply = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_h2_reader) r;

	(void)state;
	hf_h2_reader_init(&r);
	hf_h2_take(&r, "\xff\xff\xff\0\0\0\0\0\1", 9, &reply);
	assert_true(r.ended && r.status == 0);
}

static void test_how_a_server_of_http2_begins(void **state)
{
	(void)state;
	assert_true(hf_h2_begins("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x80", 15));
	assert_true(hf_h2_begins("\0\0\0\4\0\0\0\0\0", 9));
	assert_false(hf_h2_begins("\0\0\0\4\0\0\0\0", 8));
	assert_false(hf_h2_begins("HTTP/1.1 200 OK\r\n", 17));
	assert_false(hf_h2_begins("\0\0\0\4\1\0\0\0\0", 9)); /* an answer to settings */
}

static void test_the_request(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(65536);
	struct hf_err err = HF_ERR_INIT;
	struct hf_url url;

	(void)state;
	assert_int_equal(hf_url_parse("https://gw.test:8443/a?b", &url, &err), 0);
	assert_int_equal(hf_h2_request(&url, &out), 0);
	assert_memory_equal(out.data, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	/* settings of one, then headers with all flags of the end */
	assert_memory_equal(out.data + 24, "\0\0\6\4\0\0\0\0\0\0\2\0\0\0\0", 15);
	assert_memory_equal(out.data + 42, "\1\5\0\0\0\1\x82\x87\1\x0cgw.test:8443\4\4/a?b", 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_field_is_the_status),
		cmocka_unit_test(test_an_answer_in_any_pieces),
		cmocka_unit_test(test_what_ends_it),
		cmocka_unit_test(test_a_frame_that_is_too_large_is_not_waited_for),
		cmocka_unit_test(test_how_a_server_of_http2_begins),
		cmocka_unit_test(test_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
