/* SPDX-License-Identifier: Apache-2.0 */
/* src/http: heads of requests and responses.  Every row is parsed whole and split at every byte;
 * all must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "http/head.h"

struct row {
	const char *label;
	const char *text;
	size_t len; /* 0: strlen */
	int status; /* 0: accepted */
};

#define H "Host: a\r\n"
#define REQ(line, fields) line "\r\n" fields "\r\n"
#define GET(fields) REQ("GET / HTTP/1.1", H fields)
#define RAW(s) s, sizeof(s) - 1

static const struct row requests[] = {
	/* accepted */
	{ "the least there is", REQ("GET / HTTP/1.1", "Host:\r\n"), 0, 0 },
	{ "a usual one", GET("User-Agent: curl/7.88.1\r\nAccept: */*\r\n"), 0, 0 },
	{ "HTTP/1.0 needs no Host", REQ("GET / HTTP/1.0", ""), 0, 0 },
	{ "a later minor version", REQ("GET / HTTP/1.9", H), 0, 0 },
	{ "one empty line before it", "\r\n" GET(""), 0, 0 },
	{ "a method nobody knows", REQ("BREW /pot HTTP/1.1", H), 0, 0 },
	{ "absolute-form", REQ("GET http://b:80/x?y HTTP/1.1", H), 0, 0 },
	{ "absolute-form without a path", REQ("GET https://b HTTP/1.1", H), 0, 0 },
	{ "OPTIONS *", REQ("OPTIONS * HTTP/1.1", H), 0, 0 },
	{ "CONNECT", REQ("CONNECT b:443 HTTP/1.1", H), 0, 0 },
	{ "a length", GET("Content-Length: 5\r\n"), 0, 0 },
	{ "a length of nothing", GET("Content-Length: 0\r\n"), 0, 0 },
	{ "chunked", GET("Transfer-Encoding: chunked\r\n"), 0, 0 },
	{ "chunked in capitals", GET("TRANSFER-ENCODING: Chunked\r\n"), 0, 0 },
	{ "expectation", GET("Expect: 100-Continue\r\n"), 0, 0 },
	{ "an empty value", GET("X:\r\n"), 0, 0 },
	{ "blanks around a value", GET("X: \t a b \t\r\n"), 0, 0 },
	{ "high bytes in a value", GET("X: \xc3\xa9\xff\r\n"), 0, 0 },
	{ "brackets in a query", REQ("GET /?a[b]={c|d}^ HTTP/1.1", H), 0, 0 },
	{ "an IPv6 host", REQ("GET / HTTP/1.1", "Host: [::1]:8443\r\n"), 0, 0 },
	{ "any tchar in a name", GET("!#$%&'*+-.^_`|~09azAZ: 1\r\n"), 0, 0 },
	{ "two fields of a name that may repeat", GET("Accept: a\r\nAccept: b\r\n"), 0, 0 },
	/* start line */
	{ "HTTP/0.9", "GET /\r\n\r\n", 0, 400 },
	{ "HTTP/0.9 by number", REQ("GET / HTTP/0.9", H), 0, 505 },
	{ "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 505 },
	{ "HTTP/2.0", REQ("GET / HTTP/2.0", H), 0, 505 },
	{ "HTTP/3.0", REQ("GET / HTTP/3.0", H), 0, 505 },
	{ "a version of two digits", REQ("GET / HTTP/1.10", H), 0, 400 },
	{ "a version in small letters", REQ("GET / http/1.1", H), 0, 400 },
	{ "a version without a dot", REQ("GET / HTTP/11", H), 0, 400 },
	{ "another protocol", REQ("GET / RTSP/1.0", H), 0, 400 },
	{ "a space after the version", REQ("GET / HTTP/1.1 ", H), 0, 400 },
	{ "two spaces after the method", REQ("GET  / HTTP/1.1", H), 0, 400 },
	{ "two spaces before the version", REQ("GET /  HTTP/1.1", H), 0, 400 },
	{ "a tab for a space", REQ("GET\t/ HTTP/1.1", H), 0, 400 },
	{ "a space at the front", REQ(" GET / HTTP/1.1", H), 0, 400 },
	{ "no target", REQ("GET HTTP/1.1", H), 0, 400 },
	{ "an empty method", REQ(" / HTTP/1.1", H), 0, 400 },
	{ "a method alone", REQ("GET", H), 0, 400 },
	{ "a method that is no token", REQ("G@T / HTTP/1.1", H), 0, 400 },
	{ "a method of 33 bytes", REQ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1", H), 0, 501 },
	{ "two empty lines before it", "\r\n\r\n" GET(""), 0, 400 },
	{ "a bare LF before it", "\n" GET(""), 0, 400 },
	{ "a TLS hello", RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"), 400 },
	{ "a PROXY header of version 2", RAW("\r\n\r\n\0\r\nQUIT\n"), 400 },
	/* target */
	{ "a target without a slash", REQ("GET x HTTP/1.1", H), 0, 400 },
	{ "a fragment", REQ("GET /a#b HTTP/1.1", H), 0, 400 },
	{ "a backslash", REQ("GET /a\\b HTTP/1.1", H), 0, 400 },
	{ "a quote", REQ("GET /a\"b HTTP/1.1", H), 0, 400 },
	{ "a high byte", REQ("GET /\xc3\xa9 HTTP/1.1", H), 0, 400 },
	{ "a NUL", RAW("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "DEL", REQ("GET /a\x7f HTTP/1.1", H), 0, 400 },
	{ "half a percent code", REQ("GET /%4 HTTP/1.1", H), 0, 400 },
	{ "a percent code of no digits", REQ("GET /%zz HTTP/1.1", H), 0, 400 },
	{ "* for GET", REQ("GET * HTTP/1.1", H), 0, 400 },
	{ "a scheme of another kind", REQ("GET ftp://b/ HTTP/1.1", H), 0, 400 },
	{ "absolute-form without a host", REQ("GET http:///x HTTP/1.1", H), 0, 400 },
	{ "user information in the target", REQ("GET http://u@b/ HTTP/1.1", H), 0, 400 },
	{ "CONNECT to a path", REQ("CONNECT /x HTTP/1.1", H), 0, 400 },
	/* lines */
	{ "a bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 0, 400 },
	{ "a bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 0, 400 },
	{ "a bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 0, 400 },
	{ "a bare CR in a value", GET("X: a\rb\r\n"), 0, 400 },
	{ "two CR at the end of a line", GET("X: a\r\r\n"), 0, 400 },
	{ "a bare CR in a name", GET("X\r: a\r\n"), 0, 400 },
	{ "a NUL in a value", RAW("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"), 400 },
	{ "a NUL in a name", RAW("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"), 400 },
	{ "an escape in a value", GET("X: \x1b[2J\r\n"), 0, 400 },
	{ "DEL in a value", GET("X: \x7f\r\n"), 0, 400 },
	{ "obs-fold with a space", GET("X: a\r\n b\r\n"), 0, 400 },
	{ "obs-fold with a tab", GET("X: a\r\n\tb\r\n"), 0, 400 },
	{ "obs-fold of the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 0, 400 },
	{ "a space before the colon", GET("X : a\r\n"), 0, 400 },
	{ "a tab before the colon", GET("Content-Length\t: 5\r\n"), 0, 400 },
	{ "a space in a name", GET("X Y: a\r\n"), 0, 400 },
	{ "no name", GET(": a\r\n"), 0, 400 },
	{ "no colon", GET("Xabc\r\n"), 0, 400 },
	{ "a high byte in a name", GET("X\xc3\xa9: a\r\n"), 0, 400 },
	{ "brackets in a name", GET("X(a): a\r\n"), 0, 400 },
	/* Host */
	{ "no Host", REQ("GET / HTTP/1.1", "X: a\r\n"), 0, 400 },
	{ "no fields at all", REQ("GET / HTTP/1.1", ""), 0, 400 },
	{ "no Host beside an absolute target", REQ("GET http://b/ HTTP/1.1", ""), 0, 400 },
	{ "two Hosts", REQ("GET / HTTP/1.1", H H), 0, 400 },
	{ "two Hosts in HTTP/1.0", REQ("GET / HTTP/1.0", H H), 0, 400 },
	{ "two hosts in one", REQ("GET / HTTP/1.1", "Host: a, b\r\n"), 0, 400 },
	{ "a path in Host", REQ("GET / HTTP/1.1", "Host: a/b\r\n"), 0, 400 },
	{ "user information in Host", REQ("GET / HTTP/1.1", "Host: u@a\r\n"), 0, 400 },
	{ "a port that is none", REQ("GET / HTTP/1.1", "Host: a:8x\r\n"), 0, 400 },
	{ "a port too high", REQ("GET / HTTP/1.1", "Host: a:65536\r\n"), 0, 400 },
	{ "a port alone", REQ("GET / HTTP/1.1", "Host: :80\r\n"), 0, 400 },
	{ "an open bracket", REQ("GET / HTTP/1.1", "Host: [::1\r\n"), 0, 400 },
	/* lengths */
	{ "two lengths", GET("Content-Length: 5\r\nContent-Length: 6\r\n"), 0, 400 },
	{ "two equal lengths", GET("Content-Length: 5\r\ncontent-length: 5\r\n"), 0, 400 },
	{ "a list of lengths", GET("Content-Length: 5, 5\r\n"), 0, 400 },
	{ "a length with a plus", GET("Content-Length: +5\r\n"), 0, 400 },
	{ "a length below nothing", GET("Content-Length: -5\r\n"), 0, 400 },
	{ "a length in hex", GET("Content-Length: 0x5\r\n"), 0, 400 },
	{ "a length with a space inside", GET("Content-Length: 1 2\r\n"), 0, 400 },
	{ "an empty length", GET("Content-Length:\r\n"), 0, 400 },
	{ "a length beyond 2^63", GET("Content-Length: 9223372036854775808\r\n"), 0, 400 },
	{ "a length beyond 2^64", GET("Content-Length: 18446744073709551621\r\n"), 0, 400 },
	{ "both framings", GET("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 0, 400 },
	{ "both the other way", GET("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 0,
	  400 },
	{ "both with a length of nothing",
	  GET("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 0, 400 },
	{ "gzip before chunked", GET("Transfer-Encoding: gzip, chunked\r\n"), 0, 501 },
	{ "chunked, not last", GET("Transfer-Encoding: chunked, gzip\r\n"), 0, 400 },
	{ "gzip alone", GET("Transfer-Encoding: gzip\r\n"), 0, 400 },
	{ "identity", GET("Transfer-Encoding: identity\r\n"), 0, 400 },
	{ "chunked twice in one", GET("Transfer-Encoding: chunked, chunked\r\n"), 0, 400 },
	{ "chunked twice in two",
	  GET("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 0, 400 },
	{ "codings in two fields", GET("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
	  0, 400 },
	{ "almost chunked", GET("Transfer-Encoding: xchunked\r\n"), 0, 400 },
	{ "chunked with a parameter", GET("Transfer-Encoding: chunked;q=1\r\n"), 0, 400 },
	{ "chunked in quotes", GET("Transfer-Encoding: \"chunked\"\r\n"), 0, 400 },
	{ "chunked with a vertical tab",
	  GET("Transfer-Encoding: \x0b"
	      "chunked\r\n"),
	  0, 400 },
	{ "an empty coding", GET("Transfer-Encoding:\r\n"), 0, 400 },
	{ "an empty coding before chunked", GET("Transfer-Encoding: , chunked\r\n"), 0, 501 },
	{ "chunked in HTTP/1.0", REQ("GET / HTTP/1.0", H "Transfer-Encoding: chunked\r\n"), 0,
	  400 },
	/* others */
	{ "another expectation", GET("Expect: 200-ok\r\n"), 0, 417 },
	{ "two expectations", GET("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 0, 400 },
	{ "a Connection option that is no token", GET("Connection: a b\r\n"), 0, 400 },
};

struct outcome {
	enum hf_http_parse rc;
	int status;
	size_t used, fields;
	bool close, chunked;
	int64_t length;
};

static struct outcome outcome_of(const struct hf_http_head *head, enum hf_http_parse rc)
{
	return (
	    struct outcome){ rc,	  head->bad_status, head->len,		 head->fields_len,
			     head->close, head->chunked,    head->content_length };
}

/* A copy of exactly len bytes, so that AddressSanitizer sees one byte too many. */
static enum hf_http_parse parse_copy(struct hf_http_head *head, const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	enum hf_http_parse rc;

	assert_non_null(copy);
	memcpy(copy + 1, text, len);
	rc = hf_http_head_parse(head, copy + 1, len);
	free(copy);
	return rc;
}

static struct outcome parse_whole(enum hf_http_kind kind, const char *text, size_t len)
{
	static struct hf_http_head head;

	hf_http_head_init(&head, kind, NULL);
	return outcome_of(&head, parse_copy(&head, text, len));
}

static struct outcome parse_split(enum hf_http_kind kind, const char *text, size_t len, size_t cut)
{
	static struct hf_http_head head;
	enum hf_http_parse rc;

	hf_http_head_init(&head, kind, NULL);
	rc = parse_copy(&head, text, cut);
	if (rc == HF_HTTP_MORE)
		rc = parse_copy(&head, text, len);
	return outcome_of(&head, rc);
}

static struct outcome parse_bytewise(enum hf_http_kind kind, const char *text, size_t len)
{
	static struct hf_http_head head;
	enum hf_http_parse rc = HF_HTTP_MORE;

	hf_http_head_init(&head, kind, NULL);
	for (size_t n = 0; n <= len && rc == HF_HTTP_MORE; n++)
		rc = parse_copy(&head, text, n);
	return outcome_of(&head, rc);
}

static void check_same(const char *label, const char *how, size_t cut, struct outcome a,
		       struct outcome b)
{
	if (a.rc == b.rc && a.status == b.status &&
	    (a.rc != HF_HTTP_DONE ||
	     (a.used == b.used && a.fields == b.fields && a.close == b.close &&
	      a.chunked == b.chunked && a.length == b.length)))
		return;
	fail_msg("%s: %s at %zu gives %d/%d, whole %d/%d", label, how, cut, b.rc, b.status, a.rc,
		 a.status);
}

static void check_splits(enum hf_http_kind kind, const char *label, const char *text, size_t len,
			 struct outcome whole)
{
	for (size_t cut = 0; cut <= len; cut++)
		check_same(label, "cut", cut, whole, parse_split(kind, text, len, cut));
	check_same(label, "bytewise", len, whole, parse_bytewise(kind, text, len));
}

static void check_row(enum hf_http_kind kind, const struct row *row)
{
	size_t len = row->len > 0 ? row->len : strlen(row->text);
	struct outcome whole = parse_whole(kind, row->text, len);

	if (row->status == 0 && whole.rc != HF_HTTP_DONE)
		fail_msg("%s: refused with %d (%d)", row->label, whole.status, whole.rc);
	if (row->status != 0 && (whole.rc != HF_HTTP_BAD || whole.status != row->status))
		fail_msg("%s: %d/%d, wanted status %d", row->label, whole.rc, whole.status,
			 row->status);
	check_splits(kind, row->label, row->text, len, whole);
}

static void test_requests_are_judged_the_same_however_they_are_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(requests); i++)
		check_row(HF_HTTP_REQUEST, &requests[i]);
}

static const struct row responses[] = {
	{ "a usual one", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 0, 0 },
	{ "no reason", "HTTP/1.1 204 \r\n\r\n", 0, 0 },
	{ "no reason and no space", "HTTP/1.1 204\r\n\r\n", 0, 0 },
	{ "a reason of many words", "HTTP/1.0 404 Not at all Found\r\n\r\n", 0, 0 },
	{ "an interim one", "HTTP/1.1 100 Continue\r\n\r\n", 0, 0 },
	{ "a code of two digits", "HTTP/1.1 20\r\n\r\n", 0, 400 },
	{ "a code of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 0, 400 },
	{ "a code below 100", "HTTP/1.1 099 Odd\r\n\r\n", 0, 400 },
	{ "another version", "HTTP/2.0 200 OK\r\n\r\n", 0, 505 },
	{ "another protocol", "ICY 200 OK\r\n\r\n", 0, 400 },
	{ "an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", 0, 400 },
	{ "an SMTP greeting", "220 mail ESMTP\r\n\r\n", 0, 400 },
	{ "an escape in the reason", "HTTP/1.1 200 \x1b[2J\r\n\r\n", 0, 400 },
	{ "two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
	  0, 400 },
	{ "both framings",
	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 400 },
	{ "obs-fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", 0, 400 },
};

static void test_responses_are_judged_the_same_however_they_are_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(responses); i++)
		check_row(HF_HTTP_RESPONSE, &responses[i]);
}

static bool text_is(const struct hf_http_head *head, struct hf_http_span span, const char *text)
{
	return hf_slice_is(hf_http_text(head, span), text);
}

static void test_parts_of_a_request(void **state)
{
	static const char text[] =
	    "\r\nGET /a/b?c=d&e HTTP/1.1\r\nHost:  h:1 \r\nX-A: 1 2 \r\nx-a: 3\r\n"
	    "Connection: Keep-Alive, x\r\n\r\nGET /next";
	struct hf_http_head head;
	struct hf_slice value;

	(void)state;
	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	assert_int_equal(hf_http_head_parse(&head, text, sizeof(text) - 1), HF_HTTP_DONE);
	assert_int_equal(head.len, sizeof(text) - 1 - strlen("GET /next"));
	assert_int_equal(head.method, HF_METHOD_GET);
	assert_int_equal(head.minor, 1);
	assert_true(text_is(&head, head.target, "/a/b?c=d&e"));
	assert_true(text_is(&head, head.path, "/a/b"));
	assert_true(text_is(&head, head.query, "c=d&e"));
	assert_true(text_is(&head, head.host, "h:1"));
	assert_int_equal(head.fields_len, 4);
	assert_true(hf_http_field(&head, "X-a", &value));
	assert_true(hf_slice_is(value, "1 2"));
	assert_false(hf_http_field(&head, "X-", &value));
	assert_false(head.close);
	assert_int_equal(head.content_length, HF_HTTP_LENGTH_NONE);
}

static void test_absolute_form_names_the_host_itself(void **state)
{
	static const char text[] = "GET http://b:80?q HTTP/1.1\r\nHost: a\r\n\r\n";
	struct hf_http_head head;

	(void)state;
	hf_http_head_init(&head, HF_HTTP_REQUEST, NULL);
	assert_int_equal(hf_http_head_parse(&head, text, sizeof(text) - 1), HF_HTTP_DONE);
	assert_true(text_is(&head, head.host, "b:80"));
	assert_true(text_is(&head, head.path, ""));
	assert_true(text_is(&head, head.query, "q"));
}

static void test_when_the_connection_ends(void **state)
{
	static const struct {
		const char *text;
		bool close;
	} rows[] = {
		{ GET(""), false },
		{ GET("Connection: close\r\n"), true },
		{ GET("Connection: x, CLOSE\r\n"), true },
		{ GET("Connection: keep-alive\r\nConnection: close\r\n"), true },
		{ REQ("GET / HTTP/1.0", ""), true },
		{ REQ("GET / HTTP/1.0", "Connection: keep-alive\r\n"), false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct outcome o = parse_whole(HF_HTTP_REQUEST, rows[i].text, strlen(rows[i].text));

		assert_int_equal(o.rc, HF_HTTP_DONE);
		assert_int_equal(o.close, rows[i].close);
	}
}

/* Limits: exactly at the limit passes, one more does not, in one piece and bytewise. */
static char *filled(const char *before, size_t fill, const char *after)
{
	size_t a = strlen(before), b = strlen(after);
	char *text = malloc(a + fill + b + 1);

	assert_non_null(text);
	memcpy(text, before, a);
	memset(text + a, 'x', fill);
	memcpy(text + a + fill, after, b + 1);
	return text;
}

static void check_limit(const char *before, size_t fill, const char *after, int status)
{
	char *text = filled(before, fill, after);
	size_t len = strlen(text);
	struct outcome whole = parse_whole(HF_HTTP_REQUEST, text, len);

	assert_int_equal(whole.status, status);
	assert_int_equal(whole.rc, status == 0 ? HF_HTTP_DONE : HF_HTTP_BAD);
	check_same("limit", "bytewise", len, whole, parse_bytewise(HF_HTTP_REQUEST, text, len));
	free(text);
}

static void test_limits_hold_to_the_byte(void **state)
{
	static const char before[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	size_t frame = strlen(before) + 4;

	(void)state;
	check_limit(before, HF_HTTP_HEAD_CAP - frame, "\r\n\r\n", 0);
	check_limit(before, HF_HTTP_HEAD_CAP - frame + 1, "\r\n\r\n", 431);
	check_limit(before, 100000, "\r\n\r\n", 431);
	check_limit("GET /", HF_HTTP_TARGET_CAP - 1, " HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	check_limit("GET /", HF_HTTP_TARGET_CAP, " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
	check_limit("GET /", 100000, " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
}

static void check_fields(size_t count, int status)
{
	static char text[8192];
	size_t at = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
	struct outcome whole;

	for (size_t i = 1; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "X-%zu: %zu\r\n", i, i);
	at += (size_t)snprintf(text + at, sizeof(text) - at, "\r\n");
	whole = parse_whole(HF_HTTP_REQUEST, text, at);
	assert_int_equal(whole.status, status);
	check_splits(HF_HTTP_REQUEST, "fields", text, at, whole);
}

static void test_a_hundred_fields_and_no_more(void **state)
{
	(void)state;
	check_fields(100, 0);
	check_fields(101, 431);
}

static void test_limits_can_be_lowered(void **state)
{
	static const char text[] = "GET /abc HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
	static const struct {
		struct hf_http_limits limits;
		int status;
	} rows[] = {
		{ { 40, 0, 0 }, 0 },  { { 20, 0, 0 }, 431 }, { { 10, 0, 0 }, 414 },
		{ { 0, 4, 0 }, 0 },   { { 0, 3, 0 }, 414 },  { { 0, 0, 2 }, 0 },
		{ { 0, 0, 1 }, 431 },
	};
	struct hf_http_head head;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		hf_http_head_init(&head, HF_HTTP_REQUEST, &rows[i].limits);
		(void)hf_http_head_parse(&head, text, sizeof(text) - 1);
		assert_int_equal(head.bad_status, rows[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_are_judged_the_same_however_they_are_split),
		cmocka_unit_test(test_responses_are_judged_the_same_however_they_are_split),
		cmocka_unit_test(test_parts_of_a_request),
		cmocka_unit_test(test_absolute_form_names_the_host_itself),
		cmocka_unit_test(test_when_the_connection_ends),
		cmocka_unit_test(test_limits_hold_to_the_byte),
		cmocka_unit_test(test_a_hundred_fields_and_no_more),
		cmocka_unit_test(test_limits_can_be_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
