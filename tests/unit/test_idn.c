/* SPDX-License-Identifier: Apache-2.0 */
/* util/idn: host names in other letters, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "util/idn.h"

static void test_names_in_other_letters(void **state)
{
	static const struct {
		const char *letters, *ascii;
	} rows[] = {
		{ "", "" },
		{ "Gate.Example", "Gate.Example" },
		{ "gate.example.", "gate.example." },
		{ "127.0.0.1", "127.0.0.1" },
		{ "bücher.example", "xn--bcher-kva.example" },
		{ "BÜCHER.Example", "xn--bcher-kva.example" },
		{ "bu\xcc\x88"
		  "cher.example",
		  "xn--bcher-kva.example" },
		{ "straße.de", "xn--strae-oqa.de" },
		{ "пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f" },
		{ "παράδειγμα", "xn--hxajbheg2az3al" },
		{ "例え.テスト", "xn--r8jz45g.xn--zckzah" },
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		assert_true(hf_idn_encode(rows[i].letters, got, sizeof(got)));
		assert_string_equal(got, rows[i].ascii);
	}
}

static void test_what_is_no_name(void **state)
{
	static const char *const rows[] = {
		"\xff",		"a\xc3",
		"\xc3(",	"\xc0\xae",
		"\xed\xa0\x80", "a\xc2\xa0z",
		"\xee\x80\x80", "\xf3\xa0\x81\x81",
		"☃.example",	"üaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		if (hf_idn_encode(rows[i], got, sizeof(got)))
			fail_msg("row %zu is %s", i, got);
}

static void test_limits(void **state)
{
	char got[80];

	(void)state;
	assert_false(hf_idn_encode("abc", got, 3));
	assert_true(hf_idn_encode("abc", got, 4));
	assert_false(hf_idn_encode("bücher", got, sizeof("xn--bcher-kva") - 1));
	assert_true(hf_idn_encode("bücher", got, sizeof("xn--bcher-kva")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_in_other_letters),
		cmocka_unit_test(test_what_is_no_name),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
