/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway: paths as a service reads them, and which route they take; --to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "gateway/route.h"
#include "gateway/target.h"

static struct hf_slice slice(const char *text)
{
	return (struct hf_slice){ text, strlen(text) };
}

static const struct {
	const char *path, *read; /* NULL: in more than one way */
} paths[] = {
	{ "/", "/" },
	{ "", "/" },
	{ "/a", "/a" },
	{ "/a/", "/a/" },
	{ "/a/b.c", "/a/b.c" },
	{ "/%61", "/a" },
	{ "/%41%7a", "/Az" },
	{ "//a", "/a" },
	{ "/a///b//", "/a/b/" },
	{ "/a;x=y/b", "/a/b" },
	{ "/a;x", "/a" },
	{ "/;x/a", "/a" },
	{ "/a%3Bx/b", "/a/b" },
	{ "/%25", "/%" },
	{ "/%2561", "/%61" },
	{ "/...", "/..." },
	{ "/a..b", "/a..b" },
	{ "/\xc3\xa9", "/\xc3\xa9" },
	{ "/%c3%a9", "/\xc3\xa9" },
	{ "/.", NULL },
	{ "/..", NULL },
	{ "/a/../b", NULL },
	{ "/a/./b", NULL },
	{ "/%2e%2e/a", NULL },
	{ "/.%2E", NULL },
	{ "/..;x/a", NULL },
	{ "/a%2fb", NULL },
	{ "/a%2Fb", NULL },
	{ "/a%5cb", NULL },
	{ "/a\\b", NULL },
	{ "/a%00", NULL },
	{ "/a%0d%0ab", NULL },
	{ "/a%7f", NULL },
	{ "a", NULL },
	{ "*", NULL },
};

static void test_paths_are_read_as_services_read_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(paths); i++) {
		char out[HF_ROUTE_PATH_CAP];
		bool ok = hf_route_path(slice(paths[i].path), out);

		if (ok != (paths[i].read != NULL))
			fail_msg("'%s': %s", paths[i].path, ok ? "accepted" : "refused");
		if (ok && strcmp(out, paths[i].read) != 0)
			fail_msg("'%s': '%s'", paths[i].path, out);
	}
}

static const struct {
	const char *label, *host, *path, *method; /* of the route */
	const char *in_host, *in_path, *in_method;
	bool matches;
} rows[] = {
	{ "anything", NULL, NULL, NULL, "a", "/", "GET", true },
	{ "host", "a.b", NULL, NULL, "A.B", "/", "GET", true },
	{ "another host", "a.b", NULL, NULL, "b.a.b", "/", "GET", false },
	{ "no host", "a.b", NULL, NULL, "", "/", "GET", false },
	{ "one label", "*.b.c", NULL, NULL, "a.b.c", "/", "GET", true },
	{ "two labels", "*.b.c", NULL, NULL, "a.a.b.c", "/", "GET", false },
	{ "no label", "*.b.c", NULL, NULL, "b.c", "/", "GET", false },
	{ "an empty label", "*.b.c", NULL, NULL, ".b.c", "/", "GET", false },
	{ "path", NULL, "/a", NULL, "h", "/a", "GET", true },
	{ "path below", NULL, "/a", NULL, "h", "/a/b", "GET", false },
	{ "case counts", NULL, "/a", NULL, "h", "/A", "GET", false },
	{ "all below", NULL, "/a/*", NULL, "h", "/a/b/c", "GET", true },
	{ "itself", NULL, "/a/*", NULL, "h", "/a", "GET", true },
	{ "beside", NULL, "/a/*", NULL, "h", "/ab", "GET", false },
	{ "all of it", NULL, "/*", NULL, "h", "/x", "GET", true },
	{ "method", NULL, NULL, "POST", "h", "/", "POST", true },
	{ "another method", NULL, NULL, "POST", "h", "/", "GET", false },
	{ "GET stands for HEAD", NULL, NULL, "GET", "h", "/", "HEAD", true },
	{ "HEAD does not for GET", NULL, NULL, "HEAD", "h", "/", "GET", false },
	{ "methods have case", NULL, NULL, "GET", "h", "/", "get", false },
};

static void test_routes_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_route route = { .host = (char *)(uintptr_t)rows[i].host,
					  .path = (char *)(uintptr_t)rows[i].path };
		const struct hf_route_request request = {
			.method = strcmp(rows[i].in_method, "HEAD") == 0 ? HF_METHOD_HEAD
									 : HF_METHOD_OTHER,
			.method_text = slice(rows[i].in_method),
			.host = slice(rows[i].in_host),
			.path = rows[i].in_path,
		};

		if (rows[i].method != NULL)
			assert_int_equal(hf_strv_add(&route.methods, rows[i].method), 0);
		if (hf_route_matches(&route, &request) != rows[i].matches)
			fail_msg("%s", rows[i].label);
		hf_strv_done(&route.methods);
	}
}

static const struct {
	const char *text;
	bool anywhere, ok;
	enum hf_target_kind kind;
	const char *authority, *prefix;
} targets[] = {
	{ "http://127.0.0.1:8080", false, true, HF_TARGET_HTTP, "127.0.0.1:8080", "" },
	{ "http://127.0.0.1", false, true, HF_TARGET_HTTP, "127.0.0.1", "" },
	{ "http://[::1]:8080/", false, true, HF_TARGET_HTTP, "[::1]:8080", "" },
	{ "http://127.0.0.1:1/a/b//", false, true, HF_TARGET_HTTP, "127.0.0.1:1", "/a/b" },
	{ "http+unix:/run/x.sock", false, true, HF_TARGET_HTTP, "localhost", "" },
	{ "tcp://127.0.0.1:5432", false, true, HF_TARGET_STREAM, "127.0.0.1:5432", "" },
	{ "unix:/run/x.sock", false, true, HF_TARGET_STREAM, "localhost", "" },
	{ "http://192.0.2.1:80", true, true, HF_TARGET_HTTP, "192.0.2.1:80", "" },
	{ "http://192.0.2.1:80", false, false, HF_TARGET_HTTP, "", "" },
	{ "tcp://192.0.2.1:80", false, false, HF_TARGET_HTTP, "", "" },
	{ "tcp://127.0.0.1", false, false, HF_TARGET_HTTP, "", "" },
	{ "tcp://127.0.0.1:1/x", false, false, HF_TARGET_HTTP, "", "" },
	{ "http://:80", false, false, HF_TARGET_HTTP, "", "" },
	{ "http://*:80", false, false, HF_TARGET_HTTP, "", "" },
	{ "http://127.0.0.1:99999", false, false, HF_TARGET_HTTP, "", "" },
	{ "http://127.0.0.1:1/a b", false, false, HF_TARGET_HTTP, "", "" },
	{ "http://127.0.0.1:1/a#b", false, false, HF_TARGET_HTTP, "", "" },
	{ "http://127.0.0.1:1/%4", false, false, HF_TARGET_HTTP, "", "" },
	{ "https://127.0.0.1:1", true, false, HF_TARGET_HTTP, "", "" },
	{ "127.0.0.1:1", false, false, HF_TARGET_HTTP, "", "" },
	{ "unix:", false, false, HF_TARGET_HTTP, "", "" },
	{ "", false, false, HF_TARGET_HTTP, "", "" },
};

static void test_targets_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(targets); i++) {
		struct hf_target target;
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_target_parse(targets[i].text, targets[i].anywhere, &target, &err);

		if ((rc == 0) != targets[i].ok)
			fail_msg("'%s': %s", targets[i].text, rc == 0 ? "accepted" : err.msg);
		if (rc < 0)
			continue;
		assert_int_equal(target.kind, targets[i].kind);
		assert_string_equal(target.authority, targets[i].authority);
		assert_string_equal(target.prefix, targets[i].prefix);
		assert_true(target.addresses_len > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_are_read_as_services_read_them),
		cmocka_unit_test(test_routes_match),
		cmocka_unit_test(test_targets_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
