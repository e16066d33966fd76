/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor takes of a worker's report, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/report.h"

enum { WORKER = 1, ROWS = 3, CAP = 8 * 1024 * 1024 };

#define HEAD                                                                                      \
	"{\"worker\": 1, \"identity\": \"cn:a\", \"peer\": null, \"listener\": \"https://x:1\", " \
	"\"state\": \"open\", \"since\": \"2026-01-01T00:00:00Z\", \"seconds\": -1, "             \
	"\"requests\": 2, \"route\": null, \"bytes_in\": 9007199254740993, \"bytes_out\": 4, "
#define TAIL "\"version\": \"TLS 1.3\", \"resumed\": false, \"sni\": null, "
#define LAST "\"generation\": 7}"
#define ROW HEAD TAIL LAST

static bool taken(const char *text, size_t len, struct hf_buf *out)
{
	hf_buf_clear(out);
	return hf_report_read(text, len, WORKER, ROWS, out);
}

static void test_rows_come_out_as_they_went_in(void **state)
{
	static const char *const good[] = {
		"",
		ROW,
		ROW ", " ROW ", " ROW,
		HEAD TAIL "\"sha256\": \"ab\", " LAST,
		HEAD
		"\"version\": \"a\\\"\\u0001\xc3\xa4/\", \"resumed\": true, \"sni\": \"\", " LAST,
	};
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(CAP);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(good); i++) {
		assert_true(taken(good[i], strlen(good[i]), &out));
		assert_string_equal(hf_buf_str(&out), good[i]);
	}
}

static void test_values_come_out_and_not_the_bytes(void **state)
{
	static const char wild[] =
	    "\n{\"generation\":7, \"worker\":\n1,\"identity\":\"c\\u006e:a\",\t"
	    "\"peer\":null,\"listener\":\"https:\\/\\/x:1\",\"state\":\"open\","
	    "\"since\":\"2026-01-01T00:00:00Z\",\"seconds\":-1,\"requests\":2,"
	    "\"route\":null,\"bytes_in\":9007199254740993,\"bytes_out\":4,"
	    "\"version\":\"TLS 1.3\",\"resumed\":false,\"sni\":null}";
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(CAP);

	(void)state;
	assert_true(taken(wild, strlen(wild), &out));
	assert_string_equal(hf_buf_str(&out), ROW);
}

static void test_anything_else_is_refused(void **state)
{
	static const struct {
		const char *label, *text;
	} bad[] = {
		{ "not JSON", "connections" },
		{ "a string", "\"open\"" },
		{ "an array", "[" ROW "]" },
		{ "an object without keys", "{}" },
		{ "half a row", HEAD },
		{ "a key is missing", HEAD TAIL "\"sha256\": \"ab\"}" },
		{ "a key too many", HEAD TAIL "\"admin\": true, " LAST },
		{ "a key twice", HEAD TAIL "\"sni\": \"a\", " LAST },
		{ "another worker's", "{\"worker\": 0" },
		{ "a number where a text is",
		  HEAD "\"version\": 3, \"resumed\": false, \"sni\": null, " LAST },
		{ "a text where a truth is",
		  HEAD "\"version\": null, \"resumed\": \"no\", \"sni\": null, " LAST },
		{ "a fraction", HEAD TAIL "\"generation\": 7.5}" },
		{ "a number beyond 64 bits", HEAD TAIL "\"generation\": 9223372036854775808}" },
		{ "a nested value", HEAD TAIL "\"generation\": [7]}" },
		{ "null where there is always something", HEAD TAIL "\"generation\": null}" },
		{ "a NUL in a text", HEAD TAIL "\"sha256\": \"\\u0000\", " LAST },
		{ "a text that is not UTF-8", HEAD TAIL "\"sha256\": \"\xff\", " LAST },
		{ "nothing between two", ROW ROW },
		{ "an end of the array between two", ROW "], [" ROW },
		{ "a comma behind the last", ROW ", " },
		{ "a comma before the first", ", " ROW },
		{ "a newline behind", ROW "\n" },
		{ "the second is none", ROW ", {}" },
		{ "more than were asked for", ROW ", " ROW ", " ROW ", " ROW },
	};
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(CAP);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		if (taken(bad[i].text, strlen(bad[i].text), &out))
			fail_msg("%s: was taken", bad[i].label);
	assert_false(taken(ROW "\0", sizeof(ROW), &out));
	assert_false(hf_report_read(ROW, strlen(ROW), 2, ROWS, &out));
}

static void test_a_row_has_its_bound(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(CAP), out = HF_BUF_INIT(CAP);
	size_t more = HF_REPORT_ROW_CAP - strlen(HEAD TAIL "\"sha256\": \"\", " LAST);

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		hf_buf_clear(&text);
		(void)hf_buf_puts(&text, HEAD TAIL "\"sha256\": \"");
		for (size_t i = 0; i < more + extra; i++)
			(void)hf_buf_putc(&text, 'a');
		(void)hf_buf_puts(&text, "\", " LAST);
		assert_int_equal(taken(text.data, text.len, &out), extra == 0);
	}
}

static void test_what_does_not_fit_is_refused(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(64);

	(void)state;
	assert_false(taken(ROW, strlen(ROW), &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_come_out_as_they_went_in),
		cmocka_unit_test(test_values_come_out_and_not_the_bytes),
		cmocka_unit_test(test_anything_else_is_refused),
		cmocka_unit_test(test_a_row_has_its_bound),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
