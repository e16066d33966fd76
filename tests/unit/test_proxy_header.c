/* SPDX-License-Identifier: Apache-2.0 */
/* src/net: PROXY protocol headers and named networks. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/networks.h"
#include "net/proxy_header.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V2(command, family, len, body) SIG command family "\0" len body
#define IPV4 "\xc0\0\2\1\xc0\0\2\2\x03\xe8\x01\xbb"

static const struct {
	const char *label, *data;
	size_t len;
	enum hf_proxy_parse rc;
	const char *source; /* NULL: none is told */
} headers[] = {
#define ROW(label, data, rc, source)                      \
	{                                                 \
		label, data, sizeof(data) - 1, rc, source \
	}
	ROW("nothing yet", "", HF_PROXY_MORE, NULL),
	ROW("v1", "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n", HF_PROXY_DONE, "192.0.2.1:1000"),
	ROW("v1 over IPv6", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", HF_PROXY_DONE, "[2001:db8::1]:1"),
	ROW("v1 unknown", "PROXY UNKNOWN\r\n", HF_PROXY_DONE, NULL),
	ROW("v1 unknown with addresses", "PROXY UNKNOWN a b c d\r\n", HF_PROXY_DONE, NULL),
	ROW("half of v1", "PROXY TCP4 192.", HF_PROXY_MORE, NULL),
	ROW("lower case", "proxy TCP4 192.0.2.1 192.0.2.2 1000 443\r\n", HF_PROXY_BAD, NULL),
	ROW("UDP", "PROXY UDP4 192.0.2.1 192.0.2.2 1000 443\r\n", HF_PROXY_BAD, NULL),
	ROW("a port with a sign", "PROXY TCP4 192.0.2.1 192.0.2.2 +100 443\r\n", HF_PROXY_BAD,
	    NULL),
	ROW("IPv6 where IPv4 is due", "PROXY TCP4 ::1 ::1 1 2\r\n", HF_PROXY_BAD, NULL),
	ROW("a part too many", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", HF_PROXY_BAD, NULL),
	ROW("a NUL inside", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\0\r\n", HF_PROXY_BAD, NULL),
	ROW("v2", V2("\x21", "\x11", "\x0c", IPV4), HF_PROXY_DONE, "192.0.2.1:1000"),
	ROW("v2 over UDP says nothing of use", V2("\x21", "\x12", "\x0c", IPV4), HF_PROXY_DONE,
	    NULL),
	ROW("v2 local with an address", V2("\x20", "\x11", "\x0c", IPV4), HF_PROXY_DONE, NULL),
	ROW("v2 without an address", V2("\x21", "\0", "\0", ""), HF_PROXY_DONE, NULL),
	ROW("half a signature", "\r\n\r\n", HF_PROXY_MORE, NULL),
	ROW("v2 cut", V2("\x21", "\x11", "\x0c", "\xc0\0\2"), HF_PROXY_MORE, NULL),
	ROW("v2 too short", V2("\x21", "\x11", "\x0b", IPV4), HF_PROXY_BAD, NULL),
	ROW("v2 of version 1", V2("\x11", "\x11", "\x0c", IPV4), HF_PROXY_BAD, NULL),
	ROW("v2 with command 15", V2("\x2f", "\x11", "\x0c", IPV4), HF_PROXY_BAD, NULL),
	ROW("v2 with family 4", V2("\x21", "\x41", "\x0c", IPV4), HF_PROXY_BAD, NULL),
	ROW("TLS", "\x16\x03\x01", HF_PROXY_BAD, NULL),
#undef ROW
};

static void test_headers_are_read_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(headers); i++) {
		struct hf_proxy_header header;
		char text[HF_ADDRESS_TEXT_CAP] = "";
		enum hf_proxy_parse rc =
		    hf_proxy_header_read(headers[i].data, headers[i].len, &header);

		if (rc != headers[i].rc)
			fail_msg("%s: %d", headers[i].label, (int)rc);
		if (rc != HF_PROXY_DONE)
			continue;
		if (header.has_address)
			hf_address_format(&header.source, text);
		if (header.has_address != (headers[i].source != NULL) ||
		    (headers[i].source != NULL && strcmp(text, headers[i].source) != 0))
			fail_msg("%s: source '%s'", headers[i].label, text);
	}
}

static void ipv4(struct hf_address *address, uint32_t ip, uint16_t port)
{
	struct sockaddr_in *in = (void *)&address->sa;

	memset(address, 0, sizeof(*address));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(ip);
	in->sin_port = htons(port);
	address->len = sizeof(*in);
}

static void test_what_is_written_can_be_read(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(4096);
	struct hf_address source, destination;
	struct hf_proxy_header header;
	char text[HF_ADDRESS_TEXT_CAP];
	const struct hf_proxy_facts facts = {
		.source = &source,
		.destination = &destination,
		.tls = true,
		.cert = true,
		.version = "TLSv1.3",
		.common_name = "x",
		.der = (const uint8_t *)"der",
		.der_len = 3,
	};

	(void)state;
	ipv4(&source, 0xc0000201, 1000);
	ipv4(&destination, 0xc0000202, 443);
	assert_int_equal(hf_proxy_header_write(&out, &facts), 0);
	assert_int_equal(hf_proxy_header_read(out.data, out.len, &header), HF_PROXY_DONE);
	assert_int_equal(header.len, out.len);
	hf_address_format(&header.source, text);
	assert_string_equal(text, "192.0.2.1:1000");
	hf_address_format(&header.destination, text);
	assert_string_equal(text, "192.0.2.2:443");
}

static void test_certificate_that_does_not_fit_is_told(void **state)
{
	static const uint8_t der[65530];
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(128 * 1024);
	struct hf_address address;
	const struct hf_proxy_facts facts = { .source = &address,
					      .destination = &address,
					      .tls = true,
					      .der = der,
					      .der_len = sizeof(der) };

	(void)state;
	ipv4(&address, 0x7f000001, 1);
	assert_true(hf_proxy_header_write(&out, &facts) < 0);
	assert_int_equal(out.len, 0);
}

static const struct {
	const char *network;
	uint32_t ip;
	bool in;
} members[] = {
	{ "10.0.0.0/8", 0x0a010203, true },	{ "10.0.0.0/8", 0x0b010203, false },
	{ "192.0.2.1", 0xc0000201, true },	{ "192.0.2.1", 0xc0000202, false },
	{ "192.0.2.128/25", 0xc0000280, true }, { "192.0.2.128/25", 0xc000027f, false },
	{ "192.0.2.2/31", 0xc0000203, true },	{ "192.0.2.2/31", 0xc0000204, false },
	{ "0.0.0.0/0", 0xffffffff, true },	{ "::/0", 0x7f000001, false },
	{ "unix", 0x7f000001, false },
};

static void test_networks_have_their_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(members); i++) {
		HF_AUTO_DONE(hf_strv) texts = HF_STRV_INIT;
		struct hf_networks networks = { NULL, 0 };
		struct hf_address address;

		assert_int_equal(hf_strv_add(&texts, members[i].network), 0);
		assert_int_equal(hf_networks_parse(&texts, "--x", &networks, NULL), 0);
		ipv4(&address, members[i].ip, 1);
		if (hf_networks_have(&networks, &address) != members[i].in)
			fail_msg("%s, row %zu", members[i].network, i);
		hf_networks_done(&networks);
	}
}

static void test_what_is_no_network_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",	   "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/",   "10.0.0.0/-1",
		"::1/129", "10.0.0",	  "localhost",	"10.0.0.0/8 ", "2001:db8::1/64"
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
		HF_AUTO_DONE(hf_strv) texts = HF_STRV_INIT;
		struct hf_networks networks = { NULL, 0 };
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_strv_add(&texts, wrong[i]), 0);
		if (hf_networks_parse(&texts, "--x", &networks, &err) != -HF_E_INVALID)
			fail_msg("'%s' was taken", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_are_read_exactly),
		cmocka_unit_test(test_what_is_written_can_be_read),
		cmocka_unit_test(test_certificate_that_does_not_fit_is_told),
		cmocka_unit_test(test_networks_have_their_members),
		cmocka_unit_test(test_what_is_no_network_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
