/* SPDX-License-Identifier: Apache-2.0 */
/* Writing heads of HTTP/1.1 messages: status lines and the fields that every answer has. */
#ifndef HF_HTTP_MESSAGE_H
#define HF_HTTP_MESSAGE_H

#include "base/buf.h"
#include "base/time.h"
#include "http/head.h"

/* What stands in the head of an answer.  Strings are borrowed for the call. */
struct hf_http_answer_head {
	int status;
	const char *content_type; /* NULL: none */
	int64_t content_length;	  /* HF_HTTP_LENGTH_NONE: no field (304, chunked by `fields`) */
	const char *fields;	  /* more lines, each with its CRLF; NULL: none */
	bool close;		  /* say that the connection ends here */
	bool keep_alive;	  /* say that it does not (HTTP/1.0 clients ask) */
	const char *date;	  /* as hf_time_format_http writes it; NULL: none */
};

/* Appends "HTTP/1.1 200 OK\r\n…\r\n\r\n". */
int hf_http_answer_head_write(struct hf_buf *out, const struct hf_http_answer_head *head);
const char *hf_http_status_text(int status); /* "Not Found"; "Unknown" */

#endif
