/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy on the way out: its options, and what is made of them. */
#ifndef HF_CLI_VIA_H
#define HF_CLI_VIA_H

#include "net/via.h"
#include "util/opt.h"

struct hf_via_opts {
	const char *via, *auth;
};
extern const struct hf_option hf_via_options[];

/* The way to host:port: *ret_via (kind NONE without --via), and the addresses to connect to, which
 * are the proxy's when there is one. */
int hf_cli_way(const struct hf_via_opts *opts, const char *host, int port, struct hf_via *ret_via,
	       struct hf_address list[HF_ADDRESSES_CAP], size_t *ret_len, struct hf_err *err);

#endif
