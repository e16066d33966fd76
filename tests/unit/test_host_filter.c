/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway/host_filter: Host is set, every other byte stays, whatever the split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "gateway/host_filter.h"

#define NAME "gw.test"

static const struct {
	const char *label, *in, *out; /* out NULL: as it came */
} streams[] = {
	{ "one request", "GET / HTTP/1.1\r\nHost: 127.0.0.1:3100\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n" },
	{ "in the middle, in other letters, with spaces",
	  "GET / HTTP/1.1\r\nA: b\r\nhOST:  \t localhost  \r\nC: d\r\n\r\n",
	  "GET / HTTP/1.1\r\nA: b\r\nhOST:  \t gw.test  \r\nC: d\r\n\r\n" },
	{ "empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost:gw.test\r\n\r\n" },
	{ "two in a row", "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: y\r\n\r\n",
	  "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n" },
	{ "a body that looks like a head",
	  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\n"
	  "GET / HTTP/1.1\r\nHost: y\r\n\r\n"
	  "GET /b HTTP/1.1\r\nHost: z\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 27\r\n\r\n"
	  "GET / HTTP/1.1\r\nHost: y\r\n\r\n"
	  "GET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n" },
	{ "a chunked body that looks like a head, with trailers",
	  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "1b;e=f\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n\r\n0\r\nHost: t\r\n\r\n"
	  "GET /b HTTP/1.1\r\nHost: z\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "1b;e=f\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n\r\n0\r\nHost: t\r\n\r\n"
	  "GET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n" },
	{ "HTTP/1.0 without a name", "GET / HTTP/1.0\r\n\r\n", NULL },
	{ "absolute form", "GET http://y/ HTTP/1.1\r\nHost: y\r\n\r\n", NULL },
	{ "upgrade: what follows is another protocol",
	  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	  "GET /b HTTP/1.1\r\nHost: z\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	  "GET /b HTTP/1.1\r\nHost: z\r\n\r\n" },
	{ "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NULL },
	{ "no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", NULL },
	{ "no HTTP after a request",
	  "GET / HTTP/1.1\r\nHost: x\r\n\r\nBAD\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\nBAD\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n" },
	{ "two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", NULL },
	{ "a bad chunk",
	  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
	  "GET / HTTP/1.1\r\nHost: y\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
	  "GET / HTTP/1.1\r\nHost: y\r\n\r\n" },
	{ "a head that is cut", "GET / HTTP/1.1\r\nHost: x\r\n", NULL },
	{ "nothing", "", NULL },
};

static void run(const char *in, size_t len, size_t step, struct hf_buf *out)
{
	HF_AUTO(hf_host_filter) filter = NULL;

	assert_int_equal(hf_host_filter_new(NAME, &filter, NULL), 0);
	for (size_t at = 0; at < len; at += step)
		hf_host_filter_pass(filter, in + at, HF_MIN(step, len - at), out);
	hf_host_filter_end(filter, out);
	assert_false(hf_buf_failed(out));
}

static void host_is_set_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(streams); i++) {
		const char *in = streams[i].in, *want = streams[i].out ? streams[i].out : in;

		for (size_t step = 1; step <= strlen(in) + 1; step++) {
			HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1 << 20);

			run(in, strlen(in), step, &out);
			if (strcmp(hf_buf_str(&out), want) != 0)
				fail_msg("%s, in pieces of %zu: '%s'", streams[i].label, step,
					 hf_buf_str(&out));
		}
	}
}

static void whole_requests_are_not_held_back(void **state)
{
	const char *in = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	HF_AUTO(hf_host_filter) filter = NULL;
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(hf_host_filter_new(NAME, &filter, NULL), 0);
	hf_host_filter_pass(filter, in, strlen(in), &out);
	assert_string_equal(hf_buf_str(&out), "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n");
}

static void head_without_end_goes_on_as_it_is(void **state)
{
	size_t len = 1 << 20;
	char *in = malloc(len);
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4 << 20);

	(void)state;
	assert_non_null(in);
	memset(in, 'a', len);
	memcpy(in, "GET /", 5);
	run(in, len, 100000, &out);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, in, len);
	free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_is_set_and_nothing_else),
		cmocka_unit_test(whole_requests_are_not_held_back),
		cmocka_unit_test(head_without_end_goes_on_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
