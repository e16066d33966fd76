/* SPDX-License-Identifier: Apache-2.0 */
/* Where the body of an HTTP/1.1 message ends (RFC 9112 6, 7): counted, chunked, or up to the end of
 * the connection.
 *
 * Contract: any split of the bytes gives the same result; what was taken is handed
 * back as pieces of the caller's own bytes.  Chunk extensions are checked, capped and ignored,
 * trailers are checked, capped, and dropped (RFC 9110 6.5.1 allows it) unless the caller gave a
 * buffer for them; nothing else is allocated. */
#ifndef HF_HTTP_BODY_H
#define HF_HTTP_BODY_H

#include "base/buf.h"
#include "http/head.h"

enum hf_http_body_kind {
	HF_BODY_NONE,
	HF_BODY_LENGTH,
	HF_BODY_CHUNKED,
	HF_BODY_UNTIL_CLOSE, /* responses only: the end of the stream is the end of the body */
};

enum {
	HF_CHUNK_EXTENSION_CAP = 256,	     /* bytes of extensions of one chunk */
	HF_CHUNK_EXTENSIONS_CAP = 16 * 1024, /* of all chunks of a body */
	HF_TRAILER_CAP = 8 * 1024,
};

struct hf_http_body {
	enum hf_http_body_kind kind;
	uint64_t left;	   /* of the whole body (LENGTH) or of this chunk */
	uint64_t received; /* payload so far */
	uint64_t cap;	   /* most payload; 0: no limit */
	/* The caller's, set after the body began: trailer lines are appended, each with its CRLF,
	 * and the empty one.  NULL: dropped. */
	struct hf_buf *trailers;
	/* the chunked decoder's own */
	int state;
	unsigned digits;
	size_t extension_len, extensions_len, trailer_len;
	/* of a BAD one */
	int bad_status; /* 400, 413, 431 */
	const char *why;
};

/* The body that follows a head.  A response needs to know its request's method. */
void hf_http_body_of_request(struct hf_http_body *body, const struct hf_http_head *head,
			     uint64_t cap);
void hf_http_body_of_response(struct hf_http_body *body, const struct hf_http_head *head,
			      enum hf_http_method request_method, uint64_t cap);

/* Takes from data what belongs to the body.  MORE: *ret_used bytes were taken and gave *ret_piece
 * (may be empty); call again with the rest, which may be empty only when all of data was taken.
 * DONE: the same, and the body is complete; what follows is the next message.  BAD: bad_status,
 * why. data may be empty: tells whether there is anything to wait for. */
enum hf_http_parse hf_http_body_read(struct hf_http_body *body, const char *data, size_t len,
				     size_t *ret_used, struct hf_slice *ret_piece);
/* The stream ended: is the body complete? */
bool hf_http_body_end_ok(const struct hf_http_body *body);
/* The lines that were kept, "" when none were, or there was no memory for them. */
struct hf_slice hf_http_body_trailers(const struct hf_http_body *body);

/* Writes one chunk around data (len > 0); the last one is trailers.h's. */
int hf_http_chunk_write(struct hf_buf *out, const void *data, size_t len);

#endif
