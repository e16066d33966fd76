/* SPDX-License-Identifier: Apache-2.0 */
/* src/http: which fields of a request and of an answer go on, in every spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "http/fields.h"

static const struct {
	const char *name;
	enum hf_field_class class;
} names[] = {
	{ "Accept", HF_FIELD_END_TO_END },
	{ "Authorization", HF_FIELD_END_TO_END },
	{ "Cookie", HF_FIELD_END_TO_END },
	{ "Date", HF_FIELD_END_TO_END },
	{ "Content-Type", HF_FIELD_END_TO_END },
	{ "X-Request-Id", HF_FIELD_END_TO_END },
	{ "Client-Certainty", HF_FIELD_IDENTITY }, /* "client-cert*": rather one too many */
	{ "Client", HF_FIELD_END_TO_END },
	{ "X-Ssl", HF_FIELD_END_TO_END },
	{ "Sec-WebSocket-Key", HF_FIELD_END_TO_END },
	{ "Connection", HF_FIELD_HOP },
	{ "keep-alive", HF_FIELD_HOP },
	{ "TE", HF_FIELD_HOP },
	{ "Tea", HF_FIELD_END_TO_END },
	{ "Trailer", HF_FIELD_HOP },
	{ "Trailers", HF_FIELD_END_TO_END },
	{ "TRANSFER_ENCODING", HF_FIELD_HOP },
	{ "Upgrade", HF_FIELD_HOP },
	{ "Upgrade-Insecure-Requests", HF_FIELD_END_TO_END },
	{ "Proxy", HF_FIELD_HOP },
	{ "Proxy-Authorization", HF_FIELD_HOP },
	{ "HTTP2-Settings", HF_FIELD_HOP },
	{ "Host", HF_FIELD_FRAMING },
	{ "Content_Length", HF_FIELD_FRAMING },
	{ "Expect", HF_FIELD_FRAMING },
	{ "Expect-CT", HF_FIELD_END_TO_END },
	{ "Client-Cert", HF_FIELD_IDENTITY },
	{ "client_cert", HF_FIELD_IDENTITY },
	{ "CLIENT.CERT", HF_FIELD_IDENTITY },
	{ "Client-Cert-Chain", HF_FIELD_IDENTITY },
	{ "_Client-Cert", HF_FIELD_IDENTITY },
	{ "--client-cert", HF_FIELD_IDENTITY },
	{ "X-Forwarded-Client-Cert", HF_FIELD_IDENTITY },
	{ "x_forwarded_client_cert", HF_FIELD_IDENTITY },
	{ "X-SSL-Client-CN", HF_FIELD_IDENTITY },
	{ "X-Client-Version", HF_FIELD_END_TO_END },
	{ "X_Client_Identity", HF_FIELD_IDENTITY },
	{ "X-Client-X5T-S256", HF_FIELD_IDENTITY },
	{ "X-Client-Verified", HF_FIELD_IDENTITY },
	{ "X-Client-IP", HF_FIELD_FORWARD },
	{ "Ssl-Client-Verify", HF_FIELD_IDENTITY },
	{ "SSL_CLIENT_S_DN_CN", HF_FIELD_IDENTITY },
	{ "X-SPIFFE-Id", HF_FIELD_IDENTITY },
	{ "Forwarded", HF_FIELD_FORWARD },
	{ "X-Forwarded-For", HF_FIELD_FORWARD },
	{ "X-Forwarded-New", HF_FIELD_FORWARD },
	{ "X!Forwarded!For", HF_FIELD_FORWARD },
	{ "X-Real-IP", HF_FIELD_FORWARD },
	{ "X-Original-URL", HF_FIELD_FORWARD },
	{ "-", HF_FIELD_END_TO_END },
};

static void test_names_have_their_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		struct hf_slice name = { names[i].name, strlen(names[i].name) };

		if (hf_field_class(name) != names[i].class)
			fail_msg("%s: class %d, expected %d", names[i].name,
				 (int)hf_field_class(name), (int)names[i].class);
	}
}

static const struct {
	const char *label, *in, *out;
} requests[] = {
	{ "all of it goes on", "Accept: a\r\nX: \r\n", "Accept: a\r\nX: \r\n" },
	{ "order and repetition are kept", "B: 1\r\nA: 2\r\nB: 3\r\n", "B: 1\r\nA: 2\r\nB: 3\r\n" },
	{ "white space around a value does not", "A:  b \t\r\n", "A: b\r\n" },
	{ "named in Connection", "X-A: 1\r\nConnection: x-a, close\r\nX-B: 2\r\n", "X-B: 2\r\n" },
	{ "named in a second Connection",
	  "Connection: a\r\nConnection: b\r\nA: 1\r\nB: 2\r\nC: 3\r\n", "C: 3\r\n" },
	{ "named with empty parts", "Connection: ,, a ,\r\nA: 1\r\nB: 2\r\n", "B: 2\r\n" },
	{ "\"close\" names no field", "Connection: close\r\nClose: 1\r\n", "Close: 1\r\n" },
	{ "identity and claims", "Client-Cert: x\r\nForwarded: for=1\r\nA: 1\r\n", "A: 1\r\n" },
	{ "framing is written anew", "Content-Length: 0\r\nExpect: 100-continue\r\n", "" },
};

static void parse(struct hf_http_head *head, enum hf_http_kind kind, struct hf_buf *raw,
		  const char *fields)
{
	hf_buf_puts(raw, kind == HF_HTTP_REQUEST ? "GET / HTTP/1.1\r\nHost: h\r\n"
						 : "HTTP/1.1 200 OK\r\n");
	hf_buf_puts(raw, fields);
	hf_buf_puts(raw, "\r\n");
	hf_http_head_init(head, kind, NULL);
	assert_int_equal(hf_http_head_parse(head, raw->data, raw->len), HF_HTTP_DONE);
}

static void test_requests_lose_what_is_not_theirs_to_say(void **state)
{
	static struct hf_http_head head;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(requests); i++) {
		HF_AUTO_DONE(hf_buf) raw = HF_BUF_INIT(4096), out = HF_BUF_INIT(4096);
		struct hf_connection_options options;

		parse(&head, HF_HTTP_REQUEST, &raw, requests[i].in);
		hf_connection_options(&head, &options);
		hf_fields_write_request(&head, &options, NULL, 0, &out);
		if (strcmp(hf_buf_str(&out), requests[i].out) != 0)
			fail_msg("%s: '%s'", requests[i].label, hf_buf_str(&out));
	}
}

static const struct {
	const char *label, *in, *out;
	bool date;
} answers[] = {
	{ "all of it goes on", "Server: a\r\nETag: \"x\"\r\n", "Server: a\r\nETag: \"x\"\r\n",
	  false },
	{ "a date is seen", "Date: now\r\n", "Date: now\r\n", true },
	{ "hop by hop stays", "Keep-Alive: timeout=5\r\nTrailer: X\r\nUpgrade: h2c\r\nA: 1\r\n",
	  "A: 1\r\n", false },
	{ "named in Connection", "Connection: A\r\nA: 1\r\nB: 2\r\n", "B: 2\r\n", false },
	{ "the length is written anew", "Content-Length: 5\r\n", "", false },
	{ "what would be a claim in a request", "X-Forwarded-For: 1\r\n", "X-Forwarded-For: 1\r\n",
	  false },
	{ "cookies each for itself", "Set-Cookie: a\r\nSet-Cookie: b\r\n",
	  "Set-Cookie: a\r\nSet-Cookie: b\r\n", false },
};

static void test_answers_lose_what_belongs_to_the_connection(void **state)
{
	static struct hf_http_head head;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(answers); i++) {
		HF_AUTO_DONE(hf_buf) raw = HF_BUF_INIT(4096), out = HF_BUF_INIT(4096);
		struct hf_connection_options options;
		bool date = false;

		parse(&head, HF_HTTP_RESPONSE, &raw, answers[i].in);
		hf_connection_options(&head, &options);
		hf_fields_write_answer(&head, &options, &out, &date);
		if (strcmp(hf_buf_str(&out), answers[i].out) != 0 || date != answers[i].date)
			fail_msg("%s: '%s'", answers[i].label, hf_buf_str(&out));
	}
}

static void test_too_many_options_are_told(void **state)
{
	static struct hf_http_head head;
	HF_AUTO_DONE(hf_buf) raw = HF_BUF_INIT(4096), fields = HF_BUF_INIT(4096);
	struct hf_connection_options options;

	(void)state;
	hf_buf_puts(&fields, "Connection: a0");
	for (int i = 1; i <= HF_CONNECTION_OPTIONS_CAP; i++)
		hf_buf_printf(&fields, ",a%d", i);
	hf_buf_puts(&fields, ", upgrade\r\n");
	parse(&head, HF_HTTP_REQUEST, &raw, hf_buf_str(&fields));
	hf_connection_options(&head, &options);
	assert_true(options.too_many);
	assert_int_equal(options.len, HF_CONNECTION_OPTIONS_CAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_have_their_class),
		cmocka_unit_test(test_requests_lose_what_is_not_theirs_to_say),
		cmocka_unit_test(test_answers_lose_what_belongs_to_the_connection),
		cmocka_unit_test(test_too_many_options_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
