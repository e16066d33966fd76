/* SPDX-License-Identifier: Apache-2.0 */
/* The option parser: every form it takes, every mistake it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/cmd.h"
#include "util/help.h"
#include "util/home.h"
#include "util/log.h"

struct values {
	bool loud;
	const char *file;
	struct hf_strv names;
	int64_t count, life, at;
	int color;
};

static const char *const colors[] = { "red", "green", "blue", NULL };

static const struct hf_option options[] = {
	{ .name = "loud",
	  .letter = 'l',
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct values, loud),
	  .help = "x" },
	{ .name = "file",
	  .letter = 'f',
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct values, file),
	  .arg = "FILE",
	  .help = "x" },
	{ .name = "name",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct values, names),
	  .arg = "NAME",
	  .help = "x" },
	{ .name = "deny",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct values, names),
	  .arg = "NAME",
	  .prefix = "deny ",
	  .help = "x" },
	{ .name = "count",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct values, count),
	  .arg = "N",
	  .min = 1,
	  .max = 100,
	  .initial = "7",
	  .help = "x" },
	{ .name = "life",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct values, life),
	  .arg = "TIME",
	  .unit = 86400,
	  .initial = "30",
	  .help = "x" },
	{ .name = "at",
	  .kind = HF_OPT_TIME,
	  .offset = offsetof(struct values, at),
	  .arg = "TIME",
	  .help = "x" },
	{ .name = "color",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct values, color),
	  .words = colors,
	  .initial = "green",
	  .help = "x" },
	{ .name = NULL },
};
static const struct hf_option_group groups[] = { { "Options", options, 0 }, { NULL, NULL, 0 } };

/* A line of words, parsed; the values live until the next call. */
static int parse(const char *line, struct values *v, struct hf_strv *args, struct hf_err *err)
{
	static struct hf_strv words;
	struct hf_option_set set = { groups, v };

	hf_strv_done(&words);
	memset(v, 0, sizeof(*v));
	if (*line)
		assert_int_equal(hf_strv_split(&words, line, ' '), 0);
	assert_int_equal(hf_options_init(&set, err), 0);
	return hf_options_parse(&set, 1, (int)words.len, words.items, args, err);
}

static void forget(struct values *v)
{
	struct hf_option_set set = { groups, v };

	hf_options_done(&set);
}

static void test_every_form_is_understood(void **state)
{
	HF_AUTO_DONE(hf_strv) args = HF_STRV_INIT;
	struct hf_err err;
	struct values v;

	(void)state;
	assert_int_equal(
	    parse("one -lf a.pem --name=x two --deny y --count 5 --life 2w --color blue -- --loud "
		  "--at=@5",
		  &v, &args, &err),
	    0);
	assert_true(v.loud);
	assert_string_equal(v.file, "a.pem");
	assert_int_equal(v.names.len, 2);
	assert_string_equal(v.names.items[0], "x");
	assert_string_equal(v.names.items[1],
			    "deny y"); /* one list keeps the order of two options */
	assert_int_equal(v.count, 5);
	assert_int_equal(v.life, 14 * 86400);
	assert_int_equal(v.color, 2);
	assert_int_equal(v.at, 0); /* after "--" everything is an argument */
	assert_int_equal(args.len, 4);
	assert_string_equal(args.items[2], "--loud");
	forget(&v);
}

static void test_defaults_are_parsed_like_arguments(void **state)
{
	HF_AUTO_DONE(hf_strv) args = HF_STRV_INIT;
	struct hf_err err;
	struct values v;

	(void)state;
	assert_int_equal(parse("-", &v, &args, &err), 0);
	assert_int_equal(v.count, 7);
	assert_int_equal(v.life, 30 * 86400);
	assert_int_equal(v.color, 1);
	assert_null(v.file);
	assert_string_equal(args.items[0], "-"); /* standard input is an argument */
	forget(&v);
}

static void test_mistakes_are_named(void **state)
{
	static const struct {
		const char *line, *message, *hint;
	} rows[] = {
		{ "--lowd", "unknown option --lowd", "did you mean --loud?" },
		{ "--banana", "unknown option --banana", "" },
		{ "-x", "unknown option -x", "" },
		{ "--loud=yes", "--loud takes no argument", "" },
		{ "--file", "--file needs an argument: FILE", "" },
		{ "-f", "--file needs an argument: FILE", "" },
		{ "--count ten", "--count takes a number, not 'ten'", "" },
		{ "--count 0", "--count must be between 1 and 100", "" },
		{ "--count 101", "--count must be between 1 and 100", "" },
		{ "--count 99999999999999999999",
		  "--count takes a number, not '99999999999999999999'", "" },
		{ "--life soon", "--life takes a time such as 90s, 15m, 12h or 30d, not 'soon'",
		  "" },
		{ "--life -1", "--life takes a time such as 90s, 15m, 12h or 30d, not '-1'", "" },
		{ "--at tomorrow",
		  "--at takes a UTC time such as 2026-11-21T06:39:31Z, not 'tomorrow'", "" },
		{ "--color gren", "--color does not know 'gren'",
		  "did you mean green? known: red, green, blue" },
		{ "--color ", "--color does not know ''", "known: red, green, blue" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_strv) args = HF_STRV_INIT;
		struct hf_err err = HF_ERR_INIT;
		struct values v;

		print_message("  %s\n", rows[i].line);
		assert_int_equal(parse(rows[i].line, &v, &args, &err), -HF_E_INVALID);
		assert_string_equal(err.msg, rows[i].message);
		assert_string_equal(err.hint, rows[i].hint);
		forget(&v);
	}
}

static void test_names_cannot_lead_out_of_the_home(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "../x", "a/b", ".hidden", "a\nb", "\xff"
	};
	static const char *const good[] = { "localhost", "*.example.org", "mail server",
					    "M\xc3\xbcller", "a..b" };
	char path[PATH_MAX];
	struct hf_err err;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		assert_int_equal(hf_home_check_name(bad[i], &err), -HF_E_INVALID);
	for (size_t i = 0; i < HF_ARRAY_LEN(good); i++)
		assert_int_equal(hf_home_check_name(good[i], &err), 0);
	assert_int_equal(hf_home_id("/h", "amy", "key.pem", path, &err), 0);
	assert_string_equal(path, "/h/id/amy/key.pem");
	assert_int_equal(hf_home_trust("/h", "bob", path, &err), 0);
	assert_string_equal(path, "/h/trust/bob.pem");
	assert_int_equal(hf_home_ca("/h", "", path, &err), 0);
	assert_string_equal(path, "/h/ca");
	assert_true(hf_home_id("/h", "../x", "key.pem", path, &err) < 0);
}

static void test_bucket_lets_a_burst_pass_and_counts_the_rest(void **state)
{
	struct hf_log_bucket b;

	(void)state;
	hf_log_bucket_init(&b, 3, 2);
	for (int i = 0; i < 3; i++)
		assert_true(hf_log_bucket_take(&b, 1000));
	assert_false(hf_log_bucket_take(&b, 1000));
	assert_false(hf_log_bucket_take(&b, 1400));
	assert_int_equal(b.suppressed, 2);
	assert_true(hf_log_bucket_take(&b, 1500)); /* two a second: one after half a second */
	assert_false(hf_log_bucket_take(&b, 1500));
	assert_false(hf_log_bucket_take(&b, 900)); /* a clock that goes back gives nothing */
}

static int run_nothing(struct hf_cmd_ctx *ctx)
{
	(void)ctx;
	return 0;
}

static const struct hf_example examples[] = { { "handfast paint --color red", "paint it red" },
					      { NULL, NULL } };
static const struct hf_command paint = {
	.name = "paint",
	.group = "Arts",
	.arguments = "FILE",
	.summary = "paint a file",
	.groups = groups,
	.opts_size = sizeof(struct values),
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.run = run_nothing,
};
static const struct hf_command *const commands[] = { &paint, NULL };

static void test_help_man_and_completions_show_every_option(void **state)
{
	static const char *const shells[] = { "bash", "zsh", "fish", NULL };

	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		struct hf_out out;
		const char *text;

		hf_out_init(&out, false, false, false, true);
		if (kind == 0)
			hf_help_command(&paint, &out);
		else if (kind == 1)
			hf_help_man(commands, &paint, &out);
		else
			assert_true(hf_help_completion(commands, shells[kind - 2], &out));
		text = hf_buf_str(&out.text);
		for (const struct hf_option *o = options; o->name; o++)
			assert_non_null(strstr(text, o->name));
		assert_non_null(strstr(text, "blue"));
		hf_buf_done(&out.text);
	}
}

static void test_help_fits_eighty_columns(void **state)
{
	struct hf_out out;

	(void)state;
	hf_out_init(&out, false, false, false, true);
	hf_help_command(&paint, &out);
	for (const char *line = hf_buf_str(&out.text); *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	hf_buf_done(&out.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form_is_understood),
		cmocka_unit_test(test_defaults_are_parsed_like_arguments),
		cmocka_unit_test(test_mistakes_are_named),
		cmocka_unit_test(test_names_cannot_lead_out_of_the_home),
		cmocka_unit_test(test_bucket_lets_a_burst_pass_and_counts_the_rest),
		cmocka_unit_test(test_help_man_and_completions_show_every_option),
		cmocka_unit_test(test_help_fits_eighty_columns),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
