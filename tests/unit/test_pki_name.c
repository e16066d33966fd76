/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/name: -subj syntax as OpenSSL reads it, text, comparison. */
#include "pki_fixture.h"

/* The DER of the subject that `openssl req -subj` makes. */
static X509_NAME *openssl_subject(const char *subj)
{
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(65536);
	HF_AUTO(X509_REQ) req = NULL;
	const unsigned char *p;

	fx_puts("subj", subj);
	fx_run(
	    "openssl req -new -utf8 -newkey ed25519 -nodes -keyout /dev/null -subj \"$(cat subj)\" "
	    "-outform DER -out req.der 2>/dev/null");
	assert_int_equal(hf_file_read("req.der", &der, NULL), 0);
	p = (const unsigned char *)der.data;
	req = d2i_X509_REQ(NULL, &p, (long)der.len);
	assert_non_null(req);
	return X509_NAME_dup(X509_REQ_get_subject_name(req));
}

static void assert_same_der(const X509_NAME *a, const X509_NAME *b)
{
	HF_AUTO(ossl_mem) x = NULL;
	HF_AUTO(ossl_mem) y = NULL;
	int n = i2d_X509_NAME(a, &x), m = i2d_X509_NAME(b, &y);

	assert_int_equal(n, m);
	assert_memory_equal(x, y, (size_t)n);
}

static void test_subjects_are_read_as_openssl_reads_them(void **state)
{
	static const struct {
		const char *label, *subj, *text, *back;
	} rows[] = {
		{ "seed 002: two parts, order kept", "/CN=localhost/O=InvoiceServer",
		  "CN=localhost, O=InvoiceServer", NULL },
		{ "only O, with a dot and a space", "/O=ABC Inc.", "O=ABC Inc.", NULL },
		{ "C is a PrintableString", "/C=IN/ST=Kerala/L=Kochi", "C=IN, ST=Kerala, L=Kochi",
		  NULL },
		{ "an escaped slash", "/O=a\\/b/CN=x", "O=a/b, CN=x", NULL },
		{ "an escaped plus", "/O=a\\+b", "O=a\\+b", NULL },
		{ "an escaped backslash", "/O=a\\\\b", "O=a\\\\b", NULL },
		{ "a backslash before a letter is dropped", "/O=a\\bc", "O=abc", "/O=abc" },
		{ "two values in one RDN", "/CN=x+OU=y/O=z", NULL, NULL },
		{ "an equals sign in the value", "/CN=a=b", "CN=a=b", NULL },
		{ "a comma in the value", "/O=A, B", "O=A\\, B", NULL },
		{ "UTF-8", "/O=Müller GmbH", "O=Müller GmbH", NULL },
		{ "e-mail is IA5String", "/emailAddress=a@b.example", "emailAddress=a@b.example",
		  NULL },
		{ "long names", "/commonName=x/countryName=DE", "CN=x, C=DE", "/CN=x/C=DE" },
		{ "a dotted OID that has a name", "/2.5.4.3=x", "CN=x", "/CN=x" },
		{ "domain components", "/DC=example/DC=com", "DC=example, DC=com", NULL },
		{ "a slash at the end", "/CN=x/", "CN=x", "/CN=x" },
		{ "nothing", "/", "(empty)", NULL },
		{ "the same type twice", "/OU=a/OU=b", "OU=a, OU=b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_NAME) ours = NULL;
		HF_AUTO(X509_NAME) theirs = openssl_subject(rows[i].subj);
		HF_AUTO(X509_NAME) again = NULL;
		HF_AUTO_DONE(hf_buf) subj = HF_BUF_INIT(4096);
		HF_AUTO(cstr) text = NULL;

		print_message("  %s\n", rows[i].label);
		assert_int_equal(hf_name_parse(rows[i].subj, &ours, NULL), 0);
		assert_same_der(ours, theirs);
		text = hf_name_text(ours);
		if (rows[i].text)
			assert_string_equal(text, rows[i].text);
		assert_int_equal(hf_name_format_subj(theirs, &subj), 0);
		if (rows[i].text)
			assert_string_equal(hf_buf_str(&subj),
					    rows[i].back ? rows[i].back : rows[i].subj);
		assert_int_equal(hf_name_parse(hf_buf_str(&subj), &again, NULL), 0);
		assert_true(hf_name_equal(again, theirs));
		fx_no_stale_errors(rows[i].label);
	}
}

static void test_multi_valued_rdn_is_one_set(void **state)
{
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO(X509_NAME) apart = NULL;
	HF_AUTO(cstr) text = NULL;

	(void)state;
	assert_int_equal(hf_name_parse("/C=DE/CN=x+OU=y", &name, NULL), 0);
	assert_int_equal(hf_name_parse("/C=DE/CN=x/OU=y", &apart, NULL), 0);
	text = hf_name_text(name);
	assert_string_equal(text, "C=DE, CN=x + OU=y");
	assert_false(hf_name_equal(name, apart));
}

static void test_bare_text_is_a_common_name(void **state)
{
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO(cstr) text = NULL;

	(void)state;
	assert_int_equal(hf_name_parse("mail server + more=x\\", &name, NULL), 0);
	text = hf_name_text(name);
	assert_string_equal(text, "CN=mail server \\+ more=x\\\\");
}

static void test_wrong_subjects_name_the_part(void **state)
{
	static const struct {
		const char *label, *subj, *message, *hint;
	} rows[] = {
		{ "empty text", "", "empty", "'/'" },
		{ "no equals sign", "/CN", "'CN' has no '='", "" },
		{ "no equals sign in the second part", "/CN=x/foo", "'foo' has no '='", "" },
		{ "an unknown type", "/CN=x/XX=y", "'XX' is of no type", "CN, emailAddress" },
		{ "a type with a slip", "/CM=x", "'CM' is of no type", "did you mean" },
		{ "an unescaped plus", "/CN=a+b", "'b' has no '='", "" },
		{ "a type and no value", "/CN=x/O=", "'O' has no value", "leave the part out" },
		{ "an empty type", "/=x", "'' is of no type", "" },
		{ "a double slash", "/CN=x//O=y", "'/O' is of no type", "" },
		{ "a lone backslash at the end", "/CN=x\\", "'CN' ends with a lone backslash", "" },
		{ "a plus at the end", "/CN=x+", "'CN' is followed by '+'", "" },
		{ "a country of three letters", "/C=IND", "'C' is longer", "" },
		{ "a country of one letter", "/C=I", "'C' is shorter", "" },
		{ "a CN of 65 characters",
		  "/CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "'CN' is longer", "" },
		{ "Latin-1", "/CN=M\xfcller", "'CN' is not valid UTF-8", "" },
		{ "a newline", "/CN=a\nb", "'CN' holds a control", "" },
		{ "a bare text with a control byte", "a\x1b[2J", "'CN' holds a control", "" },
		{ "a letter outside IA5 in an e-mail", "/emailAddress=ü@x", "'emailAddress'", "" },
		{ "an OID with an empty arc", "/1.2..4=x", "'1.2..4' is of no type", "" },
		{ "an OID of one arc", "/1=x", "'1' is of no type", "" },
		{ "an OID with a leading zero", "/2.5.04.3=x", "'2.5.04.3' is of no type", "" },
		{ "an OID that ends with a dot", "/2.5.4.3.=x", "'2.5.4.3.' is of no type", "" },
		{ "an umlaut in a country", "/C=DÜ", "'C'", "" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_err err = HF_ERR_INIT;
		X509_NAME *name = NULL;

		print_message("  %s\n", rows[i].label);
		assert_true(hf_name_parse(rows[i].subj, &name, &err) < 0);
		assert_null(name);
		if (!strstr(err.msg, rows[i].message) || !strstr(err.hint, rows[i].hint))
			fail_msg("says '%s' (%s)", err.msg, err.hint);
		fx_no_stale_errors(rows[i].label);
	}
}

/* A name with one entry of any type and bytes. */
static X509_NAME *odd_name(int type, const char *bytes, int len)
{
	X509_NAME *name = X509_NAME_new();

	assert_non_null(name);
	assert_true(X509_NAME_add_entry_by_NID(name, NID_organizationName, type,
					       (const unsigned char *)bytes, len, -1, 0));
	return name;
}

static void test_names_compare_by_content(void **state)
{
	static const struct {
		const char *label;
		int type_a;
		const char *a;
		int len_a;
		int type_b;
		const char *b;
		int len_b;
		bool equal;
	} rows[] = {
		{ "string types do not matter", V_ASN1_PRINTABLESTRING, "ABC Inc.", 8,
		  V_ASN1_UTF8STRING, "ABC Inc.", 8, true },
		{ "BMPString neither", V_ASN1_BMPSTRING, "\0A\0B", 4, V_ASN1_UTF8STRING, "AB", 2,
		  true },
		{ "nor case", V_ASN1_UTF8STRING, "abc", 3, V_ASN1_UTF8STRING, "ABC", 3, true },
		{ "nor spaces around and doubled", V_ASN1_UTF8STRING, " a  b ", 6,
		  V_ASN1_UTF8STRING, "a b", 3, true },
		{ "a space inside does", V_ASN1_UTF8STRING, "a b", 3, V_ASN1_UTF8STRING, "ab", 2,
		  false },
		{ "so do other letters", V_ASN1_UTF8STRING, "abc", 3, V_ASN1_UTF8STRING, "abd", 3,
		  false },
		{ "and what stands behind a NUL", V_ASN1_UTF8STRING, "a\0b", 3, V_ASN1_UTF8STRING,
		  "a", 1, false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_NAME) a = odd_name(rows[i].type_a, rows[i].a, rows[i].len_a);
		HF_AUTO(X509_NAME) b = odd_name(rows[i].type_b, rows[i].b, rows[i].len_b);

		print_message("  %s\n", rows[i].label);
		assert_int_equal(hf_name_equal(a, b), rows[i].equal);
	}
}

static void test_foreign_bytes_are_escaped_and_not_said_in_subj_form(void **state)
{
	static const struct {
		const char *label;
		int type;
		const char *bytes;
		int len;
		const char *text;
		bool sayable;
	} rows[] = {
		{ "NUL", V_ASN1_UTF8STRING, "a\0b", 3, "O=a\\x00b", false },
		{ "terminal escape", V_ASN1_UTF8STRING, "\x1b[2J", 4, "O=\\x1b[2J", false },
		{ "newline", V_ASN1_PRINTABLESTRING, "a\nb", 3, "O=a\\x0ab", false },
		{ "right-to-left override", V_ASN1_UTF8STRING,
		  "a\xe2\x80\xae"
		  "b",
		  5, "O=a\\u{202e}b", true },
		{ "a value that looks like two parts", V_ASN1_UTF8STRING, "x, CN=admin", 11,
		  "O=x\\, CN=admin", true },
		{ "Latin-1 in a T61String", V_ASN1_T61STRING, "M\xfcller", 6, "O=Müller", true },
		{ "a BIT STRING", V_ASN1_BIT_STRING, "\x01\x02", 2, "O=#0102", false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_NAME) name = odd_name(rows[i].type, rows[i].bytes, rows[i].len);
		HF_AUTO(cstr) text = hf_name_text(name);
		HF_AUTO_DONE(hf_buf) subj = HF_BUF_INIT(4096);

		print_message("  %s\n", rows[i].label);
		assert_string_equal(text, rows[i].text);
		(void)hf_buf_puts(&subj, "kept");
		assert_int_equal(hf_name_format_subj(name, &subj),
				 rows[i].sayable ? 0 : -HF_E_INVALID);
		if (!rows[i].sayable)
			assert_string_equal(hf_buf_str(&subj), "kept");
		fx_no_stale_errors(rows[i].label);
	}
}

static void test_values_of_a_type_keep_their_length(void **state)
{
	HF_AUTO(X509_NAME) name = NULL;
	struct hf_name_value *values = NULL;
	size_t len = 9;

	(void)state;
	assert_int_equal(hf_name_parse("/CN=a/O=x/CN=b", &name, NULL), 0);
	assert_true(X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING,
					       (const unsigned char *)"c\0d", 3, -1, 0));
	assert_int_equal(hf_name_values(name, NID_commonName, &values, &len, NULL), 3);
	assert_int_equal(len, 3);
	assert_string_equal(values[1].utf8, "b");
	assert_int_equal(values[2].len, 3);
	assert_memory_equal(values[2].utf8, "c\0d", 4);
	hf_name_values_free(values, len);
	assert_int_equal(hf_name_values(name, NID_countryName, &values, &len, NULL), 0);
	assert_int_equal(len, 0);
	assert_null(values);
}

static void test_cas_of_one_house_look_related(void **state)
{
	static const struct {
		const char *a, *b;
		bool related;
	} rows[] = {
		{ "/O=ABC/CN=Issuing", "/O=abc/CN=Root", true },
		{ "/O=ABC/CN=Fleet Issuing", "/O=XYZ/CN=Fleet Root", false },
		{ "/CN=Fleet Issuing C", "/CN=Fleet Root H58", true },
		{ "/CN=Issuing CA of Kessel", "/CN=KESSEL-Root 2024", true },
		{ "/O=Kessel/CN=Kessel Devices G3", "/CN=Kessel Root", true },
		{ "/CN=Müller Ausgabe", "/CN=Wurzel Müller", true },
		{ "/CN=Intermediate CA", "/CN=Root CA", false },
		{ "/CN=Test Issuing Authority 7", "/CN=Test Root Authority 7", false },
		{ "/CN=Fabrik West", "/CN=Nordlicht", false },
		{ "/CN=G3 X1", "/CN=G3 X1 Root", false },
		{ "/CN=Fleet", "/OU=Fleet", false },
		{ "/", "/", false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_NAME) a = NULL;
		HF_AUTO(X509_NAME) b = NULL;

		assert_int_equal(hf_name_parse(rows[i].a, &a, NULL), 0);
		assert_int_equal(hf_name_parse(rows[i].b, &b, NULL), 0);
		if (hf_name_related(a, b) != rows[i].related ||
		    hf_name_related(b, a) != rows[i].related)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_subjects_are_read_as_openssl_reads_them,
						fx_enter, fx_leave),
		cmocka_unit_test(test_multi_valued_rdn_is_one_set),
		cmocka_unit_test(test_bare_text_is_a_common_name),
		cmocka_unit_test(test_wrong_subjects_name_the_part),
		cmocka_unit_test(test_names_compare_by_content),
		cmocka_unit_test(test_foreign_bytes_are_escaped_and_not_said_in_subj_form),
		cmocka_unit_test(test_values_of_a_type_keep_their_length),
		cmocka_unit_test(test_cas_of_one_house_look_related),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
