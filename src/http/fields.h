/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields of a message go on to the next hop: the ones that belong to one connection (RFC 9110
 * 7.6.1), and the ones that only a gateway may say, stay behind. */
#ifndef HF_HTTP_FIELDS_H
#define HF_HTTP_FIELDS_H

#include "base/buf.h"
#include "http/head.h"

enum hf_field_class {
	HF_FIELD_END_TO_END = 0,
	HF_FIELD_HOP,	   /* of this connection only */
	HF_FIELD_FRAMING,  /* Content-Length, Host, Expect: written anew */
	HF_FIELD_IDENTITY, /* who the client is, as a gateway would say it */
	HF_FIELD_FORWARD,  /* where the request came from, as a gateway would say it */
};

/* Names are compared as the worst reader would: case folded, and everything that is no letter or
 * digit is the same, because CGI and its heirs turn "X_SSL.Client-CN" and "x-ssl-client-cn" into
 * one variable. */
enum hf_field_class hf_field_class(struct hf_slice name);

/* Whether the worst reader takes both for one name. */
bool hf_field_same(struct hf_slice a, struct hf_slice b);

/* The options of all Connection fields of a head. */
enum { HF_CONNECTION_OPTIONS_CAP = 32 };
struct hf_connection_options {
	struct hf_slice names[HF_CONNECTION_OPTIONS_CAP];
	size_t len;
	bool too_many; /* more than fit */
	bool upgrade;  /* "upgrade" is among them */
};
void hf_connection_options(const struct hf_http_head *head, struct hf_connection_options *ret);

/* Appends the fields of a request that may go on: neither hop-by-hop nor named in Connection, nor
 * identity or forwarding claims, nor framing, nor (by any spelling) one of `more`. */
void hf_fields_write_request(const struct hf_http_head *head,
			     const struct hf_connection_options *options,
			     const struct hf_slice *more, size_t more_len, struct hf_buf *out);
/* The same for an answer, which may speak of itself: only what belongs to one connection, and
 * Content-Length, stays behind.  *ret_has_date: whether it has a Date. */
void hf_fields_write_answer(const struct hf_http_head *head,
			    const struct hf_connection_options *options, struct hf_buf *out,
			    bool *ret_has_date);

void hf_field_write(struct hf_buf *out, const char *name, struct hf_slice value);
void hf_field_write_text(struct hf_buf *out, const char *name, const char *value);
void hf_field_write_int(struct hf_buf *out, const char *name, int64_t value);

#endif
