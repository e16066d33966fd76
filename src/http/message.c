/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers (RFC 9110 6.6.1, 8.6; RFC 9112 4, 9.6).  Must never write a byte that it was not
 * given: values come from tables of this program, never from a peer. */
#include "http/message.h"

#include "base/macros.h"
#include "http/fields.h"

static const struct {
	int status;
	const char *text;
} status_texts[] = {
	{ 100, "Continue" },
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *hf_http_status_text(int status)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(status_texts); i++)
		if (status_texts[i].status == status)
			return status_texts[i].text;
	return "Unknown";
}

int hf_http_answer_head_write(struct hf_buf *out, const struct hf_http_answer_head *head)
{
	hf_buf_puts(out, "HTTP/1.1 ");
	hf_buf_put_int(out, head->status);
	hf_buf_putc(out, ' ');
	hf_buf_puts(out, hf_http_status_text(head->status));
	hf_buf_puts(out, "\r\n");
	if (head->date != NULL)
		hf_field_write_text(out, "Date", head->date);
	if (head->content_type != NULL)
		hf_field_write_text(out, "Content-Type", head->content_type);
	if (head->content_length != HF_HTTP_LENGTH_NONE)
		hf_field_write_int(out, "Content-Length", head->content_length);
	if (head->fields != NULL)
		hf_buf_puts(out, head->fields);
	if (head->close)
		hf_buf_puts(out, "Connection: close\r\n");
	else if (head->keep_alive)
		hf_buf_puts(out, "Connection: keep-alive\r\n");
	return hf_buf_puts(out, "\r\n");
}
