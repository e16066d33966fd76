/* SPDX-License-Identifier: Apache-2.0 */
/* util/metrics: what Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#include "util/metrics.h"

static void assert_text(const struct hf_buf *out, const char *line)
{
	if (strstr(hf_buf_str(out), line) == NULL)
		fail_msg("'%s' is not in:\n%s", line, hf_buf_str(out));
}

static void test_durations_fall_into_the_bucket_that_holds_them(void **state)
{
	static const uint64_t us[] = { 0, 1000, 1001, 5000, 250001, 10000000, 10000001 };
	struct hf_histogram h = { 0 };
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(64 * 1024);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(us); i++)
		hf_histogram_add(&h, us[i]);
	hf_metric_histogram(&out, "x_seconds", "How long.", &h);
	assert_text(&out, "# TYPE x_seconds histogram\n");
	assert_text(&out, "x_seconds_bucket{le=\"0.001\"} 2\n");
	assert_text(&out, "x_seconds_bucket{le=\"0.005\"} 4\n");
	assert_text(&out, "x_seconds_bucket{le=\"0.25\"} 4\n");
	assert_text(&out, "x_seconds_bucket{le=\"0.5\"} 5\n");
	assert_text(&out, "x_seconds_bucket{le=\"10\"} 6\n");
	assert_text(&out, "x_seconds_bucket{le=\"+Inf\"} 7\n");
	assert_text(&out, "x_seconds_sum 20.257\nx_seconds_count 7\n");
}

static void test_histograms_of_processes_add_up(void **state)
{
	struct hf_histogram one = { 0 }, two = { 0 }, sum = { 0 };

	(void)state;
	hf_histogram_add(&one, 500);
	hf_histogram_add(&two, 700);
	hf_histogram_add(&two, 2000);
	hf_histogram_sum(&sum, &one);
	hf_histogram_sum(&sum, &two);
	assert_int_equal(sum.count, 3);
	assert_int_equal(sum.sum_us, 3200);
	assert_int_equal(sum.buckets[0], 2);
	assert_int_equal(sum.buckets[1], 1);
}

static void test_label_cannot_end_its_quotes(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1024);

	(void)state;
	hf_metric_row(&out, "x", "name", "a\"b\\c\nd", 7);
	assert_string_equal(hf_buf_str(&out), "x{name=\"a\\\"b\\\\c\\nd\"} 7\n");
	hf_buf_clear(&out);
	hf_metric_row(&out, "x", NULL, NULL, -1);
	assert_string_equal(hf_buf_str(&out), "x -1\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_fall_into_the_bucket_that_holds_them),
		cmocka_unit_test(test_histograms_of_processes_add_up),
		cmocka_unit_test(test_label_cannot_end_its_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
