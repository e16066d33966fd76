/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol, both ways.  Must never take an address from a header that is not complete and
 * well formed, nor a byte behind it. */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum {
	V1_CAP = 107, /* with CRLF */
	V2_FIXED = 16,
	V2_IPV4 = 12,
	V2_IPV6 = 36,
};

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
				       0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

static void address_v4(struct hf_address *address, const void *ip, uint16_t port_net)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address->sa;

	memset(address, 0, sizeof(*address));
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, ip, 4);
	in->sin_port = port_net;
	address->len = sizeof(*in);
}

static void address_v6(struct hf_address *address, const void *ip, uint16_t port_net)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&address->sa;

	memset(address, 0, sizeof(*address));
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, ip, 16);
	in6->sin6_port = port_net;
	address->len = sizeof(*in6);
}

/* --- version 1: one line of text --- */

/* "TCP4 192.0.2.1 192.0.2.2 1000 443": exactly one space between the parts. */
static enum hf_proxy_parse read_line(const char *line, struct hf_proxy_header *ret)
{
	HF_AUTO_DONE(hf_strv) parts = HF_STRV_INIT;
	uint64_t ports[2];
	char ip[2][16];
	bool v4;

	if (hf_strv_split(&parts, line, ' ') < 0)
		return HF_PROXY_BAD;
	if (parts.len >= 2 && strcmp(parts.items[1], "UNKNOWN") == 0)
		return HF_PROXY_DONE;
	if (parts.len != 6)
		return HF_PROXY_BAD;
	v4 = strcmp(parts.items[1], "TCP4") == 0;
	if (!v4 && strcmp(parts.items[1], "TCP6") != 0)
		return HF_PROXY_BAD;
	for (size_t i = 0; i < 2; i++)
		if (inet_pton(v4 ? AF_INET : AF_INET6, parts.items[2 + i], ip[i]) != 1 ||
		    !hf_str_u64(parts.items[4 + i], 65535, &ports[i]))
			return HF_PROXY_BAD;
	(v4 ? address_v4 : address_v6)(&ret->source, ip[0], htons((uint16_t)ports[0]));
	(v4 ? address_v4 : address_v6)(&ret->destination, ip[1], htons((uint16_t)ports[1]));
	ret->has_address = true;
	return HF_PROXY_DONE;
}

static enum hf_proxy_parse read_v1(const char *data, size_t len, struct hf_proxy_header *ret)
{
	const char *lf = memchr(data, '\n', len);
	char line[V1_CAP];

	if (lf == NULL)
		return len >= V1_CAP ? HF_PROXY_BAD : HF_PROXY_MORE;
	ret->len = (size_t)(lf - data) + 1;
	if (ret->len > V1_CAP || ret->len < 2 || lf[-1] != '\r' ||
	    memchr(data, '\0', ret->len) != NULL)
		return HF_PROXY_BAD;
	memcpy(line, data, ret->len - 2);
	line[ret->len - 2] = '\0';
	return read_line(line, ret);
}

/* --- version 2 --- */

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void addresses_v2(const uint8_t *p, size_t len, unsigned family, struct hf_proxy_header *ret)
{
	uint16_t ports[2];

	if (family == 0x11 && len >= V2_IPV4) {
		memcpy(ports, p + 8, 4);
		address_v4(&ret->source, p, ports[0]);
		address_v4(&ret->destination, p + 4, ports[1]);
		ret->has_address = true;
	} else if (family == 0x21 && len >= V2_IPV6) {
		memcpy(ports, p + 32, 4);
		address_v6(&ret->source, p, ports[0]);
		address_v6(&ret->destination, p + 16, ports[1]);
		ret->has_address = true;
	}
}

static bool family_ok(const uint8_t *p, size_t len)
{
	unsigned family = p[13];

	if (family == 0x11)
		return len >= V2_IPV4;
	if (family == 0x21)
		return len >= V2_IPV6;
	return family == 0x00 || family == 0x12 || family == 0x22 || family == 0x31 ||
	       family == 0x32;
}

static enum hf_proxy_parse read_v2(const uint8_t *p, size_t len, struct hf_proxy_header *ret)
{
	size_t body;

	if (len < V2_FIXED)
		return HF_PROXY_MORE;
	body = be16(p + 14);
	if ((p[12] & 0xf0) != 0x20 || (p[12] & 0x0f) > 1 || V2_FIXED + body > HF_PROXY_HEADER_CAP)
		return HF_PROXY_BAD;
	if (len < V2_FIXED + body)
		return HF_PROXY_MORE;
	ret->len = V2_FIXED + body;
	/* LOCAL: a health check of the proxy's own; whatever stands behind is to be ignored. */
	if ((p[12] & 0x0f) == 0)
		return HF_PROXY_DONE;
	if (!family_ok(p, body))
		return HF_PROXY_BAD;
	addresses_v2(p + V2_FIXED, body, p[13], ret);
	return HF_PROXY_DONE;
}

enum hf_proxy_parse hf_proxy_header_read(const char *data, size_t len,
					 struct hf_proxy_header *ret_header)
{
	size_t head = HF_MIN(len, sizeof(signature));

	memset(ret_header, 0, sizeof(*ret_header));
	if (memcmp(data, signature, head) == 0)
		return read_v2((const uint8_t *)data, len, ret_header);
	head = HF_MIN(len, (size_t)6);
	if (memcmp(data, "PROXY ", head) == 0)
		return read_v1(data, len, ret_header);
	return HF_PROXY_BAD;
}

/* --- writing --- */

enum tlv {
	TLV_ALPN = 0x01,
	TLV_AUTHORITY = 0x02,
	TLV_SSL = 0x20,
	TLV_SSL_VERSION = 0x21,
	TLV_SSL_CN = 0x22,
	TLV_SSL_CIPHER = 0x23,
	TLV_SSL_GROUP = 0x26,
	TLV_SSL_CLIENT_CERT = 0x28,

	CLIENT_SSL = 0x01,
	CLIENT_CERT_CONN = 0x02,
	CLIENT_CERT_SESS = 0x04,
};

static void put_be16(struct hf_buf *out, size_t value)
{
	hf_buf_putc(out, (char)(value >> 8 & 0xff));
	hf_buf_putc(out, (char)(value & 0xff));
}

static void put_tlv(struct hf_buf *out, enum tlv type, const void *value, size_t len)
{
	hf_buf_putc(out, (char)type);
	put_be16(out, len);
	hf_buf_append(out, value, len);
}

static void put_text(struct hf_buf *out, enum tlv type, const char *text)
{
	if (text != NULL && text[0] != '\0')
		put_tlv(out, type, text, strlen(text));
}

static void put_ssl(struct hf_buf *out, const struct hf_proxy_facts *facts)
{
	HF_AUTO_DONE(hf_buf) sub = HF_BUF_INIT(65535);
	int client = CLIENT_SSL | (facts->cert ? CLIENT_CERT_CONN | CLIENT_CERT_SESS : 0);

	hf_buf_putc(&sub, (char)client);
	put_be16(&sub, facts->verify >> 16);
	put_be16(&sub, facts->verify & 0xffff);
	put_text(&sub, TLV_SSL_VERSION, facts->version);
	put_text(&sub, TLV_SSL_CN, facts->common_name);
	put_text(&sub, TLV_SSL_CIPHER, facts->cipher);
	put_text(&sub, TLV_SSL_GROUP, facts->group);
	if (facts->der_len > 0)
		put_tlv(&sub, TLV_SSL_CLIENT_CERT, facts->der, facts->der_len);
	if (hf_buf_failed(&sub))
		out->failed = true;
	else
		put_tlv(out, TLV_SSL, sub.data, sub.len);
}

static unsigned put_addresses(struct hf_buf *out, const struct hf_proxy_facts *facts)
{
	const struct sockaddr *a = (const struct sockaddr *)&facts->source->sa;
	const struct sockaddr *b = (const struct sockaddr *)&facts->destination->sa;

	if (a->sa_family != b->sa_family)
		return 0x00;
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *s = (const void *)a, *d = (const void *)b;

		hf_buf_append(out, &s->sin_addr, 4);
		hf_buf_append(out, &d->sin_addr, 4);
		hf_buf_append(out, &s->sin_port, 2);
		hf_buf_append(out, &d->sin_port, 2);
		return 0x11;
	}
	if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *s = (const void *)a, *d = (const void *)b;

		hf_buf_append(out, &s->sin6_addr, 16);
		hf_buf_append(out, &d->sin6_addr, 16);
		hf_buf_append(out, &s->sin6_port, 2);
		hf_buf_append(out, &d->sin6_port, 2);
		return 0x21;
	}
	return 0x00;
}

int hf_proxy_header_write(struct hf_buf *out, const struct hf_proxy_facts *facts)
{
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(65535);
	unsigned family = put_addresses(&body, facts);

	put_text(&body, TLV_ALPN, facts->alpn);
	put_text(&body, TLV_AUTHORITY, facts->sni);
	if (facts->tls)
		put_ssl(&body, facts);
	if (hf_buf_failed(&body))
		return -HF_E_LIMIT;
	hf_buf_append(out, signature, sizeof(signature));
	hf_buf_putc(out, 0x21);
	hf_buf_putc(out, (char)family);
	put_be16(out, body.len);
	return hf_buf_append(out, body.data, body.len);
}
