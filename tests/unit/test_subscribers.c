/* SPDX-License-Identifier: Apache-2.0 */
/* src/enroll/subscribers: who is who, how much room one certificate gets, the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "enroll/subscribers.h"

static char subject[] = "CN=gw", serial_a[] = "0a", serial_b[] = "0b";

static struct hf_cert leaf(char *serial, uint8_t fill)
{
	struct hf_cert cert = { .subject = subject, .serial = serial };

	memset(cert.sha256, fill, HF_SHA256_LEN);
	return cert;
}

static void test_certificate_and_instance_make_a_subscriber(void **state)
{
	HF_AUTO_DONE(hf_subscribers) s = { .len = 0 };
	struct hf_cert a = leaf(serial_a, 1), b = leaf(serial_b, 2);
	struct hf_subscriber *first = hf_subscribers_meet(&s, &a, "x");

	(void)state;
	assert_ptr_equal(hf_subscribers_meet(&s, &a, "x"), first);
	assert_ptr_not_equal(hf_subscribers_meet(&s, &a, "y"), first);
	assert_ptr_not_equal(hf_subscribers_meet(&s, &b, "x"), first);
	assert_int_equal(s.len, 3);
	first->waiting = 1;
	hf_subscribers_drop(&s, serial_a);
	assert_int_equal(s.len, 2); /* who waits stays */
	hf_subscribers_drop(&s, serial_b);
	assert_int_equal(s.len, 1);
}

static void test_one_certificate_does_not_take_all_the_room(void **state)
{
	HF_AUTO_DONE(hf_subscribers) s = { .len = 0 };
	struct hf_cert a = leaf(serial_a, 1), b = leaf(serial_b, 2);
	char word[16];

	(void)state;
	assert_non_null(hf_subscribers_meet(&s, &b, "other"));
	for (int i = 0; i < 5000; i++) {
		struct hf_subscriber *one;

		(void)snprintf(word, sizeof(word), "i%d", i);
		one = hf_subscribers_meet(&s, &a, word);
		assert_non_null(one);
		one->seen_at = i;
	}
	assert_true(s.len < HF_SUBSCRIBERS_CAP);
	assert_non_null(hf_subscribers_meet(&s, &b, "other"));
	for (size_t i = 0; i < s.len; i++)
		s.items[i]->waiting = 1;
	assert_null(hf_subscribers_meet(&s, &a, "one more"));
	assert_non_null(hf_subscribers_meet(&s, &b, "one more"));
}

static void test_file_brings_them_back(void **state)
{
	HF_AUTO_DONE(hf_subscribers) s = { .len = 0 };
	HF_AUTO_DONE(hf_subscribers) back = { .len = 0 };
	struct hf_cert a = leaf(serial_a, 1);
	char path[] = "/tmp/hf-subscribers-XXXXXX";
	struct hf_err err = HF_ERR_INIT;
	int64_t event = 7;

	(void)state;
	hf_fd_close(mkstemp(path));
	hf_subscribers_meet(&s, &a, "x")->confirmed = 41;
	assert_int_equal(hf_subscribers_save(path, &s, 42, 1000, &err), 0);
	assert_int_equal(hf_subscribers_load(path, &back, &event, &err), 0);
	assert_int_equal(event, 42);
	assert_int_equal(back.len, 1);
	assert_int_equal(back.items[0]->confirmed, 41);
	assert_memory_equal(back.items[0]->sha256, a.sha256, HF_SHA256_LEN);
	assert_string_equal(back.items[0]->name, subject);
	(void)unlink(path);
	assert_int_equal(hf_subscribers_load(path, &back, &event, &err), 0);
}

static void test_damaged_files_are_none(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"subscribers\": {}}",
		"{\"subscribers\": [{}]}",
		"{\"subscribers\": [{\"sha256\": \"00\", \"seen_at\": \"x\"}]}"
	};
	char path[] = "/tmp/hf-subscribers-XXXXXX";
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	hf_fd_close(mkstemp(path));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		HF_AUTO_DONE(hf_subscribers) s = { .len = 0 };
		int64_t event;

		assert_int_equal(hf_file_write(path, texts[i], strlen(texts[i]), HF_MODE_SECRET,
					       HF_FILE_REPLACE, &err),
				 0);
		assert_int_equal(hf_subscribers_load(path, &s, &event, &err), -HF_E_PARSE);
		assert_int_equal(s.len, 0);
	}
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate_and_instance_make_a_subscriber),
		cmocka_unit_test(test_one_certificate_does_not_take_all_the_room),
		cmocka_unit_test(test_file_brings_them_back),
		cmocka_unit_test(test_damaged_files_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
