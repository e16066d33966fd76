/* SPDX-License-Identifier: Apache-2.0 */
/* lib/base: buffers, strings, encodings, time, files, JSON, failures. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/pack.h"
#include "base/reason.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"

/* --- buffers --- */

static void test_buffer_never_passes_its_cap_and_keeps_what_it_had(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(10);

	(void)state;
	assert_int_equal(hf_buf_puts(&b, "12345678"), 0);
	assert_int_equal(hf_buf_puts(&b, "abc"), -HF_E_LIMIT);
	assert_true(hf_buf_failed(&b));
	assert_int_equal(hf_buf_puts(&b, "9"), -HF_E_LIMIT); /* failed for good */
	assert_string_equal(hf_buf_str(&b), "12345678");
	hf_buf_clear(&b);
	assert_int_equal(hf_buf_puts(&b, "0123456789"), 0);
	assert_int_equal(b.len, 10);
}

static void test_buffer_consumes_truncates_and_gives_itself_away(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(1000);
	char *s;

	(void)state;
	assert_string_equal(hf_buf_str(&b), "");
	assert_int_equal(hf_buf_printf(&b, "%s-%d", "hello", 42), 0);
	hf_buf_consume(&b, 2);
	assert_string_equal(hf_buf_str(&b), "llo-42");
	hf_buf_truncate(&b, 3);
	hf_buf_truncate(&b, 99); /* longer than it is: nothing happens */
	s = hf_buf_steal(&b);
	assert_string_equal(s, "llo");
	assert_null(b.data);
	free(s);
	hf_buf_consume(&b, 5);
	assert_int_equal(b.len, 0);
}

/* --- numbers --- */

static void test_unsigned_numbers(void **state)
{
	static const struct {
		const char *label, *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{ "zero", "0", 9, true, 0 },
		{ "the maximum itself", "65535", 65535, true, 65535 },
		{ "one more than the maximum", "65536", 65535, false, 0 },
		{ "the largest there is", "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "larger than the largest", "18446744073709551616", UINT64_MAX, false, 0 },
		{ "empty", "", 9, false, 0 },
		{ "a sign", "-1", 9, false, 0 },
		{ "a plus", "+1", 9, false, 0 },
		{ "leading space", " 1", 9, false, 0 },
		{ "trailing letter", "1x", 99, false, 0 },
		{ "hexadecimal", "0x1", 99, false, 0 },
		{ "a digit larger than the maximum", "9", 5, false, 0 },
		{ "a maximum of zero", "0", 0, true, 0 },
		{ "one where only zero may be", "1", 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		uint64_t v = 0;

		print_message("  %s\n", rows[i].label);
		assert_int_equal(hf_str_u64(rows[i].text, rows[i].max, &v), rows[i].ok);
		assert_true(v == rows[i].value);
	}
}

static void test_signed_numbers(void **state)
{
	int64_t v = 7;

	(void)state;
	assert_true(hf_str_i64("-12", &v));
	assert_int_equal(v, -12);
	assert_false(hf_str_i64("-", &v));
	assert_false(hf_str_i64("--1", &v));
	assert_false(hf_str_i64("9223372036854775808", &v));
	assert_int_equal(v, -12);
}

/* --- hex and base64 --- */

static void test_hex(void **state)
{
	static const struct {
		const char *label, *text;
		bool ok;
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "plain", "00ff10", true, "\x00\xff\x10", 3 },
		{ "upper case with colons", "AB:CD", true, "\xab\xcd", 2 },
		{ "empty is no bytes", "", true, "", 0 },
		{ "half a byte", "abc", false, "", 0 },
		{ "a colon at the end", "ab:", false, "", 0 },
		{ "a colon at the start", ":ab", false, "", 0 },
		{ "two colons", "ab::cd", false, "", 0 },
		{ "not hex", "zz", false, "", 0 },
		{ "more than the cap", "0011223344", false, "", 0 },
	};
	uint8_t out[4];
	char text[9];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		size_t len = 0;

		print_message("  %s\n", rows[i].label);
		assert_int_equal(hf_hex_decode(rows[i].text, out, sizeof(out), &len), rows[i].ok);
		if (rows[i].ok) {
			assert_int_equal(len, rows[i].len);
			assert_memory_equal(out, rows[i].bytes, len);
		}
	}
	hf_hex_encode("\x00\xab\xff", 3, text);
	assert_string_equal(text, "00abff");
}

static void test_base64_decoding(void **state)
{
	static const struct {
		const char *label, *text;
		int rc;
		const char *want;
	} rows[] = {
		{ "padding of two", "Zg==", 0, "f" },
		{ "padding of one", "Zm8=", 0, "fo" },
		{ "no padding needed", "Zm9v", 0, "foo" },
		{ "padding left out", "Zm9vYg", 0, "foob" },
		{ "lines and spaces", " Zm9v\r\n YmFy\n", 0, "foobar" },
		{ "both alphabets", "-_+/", 0, "\xfb\xff\xbf" },
		{ "a stray character", "Zm9*", -HF_E_PARSE, NULL },
		{ "before A", "Zm9@", -HF_E_PARSE, NULL },
		{ "after Z", "Zm9[", -HF_E_PARSE, NULL },
		{ "before a", "Zm9`", -HF_E_PARSE, NULL },
		{ "after z", "Zm9{", -HF_E_PARSE, NULL },
		{ "after 9", "Zm9:", -HF_E_PARSE, NULL },
		{ "before 0", "Zm9.", -HF_E_PARSE, NULL },
		{ "no ASCII", "Zm9\xc1", -HF_E_PARSE, NULL },
		{ "data after padding", "Zg==Zg==", -HF_E_PARSE, NULL },
		{ "one character alone", "Z", -HF_E_PARSE, NULL },
		{ "bits left over", "Zh==", -HF_E_PARSE, NULL },
		{ "bits left over of two bytes", "Zm9=", -HF_E_PARSE, NULL },
		{ "a block that a line cuts", "Zm\n9vYm\r\nFy", 0, "foobar" },
		{ "blocks after a cut one", "Z m9vYmFy", 0, "foobar" },
		{ "padding in the next line", "Zm9vYg=\n=\n", 0, "foob" },
		{ "a stray character in a second block", "Zm9vYm*y", -HF_E_PARSE, NULL },
		{ "padding inside", "Zm=v", -HF_E_PARSE, NULL },
		{ "a block after padding and a line", "Zg==\nZm9v", -HF_E_PARSE, NULL },
		{ "one value after a block", "Zm9vZ", -HF_E_PARSE, NULL },
		{ "no ASCII in a first place", "\xff\xff\xff\xff", -HF_E_PARSE, NULL },
		{ "three paddings", "Zg===", -HF_E_PARSE, NULL },
		{ "larger than the cap", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", -HF_E_LIMIT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(16);

		print_message("  %s\n", rows[i].label);
		assert_int_equal(hf_base64_decode(rows[i].text, strlen(rows[i].text), &out),
				 rows[i].rc);
		if (rows[i].want)
			assert_string_equal(hf_buf_str(&out), rows[i].want);
	}
}

static void test_base64_lines_of_every_width_mean_the_same(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(8192);
	uint8_t data[1601];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 101 + 7);
	assert_int_equal(hf_base64_encode(data, sizeof(data), &text), 0);
	for (size_t width = 1; width < 80; width++) {
		HF_AUTO_DONE(hf_buf) lines = HF_BUF_INIT(8192);
		HF_AUTO_DONE(hf_buf) back = HF_BUF_INIT(sizeof(data));
		HF_AUTO_DONE(hf_buf) small = HF_BUF_INIT(sizeof(data) - 1);

		for (size_t at = 0; at < text.len; at += width) {
			(void)hf_buf_append(&lines, text.data + at, HF_MIN(width, text.len - at));
			(void)hf_buf_puts(&lines, "\r\n");
		}
		assert_int_equal(hf_base64_decode(lines.data, lines.len, &back), 0);
		assert_int_equal(back.len, sizeof(data));
		assert_memory_equal(back.data, data, sizeof(data));
		assert_int_equal(hf_base64_decode(lines.data, lines.len, &small), -HF_E_LIMIT);
	}
}

static void test_base64_encoding_goes_both_ways_for_every_length(void **state)
{
	uint8_t data[1030];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(data); len++) {
		HF_AUTO_DONE(hf_buf) std = HF_BUF_INIT(4096);
		HF_AUTO_DONE(hf_buf) url = HF_BUF_INIT(4096);
		HF_AUTO_DONE(hf_buf) back = HF_BUF_INIT(4096);

		assert_int_equal(hf_base64_encode(data, len, &std), 0);
		assert_int_equal(std.len % 4, 0);
		assert_int_equal(hf_base64url_encode(data, len, &url), 0);
		assert_null(strpbrk(hf_buf_str(&url), "+/="));
		assert_int_equal(hf_base64_decode(hf_buf_str(&std), std.len, &back), 0);
		assert_int_equal(hf_base64_decode(hf_buf_str(&url), url.len, &back), 0);
		assert_int_equal(back.len, 2 * len);
		if (len > 0) {
			assert_memory_equal(back.data, data, len);
			assert_memory_equal(back.data + len, data, len);
		}
	}
}

/* --- escaping --- */

static void test_escaping_makes_one_safe_line(void **state)
{
	static const struct {
		const char *label, *text;
		size_t len;
		const char *want;
	} rows[] = {
		{ "plain text", "hello", 5, "hello" },
		{ "umlauts stay", "M\xc3\xbcller", 7, "M\xc3\xbcller" },
		{ "NUL", "a\0b", 3, "a\\x00b" },
		{ "new line and return", "a\r\nb", 4, "a\\x0d\\x0ab" },
		{ "terminal escape", "\x1b[31m", 5, "\\x1b[31m" },
		{ "backslash", "a\\b", 3, "a\\\\b" },
		{ "invalid UTF-8", "\xff\xc3", 2, "\\xff\\xc3" },
		{ "overlong slash", "\xc0\xaf", 2, "\\xc0\\xaf" },
		{ "surrogate", "\xed\xa0\x80", 3, "\\xed\\xa0\\x80" },
		{ "right-to-left override", "\xe2\x80\xae", 3, "\\u{202e}" },
		{ "C1 control", "\xc2\x9b", 2, "\\u{9b}" },
		{ "cut in the middle of a character", "\xe2\x82", 2, "\\xe2\\x82" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(100);

		print_message("  %s\n", rows[i].label);
		assert_int_equal(hf_str_escape(&out, rows[i].text, rows[i].len), 0);
		assert_string_equal(hf_buf_str(&out), rows[i].want);
		assert_int_equal(hf_str_is_printable(rows[i].text, rows[i].len),
				 strcmp(rows[i].want, rows[i].text) == 0 &&
				     strlen(rows[i].want) == rows[i].len);
	}
}

/* --- words --- */

static void test_nearest_word(void **state)
{
	static const char *const words[] = { "issue", "init", "install", "revoke", "verify", NULL };
	static const struct {
		const char *word, *want;
	} rows[] = {
		{ "isue", "issue" },	 { "revkoe", "revoke" }, { "verfy", "verify" },
		{ "instal", "install" }, { "banana", NULL },	 { "x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		const char *got = hf_str_nearest(rows[i].word, words);

		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_null(got);
	}
	assert_int_equal(hf_str_distance("abcd", "abdc"), 1);
	assert_int_equal(hf_str_distance("", "abc"), 3);
	assert_int_equal(hf_str_distance("kitten", "sitting"), 3);
}

static void test_lists_of_strings(void **state)
{
	HF_AUTO_DONE(hf_strv) v = HF_STRV_INIT;

	(void)state;
	assert_int_equal(hf_strv_split(&v, "a,,b", ','), 0);
	assert_int_equal(v.len, 3);
	assert_string_equal(v.items[1], "");
	assert_null(v.items[3]);
	for (int i = 0; i < 100; i++)
		assert_int_equal(hf_strv_add(&v, "more"), 0);
	assert_true(hf_strv_has(&v, "b"));
	assert_false(hf_strv_has(&v, "c"));
	assert_null(v.items[v.len]);
}

static void test_strings_compare_without_locale(void **state)
{
	char small[4];

	(void)state;
	assert_true(hf_str_case_eq("ABC.example", "abc.EXAMPLE"));
	assert_false(hf_str_case_eq("abc", "abcd"));
	assert_true(hf_str_eq(NULL, NULL));
	assert_false(hf_str_eq(NULL, ""));
	assert_true(hf_str_starts("https://x", "https://"));
	assert_false(hf_str_starts("http", "https"));
	assert_true(hf_str_ends("a.pem", ".pem"));
	assert_false(hf_str_ends("pem", ".pem"));
	assert_false(hf_str_copy(small, sizeof(small), "too long"));
	assert_string_equal(small, "too");
	assert_true(hf_str_copy(small, sizeof(small), "fit"));
}

/* --- time --- */

static void test_times_both_ways(void **state)
{
	static const struct {
		int64_t at;
		const char *text, *http;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ -1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT" },
		{ 951782400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 784111777, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 2147483648, "2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 GMT" },
		{ HF_TIME_MAX, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char text[HF_TIME_TEXT_CAP];
		int64_t at = 1;

		hf_time_format(rows[i].at, text);
		assert_string_equal(text, rows[i].text);
		assert_true(hf_time_parse(text, &at));
		assert_true(at == rows[i].at);
		hf_time_format_http(rows[i].at, text);
		assert_string_equal(text, rows[i].http);
	}
}

static void test_times_beyond_four_digits_of_year_are_clamped(void **state)
{
	char text[HF_TIME_TEXT_CAP];

	(void)state;
	hf_time_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	hf_time_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void test_time_texts_that_are_refused(void **state)
{
	static const char *const bad[] = { "",
					   "2026",
					   "2026-13-01",
					   "2026-00-01",
					   "2026-02-29",
					   "2026-04-31",
					   "2026-01-01T24:00:00Z",
					   "2026-01-01T00:60:00Z",
					   "2026-01-01T",
					   "2026-01-01T00:00:00+01:00",
					   "2026-01-01x",
					   "@",
					   "@x",
					   "26-01-01" };
	int64_t at = 5;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		print_message("  '%s'\n", bad[i]);
		assert_false(hf_time_parse(bad[i], &at));
	}
	assert_int_equal(at, 5);
	assert_true(hf_time_parse("@1763707171", &at));
	assert_int_equal(at, 1763707171);
	assert_true(hf_time_parse("2026-11-21 06:39:31", &at));
	assert_int_equal(at % 60, 31);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t seconds;
		const char *words;
	} rows[] = {
		{ "30d", true, 30 * HF_DAY_SECONDS, "30 days" },
		{ "90s", true, 90, "90 seconds" },
		{ "15m", true, 900, "15 minutes" },
		{ "2", true, 2 * HF_DAY_SECONDS, "2 days" },
		{ "1s", true, 1, "1 second" },
		{ "3y", true, 3 * 365 * HF_DAY_SECONDS, "3 years" },
		{ "", false, 0, NULL },
		{ "d", false, 0, NULL },
		{ "-1d", false, 0, NULL },
		{ "1.5h", false, 0, NULL },
		{ "99999999999999d", false, 0, NULL },
		{ "9999999999999999999999999d", false, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		int64_t seconds = 0;
		char words[32];

		print_message("  '%s'\n", rows[i].text);
		assert_int_equal(hf_duration_parse(rows[i].text, HF_DAY_SECONDS, &seconds),
				 rows[i].ok);
		assert_true(seconds == rows[i].seconds);
		if (rows[i].words) {
			hf_duration_words(seconds, words, sizeof(words));
			assert_string_equal(words, rows[i].words);
		}
	}
}

/* --- files --- */

struct place {
	char dir[64];
};

static int make_place(void **state)
{
	struct place *p = malloc(sizeof(*p));

	assert_non_null(p);
	(void)hf_str_copy(p->dir, sizeof(p->dir), "/tmp/hf-base-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	*state = p;
	return 0;
}

static int drop_place(void **state)
{
	struct place *p = *state;
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	struct hf_err err;
	char path[256];

	assert_int_equal(hf_dir_list(p->dir, &names, &err), 0);
	for (size_t i = 0; i < names.len; i++) {
		assert_int_equal(hf_path_join(path, sizeof(path), p->dir, names.items[i], &err), 0);
		(void)remove(path);
	}
	(void)rmdir(p->dir);
	free(p);
	return 0;
}

static const char *in_place(void **state, const char *name)
{
	static char path[256];
	const struct place *p = *state;

	assert_int_equal(hf_path_join(path, sizeof(path), p->dir, name, NULL), 0);
	return path;
}

static void test_file_is_written_once_with_its_mode_and_replaced_only_on_request(void **state)
{
	const char *path = in_place(state, "key.pem");
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(100);
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	const struct place *p = *state;
	struct hf_err err;
	struct stat st;
	mode_t old = umask(0);

	assert_int_equal(hf_file_write(path, "one", 3, HF_MODE_SECRET, 0, &err), 0);
	(void)umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(hf_file_write(path, "two", 3, HF_MODE_SECRET, 0, &err), -HF_E_EXIST);
	assert_non_null(strstr(err.hint, "--force"));
	assert_int_equal(hf_file_write(path, "three", 5, HF_MODE_PUBLIC, HF_FILE_REPLACE, &err), 0);
	assert_int_equal(hf_file_read(path, &text, &err), 0);
	assert_string_equal(hf_buf_str(&text), "three");
	/* no temporary file is left, whether it worked or not */
	assert_int_equal(hf_dir_list(p->dir, &names, &err), 0);
	assert_int_equal(names.len, 1);
}

static void test_a_pipe_is_written_to_and_stays(void **state)
{
	struct place *p = *state;
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	struct hf_err err = HF_ERR_INIT;
	char path[256], link[256], got[8] = "";
	struct stat st;

	(void)hf_str_copy(path, sizeof(path), in_place(state, "pipe"));
	(void)hf_str_copy(link, sizeof(link), in_place(state, "link"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(symlink("pipe", link), 0);

	HF_AUTO(fd) fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(hf_file_write(path, "one", 3, HF_MODE_PUBLIC, 0, &err), -HF_E_EXIST);
	assert_int_equal(hf_file_write(path, "two", 3, HF_MODE_PUBLIC, HF_FILE_REPLACE, &err), 0);
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_memory_equal(got, "two", 3);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	/* a link that anybody may have laid out leads nowhere */
	assert_int_equal(hf_file_write(link, "key", 3, HF_MODE_SECRET, HF_FILE_REPLACE, &err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_true(read(fd, got, sizeof(got)) <= 0);
	assert_int_equal(hf_dir_list(p->dir, &names, &err), 0);
	assert_int_equal(names.len, 2);
}

static void test_reading_says_what_is_wrong(void **state)
{
	const char *path = in_place(state, "big");
	const struct place *p = *state;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4);
	struct hf_err err;

	assert_int_equal(hf_file_read(path, &text, &err), -HF_E_NOENT);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(hf_file_write(path, "12345", 5, HF_MODE_PUBLIC, 0, &err), 0);
	assert_int_equal(hf_file_read(path, &text, &err), -HF_E_LIMIT);
	hf_buf_clear(&text);
	assert_int_equal(hf_file_read(p->dir, &text, &err), -HF_E_INVALID);
}

static void test_file_of_exactly_the_cap_is_read(void **state)
{
	const char *path = in_place(state, "four");
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4);
	struct hf_err err;

	assert_int_equal(hf_file_write(path, "1234", 4, HF_MODE_PUBLIC, 0, &err), 0);
	assert_int_equal(hf_file_read(path, &text, &err), 0);
	assert_string_equal(hf_buf_str(&text), "1234");
}

static void test_lock_is_held_by_one(void **state)
{
	const char *path = in_place(state, "lock");
	HF_AUTO(fd) first = -1;
	int second = -1;
	struct hf_err err;

	assert_int_equal(hf_file_lock(path, false, &first, &err), 0);
	assert_int_equal(hf_file_lock(path, false, &second, &err), -HF_E_BUSY);
	assert_int_equal(second, -1);
	hf_fd_close(first);
	first = -1;
	assert_int_equal(hf_file_lock(path, false, &second, &err), 0);
	hf_fd_close(second);
}

static void test_directories_are_made_with_parents(void **state)
{
	char path[256], inner[300];
	struct hf_err err;
	struct stat st;

	(void)hf_str_copy(path, sizeof(path), in_place(state, "a"));
	(void)snprintf(inner, sizeof(inner), "%s/b", path);
	assert_int_equal(hf_dir_make(inner, HF_MODE_SECRET_DIR, &err), 0);
	assert_int_equal(hf_dir_make(inner, HF_MODE_SECRET_DIR, &err), 0);
	assert_int_equal(stat(inner, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(hf_file_write(inner, "", 0, HF_MODE_PUBLIC, 0, &err), 0);
	assert_true(hf_dir_make(inner, HF_MODE_DIR, &err) < 0); /* a file is in the way */
	assert_int_equal(unlink(inner), 0);
}

static void test_secret_is_the_first_line_of_its_file(void **state)
{
	const char *path = in_place(state, "pass");
	HF_AUTO_DONE(hf_secret) s = HF_SECRET_INIT;
	struct hf_err err;

	assert_int_equal(hf_file_write(path, "open sesame\r\nmore", 17, HF_MODE_SECRET, 0, &err),
			 0);
	assert_int_equal(hf_secret_load(&s, path, &err), 0);
	assert_string_equal(s.data, "open sesame");
	assert_int_equal(s.len, 11);
	assert_int_equal(hf_secret_load(&s, "/nonexistent", &err), -HF_E_NOENT);
	assert_non_null(strstr(err.msg, "passphrase file"));
}

/* --- JSON --- */

static void test_numbers_are_written_as_printf_writes_them(void **state)
{
	static const int64_t numbers[] = { 0, 7, 10, -1, 1234567890123, INT64_MAX, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++) {
		HF_AUTO_DONE(hf_buf) ours = HF_BUF_INIT(64), theirs = HF_BUF_INIT(64);

		assert_int_equal(hf_buf_put_int(&ours, numbers[i]), 0);
		assert_int_equal(hf_buf_printf(&theirs, "%lld", (long long)numbers[i]), 0);
		assert_string_equal(hf_buf_str(&ours), hf_buf_str(&theirs));
	}
}

/* Into the room there is, into more, and not past the cap. */
static void test_printf_takes_all_or_nothing(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(300);
	char long_text[201];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[200] = '\0';
	assert_int_equal(hf_buf_printf(&b, "%s", "abc"), 0);
	assert_int_equal(hf_buf_printf(&b, "%s", long_text), 0);
	assert_int_equal(b.len, 203);
	assert_int_equal(strlen(b.data), 203);
	assert_true(hf_buf_printf(&b, "%s", long_text) < 0);
	assert_true(hf_buf_failed(&b));
	assert_int_equal(b.len, 203);
	assert_int_equal(strlen(b.data), 203);
}

static void test_json_is_valid_whatever_the_bytes(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1000);
	struct hf_json j;

	(void)state;
	hf_json_init(&j, &out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_string(&j, "quote\"", "a\"b\\c\n\x01");
	hf_json_stringn(&j, "nul", "x\0y", 3);
	hf_json_string(&j, "bad", "\xff\xed\xa0\x80");
	hf_json_string(&j, "none", NULL);
	hf_json_array_begin(&j, "list");
	hf_json_int(&j, NULL, -5);
	hf_json_bool(&j, NULL, true);
	hf_json_object_begin(&j, NULL);
	hf_json_object_end(&j);
	hf_json_array_end(&j);
	hf_json_hex(&j, "hex", "\x00\xab", 2);
	hf_json_time(&j, "at", 0);
	hf_json_double(&j, "half", 0.5);
	hf_json_object_end(&j);
	assert_string_equal(
	    hf_buf_str(&out),
	    "{\"quote\\\"\": \"a\\\"b\\\\c\\n\\u0001\", \"nul\": \"x\\u0000y\", "
	    "\"bad\": \"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\", \"none\": null, "
	    "\"list\": [-5, true, {}], \"hex\": \"00ab\", "
	    "\"at\": \"1970-01-01T00:00:00Z\", \"half\": 0.500}");
}

/* --- failures --- */

static void test_failures_keep_their_cause(void **state)
{
	struct hf_err err = HF_ERR_INIT;
	char longer[2 * HF_ERR_MSG_CAP];

	(void)state;
	assert_int_equal(hf_err_errno(&err, ENOENT, "opening '%s'", "x"), -HF_E_NOENT);
	assert_string_equal(err.msg, "opening 'x': No such file or directory");
	assert_int_equal(hf_err_context(&err, -HF_E_NOENT, "loading trust"), -HF_E_NOENT);
	assert_string_equal(err.msg, "loading trust: opening 'x': No such file or directory");
	assert_int_equal(hf_err_hint(&err, "make it"), -HF_E_NOENT);
	assert_int_equal(hf_err_set(&err, HF_E_PARSE, "new"), -HF_E_PARSE);
	assert_string_equal(err.hint, ""); /* a hint belongs to its failure */
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(hf_err_set(&err, HF_E_LIMIT, "%s", longer), -HF_E_LIMIT);
	assert_int_equal(strlen(err.msg), HF_ERR_MSG_CAP - 1);
	assert_int_equal(hf_err_set(NULL, HF_E_LIMIT, "nobody listens"), -HF_E_LIMIT);
	assert_string_equal(hf_err_name(-HF_E_PARSE), "parse");
	assert_string_equal(hf_err_name(999), "none");
}

static void test_every_reason_is_complete_and_its_id_unique(void **state)
{
	(void)state;
	for (int i = 1; i < HF_REASON_COUNT; i++) {
		const struct hf_reason_info *info = hf_reason_info((enum hf_reason)i);

		assert_true(strlen(info->id) >= 4);
		assert_true(strlen(info->sentence) > 10);
		assert_true(strlen(info->remedy) > 4);
		assert_true(strlen(info->rule) > 4);
		assert_int_equal(hf_reason_by_id(info->id), i);
	}
	assert_int_equal(hf_reason_by_id("V-NOTHING"), HF_REASON_NONE);
}

/* What is not there is empty, and said once at the end; a length is never believed. */
static void test_unpacking_ends_where_the_data_ends(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(256);
	struct hf_unpack in;
	size_t len = 99;

	(void)state;
	hf_pack_number(&out, UINT64_MAX);
	hf_pack_bytes(&out, "ab", 2);
	hf_pack_text(&out, "text");
	hf_pack_bytes(&out, "", 0);
	assert_false(hf_buf_failed(&out));
	in = (struct hf_unpack){ .data = out.data, .left = out.len };
	assert_true(hf_unpack_number(&in) == UINT64_MAX);
	assert_memory_equal(hf_unpack_bytes(&in, &len), "ab", 2);
	assert_int_equal(len, 2);
	assert_string_equal(hf_unpack_text(&in), "text");
	assert_non_null(hf_unpack_bytes(&in, &len));
	assert_int_equal(len, 0);
	assert_false(in.bad);
	assert_int_equal(hf_unpack_number(&in), 0);
	assert_true(in.bad);

	/* a length that goes beyond: the number that was packed first */
	in = (struct hf_unpack){ .data = out.data, .left = out.len };
	assert_null(hf_unpack_bytes(&in, &len));
	assert_true(in.bad && len == 0);
	assert_string_equal(hf_unpack_text(&in), "");

	/* bytes that are no text */
	in = (struct hf_unpack){ .data = out.data + 8, .left = out.len - 8 };
	assert_string_equal(hf_unpack_text(&in), "");
	assert_true(in.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffer_never_passes_its_cap_and_keeps_what_it_had),
		cmocka_unit_test(test_buffer_consumes_truncates_and_gives_itself_away),
		cmocka_unit_test(test_unpacking_ends_where_the_data_ends),
		cmocka_unit_test(test_unsigned_numbers),
		cmocka_unit_test(test_signed_numbers),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64_decoding),
		cmocka_unit_test(test_base64_lines_of_every_width_mean_the_same),
		cmocka_unit_test(test_base64_encoding_goes_both_ways_for_every_length),
		cmocka_unit_test(test_escaping_makes_one_safe_line),
		cmocka_unit_test(test_nearest_word),
		cmocka_unit_test(test_lists_of_strings),
		cmocka_unit_test(test_strings_compare_without_locale),
		cmocka_unit_test(test_times_both_ways),
		cmocka_unit_test(test_times_beyond_four_digits_of_year_are_clamped),
		cmocka_unit_test(test_time_texts_that_are_refused),
		cmocka_unit_test(test_durations),
		cmocka_unit_test_setup_teardown(
		    test_file_is_written_once_with_its_mode_and_replaced_only_on_request,
		    make_place, drop_place),
		cmocka_unit_test_setup_teardown(test_a_pipe_is_written_to_and_stays, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(test_reading_says_what_is_wrong, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(test_file_of_exactly_the_cap_is_read, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(test_lock_is_held_by_one, make_place, drop_place),
		cmocka_unit_test_setup_teardown(test_directories_are_made_with_parents, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(test_secret_is_the_first_line_of_its_file,
						make_place, drop_place),
		cmocka_unit_test(test_numbers_are_written_as_printf_writes_them),
		cmocka_unit_test(test_printf_takes_all_or_nothing),
		cmocka_unit_test(test_json_is_valid_whatever_the_bytes),
		cmocka_unit_test(test_failures_keep_their_cause),
		cmocka_unit_test(test_every_reason_is_complete_and_its_id_unique),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
