/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of configuration files: what it takes, and every mistake with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "util/yaml.h"

static struct hf_yaml *parse(const char *text)
{
	struct hf_yaml *yaml = NULL;
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_yaml_parse(text, strlen(text), "f.yaml", &yaml, &err);

	if (rc < 0)
		fail_msg("%s", err.msg);
	return yaml;
}

static void document_becomes_a_tree_that_knows_its_places(void **state)
{
	HF_AUTO(hf_yaml) y = parse("# c\nname: ABC Inc.\nlist: [a, 'b c']\nmap:\n  deep-key: 7\n");
	const struct hf_yaml_node *list = hf_yaml_get(y->root, "list");
	const struct hf_yaml_node *deep = hf_yaml_get(hf_yaml_get(y->root, "map"), "deep_key");
	const struct hf_yaml_node *item = hf_yaml_each(list, NULL);

	(void)state;
	assert_string_equal(hf_yaml_get(y->root, "name")->text, "ABC Inc.");
	assert_int_equal(hf_yaml_get(y->root, "name")->line, 2);
	assert_int_equal(hf_yaml_get(y->root, "name")->column, 7);
	assert_string_equal(item->text, "a");
	assert_true(item->plain);
	item = hf_yaml_each(list, item);
	assert_string_equal(item->text, "b c");
	assert_false(item->plain);
	assert_null(hf_yaml_each(list, item));
	assert_int_equal(deep->line, 5);
	assert_int_equal(deep->key_column, 3);
	assert_null(hf_yaml_get(y->root, "nam"));
}

static void scalar_alone_is_a_list_of_one(void **state)
{
	HF_AUTO(hf_yaml) y = parse("a: x\n");
	const struct hf_yaml_node *a = hf_yaml_get(y->root, "a");

	(void)state;
	assert_ptr_equal(hf_yaml_each(a, NULL), a);
	assert_null(hf_yaml_each(a, a));
}

static void empty_file_is_an_empty_document(void **state)
{
	HF_AUTO(hf_yaml) y = parse("# nothing\n");

	(void)state;
	assert_null(y->root);
}

static void what_is_not_read_is_named_with_its_place(void **state)
{
	static const struct {
		const char *what, *text, *place, *word;
	} rows[] = {
		{ "a key given twice", "a: 1\nb: 2\na: 3\n", "f.yaml:3:1:", "'a' is given twice" },
		{ "twice but for the hyphen", "max-days: 1\nmax_days: 2\n",
		  "f.yaml:2:1:", "twice" },
		{ "twice in an inner map", "m:\n  x: 1\n  x: 1\n", "f.yaml:3:3:", "twice" },
		{ "an anchor", "a: &x 1\n", "f.yaml:1:4:", "anchors" },
		{ "an anchor on a list", "a: &x [1]\n", "f.yaml:1:4:", "anchors" },
		{ "an alias", "a: *x\n", "f.yaml:1:4:", "aliases" },
		{ "a tag", "a: !!str 1\n", "f.yaml:1:4:", "tags" },
		{ "a list as a key", "[a]: 1\n", "f.yaml:1:1:", "a single word" },
		{ "a second document", "a: 1\n---\nb: 1\n", "f.yaml:2:1:", "second document" },
		{ "a NUL", "a: \"x\\0y\"\n", "f.yaml:1:4:", "NUL" },
		{ "a tab for indentation", "a:\n\tb: 1\n", "f.yaml:2:1:", "" },
		{ "an open quote", "a: \"x\n", "f.yaml:2:1:", "" },
		{ "an open list", "a: [1, 2\n", "f.yaml:2:1:", "" },
		{ "bytes that are not UTF-8", "a: \xff\xfe\n", "byte 3", "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_yaml *yaml = NULL;
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_yaml_parse(rows[i].text, strlen(rows[i].text), "f.yaml", &yaml, &err);

		if (rc != -HF_E_PARSE || yaml || !strstr(err.msg, rows[i].place) ||
		    !strstr(err.msg, rows[i].word))
			fail_msg("%s: %d: %s", rows[i].what, rc, err.msg);
	}
}

static void depth_size_and_number_have_caps(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(2 * HF_YAML_CAP);
	struct hf_yaml *yaml = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (int i = 0; i < 100000; i++)
		(void)hf_buf_putc(&text, '[');
	assert_int_equal(hf_yaml_parse(text.data, text.len, "f", &yaml, &err), -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "f:1:25: nested too deeply"));
	hf_buf_clear(&text);
	(void)hf_buf_puts(&text, "[");
	for (int i = 0; i < 100000; i++)
		(void)hf_buf_puts(&text, "1,");
	assert_int_equal(hf_yaml_parse(text.data, text.len, "f", &yaml, &err), -HF_E_LIMIT);
	hf_buf_clear(&text);
	while (text.len <= HF_YAML_CAP)
		(void)hf_buf_puts(&text, "# comment\n");
	assert_int_equal(hf_yaml_parse(text.data, text.len, "f", &yaml, &err), -HF_E_LIMIT);
	assert_null(yaml);
}

static void unknown_key_is_told_with_the_nearest(void **state)
{
	static const char *const known[] = { "subject", "days", NULL };
	HF_AUTO(hf_yaml) y = parse("days: 1\nsubjct: x\n");
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_yaml_check_keys(y, y->root, known, &err), -HF_E_PARSE);
	assert_string_equal(err.msg, "f.yaml:2:1: there is no key 'subjct' here");
	assert_string_equal(err.hint, "did you mean 'subject'?");
}

static void failure_of_a_value_is_told_at_its_place_inside(void **state)
{
	HF_AUTO(hf_yaml) y = parse("a: allow cnn:bob\nb: \"deny cnn:bob\"\nc: x\n");
	static const struct {
		const char *key;
		bool at_key;
		unsigned line, column, length;
		const char *msg;
	} rows[] = {
		{ "a", false, 1, 10, 3, "f.yaml:1:10: no" },
		{ "a", true, 1, 10, 3, "f.yaml:1:1: no" },
		{ "b", false, 2, 10, 3, "f.yaml:2:10: no" },
		{ "c", false, 3, 4, 1, "f.yaml:3:4: no" }, /* it is not there */
		{ "c", true, 3, 1, 1, "f.yaml:3:1: no" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_err why = HF_ERR_INIT, err = HF_ERR_INIT;

		(void)hf_err_set(&why, HF_MISTAKE_RULE_TERM, "no");
		(void)hf_err_at(&why, "cnn:bob", 0, 3);
		(void)hf_err_hint(&why, "do");
		assert_int_equal(hf_yaml_wrap(y, hf_yaml_get(y->root, rows[i].key), rows[i].at_key,
					      &why, &err),
				 -HF_E_PARSE);
		assert_string_equal(err.msg, rows[i].msg);
		assert_string_equal(err.hint, "do");
		assert_string_equal(err.id, "E-RULE-TERM");
		assert_string_equal(err.place.text, "f.yaml");
		assert_int_equal(err.place.line, rows[i].line);
		assert_int_equal(err.place.column, rows[i].column);
		assert_int_equal(err.place.length, rows[i].length);
	}
}

static void values_are_read_as_what_they_must_be(void **state)
{
	static const char *const words[] = { "refuse", "strip", NULL };
	HF_AUTO(hf_yaml) y = parse("w: strip\nb: yes\nn: 42\nd: 12h\ne: 3\nbad: x9\nempty:\n");
	struct hf_err err = HF_ERR_INIT;
	const char *text = NULL;
	int64_t n = 0;
	bool b = false;
	int w = -1;

	(void)state;
	assert_int_equal(hf_yaml_word(y, hf_yaml_get(y->root, "w"), words, &w, &err), 0);
	assert_int_equal(w, 1);
	assert_int_equal(hf_yaml_bool(y, hf_yaml_get(y->root, "b"), &b, &err), 0);
	assert_true(b);
	assert_int_equal(hf_yaml_int(y, hf_yaml_get(y->root, "n"), 1, 42, &n, &err), 0);
	assert_int_equal(n, 42);
	assert_int_equal(hf_yaml_int(y, hf_yaml_get(y->root, "n"), 1, 41, &n, &err), -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "f.yaml:3:4: '42' is not a number from 1 to 41"));
	assert_int_equal(hf_yaml_duration(y, hf_yaml_get(y->root, "d"), 86400, 1, 90000, &n, &err),
			 0);
	assert_int_equal(n, 43200);
	assert_int_equal(hf_yaml_duration(y, hf_yaml_get(y->root, "e"), 86400, 1, 90000, &n, &err),
			 -HF_E_PARSE);
	assert_int_equal(hf_yaml_word(y, hf_yaml_get(y->root, "bad"), words, &w, &err),
			 -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "'x9' is none of refuse, strip"));
	assert_int_equal(hf_yaml_string(y, hf_yaml_get(y->root, "empty"), &text, &err),
			 -HF_E_PARSE);
	assert_string_equal(err.msg, "f.yaml:7:1: empty has no value");
	assert_int_equal(hf_yaml_need(y, hf_yaml_get(y->root, "w"), HF_YAML_MAP, &err),
			 -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "'w' must be a map of key: value"));
}

static void scalar_that_was_written_reads_back_the_same(void **state)
{
	static const char *const texts[] = { "ABC Inc.",   "*.abc.com", "yes",	    "",
					     "- x",	   "a: b",	"#x",	    "it's",
					     "\"q\"",	   "a\\b",	"tab\tx",   " lead",
					     "10.0.0.0/8", "null",	"Kerala ü", "\x01" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1024);
		HF_AUTO(hf_yaml) y = NULL;

		(void)hf_buf_puts(&out, "k: ");
		assert_int_equal(hf_yaml_write_scalar(&out, texts[i]), 0);
		y = parse(hf_buf_str(&out));
		assert_string_equal(hf_yaml_get(y->root, "k")->text, texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_becomes_a_tree_that_knows_its_places),
		cmocka_unit_test(scalar_alone_is_a_list_of_one),
		cmocka_unit_test(empty_file_is_an_empty_document),
		cmocka_unit_test(what_is_not_read_is_named_with_its_place),
		cmocka_unit_test(depth_size_and_number_have_caps),
		cmocka_unit_test(unknown_key_is_told_with_the_nearest),
		cmocka_unit_test(values_are_read_as_what_they_must_be),
		cmocka_unit_test(failure_of_a_value_is_told_at_its_place_inside),
		cmocka_unit_test(scalar_that_was_written_reads_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
