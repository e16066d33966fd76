/* SPDX-License-Identifier: Apache-2.0 */
/* src/net: a proxy's URL, and what is said to it, read whole and split at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/via.h"

/* --- the URL --- */

static const struct {
	const char *text;
	enum hf_via_kind kind;
	const char *told;
} urls[] = {
	{ "http://proxy:8080", HF_VIA_HTTP, "http://proxy:8080" },
	{ "http://proxy/", HF_VIA_HTTP, "http://proxy:3128" },
	{ "socks5://[::1]:99", HF_VIA_SOCKS5, "socks5://[::1]:99" },
	{ "socks5h://127.0.0.1", HF_VIA_SOCKS5, "socks5://127.0.0.1:1080" },
	{ "https://proxy:443", HF_VIA_NONE, "" },
	{ "socks4://proxy", HF_VIA_NONE, "" },
	{ "proxy:8080", HF_VIA_NONE, "" },
	{ "http://", HF_VIA_NONE, "" },
	{ "http://:80", HF_VIA_NONE, "" },
	{ "http://proxy:0", HF_VIA_NONE, "" },
	{ "http://proxy:70000", HF_VIA_NONE, "" },
	{ "http://proxy/path", HF_VIA_NONE, "" },
	{ "http://pro xy", HF_VIA_NONE, "" },
	{ "http://proxy\r\nX: y", HF_VIA_NONE, "" },
};

static void test_urls_of_proxies(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(urls); i++) {
		struct hf_err err = HF_ERR_INIT;
		struct hf_via via = { .kind = HF_VIA_NONE };
		int rc = hf_via_parse(urls[i].text, &via, &err);

		if ((rc == 0) != (urls[i].kind != HF_VIA_NONE))
			fail_msg("'%s': %d", urls[i].text, rc);
		if (rc < 0)
			continue;
		assert_int_equal(via.kind, urls[i].kind);
		assert_string_equal(via.text, urls[i].told);
	}
}

static void test_a_password_in_the_url_is_refused_and_not_told(void **state)
{
	static const char *const bad[] = { "http://bob:hunter2@proxy:80", "socks5://hunter2@proxy",
					   "bob:hunter2@proxy" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		struct hf_err err = HF_ERR_INIT;
		struct hf_via via;

		assert_true(hf_via_parse(bad[i], &via, &err) < 0);
		assert_null(strstr(err.msg, "hunter2"));
		assert_null(strstr(err.hint, "hunter2"));
		assert_non_null(strstr(err.hint, "--via-auth"));
	}
}

static void test_logins(void **state)
{
	static const char *const bad[] = { "", "bob", ":x", "bob:" };
	char long_one[400];
	struct hf_err err = HF_ERR_INIT;
	struct hf_via via = { .kind = HF_VIA_HTTP };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		assert_true(hf_via_login(&via, bad[i], &err) < 0);
	memset(long_one, 'a', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	long_one[3] = ':';
	assert_true(hf_via_login(&via, long_one, &err) < 0);
	long_one[4 + 255] = '\0';
	assert_int_equal(hf_via_login(&via, long_one, &err), 0);
	assert_int_equal(strlen(via.password), 255);
	assert_int_equal(hf_via_login(&via, "bob:a:b", &err), 0);
	assert_string_equal(via.user, "bob");
	assert_string_equal(via.password, "a:b");
}

/* --- the dialog --- */

static const struct {
	const char *label, *url, *login, *host;
	const char *answer; /* of the proxy, all it says; "TLS" follows */
	size_t answer_len;
	enum hf_via_step end;
	bool final;
	const char *why;
	const char *said; /* by us, all of it */
	size_t said_len;
} dialogs[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ "HTTP lets us through", "http://p", NULL, "a.example",
	  BYTES("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"), HF_VIA_OPEN, false, "",
	  BYTES("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n") },
	{ "HTTP with a password", "http://p", "bob:hunter2", "::1", BYTES("HTTP/1.0 200\r\n\r\n"),
	  HF_VIA_OPEN, false, "",
	  BYTES("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n"
		"Proxy-Authorization: Basic Ym9iOmh1bnRlcjI=\r\n\r\n") },
	{ "HTTP wants a password", "http://p", NULL, "a", BYTES("HTTP/1.1 407 No\r\n\r\n"),
	  HF_VIA_REFUSED, true, "wants a user name", BYTES("") },
	{ "HTTP wants another password", "http://p", "bob:x", "a",
	  BYTES("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n"), HF_VIA_REFUSED, true,
	  "does not take this user name", BYTES("") },
	{ "HTTP does not allow it", "http://p", NULL, "a", BYTES("HTTP/1.1 403 No\r\n\r\n"),
	  HF_VIA_REFUSED, true, "403", BYTES("") },
	{ "HTTP cannot reach it", "http://p", NULL, "a", BYTES("HTTP/1.1 502 No\r\n\r\n"),
	  HF_VIA_REFUSED, false, "502", BYTES("") },
	{ "HTTP says something new", "http://p", NULL, "a", BYTES("HTTP/1.1 418 No\r\n\r\n"),
	  HF_VIA_REFUSED, true, "418", BYTES("") },
	{ "an interim answer is none", "http://p", NULL, "a", BYTES("HTTP/1.1 100 Go\r\n\r\n"),
	  HF_VIA_REFUSED, true, "100", BYTES("") },
	{ "it is another protocol", "http://p", NULL, "a", BYTES("SSH-2.0-x\r\n"), HF_VIA_REFUSED,
	  true, "no HTTP proxy", BYTES("") },
	{ "a status that is none", "http://p", NULL, "a", BYTES("HTTP/1.1 2x0\r\n\r\n"),
	  HF_VIA_REFUSED, true, "no HTTP proxy", BYTES("") },
	{ "a short line", "http://p", NULL, "a", BYTES("HTTP/1.\r\n\r\n"), HF_VIA_REFUSED, true,
	  "no HTTP proxy", BYTES("") },
	{ "SOCKS5 lets us through", "socks5://p", NULL, "a.example",
	  BYTES("\5\0\5\0\0\1\1\2\3\4\1\2"), HF_VIA_OPEN, false, "",
	  BYTES("\5\1\0\5\1\0\3\11a.example\1\273") },
	{ "SOCKS5 answers with a name", "socks5://p", NULL, "127.0.0.1",
	  BYTES("\5\0\5\0\0\3\2ab\1\2"), HF_VIA_OPEN, false, "",
	  BYTES("\5\1\0\5\1\0\1\177\0\0\1\1\273") },
	{ "SOCKS5 answers with IPv6", "socks5://p", NULL, "::1",
	  BYTES("\5\0\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\2"), HF_VIA_OPEN, false, "",
	  BYTES("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\273") },
	{ "SOCKS5 with a password", "socks5://p", "bob:x", "a",
	  BYTES("\5\2\1\0\5\0\0\1\1\2\3\4\1\2"), HF_VIA_OPEN, false, "",
	  BYTES("\5\2\0\2\1\3bob\1x\5\1\0\3\1a\1\273") },
	{ "SOCKS5 needs no password", "socks5://p", "bob:x", "a", BYTES("\5\0\5\0\0\1\1\2\3\4\1\2"),
	  HF_VIA_OPEN, false, "", BYTES("\5\2\0\2\5\1\0\3\1a\1\273") },
	{ "SOCKS5 wants a password", "socks5://p", NULL, "a", BYTES("\5\377"), HF_VIA_REFUSED, true,
	  "wants a user name", BYTES("") },
	{ "SOCKS5 asks for what was not offered", "socks5://p", NULL, "a", BYTES("\5\2"),
	  HF_VIA_REFUSED, true, "wants a user name", BYTES("") },
	{ "SOCKS5 does not take the password", "socks5://p", "bob:x", "a", BYTES("\5\2\1\1"),
	  HF_VIA_REFUSED, true, "does not take this user name", BYTES("") },
	{ "SOCKS5: nothing listens", "socks5://p", NULL, "a", BYTES("\5\0\5\5\0\1\0\0\0\0\0\0"),
	  HF_VIA_REFUSED, false, "nothing listens", BYTES("") },
	{ "SOCKS5: forbidden", "socks5://p", NULL, "a", BYTES("\5\0\5\2\0\1\0\0\0\0\0\0"),
	  HF_VIA_REFUSED, true, "does not lead", BYTES("") },
	{ "SOCKS5: an unknown reason", "socks5://p", NULL, "a", BYTES("\5\0\5\77\0\1\0\0\0\0\0\0"),
	  HF_VIA_REFUSED, true, "without a known reason", BYTES("") },
	{ "SOCKS4", "socks5://p", NULL, "a", BYTES("\0\132"), HF_VIA_REFUSED, true,
	  "no SOCKS5 proxy", BYTES("") },
};

static void check_dialog(size_t i, size_t cut)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4096), all = HF_BUF_INIT(4096);
	struct hf_err err = HF_ERR_INIT;
	struct hf_via via;
	struct hf_via_dialog d;
	enum hf_via_step step = HF_VIA_MORE;
	size_t at = 0, limit = cut;

	assert_int_equal(hf_via_parse(dialogs[i].url, &via, &err), 0);
	if (dialogs[i].login != NULL)
		assert_int_equal(hf_via_login(&via, dialogs[i].login, &err), 0);
	assert_int_equal(hf_via_to(&via, dialogs[i].host, 443, &err), 0);
	hf_buf_append(&all, dialogs[i].answer, dialogs[i].answer_len);
	hf_buf_puts(&all, "TLS");
	hf_via_begin(&d, &via, &out);
	while (step == HF_VIA_MORE || step == HF_VIA_SAY) {
		size_t used = 0;

		if (at >= limit)
			limit = all.len;
		assert_true(at < all.len);
		step = hf_via_take(&d, all.data + at, limit - at, &used, &out);
		assert_true(used <= limit - at);
		at += used;
	}
	if (step != dialogs[i].end || (step == HF_VIA_OPEN && at != dialogs[i].answer_len))
		fail_msg("%s, cut at %zu: step %d at %zu, '%s'", dialogs[i].label, cut, (int)step,
			 at, d.why);
	if (step == HF_VIA_OPEN) {
		assert_int_equal(out.len, dialogs[i].said_len);
		assert_memory_equal(out.data, dialogs[i].said, out.len);
	} else {
		assert_int_equal(d.final, dialogs[i].final);
		if (strstr(d.why, dialogs[i].why) == NULL)
			fail_msg("%s: '%s'", dialogs[i].label, d.why);
	}
	hf_via_dialog_done(&d);
	hf_via_done(&via);
}

static void test_dialogs_come_out_the_same_however_they_are_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(dialogs); i++)
		for (size_t cut = 1; cut <= dialogs[i].answer_len; cut++)
			check_dialog(i, cut);
}

static void test_an_answer_without_end_is_given_up(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4096);
	struct hf_err err = HF_ERR_INIT;
	struct hf_via via;
	struct hf_via_dialog d;
	enum hf_via_step step = HF_VIA_MORE;
	size_t used, total = 0;

	(void)state;
	assert_int_equal(hf_via_parse("http://p", &via, &err), 0);
	assert_int_equal(hf_via_to(&via, "a", 443, &err), 0);
	hf_via_begin(&d, &via, &out);
	step = hf_via_take(&d, "HTTP/1.1 200 OK\r\n", 17, &used, &out);
	while (step == HF_VIA_MORE && total < 100000) {
		step = hf_via_take(&d, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 33, &used, &out);
		total += used;
	}
	assert_int_equal(step, HF_VIA_REFUSED);
	assert_true(total < 20000);
	hf_via_dialog_done(&d);
}

static void test_a_way_to_nowhere(void **state)
{
	static const char *const bad[] = { "", "a\r\nb", "a b", "unix:/x" };
	struct hf_err err = HF_ERR_INIT;
	struct hf_via via = { .kind = HF_VIA_HTTP };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
		assert_true(hf_via_to(&via, bad[i], 443, &err) < 0);
	assert_true(hf_via_to(&via, "a", 0, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls_of_proxies),
		cmocka_unit_test(test_a_password_in_the_url_is_refused_and_not_told),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_dialogs_come_out_the_same_however_they_are_split),
		cmocka_unit_test(test_an_answer_without_end_is_given_up),
		cmocka_unit_test(test_a_way_to_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
