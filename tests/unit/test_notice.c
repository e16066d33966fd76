/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway/notice: what one process puts up, others read whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "gateway/notice.h"

enum { TEXT_CAP = 1024 * 1024, WRITES = 2000 };

static void write_text(struct hf_notice *notice, size_t len, char fill)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_buf_reserve(&text, len + 1), 0);
	memset(text.data, fill, len);
	assert_int_equal(hf_notice_write(notice, fill, text.data, len, &err), 0);
}

static void check_text(const struct hf_notice *notice, size_t len, char fill, uint64_t version)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	struct hf_err err = HF_ERR_INIT;
	uint64_t got = 0;
	int64_t mark = 0;

	assert_int_equal(hf_notice_read(notice, &text, &mark, &got, &err), 0);
	assert_int_equal(text.len, len);
	assert_int_equal(mark, fill);
	assert_int_equal(got, version);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(text.data[i], fill);
}

static void test_the_last_text_is_read_whatever_its_length(void **state)
{
	static const size_t lens[] = { 10, 5000, 3, 0, 100000, 20, 99999, 300000, 1 };
	HF_AUTO(hf_notice) notice = NULL;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	struct hf_err err = HF_ERR_INIT;
	uint64_t version = 0;
	int64_t mark = 0;

	(void)state;
	assert_int_equal(hf_notice_new(&notice, &err), 0);
	assert_int_equal(hf_notice_read(notice, &text, &mark, &version, &err), 1);
	assert_int_equal(hf_notice_version(notice), 0);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		write_text(notice, lens[i], (char)('a' + i));
		check_text(notice, lens[i], (char)('a' + i), 2 * (i + 1));
	}
}

_Noreturn static void be_writer(struct hf_notice *notice)
{
	static char text[64 * 1024];
	struct hf_err err = HF_ERR_INIT;

	for (size_t i = 0; i < WRITES; i++) {
		char fill = (char)('A' + i % 26);
		size_t len = i * 7919 % sizeof(text);

		memset(text, fill, sizeof(text));
		if (hf_notice_write(notice, fill, text, len, &err) < 0)
			_exit(1);
	}
	_exit(0);
}

static void test_a_reader_never_sees_two_texts_at_once(void **state)
{
	HF_AUTO(hf_notice) notice = NULL;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	struct hf_err err = HF_ERR_INIT;
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(hf_notice_new(&notice, &err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_writer(notice);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		uint64_t version;
		int64_t mark;

		if (hf_notice_read(notice, &text, &mark, &version, &err) != 0)
			continue;
		for (size_t i = 0; i < text.len; i++)
			assert_int_equal(text.data[i], mark);
	}
	assert_int_equal(status, 0);
	assert_int_equal(hf_notice_version(notice), 2 * WRITES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_text_is_read_whatever_its_length),
		cmocka_unit_test(test_a_reader_never_sees_two_texts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
