/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/san: names as people write them, GeneralNames both ways, comparison. */
#include "pki_fixture.h"

#include "pki/san.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: refused */
		const char *back;
	} rows[] = {
		{ "10.0.0.1", 4, "10.0.0.1" },
		{ "255.255.255.255", 4, "255.255.255.255" },
		{ "::1", 16, "::1" },
		{ "[::1]", 16, "::1" },
		{ "2001:DB8::A", 16, "2001:db8::a" },
		{ "::ffff:10.0.0.1", 16, "::ffff:10.0.0.1" },
		{ "", 0, NULL },
		{ "[]", 0, NULL },
		{ "[::1", 0, NULL },
		{ "::1]", 0, NULL },
		{ "[10.0.0.1]", 0, NULL },
		{ "10.0.0", 0, NULL },
		{ "10.0.0.256", 0, NULL },
		{ "010.0.0.1", 0, NULL },
		{ "10.0.0.1 ", 0, NULL },
		{ "10.0.0.1/24", 0, NULL },
		{ "fe80::1%eth0", 0, NULL },
		{ "1:2:3:4:5:6:7:8:9", 0, NULL },
		{ "0x7f.0.0.1", 0, NULL },
		{ "localhost", 0, NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		uint8_t raw[16];
		size_t len = 0;
		char back[64] = "";

		print_message("  '%s'\n", rows[i].text);
		assert_int_equal(hf_ip_parse(rows[i].text, raw, &len), rows[i].len > 0);
		assert_int_equal(len, rows[i].len);
		if (len > 0) {
			hf_ip_format(raw, len, back, sizeof(back));
			assert_string_equal(back, rows[i].back);
		}
	}
}

#define L63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static void test_host_names(void **state)
{
	static const struct {
		const char *name;
		size_t len; /* 0: strlen */
		bool plain, wildcard;
	} rows[] = {
		{ "localhost", 0, true, true },
		{ "a.b-c.example", 0, true, true },
		{ "_service._tcp.example", 0, true, true },
		{ "xn--mller-kva.example", 0, true, true },
		{ "1.2.3.4", 0, true, true },
		{ L63 ".example", 0, true, true },
		{ "*.example.com", 0, false, true },
		{ "*", 0, false, false },
		{ "*.", 0, false, false },
		{ "*.*.example", 0, false, false },
		{ "f*.example", 0, false, false },
		{ "a.*.example", 0, false, false },
		{ "", 0, false, false },
		{ ".", 0, false, false },
		{ ".example", 0, false, false },
		{ "example.", 0, false, false },
		{ "a..b", 0, false, false },
		{ "-a.example", 0, false, false },
		{ "a-.example", 0, false, false },
		{ "a b", 0, false, false },
		{ "a\nb", 0, false, false },
		{ "müller.example", 0, false, false },
		{ "a:443", 0, false, false },
		{ "a/b", 0, false, false },
		{ "good.example\0.evil.example", 26, false, false },
		{ L63 "x.example", 0, false, false },
		{ L63 "." L63 "." L63 "." L63 ".", 0, false, false },
		{ L63 "." L63 "." L63 "."
		      "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija",
		  0, true, true },
		{ L63 "." L63 "." L63 "."
		      "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijab",
		  0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].name);

		print_message("  '%s'\n", rows[i].name);
		assert_int_equal(hf_dns_name_valid(rows[i].name, len, false), rows[i].plain);
		assert_int_equal(hf_dns_name_valid(rows[i].name, len, true), rows[i].wildcard);
	}
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *shown; /* shown NULL: refused */
		const char *hint;	  /* part of the hint when refused */
	} rows[] = {
		{ "dns:a.example", "dns:a.example", "" },
		{ "DNS:a.example", "dns:a.example", "" },
		{ "dns:*.a.example", "dns:*.a.example", "" },
		{ "ip:10.0.0.1", "ip:10.0.0.1", "" },
		{ "IP:::1", "ip:::1", "" },
		{ "ip:[2001:db8::1]", "ip:2001:db8::1", "" },
		{ "uri:spiffe://abc/mail", "uri:spiffe://abc/mail", "" },
		{ "uri:identity://localhost.client", "uri:identity://localhost.client", "" },
		{ "uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		  "uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "" },
		{ "email:amy@abc.example", "email:amy@abc.example", "" },
		{ "email:a.m+y@abc.example", "email:a.m+y@abc.example", "" },
		{ "a.example", NULL, "write dns:a.example" },
		{ "10.0.0.1", NULL, "write ip:10.0.0.1" },
		{ "::1", NULL, "write ip:::1" },
		{ "spiffe://abc/mail", NULL, "write uri:spiffe://abc/mail" },
		{ "amy@abc.example", NULL, "write email:amy@abc.example" },
		{ "", NULL, "kinds: dns" },
		{ "dns:", NULL, "letters" },
		{ "dns:10.0.0.1", NULL, "ip:" },
		{ "dns:a b", NULL, "letters" },
		{ "dns:bücher.example", NULL, "xn--" },
		{ "dns:a.example.", NULL, "letters" },
		{ "ip:a.example", NULL, "ip:192.0.2.1" },
		{ "ip:10.0.0.0/8", NULL, "ip:192.0.2.1" },
		{ "uri:no-scheme", NULL, "scheme:rest" },
		{ "uri:1x:y", NULL, "scheme:rest" },
		{ "uri:a:", NULL, "scheme:rest" },
		{ "uri:http://a b", NULL, "scheme:rest" },
		{ "uri:http://ä", NULL, "scheme:rest" },
		{ "email:amy", NULL, "local@host" },
		{ "email:@abc.example", NULL, "local@host" },
		{ "email:a..b@abc.example", NULL, "local@host" },
		{ "email:.a@abc.example", NULL, "local@host" },
		{ "email:a.@abc.example", NULL, "local@host" },
		{ "email:a b@abc.example", NULL, "local@host" },
		{ "email:a@b@c.example", NULL, "local@host" },
		{ "email:a@", NULL, "local@host" },
		{ "dirname:CN=x", NULL, "kinds: dns" },
		{ "other:x", NULL, "kinds: dns" },
		{ "dsn:a.example", NULL, "did you mean dns:a.example?" },
		{ "mail:a@b.example", NULL, "did you mean email:a@b.example?" },
		{ "localhost:8443", NULL, "kinds: dns" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
		HF_AUTO_DONE(hf_buf) shown = HF_BUF_INIT(1024);
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_sans_add_text(&sans, rows[i].text, &err);

		print_message("  '%s'\n", rows[i].text);
		assert_int_equal(rc, rows[i].shown ? 0 : -HF_E_PARSE);
		assert_int_equal(sans.len, rows[i].shown ? 1 : 0);
		assert_int_equal(hf_sans_format(&sans, &shown), 0);
		assert_string_equal(hf_buf_str(&shown), rows[i].shown ? rows[i].shown : "");
		if (!strstr(err.hint, rows[i].hint))
			fail_msg("hints '%s'", err.hint);
	}
}

static void test_lists(void **state)
{
	static const struct {
		const char *list, *shown;
	} rows[] = {
		{ "dns:a", "dns:a" },
		{ "dns:a,ip:::1", "dns:a, ip:::1" },
		{ " dns:a , uri:x:y ", "dns:a, uri:x:y" },
		{ "", NULL },
		{ "dns:a,", NULL },
		{ ",dns:a", NULL },
		{ "dns:a,,dns:b", NULL },
		{ "dns:a,b", NULL },
		{ "dns:a;dns:b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
		HF_AUTO_DONE(hf_buf) shown = HF_BUF_INIT(1024);
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_sans_add_list(&sans, rows[i].list, &err);

		print_message("  '%s'\n", rows[i].list);
		assert_int_equal(rc, rows[i].shown ? 0 : -HF_E_PARSE);
		if (rows[i].shown) {
			assert_int_equal(hf_sans_format(&sans, &shown), 0);
			assert_string_equal(hf_buf_str(&shown), rows[i].shown);
		}
	}
}

static void test_hosts_become_the_right_kind(void **state)
{
	static const struct {
		const char *host;
		int rc;
		enum hf_san_kind kind;
	} rows[] = {
		{ "localhost", 0, HF_SAN_DNS },
		{ "127.0.0.1", 0, HF_SAN_IP },
		{ "::1", 0, HF_SAN_IP },
		{ "[::1]", 0, HF_SAN_IP },
		{ "two words", -HF_E_PARSE, 0 },
		{ "", -HF_E_PARSE, 0 },
		{ "a.example:443", -HF_E_PARSE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
		struct hf_err err = HF_ERR_INIT;

		print_message("  '%s'\n", rows[i].host);
		assert_int_equal(hf_sans_add_host(&sans, rows[i].host, &err), rows[i].rc);
		if (rows[i].rc == 0)
			assert_int_equal(sans.items[0].kind, rows[i].kind);
	}
}

static void test_names_go_to_general_names_and_back(void **state)
{
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_sans) back = HF_SANS_INIT;
	HF_AUTO_DONE(hf_sans) copy = HF_SANS_INIT;
	HF_AUTO_DONE(hf_buf) shown = HF_BUF_INIT(1024);
	HF_AUTO(GENERAL_NAMES) names = NULL;

	(void)state;
	assert_int_equal(
	    hf_sans_add_list(&sans,
			     "dns:*.a.example,ip:10.0.0.1,ip:2001:db8::1,uri:spiffe://abc/x,"
			     "email:a@b.example",
			     NULL),
	    0);
	assert_int_equal(hf_sans_to_names(&sans, &names, NULL), 0);
	assert_int_equal(hf_sans_from_names(&back, names, NULL), 0);
	assert_int_equal(hf_sans_copy(&copy, &back, NULL), 0);
	assert_int_equal(hf_sans_format(&copy, &shown), 0);
	assert_string_equal(hf_buf_str(&shown), "dns:*.a.example, ip:10.0.0.1, ip:2001:db8::1, "
						"uri:spiffe://abc/x, email:a@b.example");
	for (size_t i = 0; i < copy.len; i++) {
		assert_false(copy.items[i].malformed);
		assert_true(hf_sans_has(&sans, &copy.items[i]));
	}
}

static void test_malformed_names_are_kept_byte_for_byte_and_marked(void **state)
{
	static const struct {
		const char *label;
		int type;
		const char *bytes;
		int len;
		enum hf_san_kind kind;
		bool malformed;
	} rows[] = {
		{ "a host name", GEN_DNS, "a.example", 9, HF_SAN_DNS, false },
		{ "a wildcard", GEN_DNS, "*.example", 9, HF_SAN_DNS, false },
		{ "NUL inside", GEN_DNS, "a.example\0.evil", 15, HF_SAN_DNS, true },
		{ "empty", GEN_DNS, "", 0, HF_SAN_DNS, true },
		{ "leading period", GEN_DNS, ".example", 8, HF_SAN_DNS, true },
		{ "UTF-8 in a host name", GEN_DNS, "m\xc3\xbcller", 7, HF_SAN_DNS, true },
		{ "a newline", GEN_DNS, "a\nb", 3, HF_SAN_DNS, true },
		{ "a URI", GEN_URI, "spiffe://a/b", 12, HF_SAN_URI, false },
		{ "a relative URI", GEN_URI, "/a/b", 4, HF_SAN_URI, true },
		{ "NUL in a URI", GEN_URI, "http://a\0b", 10, HF_SAN_URI, true },
		{ "an e-mail address", GEN_EMAIL, "a@b", 3, HF_SAN_EMAIL, false },
		{ "a host as e-mail", GEN_EMAIL, "b.example", 9, HF_SAN_EMAIL, true },
		{ "IPv4", GEN_IPADD, "\x0a\x00\x00\x01", 4, HF_SAN_IP, false },
		{ "an address of five bytes", GEN_IPADD, "\x0a\x00\x00\x01\x02", 5, HF_SAN_IP,
		  true },
		{ "an address and mask", GEN_IPADD, "\x0a\x00\x00\x01\xff\xff\xff\xff", 8,
		  HF_SAN_IP, true },
		{ "no bytes of address", GEN_IPADD, "", 0, HF_SAN_IP, true },
		{ "a hundred bytes of address", GEN_IPADD,
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		  100, HF_SAN_IP, true },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(GENERAL_NAMES) names = sk_GENERAL_NAME_new_null();
		HF_AUTO(GENERAL_NAMES) again = NULL;
		GENERAL_NAME *gn = GENERAL_NAME_new();
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
		ASN1_STRING *s = ASN1_STRING_type_new(
		    rows[i].type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

		print_message("  %s\n", rows[i].label);
		assert_true(ASN1_STRING_set(s, rows[i].bytes, rows[i].len));
		GENERAL_NAME_set0_value(gn, rows[i].type, s);
		assert_true(sk_GENERAL_NAME_push(names, gn));
		assert_int_equal(hf_sans_from_names(&sans, names, NULL), 0);
		assert_int_equal(sans.len, 1);
		assert_int_equal(sans.items[0].kind, rows[i].kind);
		assert_int_equal(sans.items[0].malformed, rows[i].malformed);
		if (rows[i].kind != HF_SAN_IP) {
			assert_int_equal(sans.items[0].len, rows[i].len);
			assert_memory_equal(sans.items[0].value, rows[i].bytes,
					    (size_t)rows[i].len);
		} else {
			assert_int_equal(sans.items[0].raw_len,
					 rows[i].malformed ? 0 : rows[i].len);
		}
		/* what is malformed is never written again */
		assert_int_equal(hf_sans_to_names(&sans, &again, NULL),
				 rows[i].malformed ? -HF_E_UNSUPPORTED : 0);
	}
}

static void test_other_kinds_are_described(void **state)
{
	static const struct {
		const char *conf, *shown;
		enum hf_san_kind kind;
	} rows[] = {
		{ "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:amy@corp",
		  "otherName 1.3.6.1.4.1.311.20.2.3 amy@corp", HF_SAN_OTHER },
		{ "otherName:1.2.3.4;INT:5", "otherName 1.2.3.4", HF_SAN_OTHER },
		{ "RID:1.2.3.4", "registeredID 1.2.3.4", HF_SAN_OTHER },
	};
	HF_AUTO(EVP_PKEY) key = fx_key(HF_KEY_ED25519);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct fx_spec spec = { .subject = "/CN=x",
					.exts = { { "subjectAltName", rows[i].conf } } };
		HF_AUTO(X509) x = fx_x509(&spec, key, NULL, NULL);
		HF_AUTO(GENERAL_NAMES) names =
		    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
		HF_AUTO(GENERAL_NAMES) again = NULL;
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;

		assert_int_equal(hf_sans_from_names(&sans, names, NULL), 0);
		assert_int_equal(sans.items[0].kind, rows[i].kind);
		assert_string_equal(sans.items[0].value, rows[i].shown);
		assert_int_equal(hf_sans_to_names(&sans, &again, NULL), -HF_E_UNSUPPORTED);
	}
}

static void test_comparison_knows_what_has_case(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "dns:A.example", "dns:a.EXAMPLE", true },
		{ "email:amy@ABC.example", "email:amy@abc.example", true },
		{ "email:Amy@abc.example", "email:amy@abc.example", false },
		{ "ip:::1", "ip:0:0:0:0:0:0:0:1", true },
		{ "ip:10.0.0.1", "ip:::ffff:10.0.0.1", false },
		{ "uri:x:Y", "uri:x:y", false },
		{ "dns:a.example", "dns:a.example.org", false },
		{ "dns:a.example", "dns:*.example", false },
		{ "dns:a", "uri:dns:a", false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_sans) a = HF_SANS_INIT;
		HF_AUTO_DONE(hf_sans) b = HF_SANS_INIT;

		print_message("  %s %s\n", rows[i].a, rows[i].b);
		assert_int_equal(hf_sans_add_text(&a, rows[i].a, NULL), 0);
		assert_int_equal(hf_sans_add_text(&b, rows[i].b, NULL), 0);
		assert_int_equal(hf_sans_has(&a, &b.items[0]), rows[i].same);
		assert_int_equal(hf_sans_has(&b, &a.items[0]), rows[i].same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_host_names),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_hosts_become_the_right_kind),
		cmocka_unit_test(test_names_go_to_general_names_and_back),
		cmocka_unit_test(test_malformed_names_are_kept_byte_for_byte_and_marked),
		cmocka_unit_test(test_other_kinds_are_described),
		cmocka_unit_test(test_comparison_knows_what_has_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
