/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway/identity_names: which names may be given, and that only names change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "gateway/identity_names.h"

static const struct {
	const char *label, *words[3], *said; /* said NULL: they are good */
} rows[] = {
	{ "one", { "X-SSL-Client-DN=Ssl-Client-Subject-Dn" }, NULL },
	{ "the left side in any case", { "x-ssl-client-dn=A" }, NULL },
	{ "two", { "Client-Cert=A", "X-SSL-Client-CN=B" }, NULL },
	{ "another spelling of its own name", { "X-SSL-Client-DN=X_SSL_CLIENT_DN" }, NULL },
	{ "no such field", { "X-SSL-Client=A" }, "no format has such a field" },
	{ "no equals sign", { "X-SSL-Client-DN" }, "no format has such a field" },
	{ "nothing", { "" }, "no format has such a field" },
	{ "no name", { "X-SSL-Client-DN=" }, "no field name" },
	{ "a space", { "X-SSL-Client-DN=a b" }, "no field name" },
	{ "a line", { "X-SSL-Client-DN=a\r\nb" }, "no field name" },
	{ "a colon", { "X-SSL-Client-DN=a:" }, "no field name" },
	{ "too long",
	  { "X-SSL-Client-DN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	  "no field name" },
	{ "Host", { "X-SSL-Client-DN=host" }, "something else" },
	{ "Content-Length by another spelling",
	  { "X-SSL-Client-DN=Content_Length" },
	  "something else" },
	{ "Connection", { "X-SSL-Client-DN=Connection" }, "something else" },
	{ "X-Forwarded-For", { "X-SSL-Client-DN=X-Forwarded-For" }, "something else" },
	{ "Authorization", { "X-SSL-Client-DN=Authorization" }, "something else" },
	{ "Cookie", { "X-SSL-Client-DN=cookie" }, "something else" },
	{ "another of ours", { "X-SSL-Client-DN=x_ssl_client_cn" }, "another field of ours" },
	{ "two with one name", { "X-SSL-Client-DN=A-B", "X-SSL-Client-CN=a_b" }, "given twice" },
	{ "two names for one", { "X-SSL-Client-DN=A", "X-SSL-Client-DN=B" }, "given twice" },
};

static void names_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_strv) words = HF_STRV_INIT;
		struct hf_identity_names names;
		struct hf_err err = HF_ERR_INIT;
		int rc;

		for (size_t w = 0; w < 3 && rows[i].words[w] != NULL; w++)
			assert_int_equal(hf_strv_add(&words, rows[i].words[w]), 0);
		rc = hf_identity_names_parse(&words, &names, &err);
		if (rows[i].said == NULL ? rc != 0
					 : rc != -HF_E_INVALID || !strstr(err.msg, rows[i].said))
			fail_msg("%s: %d, '%s'", rows[i].label, rc, err.msg);
	}
}

static void only_names_change(void **state)
{
	static const char lines[] = "Client-Cert: :AA=:\r\n"
				    "X-SSL-Client-DN: CN=X-SSL-Client-CN: x\r\n"
				    "X-SSL-Client-CN: a\r\n";
	HF_AUTO_DONE(hf_strv) words = HF_STRV_INIT;
	HF_AUTO_DONE(hf_buf) in = HF_BUF_INIT(1024), out = HF_BUF_INIT(1024);
	struct hf_identity_names names;

	(void)state;
	assert_int_equal(hf_strv_add(&words, "X-SSL-Client-CN=Who"), 0);
	assert_int_equal(hf_strv_add(&words, "client-cert=Cert"), 0);
	assert_int_equal(hf_identity_names_parse(&words, &names, NULL), 0);
	hf_buf_puts(&in, lines);
	hf_identity_names_apply(&names, &in, &out);
	assert_string_equal(hf_buf_str(&out), "Cert: :AA=:\r\n"
					      "X-SSL-Client-DN: CN=X-SSL-Client-CN: x\r\n"
					      "Who: a\r\n");
	in.failed = true;
	hf_identity_names_apply(&names, &in, &out);
	assert_true(hf_buf_failed(&out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(only_names_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
