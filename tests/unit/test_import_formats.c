/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/import: the files of `openssl ca`: index.txt, serial, crlnumber, openssl.cnf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/import/index_txt.h"
#include "ca/import/opensslcnf.h"

#define ROW(status, expiry, revoked, serial) \
	status "\t" expiry "\t" revoked "\t" serial "\tunknown\t/C=IN/O=ABC/CN=amy\n"

static int parse(const char *text, struct hf_index *index, struct hf_err *err)
{
	return hf_index_parse(text, strlen(text), "index.txt", index, err);
}

static void test_every_column_of_a_row_is_read(void **state)
{
	static const struct {
		const char *says, *text;
		struct hf_index_row want;
	} cases[] = {
		{ "valid",
		  ROW("V", "301231235959Z", "", "1000"),
		  { .status = 'V', .not_after = 1924991999, .serial = "1000" } },
		{ "expired",
		  ROW("E", "700101000000Z", "", "01"),
		  { .status = 'E', .not_after = 0, .serial = "1" } },
		{ "revoked without a reason",
		  ROW("R", "301231235959Z", "210102030405Z", "0A"),
		  { .status = 'R',
		    .not_after = 1924991999,
		    .revoked_at = 1609556645,
		    .serial = "a" } },
		{ "revoked with a reason",
		  ROW("R", "301231235959Z", "210102030405Z,superseded", "00"),
		  { .status = 'R',
		    .not_after = 1924991999,
		    .revoked_at = 1609556645,
		    .reason = 4,
		    .serial = "0" } },
		{ "OpenSSL's spelling",
		  ROW("R", "301231235959Z", "210102030405Z,CACompromise", "02"),
		  { .status = 'R',
		    .not_after = 1924991999,
		    .revoked_at = 1609556645,
		    .reason = 2,
		    .serial = "2" } },
		{ "the time of the compromise",
		  ROW("R", "301231235959Z", "210102030405Z,keyTime,20200101000000Z", "02"),
		  { .status = 'R',
		    .not_after = 1924991999,
		    .revoked_at = 1609556645,
		    .reason = 1,
		    .reason_extra = true,
		    .serial = "2" } },
		{ "on hold",
		  ROW("R", "301231235959Z", "210102030405Z,holdInstruction,holdInstructionReject",
		      "02"),
		  { .status = 'R',
		    .not_after = 1924991999,
		    .revoked_at = 1609556645,
		    .reason = 6,
		    .reason_extra = true,
		    .serial = "2" } },
		{ "after 2049",
		  ROW("V", "20500101000000Z", "", "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"),
		  { .status = 'V',
		    .not_after = 2524608000,
		    .serial = "7fffffffffffffffffffffffffffffffffffffff" } },
		{ "the year 1950 begins at 50",
		  ROW("E", "500101000000Z", "", "01"),
		  { .status = 'E', .not_after = -631152000, .serial = "1" } },
		{ "a leap day",
		  ROW("V", "240229000000Z", "", "01"),
		  { .status = 'V', .not_after = 1709164800, .serial = "1" } },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
		struct hf_err err = HF_ERR_INIT;
		const struct hf_index_row *want = &cases[i].want, *have;

		print_message("%s\n", cases[i].says);
		assert_int_equal(parse(cases[i].text, &index, &err), 0);
		assert_int_equal(index.len, 1);
		have = &index.rows[0];
		assert_int_equal(have->status, want->status);
		assert_int_equal(have->not_after, want->not_after);
		assert_int_equal(have->revoked_at, want->revoked_at);
		assert_int_equal(have->reason, want->reason);
		assert_int_equal(have->reason_extra, want->reason_extra);
		assert_string_equal(have->serial, want->serial);
		assert_string_equal(have->file, "unknown");
		assert_string_equal(have->subject, "/C=IN/O=ABC/CN=amy");
		assert_int_equal(have->line, 1);
	}
}

static void test_tabs_comments_empty_lines_and_line_ends_are_understood(void **state)
{
	static const char text[] = "# made by hand\n"
				   "\n"
				   "V\t301231235959Z\t\t01\tunknown\t/CN=a\\\tb\\c\r\n"
				   "\r\n"
				   "V\t301231235959Z\t\t02\tnewcerts/02.pem\t/CN=last";
	HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(parse(text, &index, &err), 0);
	assert_int_equal(index.len, 2);
	assert_string_equal(index.rows[0].subject, "/CN=a\tb\\c");
	assert_int_equal(index.rows[0].line, 3);
	assert_string_equal(index.rows[1].file, "newcerts/02.pem");
	assert_int_equal(index.rows[1].line, 5);
}

static void test_damaged_row_is_an_error_that_names_its_line(void **state)
{
	static const struct {
		const char *says, *text, *want;
	} cases[] = {
		{ "too few columns", "V\t301231235959Z\t\t01\tunknown\n", "5 columns" },
		{ "too many columns", "V\t301231235959Z\t\t01\tunknown\t/CN=a\tb\n",
		  "more than 6" },
		{ "no columns at all", "hello\n", "1 columns" },
		{ "another status", ROW("X", "301231235959Z", "", "01"), "not V, R or E: 'X'" },
		{ "an empty status", ROW("", "301231235959Z", "", "01"), "not V, R or E" },
		{ "a long status", ROW("VV", "301231235959Z", "", "01"), "not V, R or E" },
		{ "no expiry", ROW("V", "", "", "01"), "time of expiry" },
		{ "the 30th of February", ROW("V", "300230000000Z", "", "01"), "time of expiry" },
		{ "1900 had no leap day", ROW("V", "19000229000000Z", "", "01"), "time of expiry" },
		{ "the month 13", ROW("V", "301331000000Z", "", "01"), "time of expiry" },
		{ "no Z", ROW("V", "3012312359590", "", "01"), "time of expiry" },
		{ "a sign in a date", ROW("V", "-01231235959Z", "", "01"), "time of expiry" },
		{ "revoked, but when", ROW("R", "301231235959Z", "", "01"), "time of revocation" },
		{ "an unknown reason", ROW("R", "301231235959Z", "210102030405Z,bored", "01"),
		  "unknown reason for a revocation: 'bored'" },
		{ "no serial", ROW("V", "301231235959Z", "", ""), "serial number" },
		{ "a negative serial", ROW("V", "301231235959Z", "", "-01"), "serial number" },
		{ "not hexadecimal", ROW("V", "301231235959Z", "", "0x1"), "serial number" },
		{ "a serial of 21 octets",
		  ROW("V", "301231235959Z", "", "010000000000000000000000000000000000000000"),
		  "at most 20 octets" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4096);
		struct hf_err err = HF_ERR_INIT;

		print_message("%s\n", cases[i].says);
		(void)hf_buf_puts(&text, ROW("V", "301231235959Z", "", "09"));
		(void)hf_buf_puts(&text, cases[i].text);
		assert_int_equal(parse(hf_buf_str(&text), &index, &err), -HF_E_PARSE);
		assert_int_equal(index.len, 0);
		assert_non_null(strstr(err.msg, "index.txt:2: "));
		if (!strstr(err.msg, cases[i].want))
			fail_msg("%s", err.msg);
	}
}

static void test_nul_and_endless_lines_are_refused(void **state)
{
	HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_index_parse("V\t\0\n", 4, "i", &index, &err), -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "i:1: a NUL byte"));
	for (size_t i = 0; i < HF_INDEX_LINE_CAP + 1; i++)
		(void)hf_buf_putc(&text, 'x');
	assert_int_equal(parse(hf_buf_str(&text), &index, &err), -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "too long"));
}

static void test_rows_are_written_as_openssl_writes_them(void **state)
{
	static const char *const lines[] = {
		ROW("V", "301231235959Z", "", "1000"),
		ROW("R", "301231235959Z", "210102030405Z,CACompromise", "0A"),
		ROW("R", "301231235959Z", "210102030405Z", "00"),
		ROW("R", "301231235959Z", "210102030405Z,removeFromCRL", "01"),
		ROW("V", "20500101000000Z", "", "7FFF"),
		ROW("E", "491231235959Z", "", "01"),
		"V\t301231235959Z\t\t01\tunknown\t/CN=a\\\tb\n",
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(lines); i++) {
		HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4096);
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(parse(lines[i], &index, &err), 0);
		assert_int_equal(hf_index_format(&index.rows[0], &out), 0);
		assert_string_equal(hf_buf_str(&out), lines[i]);
	}
}

static void test_reason_that_openssl_does_not_know_is_left_out(void **state)
{
	struct hf_index_row row = { .status = 'R',
				    .not_after = 1924991999,
				    .revoked_at = 1609556645,
				    .reason = 9,
				    .serial = "1",
				    .file = (char[]){ "unknown" },
				    .subject = (char[]){ "/CN=a\nb" } };
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4096);

	(void)state;
	assert_int_equal(hf_index_format(&row, &out), 0);
	assert_string_equal(hf_buf_str(&out),
			    "R\t301231235959Z\t210102030405Z\t01\tunknown\t/CN=a b\n");
}

static void test_numbers_are_read_written_and_counted_on(void **state)
{
	static const struct {
		const char *text, *number, *next, *written;
	} cases[] = {
		{ "01\n", "1", "2", "01" },
		{ "1000\r\n", "1000", "1001", "1000" },
		{ "00", "0", "1", "00" },
		{ "0F  \n", "f", "10", "0F" },
		{ "fF\n", "ff", "100", "FF" },
		{ "9", "9", "a", "09" },
		{ "0009FF\n", "9ff", "a00", "09FF" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		char number[HF_INDEX_SERIAL_CAP], written[HF_INDEX_SERIAL_CAP + 1];
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_hex_number_parse(cases[i].text, strlen(cases[i].text), "serial",
						     number, &err),
				 0);
		assert_string_equal(number, cases[i].number);
		hf_hex_number_format(number, written);
		assert_string_equal(written, cases[i].written);
		assert_int_equal(hf_hex_number_next(number, &err), 0);
		assert_string_equal(number, cases[i].next);
	}
}

static void test_what_is_no_number_is_refused_and_the_last_has_no_next(void **state)
{
	static const char *const wrong[] = { "", "\n", "-1\n", "0x10\n", "12 34\n", "hello\n" };
	char number[HF_INDEX_SERIAL_CAP] = "ffffffffffffffffffffffffffffffffffffffff";
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++)
		assert_int_equal(hf_hex_number_parse(wrong[i], strlen(wrong[i]), "serial",
						     (char[HF_INDEX_SERIAL_CAP]){ "" }, &err),
				 -HF_E_PARSE);
	assert_int_equal(hf_hex_number_next(number, &err), -HF_E_LIMIT);
}

/* --- openssl.cnf --- */

static const char tutorial[] = "HOME = .\n"
			       "RANDFILE = $ENV::HOME/.rnd\n"
			       "oid_section = new_oids\n"
			       "[ new_oids ]\n"
			       "[ ca ]\n"
			       "default_ca = CA_default # the default\n"
			       "[ CA_default ]\n"
			       "dir = ./demoCA\n"
			       "certs = $dir/certs\n"
			       "database = ${dir}/index.txt\n"
			       "new_certs_dir = $dir/newcerts\n"
			       "certificate = $dir/cacert.pem\n"
			       "private_key = $(dir)/private/cakey.pem\n"
			       "RANDFILE = $dir/private/.rand\n"
			       "unique_subject = no\n"
			       "policy = policy_match\n"
			       "[ other ]\n"
			       "dir = $ENV::CADIR\n";

static void test_section_of_the_ca_is_read_with_its_variables(void **state)
{
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_opensslcnf_parse(tutorial, strlen(tutorial), "openssl.cnf", NULL, &cnf, &err);

	(void)state;
	if (rc < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(cnf.section, "CA_default");
	assert_string_equal(cnf.dir, "./demoCA");
	assert_string_equal(cnf.certs, "./demoCA/certs");
	assert_string_equal(cnf.database, "./demoCA/index.txt");
	assert_string_equal(cnf.private_key, "./demoCA/private/cakey.pem");
	assert_string_equal(cnf.unique_subject, "no");
	assert_string_equal(cnf.policy, "policy_match");
	assert_null(cnf.crlnumber);
	assert_false(cnf.includes);
}

static void test_extensions_that_guard_against_a_request_are_noticed(void **state)
{
	static const struct {
		const char *text;
		bool guarded;
	} cases[] = {
		{ "", false },
		{ "x509_extensions = nowhere\n", false },
		{ "x509_extensions = e\n[e]\nbasicConstraints = CA:FALSE\n", false },
		{ "x509_extensions = e\n[e]\nbasicConstraints = CA:FALSE\n"
		  "keyUsage = digitalSignature\nextendedKeyUsage = clientAuth\n",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
		HF_AUTO(cstr) text = hf_str_printf("[ca]\ndefault_ca = x\n[x]\n%s", cases[i].text);
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_opensslcnf_parse(text, strlen(text), "o", NULL, &cnf, &err), 0);
		assert_int_equal(cnf.guarded, cases[i].guarded);
	}
}

static void test_environment_is_not_looked_at(void **state)
{
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(setenv("CADIR", "/etc", 1), 0);
	assert_int_equal(hf_opensslcnf_parse(tutorial, strlen(tutorial), "openssl.cnf", "other",
					     &cnf, &err),
			 0);
	assert_string_equal(cnf.dir, "$ENV::CADIR");
	assert_true(hf_opensslcnf_needs_env(cnf.dir));
	assert_false(hf_opensslcnf_needs_env("$dir/x"));
}

static void test_other_files_are_not_read(void **state)
{
	static const char text[] = "[ca]\ndefault_ca = x\n[x]\ndir = here\n.include /etc/passwd\n"
				   "\t.include = /etc/passwd\n";
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_opensslcnf_parse(text, strlen(text), "openssl.cnf", NULL, &cnf, &err),
			 0);
	assert_string_equal(cnf.dir, "here");
	assert_true(cnf.includes);
}

static void test_file_without_a_ca_says_what_is_missing(void **state)
{
	static const struct {
		const char *text, *section, *want;
	} cases[] = {
		{ "", NULL, "no [ca] section" },
		{ "[req]\nx=1\n", NULL, "no [ca] section" },
		{ "[ca]\ndefault_ca=gone\n", NULL,
		  "no section [gone], which its default_ca names" },
		{ "[ca]\ndefault_ca=x\n[x]\ndir=.\n", "y", "no section [y]" },
		{ "[ca\n", NULL, "openssl.cnf:1: " },
		{ "a = 1\nb = $nothing\n", NULL, "openssl.cnf:2: " },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_opensslcnf_parse(cases[i].text, strlen(cases[i].text),
						     "openssl.cnf", cases[i].section, &cnf, &err),
				 -HF_E_PARSE);
		if (!strstr(err.msg, cases[i].want))
			fail_msg("%s", err.msg);
	}
}

static void test_file_that_would_grow_without_end_is_refused(void **state)
{
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (int i = 0; i < 3000; i++)
		(void)hf_buf_puts(&text, "a=$a$a\n");
	assert_int_equal(hf_opensslcnf_parse(hf_buf_str(&text), text.len, "o", NULL, &cnf, &err),
			 -HF_E_LIMIT);
	assert_int_equal(hf_opensslcnf_parse("", HF_OPENSSLCNF_CAP + 1, "o", NULL, &cnf, &err),
			 -HF_E_LIMIT);
}

static void test_unique_subject_is_yes_unless_it_says_no(void **state)
{
	static const struct {
		const char *text;
		bool unique;
	} cases[] = {
		{ "unique_subject = no\n", false },    { "unique_subject = yes\n", true },
		{ "unique_subject = 0\n", false },     { "", true },
		{ "unique_subject = False\n", false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		struct hf_err err = HF_ERR_INIT;
		bool unique = !cases[i].unique;

		assert_int_equal(hf_index_attr_parse(cases[i].text, strlen(cases[i].text),
						     "index.txt.attr", &unique, &err),
				 0);
		assert_int_equal(unique, cases[i].unique);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_column_of_a_row_is_read),
		cmocka_unit_test(test_tabs_comments_empty_lines_and_line_ends_are_understood),
		cmocka_unit_test(test_damaged_row_is_an_error_that_names_its_line),
		cmocka_unit_test(test_nul_and_endless_lines_are_refused),
		cmocka_unit_test(test_rows_are_written_as_openssl_writes_them),
		cmocka_unit_test(test_reason_that_openssl_does_not_know_is_left_out),
		cmocka_unit_test(test_numbers_are_read_written_and_counted_on),
		cmocka_unit_test(test_what_is_no_number_is_refused_and_the_last_has_no_next),
		cmocka_unit_test(test_section_of_the_ca_is_read_with_its_variables),
		cmocka_unit_test(test_extensions_that_guard_against_a_request_are_noticed),
		cmocka_unit_test(test_environment_is_not_looked_at),
		cmocka_unit_test(test_other_files_are_not_read),
		cmocka_unit_test(test_file_without_a_ca_says_what_is_missing),
		cmocka_unit_test(test_file_that_would_grow_without_end_is_refused),
		cmocka_unit_test(test_unique_subject_is_yes_unless_it_says_no),
	};

	return cmocka_run_group_tests_name("import_formats", tests, NULL, NULL);
}
