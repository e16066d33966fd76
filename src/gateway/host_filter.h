/* SPDX-License-Identifier: Apache-2.0 */
/* The Host of HTTP/1.1 requests in a stream of bytes, set to one name: a local program that calls a
 * tunnel by the tunnel's address would else be answered 421 by the server.
 *
 * Contract: every byte but the values of Host goes on as it came, whatever the split.  What cannot
 * be read as HTTP/1.1 goes on as it is from there, for the server to judge; so does everything
 * behind a request that asks for another protocol. */
#ifndef HF_GATEWAY_HOST_FILTER_H
#define HF_GATEWAY_HOST_FILTER_H

#include "base/buf.h"
#include "base/err.h"

struct hf_host_filter;

/* host is borrowed. */
int hf_host_filter_new(const char *host, struct hf_host_filter **ret_filter, struct hf_err *err);
void hf_host_filter_free(struct hf_host_filter *filter); /* NULL-safe */
HF_DEFINE_AUTO(hf_host_filter, struct hf_host_filter, hf_host_filter_free);
/* What goes on for these bytes is appended to out; a head goes on when it is whole. */
void hf_host_filter_pass(struct hf_host_filter *filter, const char *data, size_t len,
			 struct hf_buf *out);
/* The stream has ended: what was held back. */
void hf_host_filter_end(struct hf_host_filter *filter, struct hf_buf *out);

#endif
