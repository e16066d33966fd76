/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints: the line, the place with its carets, the help; as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "util/complaint.h"

static const struct hf_complaint_style plain = { false, false };
static const struct hf_complaint_style terminal = { true, true };

static const char *const line_of_command[] = { "handfast",  "serve",   "--token",
					       "s3cret",    "--allow", "o:abc+cnn:bob",
					       "--days=1x", "bob",     NULL };

static void assert_told(const struct hf_err *err, const char *want)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(64 * 1024);

	hf_complaint_format(err, &plain, &text);
	assert_string_equal(hf_buf_str(&text), want);
}

static void test_the_wrong_part_of_a_word_is_underlined(void **state)
{
	static const struct {
		const char *label, *text;
		size_t offset, len;
		const char *want;
	} rows[] = {
		{ "part of a word after its option", "o:abc+cnn:bob", 6, 7,
		  "  --allow o:abc+cnn:bob\n                ^^^^^^^ help: do\n" },
		{ "a piece of a longer word", "cnn:bob", 0, 3,
		  "  --allow o:abc+cnn:bob\n                ^^^ help: do\n" },
		{ "behind an equals sign", "1x", 1, 1, "  --days=1x\n          ^ help: do\n" },
		{ "a word after another that is no option", "bob", 0, 3,
		  "  bob\n  ^^^ help: do\n" },
		{ "not on the command line", "elsewhere", 4, 5,
		  "  elsewhere\n      ^^^^^ help: do\n" },
		{ "a secret before it is not shown", "serve", 0, 5, "  serve\n  ^^^^^ help: do\n" },
		{ "control bytes are escaped, and the carets follow", "a\tb\x1b", 2, 2,
		  "  a\\x09b\\x1b\n       ^^^^^ help: do\n" },
		{ "letters of two bytes are one column", "\xc3\xa4\xc3\xb6x", 4, 1,
		  "  \xc3\xa4\xc3\xb6x\n    ^ help: do\n" },
		{ "nothing wide still gets a caret", "zzz", 3, 0, "  zzz\n     ^ help: do\n" },
		{ "a piece, not some letters of a word", "erv", 0, 3, "  erv\n  ^^^ help: do\n" },
	};

	(void)state;
	hf_complaint_words((int)HF_ARRAY_LEN(line_of_command) - 1, line_of_command);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(cstr) want = hf_str_printf("handfast: no [E-USAGE]\n%s", rows[i].want);
		struct hf_err err = HF_ERR_INIT;

		print_message("  %s\n", rows[i].label);
		(void)hf_err_set(&err, HF_E_INVALID, "no");
		(void)hf_err_hint(&err, "do");
		assert_int_equal(hf_err_at(&err, rows[i].text, rows[i].offset, rows[i].len),
				 -HF_E_INVALID);
		assert_told(&err, want);
	}
	hf_complaint_words(0, NULL);
}

static void test_the_wrong_part_of_a_line_is_underlined(void **state)
{
	char path[] = "/tmp/hf-complaint-XXXXXX";
	HF_AUTO(cstr) want = NULL;
	struct hf_err err = HF_ERR_INIT;
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	(void)state;
	assert_non_null(file);
	(void)fprintf(file, "a: 1\nprofiles:\n    clinet: {}\r\n");
	assert_int_equal(fclose(file), 0);
	(void)hf_err_set(&err, HF_E_PARSE, "no");
	(void)hf_err_at_line(&err, path, 3, 5, 6);
	assert_told(&err, "handfast: no [E-FORMAT]\n  3 |     clinet: {}\n    |     ^^^^^^ help: "
			  "handfast show FILE says what a file is\n");
	/* the file may have changed meanwhile */
	err.place.line = 9;
	assert_told(&err,
		    "handfast: no [E-FORMAT]\n  help: handfast show FILE says what a file is\n");
	(void)unlink(path);
	err.place.line = 3;
	assert_told(&err,
		    "handfast: no [E-FORMAT]\n  help: handfast show FILE says what a file is\n");
}

static void test_a_long_line_is_cut_around_its_wrong_part(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(64 * 1024);
	struct hf_err err = HF_ERR_INIT;
	char word[200];

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	memcpy(word + 150, "WRONG", 5);
	(void)hf_err_set(&err, HF_E_INVALID, "no");
	(void)hf_err_at(&err, word, 150, 5);
	hf_complaint_format(&err, &plain, &text);
	for (const char *line = hf_buf_str(&text), *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_true(strstr(line, "help: ") || end - line <= 80);
	}
	assert_non_null(strstr(hf_buf_str(&text), "WRONG"));
}

static void test_help_at_a_terminal_is_wrapped_and_coloured(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(64 * 1024);
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	(void)hf_err_set(&err, HF_MISTAKE_OPTION, "unknown option --clinet");
	(void)hf_err_at_text(&err, "--clinet");
	(void)hf_err_hint(&err, "did you mean --client? it is one of many words that this command "
				"knows, and the nearest");
	hf_complaint_format(&err, &terminal, &text);
	assert_string_equal(
	    hf_buf_str(&text),
	    "\x1b[1;31mhandfast:\x1b[0m\x1b[1m unknown option --clinet [E-OPTION]\n\x1b[0m"
	    "  --clinet\n  \x1b[1;31m^^^^^^^^\x1b[0m\n  \x1b[1;36mhelp:\x1b[0m did you mean "
	    "--client? it is one of many words that this command knows,\n        and the nearest\n");
}

static void test_what_a_message_names_is_its_place(void **state)
{
	static const struct {
		const char *label, *msg, *want;
	} rows[] = {
		{ "the word it quotes", "'bob' is no file", "  bob\n  ^^^ help: do\n" },
		{ "the first that was given", "'x' in 'o:abc+cnn:bob'",
		  "  --allow o:abc+cnn:bob\n          ^^^^^^^^^^^^^ help: do\n" },
		{ "the option it names", "--as and --allow exclude each other",
		  "  --allow\n  ^^^^^^^ help: do\n" },
		{ "a secret stays where it is", "--token is too old",
		  "  --token\n  ^^^^^^^ help: do\n" },
		{ "a part of a word is not it", "'abc' and 'it's", "  help: do\n" },
		{ "nothing that was given", "Add --client -- or 'so'", "  help: do\n" },
		{ "an empty quote", "'' --", "  help: do\n" },
	};

	(void)state;
	hf_complaint_words((int)HF_ARRAY_LEN(line_of_command) - 1, line_of_command);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(cstr) want =
		    hf_str_printf("handfast: %s [E-USAGE]\n%s", rows[i].msg, rows[i].want);
		struct hf_err err = HF_ERR_INIT;

		print_message("  %s\n", rows[i].label);
		(void)hf_err_set(&err, HF_E_INVALID, "%s", rows[i].msg);
		(void)hf_err_hint(&err, "do");
		assert_told(&err, want);
	}
	hf_complaint_words(0, NULL);
}

static void test_an_id_is_told_once(void **state)
{
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	(void)hf_err_set(&err, HF_E_IO, "cannot connect [T-REFUSED]");
	assert_told(&err, "handfast: cannot connect [T-REFUSED]\n  help: mend what the system says "
			  "(space, path, network), then try again\n");
	(void)hf_err_set(&err, HF_E_IO, "odd [words]");
	(void)hf_err_hint(&err, "do");
	assert_told(&err, "handfast: odd [words] [E-SYSTEM]\n  help: do\n");
	(void)hf_err_nomem(&err);
	assert_told(&err, "handfast: out of memory\n");
}

static void test_json_has_code_kind_and_place(void **state)
{
	static const struct {
		const char *label, *text;
		unsigned line;
		const char *place;
	} rows[] = {
		{ "a word of the command line", "cnn:bob", 0,
		  "{\"argument\": \"o:abc+cnn:bob\", \"column\": 7, \"length\": 3}" },
		{ "a text from elsewhere", "cnn:eve", 0,
		  "{\"argument\": \"cnn:eve\", \"column\": 1, \"length\": 3}" },
		{ "a line of a file", "policy.yaml", 7,
		  "{\"file\": \"policy.yaml\", \"line\": 7, \"column\": 1, \"length\": 3}" },
		{ "nowhere", "", 0, "null" },
	};

	(void)state;
	hf_complaint_words((int)HF_ARRAY_LEN(line_of_command) - 1, line_of_command);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(64 * 1024);
		HF_AUTO(cstr) want = hf_str_printf(
		    "{\"error\": {\"code\": \"E-FORMAT\", \"kind\": \"parse\", \"message\": \"no\", \"place\": %s, "
		    "\"hint\": \"do\"}}",
		    rows[i].place);
		struct hf_err err = HF_ERR_INIT;
		struct hf_json j;

		print_message("  %s\n", rows[i].label);
		(void)hf_err_set(&err, HF_E_PARSE, "no");
		(void)hf_err_hint(&err, "do");
		if (rows[i].line)
			(void)hf_err_at_line(&err, rows[i].text, rows[i].line, 1, 3);
		else if (rows[i].text[0])
			(void)hf_err_at(&err, rows[i].text, 0, 3);
		hf_json_init(&j, &text, false);
		hf_json_object_begin(&j, NULL);
		hf_complaint_json(&j, &err);
		hf_json_object_end(&j);
		assert_string_equal(hf_buf_str(&text), want);
	}
	hf_complaint_words(0, NULL);
}

static void test_a_failure_keeps_its_id_and_place(void **state)
{
	struct hf_err err = HF_ERR_INIT;
	char path[HF_ERR_PLACE_CAP + 10];

	(void)state;
	assert_int_equal(hf_err_set(&err, HF_MISTAKE_ARGUMENT, "x"), -HF_E_INVALID);
	assert_int_equal(err.code, HF_E_INVALID);
	(void)hf_err_at_text(&err, "word");
	(void)hf_err_context(&err, -HF_E_INVALID, "reading");
	assert_string_equal(err.msg, "reading: x");
	assert_string_equal(err.id, "E-ARGUMENT");
	assert_string_equal(err.place.text, "word");
	assert_int_equal(hf_err_set(&err, HF_E_IO, "y"), -HF_E_IO);
	assert_string_equal(err.id, "");
	assert_string_equal(err.place.text, "");
	assert_int_equal(hf_err_is(&err, HF_MISTAKE_OPTION), -HF_E_IO);
	assert_int_equal(hf_mistake_of(&err), HF_MISTAKE_OPTION);
	/* half a path leads nowhere */
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	(void)hf_err_at_line(&err, path, 1, 1, 1);
	assert_string_equal(err.place.text, "");
	/* nobody listens */
	assert_int_equal(hf_err_set(NULL, HF_MISTAKE_ARGUMENT, "x"), -HF_E_INVALID);
	assert_int_equal(hf_err_at_text(NULL, "x"), -HF_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_wrong_part_of_a_word_is_underlined),
		cmocka_unit_test(test_the_wrong_part_of_a_line_is_underlined),
		cmocka_unit_test(test_a_long_line_is_cut_around_its_wrong_part),
		cmocka_unit_test(test_help_at_a_terminal_is_wrapped_and_coloured),
		cmocka_unit_test(test_what_a_message_names_is_its_place),
		cmocka_unit_test(test_an_id_is_told_once),
		cmocka_unit_test(test_json_has_code_kind_and_place),
		cmocka_unit_test(test_a_failure_keeps_its_id_and_place),
	};

	return cmocka_run_group_tests_name("complaint", tests, NULL, NULL);
}
