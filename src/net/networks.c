/* SPDX-License-Identifier: Apache-2.0 */
/* Named networks.  Must never match by more bits than were written, nor take host bits for a
 * mistake that means nothing. */
#include "net/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* "10.1.2.3/8" is somebody's mistake: which of the two was meant? */
static bool host_bits(const struct hf_network *network)
{
	for (unsigned bit = network->bits; bit < network->ip_len * 8; bit++)
		if ((network->ip[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return true;
	return false;
}

static bool read_one(const char *text, struct hf_network *network)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char ip[INET6_ADDRSTRLEN];
	uint64_t bits;

	memset(network, 0, sizeof(*network));
	if (strcmp(text, "unix") == 0)
		return true;
	if (len >= sizeof(ip))
		return false;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(AF_INET, ip, network->ip) == 1)
		network->ip_len = 4;
	else if (inet_pton(AF_INET6, ip, network->ip) == 1)
		network->ip_len = 16;
	else
		return false;
	bits = network->ip_len * 8;
	if (slash != NULL && !hf_str_u64(slash + 1, network->ip_len * 8, &bits))
		return false;
	network->bits = (unsigned)bits;
	return !host_bits(network);
}

int hf_networks_parse(const struct hf_strv *texts, const char *option,
		      struct hf_networks *ret_networks, struct hf_err *err)
{
	struct hf_network *items = calloc(texts->len + 1, sizeof(*items));

	if (items == NULL)
		return hf_err_nomem(err);
	for (size_t i = 0; i < texts->len; i++) {
		if (read_one(texts->items[i], &items[i]))
			continue;
		free(items);
		(void)hf_err_set(err, HF_E_INVALID, "%s: '%s' is no network", option,
				 texts->items[i]);
		return hf_err_hint(err, "for example 10.0.0.0/8, 192.0.2.1, 2001:db8::/32 or "
					"unix");
	}
	*ret_networks = (struct hf_networks){ items, texts->len };
	return 0;
}

void hf_networks_done(struct hf_networks *networks)
{
	free(networks->items);
	*networks = (struct hf_networks){ NULL, 0 };
}

static size_t ip_of(const struct hf_address *address, uint8_t ip[16])
{
	const struct sockaddr_in *in = (const void *)&address->sa;
	const struct sockaddr_in6 *in6 = (const void *)&address->sa;

	if (address->sa.ss_family == AF_INET) {
		memcpy(ip, &in->sin_addr, 4);
		return 4;
	}
	if (address->sa.ss_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(ip, (const uint8_t *)&in6->sin6_addr + 12, 4);
		return 4;
	}
	memcpy(ip, &in6->sin6_addr, 16);
	return 16;
}

bool hf_networks_have(const struct hf_networks *networks, const struct hf_address *address)
{
	uint8_t ip[16] = { 0 };
	size_t len = ip_of(address, ip);

	for (size_t i = 0; i < networks->len; i++)
		if (networks->items[i].ip_len == len &&
		    bits_equal(networks->items[i].ip, ip, networks->items[i].bits))
			return true;
	return false;
}
