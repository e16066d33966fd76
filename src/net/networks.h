/* SPDX-License-Identifier: Apache-2.0 */
/* Named networks: "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "unix" (any local peer of a socket
 * file). */
#ifndef HF_NET_NETWORKS_H
#define HF_NET_NETWORKS_H

#include "base/str.h"
#include "net/address.h"

struct hf_network {
	uint8_t ip[16];
	size_t ip_len;	/* 4, 16; 0: unix */
	unsigned bits;
};

struct hf_networks {
	struct hf_network *items;
	size_t len;
};

/* Errors name the text that is no network.  option: for the message ("--accept-proxy-protocol"). */
int hf_networks_parse(const struct hf_strv *texts, const char *option,
		      struct hf_networks *ret_networks, struct hf_err *err);
void hf_networks_done(struct hf_networks *networks);
/* An IPv4 address in IPv6 clothes counts as what it is. */
bool hf_networks_have(const struct hf_networks *networks, const struct hf_address *address);

#endif
