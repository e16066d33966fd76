/* SPDX-License-Identifier: Apache-2.0 */
/* base/alabel: host names in other letters, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alabel.h"
#include "base/macros.h"

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
		{ "BÜCHER.Example", "xn--bcher-kva.Example" },
		{ "straße.de", "xn--strae-oqa.de" },
		{ "www.éé.é", "www.xn--9caa.xn--9ca" },
		{ "пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f" },
		{ "ПРИМЕР", "xn--e1afmkfd" },
		{ "παράδειγμα", "xn--hxajbheg2az3al" },
		{ "例え.テスト", "xn--r8jz45g.xn--zckzah" },
		{ "他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye" },
		{ "pročprostěnemluvíčesky", "xn--proprostnemluvesky-uyb24dma41a" },
		{ "ŽLUŤ", "xn--lu-yta1h" },
		{ "☃.example", "xn--n3h.example" },
		{ "😀", "xn--e28h" },
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].letters);
		assert_true(hf_alabel_encode(rows[i].letters, got, sizeof(got)));
		assert_string_equal(got, rows[i].ascii);
	}
}

static void test_what_is_no_name_in_letters(void **state)
{
	static const char *const rows[] = {
		"\xff",		"a\xc3",	  "\xc3(",
		"\xc0\xae",	"\xed\xa0\x80",	  "\xf4\x90\x80\x80",
		"\x80",		"u\xcc\x88",	  "a\xc2\xa0z",
		"a\xc2\xadz",	"a\xe2\x80\x8dz", "\xef\xbc\x8e",
		"\xee\x80\x80", "\xc4\xb0",	  "\xf3\xa0\x81\x81",
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		assert_false(hf_alabel_encode(rows[i], got, sizeof(got)));
}

static void test_limits(void **state)
{
	char letters[140] = "", got[80];

	(void)state;
	memset(letters, 'a', 62);
	(void)memcpy(letters + 62, "\xc3\xbc", 3);
	assert_false(
	    hf_alabel_encode(letters, got, sizeof(got))); /* 63 letters, and more encoded */
	(void)memcpy(letters + 50, "\xc3\xbc", 3);
	assert_true(hf_alabel_encode(letters, got, sizeof(got)) && strlen(got) <= 63);
	for (size_t cap = 0; cap <= strlen(got); cap++)
		assert_false(hf_alabel_encode(letters, got + 0, cap));
	assert_false(hf_alabel_encode("abc", got, 3));
	assert_true(hf_alabel_encode("abc", got, 4));
	memset(letters, 'b', 64);
	letters[64] = '\0';
	assert_false(hf_alabel_encode(letters, got, sizeof(got)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_in_other_letters),
		cmocka_unit_test(test_what_is_no_name_in_letters),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
