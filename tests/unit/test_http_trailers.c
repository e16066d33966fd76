/* SPDX-License-Identifier: Apache-2.0 */
/* src/http: which trailers go on, how they are announced and written, and who takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "http/body.h"
#include "http/trailers.h"

static struct hf_slice slice(const char *text)
{
	return (struct hf_slice){ text, strlen(text) };
}

static void test_what_may_never_be_a_trailer(void **state)
{
	static const char *const never[] = {
		"Content-Length",
		"content_length",
		"Transfer-Encoding",
		"Transfer.Encoding",
		"Trailer",
		"TE",
		"Connection",
		"Host",
		"Authorization",
		"Proxy-Authorization",
		"Cookie",
		"Set-Cookie",
		"Content-Type",
		"Content-Encoding",
		"Cache-Control",
		"Range",
		"If-Match",
		"Expect",
		"Client-Cert",
		"client_cert_chain",
		"X-SSL-Client-Verify",
		"X_SSL_Client_CN",
		"_Client-Cert",
		"X-Forwarded-For",
		"Forwarded",
		"Location",
		"Upgrade",
		"a b",
		"a:",
		"",
		"x\r\ny",
	};
	static const char *const may[] = { "Server-Timing", "Grpc-Status", "X-Checksum", "Digest",
					   "any" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(never); i++)
		if (hf_trailer_may(slice(never[i])))
			fail_msg("'%s' may not", never[i]);
	for (size_t i = 0; i < HF_ARRAY_LEN(may); i++)
		assert_true(hf_trailer_may(slice(may[i])));
}

static void list_of(const char *words, struct hf_strv *list)
{
	struct hf_slice rest = slice(words), word;

	while (hf_slice_next(&rest, ' ', &word)) {
		char name[64] = "";

		memcpy(name, word.data, word.len);
		assert_int_equal(hf_strv_add(list, name), 0);
	}
}

/* The trailers go through the parser first, as they do in the gateway. */
static void keep(const char *body_text, struct hf_buf *lines)
{
	static struct hf_http_head head;
	struct hf_http_body body;
	struct hf_slice piece;
	size_t used;

	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	head.chunked = true;
	hf_http_body_of_request(&body, &head, 0);
	body.trailers = lines;
	assert_int_equal(hf_http_body_read(&body, body_text, strlen(body_text), &used, &piece),
			 HF_HTTP_DONE);
	assert_int_equal(used, strlen(body_text));
}

static const struct {
	const char *label, *names, *body, *out;
} written[] = {
	{ "nothing came", "any", "0\r\n\r\n", "0\r\n\r\n" },
	{ "one that is allowed", "X-Sum", "0\r\nX-Sum: 5\r\n\r\n", "0\r\nX-Sum: 5\r\n\r\n" },
	{ "in another case", "x-sum", "0\r\nX-SUM:5\r\n\r\n", "0\r\nX-SUM: 5\r\n\r\n" },
	{ "one that is not", "X-Sum", "0\r\nX-Other: 5\r\n\r\n", "0\r\n\r\n" },
	{ "a twin of one that is", "X-Sum", "0\r\nX_Sum: 5\r\n\r\n", "0\r\n\r\n" },
	{ "an empty value", "X-Sum", "0\r\nX-Sum:\r\n\r\n", "0\r\nX-Sum: \r\n\r\n" },
	{ "space around a value", "X-Sum", "0\r\nX-Sum:\t 5 \t\r\n\r\n", "0\r\nX-Sum: 5\r\n\r\n" },
	{ "any, less what may not", "any",
	  "0\r\nContent-Length: 5\r\nX-A: b\r\nTransfer-Encoding: chunked\r\nX_SSL_Client_CN: "
	  "c\r\nX-D: e\r\n\r\n",
	  "0\r\nX-A: b\r\nX-D: e\r\n\r\n" },
	{ "one that we write ourselves", "any", "0\r\nmy_identity: x\r\nX-A: b\r\n\r\n",
	  "0\r\nX-A: b\r\n\r\n" },
	{ "twice the same", "X-A", "0\r\nX-A: b\r\nX-A: c\r\n\r\n",
	  "0\r\nX-A: b\r\nX-A: c\r\n\r\n" },
};

static void test_trailers_that_go_on(void **state)
{
	const struct hf_slice ours = slice("My-Identity");

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(written); i++) {
		HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
		HF_AUTO_DONE(hf_buf) lines = HF_BUF_INIT(HF_TRAILER_CAP);
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(2 * HF_TRAILER_CAP);
		const struct hf_trailer_filter filter = { &names, &ours, 1 };

		list_of(written[i].names, &names);
		keep(written[i].body, &lines);
		hf_trailers_write((struct hf_slice){ lines.data, lines.len }, &filter, &out);
		if (strcmp(hf_buf_str(&out), written[i].out) != 0)
			fail_msg("%s: '%s'", written[i].label, hf_buf_str(&out));
	}
}

static void test_without_names_nothing_goes_on(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(100);
	const struct hf_trailer_filter filter = { 0 };

	(void)state;
	hf_trailers_write(slice("X-A: b\r\n\r\n"), &filter, &out);
	assert_string_equal(hf_buf_str(&out), "0\r\n\r\n");
}

static const struct {
	const char *fields;
	bool taken;
	const char *announced;
} heads[] = {
	{ "", false, "" },
	{ "TE: trailers\r\n", true, "" },
	{ "TE: gzip;q=0.5 , Trailers\r\n", true, "" },
	{ "TE: gzip\r\nTE: trailers\r\n", true, "" },
	{ "TE: trailers-not\r\nX-TE: trailers\r\n", false, "" },
	{ "TE:\r\n", false, "" },
	{ "Trailer: X-A\r\n", false, "Trailer: X-A\r\n" },
	{ "Trailer: Content-Length, X-A,,X-C\r\nTrailer: Client-Cert, x-b\r\n", false,
	  "Trailer: X-A, x-b\r\n" },
	{ "Trailer: Content-Length\r\n", false, "" },
};

static void test_what_heads_say_of_trailers(void **state)
{
	static struct hf_http_head head;
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	const struct hf_trailer_filter filter = { .names = &names };

	(void)state;
	list_of("X-A X-B", &names);
	for (size_t i = 0; i < HF_ARRAY_LEN(heads); i++) {
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1000), out = HF_BUF_INIT(1000);

		hf_buf_printf(&text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", heads[i].fields);
		hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
		assert_int_equal(hf_http_head_parse(&head, text.data, text.len), HF_HTTP_DONE);
		if (hf_trailers_taken(&head) != heads[i].taken)
			fail_msg("TE in '%s'", heads[i].fields);
		hf_trailers_announce(&head, &filter, &out);
		assert_string_equal(hf_buf_str(&out), heads[i].announced);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_never_be_a_trailer),
		cmocka_unit_test(test_trailers_that_go_on),
		cmocka_unit_test(test_without_names_nothing_goes_on),
		cmocka_unit_test(test_what_heads_say_of_trailers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
