/* SPDX-License-Identifier: Apache-2.0 */
/* util/logsink: lines that must neither wait nor be torn. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "util/logsink.h"

enum { LINE_LEN = 1000 };

static char dir[] = "/tmp/hf-logsink-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void add_line(struct hf_log_sink *sink, unsigned number)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(4096);

	(void)hf_buf_printf(&line, "%08u", number);
	while (line.len < LINE_LEN - 1)
		(void)hf_buf_putc(&line, '.');
	(void)hf_buf_putc(&line, '\n');
	hf_log_sink_add(sink, &line);
}

/* Reads what is there: whole lines, counted up from `next`; how many. */
static unsigned read_lines(int fd, unsigned next)
{
	static char text[256 * 1024];
	unsigned lines = 0;
	ssize_t n;

	while ((n = read(fd, text, sizeof(text) / LINE_LEN * LINE_LEN)) > 0) {
		assert_int_equal(n % LINE_LEN, 0);
		for (ssize_t at = 0; at < n; at += LINE_LEN, lines++)
			assert_int_equal(strtoul(text + at, NULL, 10), next + lines);
	}
	return lines;
}

static void test_reader_that_stands_still_holds_nobody_up(void **state)
{
	struct hf_log_sink sink = HF_LOG_SINK_INIT;
	unsigned got = 0;
	int reader;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(hf_log_sink_open(&sink, path, NULL), 0);
	for (unsigned i = 0; i < 3000; i++) /* much more than pipe and memory hold */
		add_line(&sink, i);
	assert_true(sink.lost > 0);
	for (unsigned part = 1; part > 0; got += part) {
		hf_log_sink_flush(&sink);
		part = read_lines(reader, got);
	}
	assert_int_equal(sink.lines.len, 0);
	assert_int_equal(sink.lost, 0); /* it was told */
	assert_true(got > HF_LOG_SINK_CAP / LINE_LEN && got < 3000);
	add_line(&sink, got);
	hf_log_sink_flush(&sink);
	assert_int_equal(read_lines(reader, got), 1);
	hf_log_sink_done(&sink);
	hf_fd_close(reader);
	assert_int_equal(unlink(path), 0);
}

static void test_pipe_without_a_reader_is_an_error_not_a_wait(void **state)
{
	struct hf_log_sink sink = HF_LOG_SINK_INIT;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(hf_log_sink_open(&sink, path, &err) < 0);
	assert_non_null(strstr(err.hint, "reader"));
	hf_log_sink_done(&sink);
	assert_int_equal(unlink(path), 0);
}

static void test_full_disk_is_told_and_costs_no_line_that_fits(void **state)
{
	struct hf_log_sink sink = HF_LOG_SINK_INIT;
	int file;

	(void)state;
	assert_int_equal(hf_log_sink_open(&sink, "/dev/full", NULL), 0);
	for (unsigned i = 0; i < 100; i++)
		add_line(&sink, i);
	hf_log_sink_flush(&sink);
	assert_int_not_equal(sink.told, 0);
	assert_int_equal(sink.lost, 0);
	sink.path = path; /* as after making room and SIGHUP */
	hf_log_sink_reopen(&sink);
	hf_log_sink_flush(&sink);
	assert_int_equal(sink.told, 0);
	file = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read_lines(file, 0), 100);
	hf_fd_close(file);
	hf_log_sink_done(&sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_that_stands_still_holds_nobody_up),
		cmocka_unit_test(test_pipe_without_a_reader_is_an_error_not_a_wait),
		cmocka_unit_test(test_full_disk_is_told_and_costs_no_line_that_fits),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
