/* SPDX-License-Identifier: Apache-2.0 */
/* DER by hand: what OpenSSL writes for the same values is the yardstick. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/ossl.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/derwrite.h"

static void assert_hex(const struct hf_buf *b, const char *want, const char *label)
{
	char hex[256];

	assert_true(b->len * 2 < sizeof(hex));
	hf_hex_encode(hf_buf_str(b), b->len, hex);
	if (strcmp(hex, want) != 0)
		fail_msg("%s: want %s, have %s", label, want, hex);
}

static void test_numbers_are_minimal_and_never_negative(void **state)
{
	static const struct {
		uint64_t value;
		const char *der;
	} rows[] = {
		{ 0, "020100" },	 { 1, "020101" },
		{ 127, "02017f" },	 { 128, "02020080" },
		{ 255, "020200ff" },	 { 256, "02020100" },
		{ 32768, "0203008000" }, { UINT64_MAX, "020900ffffffffffffffff" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(64);

		hf_derw_number(&b, rows[i].value);
		assert_hex(&b, rows[i].der, rows[i].der);
	}
}

static void test_serials_lose_leading_zeros_and_gain_a_sign_octet(void **state)
{
	static const uint8_t high[] = { 0, 0, 0x80, 1 }, zero[] = { 0, 0 };
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(64);

	(void)state;
	hf_derw_integer(&b, high, sizeof(high));
	assert_hex(&b, "0203008001", "high bit");
	hf_buf_clear(&b);
	hf_derw_integer(&b, zero, sizeof(zero));
	assert_hex(&b, "020100", "zero");
}

/* As OpenSSL, which chooses the type by RFC 5280 too. */
static void test_times_are_written_as_openssl_writes_them(void **state)
{
	static const int years[] = { 1950, 1969, 1970, 1999, 2000, 2026, 2049, 2050, 2120, 9999 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(years); i++) {
		int64_t at = hf_time_from_civil(years[i], 12, 31, 23, 59, 58);
		HF_AUTO(ASN1_TIME) time = ASN1_TIME_set(NULL, (time_t)at);
		HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(64);

		assert_non_null(time);
		hf_derw_time(&b, at);
		assert_int_equal((unsigned char)b.data[0], ASN1_STRING_type(time));
		assert_int_equal(b.data[1], ASN1_STRING_length(time));
		assert_memory_equal(b.data + 2, ASN1_STRING_get0_data(time), b.len - 2);
	}
}

static void test_lengths_have_the_shortest_form(void **state)
{
	static const struct {
		size_t len;
		const char *header;
	} rows[] = {
		{ 0, "3000" },		 { 127, "307f" },
		{ 128, "308180" },	 { 255, "3081ff" },
		{ 256, "30820100" },	 { 65535, "3082ffff" },
		{ 65536, "3083010000" }, { 1 << 24, "308401000000" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT((1 << 24) + 64);
		const unsigned char *p;
		char hex[16];
		long len = 0;
		int tag, class;

		assert_int_equal(hf_buf_puts(&b, "before"), 0);
		assert_int_equal(hf_buf_reserve(&b, rows[i].len), 0);
		memset(b.data + b.len, 'x', rows[i].len);
		b.len += rows[i].len;
		hf_derw_wrap(&b, strlen("before"), HF_DERW_SEQUENCE);
		assert_false(hf_buf_failed(&b));
		assert_memory_equal(b.data, "before", strlen("before"));
		hf_hex_encode(b.data + strlen("before"), strlen(rows[i].header) / 2, hex);
		assert_string_equal(hex, rows[i].header);
		p = (const unsigned char *)b.data + strlen("before");
		assert_int_equal(ASN1_get_object(&p, &len, &tag, &class, (long)b.len - 6), 0x20);
		assert_int_equal(len, rows[i].len);
	}
}

static void test_extensions_leave_out_what_is_the_default(void **state)
{
	static const uint8_t value[] = { 0x05, 0x00 };
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(64);

	(void)state;
	hf_derw_extension(&b, NID_key_usage, true, value, sizeof(value));
	assert_hex(&b, "300c0603551d0f0101ff04020500", "critical");
	hf_buf_clear(&b);
	hf_derw_extension(&b, NID_key_usage, false, value, sizeof(value));
	assert_hex(&b, "30090603551d0f04020500", "not critical");
}

static void test_a_full_buffer_fails_for_good(void **state)
{
	HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(4);

	(void)state;
	hf_derw_number(&b, 1);
	hf_derw_wrap(&b, 0, HF_DERW_SEQUENCE);
	assert_true(hf_buf_failed(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_minimal_and_never_negative),
		cmocka_unit_test(test_serials_lose_leading_zeros_and_gain_a_sign_octet),
		cmocka_unit_test(test_times_are_written_as_openssl_writes_them),
		cmocka_unit_test(test_lengths_have_the_shortest_form),
		cmocka_unit_test(test_extensions_leave_out_what_is_the_default),
		cmocka_unit_test(test_a_full_buffer_fails_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
