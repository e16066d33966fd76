/* SPDX-License-Identifier: Apache-2.0 */
/* src/http/url: what is taken for a URL, and what it is taken apart into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "http/url.h"

static const struct {
	const char *text, *host, *authority, *target; /* host NULL: refused */
	int port;
	bool plain, is_ip;
} rows[] = {
	{ "https://a.test", "a.test", "a.test", "/", 443, false, false },
	{ "HTTPS://a.test/", "a.test", "a.test", "/", 443, false, false },
	{ "http://a.test/crl/x.crl?y#z", "a.test", "a.test", "/crl/x.crl?y", 80, true, false },
	{ "http://a.test:443/", "a.test", "a.test:443", "/", 443, true, false },
	{ "https://a.test:80/", "a.test", "a.test:80", "/", 80, false, false },
	{ "http://127.0.0.1:8080?q", "127.0.0.1", "127.0.0.1:8080", "/?q", 8080, true, true },
	{ "http://[::1]:8080/", "::1", "[::1]:8080", "/", 8080, true, true },
	{ "https://B\xc3\xbc"
	  "cher.test:8443/x",
	  "xn--bcher-kva.test", "xn--bcher-kva.test:8443", "/x", 8443, false, false },
	{ "http://\xc3\xa9", "xn--9ca", "xn--9ca", "/", 80, true, false },
	{ "http://\xc3\xa9:x/", NULL, NULL, NULL, 0, false, false },
	{ "http://a\xff.test/", NULL, NULL, NULL, 0, false, false },
	{ "http://a\xc3\xa9 b.test/", NULL, NULL, NULL, 0, false, false },
	{ "a.test/", NULL, NULL, NULL, 0, false, false },
	{ "ftp://a.test/", NULL, NULL, NULL, 0, false, false },
	{ "ldap://a.test/cn=x", NULL, NULL, NULL, 0, false, false },
	{ "http://", NULL, NULL, NULL, 0, false, false },
	{ "http:///x", NULL, NULL, NULL, 0, false, false },
	{ "http://u@a.test/", NULL, NULL, NULL, 0, false, false },
	{ "http://a.test:0/", NULL, NULL, NULL, 0, false, false },
	{ "http://a.test:99999/", NULL, NULL, NULL, 0, false, false },
	{ "http://a.test/a b", NULL, NULL, NULL, 0, false, false },
	{ "http://a.test/\r\nX: y", NULL, NULL, NULL, 0, false, false },
	{ "http://a.test/%zz", NULL, NULL, NULL, 0, false, false },
	{ "http://a\ttest/", NULL, NULL, NULL, 0, false, false },
};

static void test_signed_things_come_by_http_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_url url;
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_url_parse_any(rows[i].text, &url, &err);

		print_message("%s\n", rows[i].text);
		if (!rows[i].host) {
			assert_int_equal(rc, -HF_E_INVALID);
			assert_true(err.msg[0]);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(url.host, rows[i].host);
		assert_string_equal(url.authority, rows[i].authority);
		assert_string_equal(url.target, rows[i].target);
		assert_int_equal(url.port, rows[i].port);
		assert_int_equal(url.plain, rows[i].plain);
		assert_int_equal(url.host_is_ip, rows[i].is_ip);
	}
}

static void test_what_has_certificates_is_https(void **state)
{
	struct hf_url url;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_url_parse("http://a.test/", &url, &err), -HF_E_INVALID);
	assert_int_equal(hf_url_parse("a.test:8443/x", &url, &err), 0);
	assert_int_equal(url.port, 8443);
	assert_false(url.plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed_things_come_by_http_too),
		cmocka_unit_test(test_what_has_certificates_is_https),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
