/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway: responders, paths below a directory, counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "gateway/counters.h"
#include "gateway/preflight.h"
#include "gateway/responder.h"

static const struct {
	const char *label, *path, *name; /* name NULL: there can be no such file */
	bool is_dir;
} paths[] = {
	{ "the directory itself", "/", "", true },
	{ "a file", "/a.txt", "a.txt", false },
	{ "a file below", "/a/b/c", "a/b/c", false },
	{ "a directory below", "/a/b/", "a/b", true },
	{ "a percent code", "/a%20b", "a b", false },
	{ "a high byte", "/%C3%A9", "\xc3\xa9", false },
	{ "a dot inside", "/a.b.c", "a.b.c", false },
	{ "up", "/../etc/passwd", NULL, false },
	{ "up behind a name", "/a/../../etc/passwd", NULL, false },
	{ "up in percent codes", "/%2e%2e/etc/passwd", NULL, false },
	{ "up in halves", "/.%2e/x", NULL, false },
	{ "a coded slash", "/a%2fb", NULL, false },
	{ "a coded backslash", "/a%5cb", NULL, false },
	{ "a NUL", "/a%00.txt", NULL, false },
	{ "a line end", "/a%0d%0ab", NULL, false },
	{ "DEL", "/a%7f", NULL, false },
	{ "a hidden file", "/.git/config", NULL, false },
	{ "a hidden file below", "/a/.env", NULL, false },
	{ "a hidden file in a code", "/%2eenv", NULL, false },
	{ "here", "/./a", NULL, false },
	{ "an empty part", "/a//b", NULL, false },
	{ "another host", "//evil.test/", NULL, false },
	{ "no slash", "a", NULL, false },
	{ "nothing", "", NULL, false },
	{ "OPTIONS *", "*", NULL, false },
};

static void test_paths_never_leave_the_directory(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(paths); i++) {
		char name[64];
		bool is_dir = false;
		bool ok =
		    hf_dir_path_decode((struct hf_slice){ paths[i].path, strlen(paths[i].path) },
				       name, sizeof(name), &is_dir);

		if (ok != (paths[i].name != NULL))
			fail_msg("%s: %s", paths[i].label, ok ? "accepted" : "refused");
		if (!ok)
			continue;
		assert_string_equal(name, paths[i].name);
		assert_int_equal(is_dir, paths[i].is_dir);
	}
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
	char path[65], name[64];
	bool is_dir;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_true(hf_dir_path_decode((struct hf_slice){ path, 64 }, name, sizeof(name), &is_dir));
	assert_int_equal(strlen(name), 63);
	assert_false(
	    hf_dir_path_decode((struct hf_slice){ path, 65 }, name, sizeof(name), &is_dir));
}

static void test_content_types(void **state)
{
	static const struct {
		const char *name, *type;
	} rows[] = {
		{ "a.html", "text/html; charset=utf-8" }, { "b/c.JSON", "application/json" },
		{ "a.tar.gz", "application/gzip" },	  { "a", "application/octet-stream" },
		{ "a.exe", "application/octet-stream" },  { ".json.x", "application/octet-stream" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		assert_string_equal(hf_content_type_of(rows[i].name), rows[i].type);
}

static void test_what_to_respond(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *hint; /* in the hint */
	} rows[] = {
		{ "verdict", 0, "" },
		{ "identity", 0, "" },
		{ "text:", 0, "" },
		{ "text:a:b", 0, "" },
		{ "dir:/", 0, "" },
		{ "file:/dev/null", -HF_E_INVALID, "" },
		{ "file:/does/not/exist", -HF_E_NOENT, "" },
		{ "dir:/does/not/exist", -HF_E_NOENT, "" },
		{ "verdict:x", -HF_E_INVALID, "" },
		{ "text", -HF_E_INVALID, "" },
		{ "file", -HF_E_INVALID, "" },
		{ "verdit", -HF_E_INVALID, "'verdict'" },
		{ "", -HF_E_INVALID, "dir:PATH" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		const struct hf_responder_spec spec = { .text = rows[i].text };
		struct hf_responder responder;
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_responder_init(&responder, &spec, &err);

		if (rc != rows[i].rc)
			fail_msg("%s: %d (%s)", rows[i].text, rc, err.msg);
		assert_non_null(strstr(err.hint, rows[i].hint));
		hf_responder_done(&responder);
	}
}

static struct hf_counters *make_counters(size_t workers)
{
	size_t bytes = hf_counters_rows(workers) * sizeof(struct hf_counters);
	struct hf_counters *all = aligned_alloc(HF_PAGES_ROW, bytes);

	assert_non_null(all);
	memset(all, 0, bytes);
	return all;
}

static void test_nothing_that_a_worker_writes_leads_a_reader_astray(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(200000);
	struct hf_counters *all = make_counters(2);

	(void)state;
	hf_count_cause(&all[0], "V-EXPIRED", HF_COUNT_SERVER);
	for (size_t i = 0; i < HF_CAUSES_CAP; i++) { /* names without an end */
		memset(all[1].causes[i].name, 'x', HF_CAUSE_NAME_CAP);
		all[1].causes[i].by_server = 1;
	}
	all[1].causes_len = SIZE_MAX;
	memcpy(all[1].causes[3].name, "a\"} 7\nhandfast_made_up 1\n", 26);
	hf_counters_write(all, 2, &out);
	assert_non_null(
	    strstr(hf_buf_str(&out), "{cause=\"V-EXPIRED\",refused_by=\"server\"} 1\n"));
	assert_null(strstr(hf_buf_str(&out), "made_up"));
	free(all);
}

static void test_counters_are_added_up_over_workers(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(100000);
	struct hf_counters *all = make_counters(2);

	(void)state;
	assert_non_null(all);
	hf_count(&all[0].requests, 2);
	hf_count(&all[1].requests, 3);
	hf_count(&all[0].answers[4], 1);
	hf_count_cause(&all[1], "V-EXPIRED", HF_COUNT_SERVER);
	hf_count_cause(&all[0], "N-NONE", HF_COUNT_SERVER);
	hf_count_cause(&all[0], "V-EXPIRED", HF_COUNT_SERVER);
	hf_count_cause(&all[0], "V-EXPIRED", HF_COUNT_CLIENT);
	hf_count_cause(&all[2], "", HF_COUNT_NOBODY);
	hf_counters_write(all, 2, &out);
	assert_non_null(strstr(hf_buf_str(&out), "\nhandfast_requests_total 5\n"));
	assert_non_null(strstr(hf_buf_str(&out), "\nhandfast_refused_total 5\n"));
	assert_non_null(strstr(hf_buf_str(&out), "handfast_answers_total{class=\"4xx\"} 1\n"));
	assert_non_null(
	    strstr(hf_buf_str(&out), "{cause=\"V-EXPIRED\",refused_by=\"server\"} 2\n"));
	assert_non_null(
	    strstr(hf_buf_str(&out), "{cause=\"V-EXPIRED\",refused_by=\"client\"} 1\n"));
	assert_non_null(strstr(hf_buf_str(&out), "{cause=\"unknown\",refused_by=\"nobody\"} 1\n"));
	free(all);
}

static void test_causes_beyond_the_table_are_counted_in_the_sum_only(void **state)
{
	struct hf_counters *all = make_counters(1);
	char name[HF_CAUSE_NAME_CAP];

	(void)state;
	assert_non_null(all);
	for (int i = 0; i < HF_CAUSES_CAP + 10; i++) {
		(void)snprintf(name, sizeof(name), "X-%d", i);
		hf_count_cause(&all[0], name, HF_COUNT_SERVER);
	}
	assert_int_equal(all[0].refused, HF_CAUSES_CAP + 10);
	assert_int_equal(all[0].causes_len, HF_CAUSES_CAP);
	free(all);
}

static void test_a_preflight_of_too_many_findings_keeps_within_its_table(void **state)
{
	struct hf_preflight *preflight = calloc(1, sizeof(*preflight));
	struct hf_err err = { .code = HF_E_MISMATCH, .msg = "x", .hint = "y" };
	bool fatal = false;

	(void)state;
	assert_non_null(preflight);
	for (int i = 0; i < HF_PREFLIGHT_CAP + 5; i++)
		hf_preflight_add_failure(preflight, &err);
	assert_int_equal(preflight->len, HF_PREFLIGHT_CAP);
	assert_int_equal(hf_preflight_mistakes(preflight, &fatal), HF_PREFLIGHT_CAP);
	assert_true(fatal);
	assert_string_equal(preflight->items[0].id, "F-KEY-MISMATCH");
	free(preflight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_never_leave_the_directory),
		cmocka_unit_test(test_a_path_that_is_too_long_is_refused),
		cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_what_to_respond),
		cmocka_unit_test(test_counters_are_added_up_over_workers),
		cmocka_unit_test(test_nothing_that_a_worker_writes_leads_a_reader_astray),
		cmocka_unit_test(test_causes_beyond_the_table_are_counted_in_the_sum_only),
		cmocka_unit_test(test_a_preflight_of_too_many_findings_keeps_within_its_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
