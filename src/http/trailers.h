/* SPDX-License-Identifier: Apache-2.0 */
/* Fields behind a chunked body (RFC 9112 7.1.2), and which of them go on to the next hop: only
 * those that somebody allowed by name, and never one that a reader needs before the body (RFC 9110
 * 6.5.1), that belongs to one connection, or that says who the client is. */
#ifndef HF_HTTP_TRAILERS_H
#define HF_HTTP_TRAILERS_H

#include "base/str.h"
#include "http/fields.h"

/* Whether anything may come as a trailer under that name, in any spelling. */
bool hf_trailer_may(struct hf_slice name);

/* Does the sender of this head take trailers (TE: trailers, RFC 9110 10.1.4)? */
bool hf_trailers_taken(const struct hf_http_head *head);

/* What goes on. */
struct hf_trailer_filter {
	const struct hf_strv *names; /* allowed; "any" stands for all that may be; NULL: none */
	const struct hf_slice *never; /* by any spelling: fields that we write ourselves */
	size_t never_len;
};
bool hf_trailer_passes(const struct hf_trailer_filter *filter, struct hf_slice name);

/* Appends the Trailer field that announces those of head's announcements that may pass; nothing
 * when there are none. */
void hf_trailers_announce(const struct hf_http_head *head, const struct hf_trailer_filter *filter,
			  struct hf_buf *out);

/* Appends the last chunk with the trailers that may pass.  `lines` is what hf_http_body kept:
 * well-formed field lines, each with its CRLF. */
void hf_trailers_write(struct hf_slice lines, const struct hf_trailer_filter *filter,
		       struct hf_buf *out);

#endif
