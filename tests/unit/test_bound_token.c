/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway/bound_token: what a token says, and what becomes of a request with it (RFC 8705). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/str.h"
#include "gateway/bound_token.h"

static const struct {
	const char *label, *payload;
	enum hf_token_kind kind;
} payloads[] = {
	{ "of RFC 8705 3.1",
	  "{\"iss\":\"https://server.example.com\",\"sub\":\"ty.webb@example.com\",\"exp\":1493726400,"
	  "\"nbf\":1493722800,\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2\"}}",
	  HF_TOKEN_BROKEN }, /* as printed there its last letter has bits left over */
	{ "canonical", "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0\"}}",
	  HF_TOKEN_BOUND },
	{ "beside another",
	  "{\"cnf\":{\"jkt\":\"x\",\"x5t#S256\":"
	  "\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0\"}}",
	  HF_TOKEN_BOUND },
	{ "nothing", "{}", HF_TOKEN_UNBOUND },
	{ "a key", "{\"cnf\":{\"jkt\":\"x\"}}", HF_TOKEN_UNBOUND },
	{ "no object", "[1]", HF_TOKEN_BROKEN },
	{ "no JSON", "{\"cnf\":", HF_TOKEN_BROKEN },
	{ "something behind", "{} {}", HF_TOKEN_BROKEN },
	{ "cnf is no object", "{\"cnf\":\"x\"}", HF_TOKEN_BROKEN },
	{ "cnf is null", "{\"cnf\":null}", HF_TOKEN_BROKEN },
	{ "twice",
	  "{\"cnf\":{},\"cnf\":{\"x5t#S256\":"
	  "\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0\"}}",
	  HF_TOKEN_BROKEN },
	{ "no string", "{\"cnf\":{\"x5t#S256\":1}}", HF_TOKEN_BROKEN },
	{ "empty", "{\"cnf\":{\"x5t#S256\":\"\"}}", HF_TOKEN_BROKEN },
	{ "too short", "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-\"}}",
	  HF_TOKEN_BROKEN },
	{ "too long", "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0A\"}}",
	  HF_TOKEN_BROKEN },
	{ "padded", "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0=\"}}",
	  HF_TOKEN_BROKEN },
	{ "the other alphabet",
	  "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5/lESsXE8o9ltc05O89jdN+dg0\"}}",
	  HF_TOKEN_BROKEN },
	{ "white space",
	  "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0\\n\"}}",
	  HF_TOKEN_BROKEN },
	{ "a NUL",
	  "{\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0\\u0000\"}}",
	  HF_TOKEN_BROKEN },
	{ "the hash of SHA-1", "{\"cnf\":{\"x5t\":\"x\"}}", HF_TOKEN_UNBOUND },
	{ "not in cnf", "{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0\"}",
	  HF_TOKEN_UNBOUND },
};

static char *token_of(const char *payload)
{
	HF_AUTO_DONE(hf_buf) token = HF_BUF_INIT(100000);

	hf_buf_puts(&token, "eyJhbGciOiJFUzI1NiJ9.");
	assert_int_equal(hf_base64url_encode(payload, strlen(payload), &token), 0);
	hf_buf_puts(&token, ".c2lnbmF0dXJl");
	return hf_buf_steal(&token);
}

static void test_what_a_token_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(payloads); i++) {
		HF_AUTO(cstr) token = token_of(payloads[i].payload);
		uint8_t out[HF_SHA256_LEN];

		if (hf_token_look(token, strlen(token), out) != payloads[i].kind)
			fail_msg("%s", payloads[i].label);
	}
}

static void test_what_is_no_jwt(void **state)
{
	static const struct {
		const char *token;
		enum hf_token_kind kind;
	} rows[] = {
		{ "", HF_TOKEN_BROKEN },	  { "abc", HF_TOKEN_OPAQUE },
		{ "a.b", HF_TOKEN_OPAQUE },	  { "a.b.c.d", HF_TOKEN_OPAQUE },
		{ "a.b.c.d.e", HF_TOKEN_OPAQUE }, { "a..c", HF_TOKEN_BROKEN },
		{ "a.b.c", HF_TOKEN_BROKEN },	  { "a.e30.c", HF_TOKEN_UNBOUND },
		{ "a.e30=.c", HF_TOKEN_BROKEN },  { "a.e31.c", HF_TOKEN_BROKEN },
		{ "a.e3 0.c", HF_TOKEN_BROKEN },  { "a.e30.c, Bearer d", HF_TOKEN_BROKEN },
		{ "a.e30.c d", HF_TOKEN_BROKEN },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		uint8_t out[HF_SHA256_LEN];

		if (hf_token_look(rows[i].token, strlen(rows[i].token), out) != rows[i].kind)
			fail_msg("'%s'", rows[i].token);
	}
}

static void test_a_token_that_is_too_large_is_not_looked_into(void **state)
{
	size_t len = HF_TOKEN_CAP + 8;
	char *token = malloc(len);
	uint8_t out[HF_SHA256_LEN];

	(void)state;
	assert_non_null(token);
	memset(token, 'A', len);
	token[1] = token[len - 2] = '.';
	assert_int_equal(hf_token_look(token, len, out), HF_TOKEN_BROKEN);
	free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_token_says),
		cmocka_unit_test(test_what_is_no_jwt),
		cmocka_unit_test(test_a_token_that_is_too_large_is_not_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
