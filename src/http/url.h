/* SPDX-License-Identifier: Apache-2.0 */
/* URLs to be fetched (RFC 9110 4.2.1, 4.2.2). */
#ifndef HF_HTTP_URL_H
#define HF_HTTP_URL_H

#include <stdbool.h>

#include "base/macros.h"
#include "base/str.h"
#include "net/address.h"

enum { HF_URL_TARGET_CAP = 8192, HF_URL_PORT = 443, HF_URL_PORT_PLAIN = 80 };

struct hf_url {
	char host[HF_HOST_CAP];	      /* without brackets */
	int port;
	bool host_is_ip;
	bool plain; /* http, not https */
	/* for the Host field: brackets, and the port unless it is the scheme's */
	char authority[HF_HOST_CAP + 16];
	char target[HF_URL_TARGET_CAP];   /* path and query, starts with '/'; no fragment */
};

/* Without a scheme https is meant.  A host in other letters becomes its A-label (util/idn.h). http,
 * user information, spaces, control and other non-ASCII bytes are -HF_E_INVALID with a hint. */
int hf_url_parse(const char *text, struct hf_url *ret_url, struct hf_err *err);
/* The same for things that are signed (revocation lists, OCSP): http is fine too, and the scheme
 * must be there. */
int hf_url_parse_any(const char *text, struct hf_url *ret_url, struct hf_err *err);
/* Is it one of those: does it begin with http:// or https://? */
bool hf_url_looks_like(const char *text);
/* Is one of the list?  NULL: none. */
bool hf_url_is_among(const struct hf_strv *texts);

#endif
