/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: text both ways, and names to addresses for connecting. */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/str.h"

static const char unix_prefix[] = "unix:";

static const struct sockaddr_in *v4(const struct hf_address *address)
{
	return (const struct sockaddr_in *)(const void *)&address->sa;
}

static const struct sockaddr_in6 *v6(const struct hf_address *address)
{
	return (const struct sockaddr_in6 *)(const void *)&address->sa;
}

static void format_unix(const struct hf_address *address, char *out)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&address->sa;
	size_t header = offsetof(struct sockaddr_un, sun_path);
	size_t len = address->len > header ? address->len - header : 0;

	len = strnlen(un->sun_path, HF_MIN(len, sizeof(un->sun_path)));
	snprintf(out, HF_ADDRESS_TEXT_CAP, "unix:%.*s", (int)len, un->sun_path);
}

/* Asked for with each request; inet_ntop goes the long way through printf. */
static void format_v4(const struct in_addr *in, char *out)
{
	const uint8_t *bytes = (const uint8_t *)&in->s_addr;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(in->s_addr); i++) {
		if (i > 0)
			out[n++] = '.';
		if (bytes[i] >= 100)
			out[n++] = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			out[n++] = (char)('0' + bytes[i] / 10 % 10);
		out[n++] = (char)('0' + bytes[i] % 10);
	}
	out[n] = '\0';
}

void hf_address_format_host(const struct hf_address *address, char *out)
{
	switch (address->sa.ss_family) {
	case AF_INET:
		format_v4(&v4(address)->sin_addr, out);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &v6(address)->sin6_addr, out, HF_ADDRESS_TEXT_CAP);
		break;
	case AF_UNIX:
		(void)hf_str_copy(out, HF_ADDRESS_TEXT_CAP, "unix");
		break;
	default:
		(void)hf_str_copy(out, HF_ADDRESS_TEXT_CAP, "unknown");
		break;
	}
}

int hf_address_port(const struct hf_address *address)
{
	switch (address->sa.ss_family) {
	case AF_INET:
		return ntohs(v4(address)->sin_port);
	case AF_INET6:
		return ntohs(v6(address)->sin6_port);
	default:
		return 0;
	}
}

void hf_address_format(const struct hf_address *address, char *out)
{
	char host[HF_ADDRESS_TEXT_CAP];

	if (address->sa.ss_family == AF_UNIX) {
		format_unix(address, out);
		return;
	}
	hf_address_format_host(address, host);
	snprintf(out, HF_ADDRESS_TEXT_CAP,
		 address->sa.ss_family == AF_INET6 ? "[%.100s]:%d" : "%.100s:%d", host,
		 hf_address_port(address));
}

bool hf_address_is_loopback(const struct hf_address *address)
{
	switch (address->sa.ss_family) {
	case AF_INET:
		return ntohl(v4(address)->sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&v6(address)->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&v6(address)->sin6_addr) &&
			v6(address)->sin6_addr.s6_addr[12] == 127);
	default:
		return address->sa.ss_family == AF_UNIX;
	}
}

static bool v4_is_special(const uint8_t *ip)
{
	return ip[0] == 0 || (ip[0] == 169 && ip[1] == 254) || ip[0] >= 224;
}

bool hf_address_is_special(const struct hf_address *address)
{
	const struct in6_addr *ip;

	if (address->sa.ss_family == AF_INET)
		return v4_is_special((const uint8_t *)&v4(address)->sin_addr.s_addr);
	if (address->sa.ss_family != AF_INET6)
		return true; /* a socket file has no business in a URL */
	ip = &v6(address)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(ip))
		return v4_is_special(ip->s6_addr + 12);
	return IN6_IS_ADDR_LINKLOCAL(ip) || IN6_IS_ADDR_MULTICAST(ip) ||
	       IN6_IS_ADDR_UNSPECIFIED(ip);
}

/* Finds the colon before the port; NULL when there is none. */
static const char *port_colon(const char *text)
{
	const char *bracket = strrchr(text, ']');
	const char *colon = strrchr(text, ':');

	if (bracket)
		return bracket[1] == ':' ? bracket + 1 : NULL;
	/* "::1" without brackets is an address without a port. */
	return colon && strchr(text, ':') == colon ? colon : NULL;
}

static int bad_port(const char *text, const char *whole, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_ADDRESS, "'%s' in '%s' is not a port (0 to 65535)", text,
			 whole);
	(void)hf_err_at(err, whole, (size_t)(text - whole), strlen(text));
	return hf_err_hint(err, "write ADDRESS:PORT, for example 127.0.0.1:8443 or [::1]:8443");
}

/* text is what follows the colon in whole. */
static int port_parse(const char *text, const char *whole, int *ret_port, struct hf_err *err)
{
	uint64_t port;

	if (!hf_str_u64(text, 65535, &port))
		return bad_port(text, whole, err);
	*ret_port = (int)port;
	return 0;
}

int hf_hostport_parse(const char *text, int default_port, char host[HF_HOST_CAP], int *ret_port,
		      struct hf_err *err)
{
	const char *colon = port_colon(text);
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	const char *start = text;
	int port = default_port;

	if (!colon && default_port < 0) {
		hf_err_set(err, HF_MISTAKE_ADDRESS, "'%s' has no port", text);
		(void)hf_err_at_text(err, text);
		return hf_err_hint(err,
				   "write ADDRESS:PORT, for example 127.0.0.1:8443 or [::1]:8443");
	}
	if (colon && port_parse(colon + 1, text, &port, err) < 0)
		return -HF_E_INVALID;
	if (len >= 2 && start[0] == '[' && start[len - 1] == ']') {
		start++;
		len -= 2;
	}
	if (len >= HF_HOST_CAP)
		return hf_err_set(err, HF_E_INVALID, "the host name in '%.60s…' is too long", text);
	memcpy(host, start, len);
	host[len] = '\0';
	*ret_port = port;
	return 0;
}

static int unix_address(const char *path, struct hf_address *ret_address, struct hf_err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!hf_str_copy(un.sun_path, sizeof(un.sun_path), path) || !path[0])
		return hf_err_set(err, HF_E_INVALID,
				  "the path of a unix socket has 1 to %zu bytes: '%s'",
				  sizeof(un.sun_path) - 1, path);
	memset(ret_address, 0, sizeof(*ret_address));
	memcpy(&ret_address->sa, &un, sizeof(un));
	ret_address->len = sizeof(un);
	return 0;
}

static void v4_loopback(int port, struct hf_address *ret_address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(ret_address, 0, sizeof(*ret_address));
	memcpy(&ret_address->sa, &sin, sizeof(sin));
	ret_address->len = sizeof(sin);
}

static void v6_loopback(int port, struct hf_address *ret_address)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = htons((uint16_t)port),
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	memset(ret_address, 0, sizeof(*ret_address));
	memcpy(&ret_address->sa, &sin6, sizeof(sin6));
	ret_address->len = sizeof(sin6);
}

static int host_unknown(const char *host, const char *why, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_HOST_UNKNOWN, "cannot find the address of '%s': %s", host,
			 why);
	return hf_err_at_text(err, host);
}

static int look_up(const char *host, int port, struct hf_address list[HF_ADDRESSES_CAP],
		   size_t *ret_len, struct hf_err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char service[16];
	size_t len = 0;
	int rc;

	snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return host_unknown(host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc),
				    err);
	for (struct addrinfo *at = found; at && len < HF_ADDRESSES_CAP; at = at->ai_next) {
		memset(&list[len], 0, sizeof(list[len]));
		memcpy(&list[len].sa, at->ai_addr, at->ai_addrlen);
		list[len++].len = at->ai_addrlen;
	}
	freeaddrinfo(found);
	*ret_len = len;
	return 0;
}

int hf_address_resolve(const char *host, int port, struct hf_address list[HF_ADDRESSES_CAP],
		       size_t *ret_len, struct hf_err *err)
{
	if (hf_str_starts(host, unix_prefix)) {
		*ret_len = 1;
		return unix_address(host + strlen(unix_prefix), &list[0], err);
	}
	/* RFC 6761 6.3: localhost is the loopback, whatever a hosts file says. */
	if (hf_str_case_eq(host, "localhost")) {
		v6_loopback(port, &list[0]);
		v4_loopback(port, &list[1]);
		*ret_len = 2;
		return 0;
	}
	return look_up(host, port, list, ret_len, err);
}
