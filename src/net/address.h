/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as users write them: "127.0.0.1:8443", "[::1]:0", "localhost:3100", ":8443", "*:8443",
 * "host.example:443", "unix:/run/x.sock". */
#ifndef HF_NET_ADDRESS_H
#define HF_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/macros.h"

enum { HF_HOST_CAP = 256, HF_ADDRESS_TEXT_CAP = 128, HF_ADDRESSES_CAP = 16 };

struct hf_address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "127.0.0.1:4021", "[::1]:4021", "unix:/run/x.sock", "unix:" (unnamed).  out: HF_ADDRESS_TEXT_CAP.
 */
void hf_address_format(const struct hf_address *address, char *out);
/* Without the port: "127.0.0.1", "::1", "unix". */
void hf_address_format_host(const struct hf_address *address, char *out);
int hf_address_port(const struct hf_address *address);	       /* 0 for unix */
bool hf_address_is_loopback(const struct hf_address *address); /* 127/8, ::1, unix */
/* Link-local (where clouds keep their machines' credentials), multicast or unspecified: never where
 * a service of somebody else's choice should be looked for. */
bool hf_address_is_special(const struct hf_address *address);

/* Takes "HOST:PORT" apart (brackets removed).  default_port < 0: a port is required.
 * HOST may be empty or "*" (any).  Errors name the part. */
int hf_hostport_parse(const char *text, int default_port, char host[HF_HOST_CAP], int *ret_port,
		      struct hf_err *err);
/* Resolves for connecting, in the order to try (getaddrinfo's; "localhost" is always ::1 then
 * 127.0.0.1). "unix:PATH" as host gives one address.  May block in DNS.  *ret_len <=
 * HF_ADDRESSES_CAP. */
int hf_address_resolve(const char *host, int port, struct hf_address list[HF_ADDRESSES_CAP],
		       size_t *ret_len, struct hf_err *err);

#endif
