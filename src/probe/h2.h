/* SPDX-License-Identifier: Apache-2.0 */
/* As much of HTTP/2 (RFC 9113) as one GET needs whose status is wanted: no library, no table, no
 * second stream.  Of a header block only the first field is read, which is :status (8.3). */
#ifndef HF_PROBE_H2_H
#define HF_PROBE_H2_H

#include "base/buf.h"
#include "http/url.h"

enum {
	HF_H2_BODY_CAP = 4096,
	HF_H2_FRAME_CAP = 16384, /* what a peer may send us unasked (6.5.2) */
};

struct hf_h2_reader {
	struct hf_buf in;     /* a frame that is not whole yet */
	int status;	      /* of the final answer; 0 none */
	int error;	      /* the stream ended in this error code (7); -1 none */
	bool ended;	      /* nothing that matters comes any more */
	size_t body_len;
	char body[HF_H2_BODY_CAP]; /* its beginning, raw */
};
void hf_h2_reader_init(struct hf_h2_reader *reader);
void hf_h2_reader_done(struct hf_h2_reader *reader);
HF_DEFINE_AUTO_DONE(hf_h2_reader, struct hf_h2_reader, hf_h2_reader_done);

/* Preface, settings and the request, for the beginning of a connection.  0 or -HF_E_NOMEM. */
int hf_h2_request(const struct hf_url *url, struct hf_buf *out);
/* More of what the server sends, in any pieces; what must be answered at once is added to `reply`.
 * A broken frame ends it, without an error. */
void hf_h2_take(struct hf_h2_reader *reader, const void *data, size_t len, struct hf_buf *reply);
/* Does this begin as a server of HTTP/2 does, with its settings (3.4)? */
bool hf_h2_begins(const void *data, size_t len);

#endif
