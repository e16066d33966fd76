/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP/1.1 message: start line and fields (RFC 9112), parsed strictly and in any
 * number of pieces.
 *
 * Contract: the caller keeps the bytes; the parser keeps offsets only, allocates nothing, and its
 * result depends on the bytes alone, never on how they were split.  Whatever two implementations
 * could read in two ways is refused: see the table in tests/unit/test_http_head.c. */
#ifndef HF_HTTP_HEAD_H
#define HF_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/chars.h"

enum {
	HF_HTTP_HEAD_CAP = 16 * 1024,	   /* default for bytes of a head */
	HF_HTTP_HEAD_CAP_MAX = 256 * 1024, /* the most that can be asked for */
	HF_HTTP_TARGET_CAP = 8 * 1024,
	HF_HTTP_METHOD_CAP = 32,
	HF_HTTP_FIELDS_CAP = 100, /* the default and the most */
	HF_HTTP_LENGTH_NONE = -1,
};

struct hf_http_limits {
	size_t head_cap;   /* HF_HTTP_HEAD_CAP when 0 */
	size_t target_cap; /* HF_HTTP_TARGET_CAP when 0 */
	size_t fields_cap; /* HF_HTTP_FIELDS_CAP when 0; never more */
};

enum hf_http_kind { HF_HTTP_REQUEST, HF_HTTP_RESPONSE };

enum hf_http_parse {
	HF_HTTP_MORE = 0, /* not complete: call again with more bytes */
	HF_HTTP_DONE,
	HF_HTTP_BAD, /* over: status and why tell */
};

enum hf_http_method {
	HF_METHOD_OTHER, /* any other token */
	HF_METHOD_GET,
	HF_METHOD_HEAD,
	HF_METHOD_POST,
	HF_METHOD_PUT,
	HF_METHOD_DELETE,
	HF_METHOD_OPTIONS,
	HF_METHOD_PATCH,
	HF_METHOD_TRACE,
	HF_METHOD_CONNECT,
};

/* The fields that decide framing and connection; the others are found by name. */
enum hf_http_seen {
	HF_SEEN_HOST = 1,
	HF_SEEN_LENGTH = 2,
	HF_SEEN_CODING = 4,
	HF_SEEN_EXPECT = 8,
};

struct hf_http_span {
	uint32_t at, len; /* offset from the first byte of the head */
};

struct hf_http_field {
	struct hf_http_span name, value;
};

struct hf_http_head {
	/* the result; good once parsing is DONE */
	enum hf_http_kind kind;
	int minor; /* HTTP/1.minor; 2 and more are 1 (RFC 9110 2.5) */
	enum hf_http_method method;
	struct hf_http_span method_text;
	struct hf_http_span target; /* as sent */
	struct hf_http_span path; /* "/a/b" of origin- and absolute-form, "*" of OPTIONS *; without
				     the query */
	struct hf_http_span query;  /* without '?'; len 0: none */
	/* with the port; of the target in absolute-form, else of Host */
	struct hf_http_span host;
	bool target_absolute;
	int status_code; /* of a response */
	struct hf_http_span reason;
	struct hf_http_field fields[HF_HTTP_FIELDS_CAP];
	size_t fields_len;
	int64_t content_length; /* HF_HTTP_LENGTH_NONE when none was said */
	bool chunked;
	bool close;	      /* the connection ends after this message */
	bool keep_alive;      /* asked for by name (HTTP/1.0) */
	bool expect_continue; /* Expect: 100-continue (never in HTTP/1.0) */
	size_t len;	      /* bytes of the head, the empty line included */

	/* of a BAD one */
	int bad_status;	 /* what to answer: 400, 414, 417, 431, 501, 505 */
	const char *why; /* one sentence for logs, static */

	/* the parser's own */
	struct hf_http_limits limits;
	const char *data;
	size_t line_at, scan_at;
	unsigned seen;
	bool start_done, blank_skipped;
};

void hf_http_head_init(struct hf_http_head *head, enum hf_http_kind kind,
		       const struct hf_http_limits *limits);
/* data: everything from the head's first byte, the bytes of earlier calls included (anywhere in
 * memory).  After DONE the texts below are in this `data`; hf_http_head_move tells of a new place.
 */
enum hf_http_parse hf_http_head_parse(struct hf_http_head *head, const char *data, size_t len);
void hf_http_head_move(struct hf_http_head *head, const char *data);

struct hf_slice hf_http_text(const struct hf_http_head *head, struct hf_http_span span);
/* The value of the first field of that name; false when there is none. */
bool hf_http_field(const struct hf_http_head *head, const char *name, struct hf_slice *ret_value);

/* "host", "host:port", "[::1]:port" (RFC 3986 3.2.2, no user information); empty is fine. */
bool hf_http_host_ok(struct hf_slice host);
const char *hf_http_method_name(enum hf_http_method method); /* "GET"; "OTHER" */

/* For head_*.c: ends parsing.  Returns HF_HTTP_BAD. */
enum hf_http_parse hf_http_refuse(struct hf_http_head *head, int status, const char *why);
/* The start line without its CRLF at data[at]; MORE when it is well-formed. */
enum hf_http_parse hf_http_request_line(struct hf_http_head *head, size_t at, size_t len);
enum hf_http_parse hf_http_status_line(struct hf_http_head *head, size_t at, size_t len);
/* Looks at a field that was just stored; MORE when it is well-formed. */
enum hf_http_parse hf_http_field_judge(struct hf_http_head *head,
				       const struct hf_http_field *field);
/* All fields are there: what their combination means.  DONE or BAD. */
enum hf_http_parse hf_http_head_settle(struct hf_http_head *head);

#endif
