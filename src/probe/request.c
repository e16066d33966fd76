/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its answer.  Must never send a field that could smuggle a second one. */
#include "probe/request.h"

#include <string.h>

#include "base/err.h"

enum { CHUNK = 64 * 1024, REQUEST_HEAD_CAP = 256 * 1024, INTERIM_MAX = 16 };

static int check_field(const char *field, struct hf_err *err)
{
	size_t name = strcspn(field, ":");

	if (name > 0 && field[name] == ':' && hf_http_all(field, name, HF_CHAR_TOKEN) &&
	    hf_http_all(field + name + 1, strlen(field + name + 1), HF_CHAR_VALUE))
		return 0;
	(void)hf_err_set(err, HF_E_INVALID, "'%s' is not a header field", field);
	return hf_err_hint(err, "write it as 'Name: value', on one line");
}

static bool has_field(const struct hf_strv *fields, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; fields && i < fields->len; i++) {
		const char *f = fields->items[i];

		if (strlen(f) > len && f[len] == ':' && hf_mem_case_eq(f, name, len))
			return true;
	}
	return false;
}

/* Where the body ends is said once, by us. */
static int check_framing(const struct hf_request *request, struct hf_err *err)
{
	static const char *const ours[] = { "Content-Length", "Transfer-Encoding" };

	for (size_t i = 0; i < HF_ARRAY_LEN(ours); i++) {
		if (!has_field(request->fields, ours[i]))
			continue;
		(void)hf_err_set(err, HF_E_INVALID, "the header field %s is set from the body",
				 ours[i]);
		return hf_err_hint(err, "leave it out; give the body with -d");
	}
	return 0;
}

int hf_request_check(const struct hf_request *request, struct hf_err *err)
{
	int rc = 0;

	if (!request->method[0] ||
	    !hf_http_all(request->method, strlen(request->method), HF_CHAR_TOKEN))
		return hf_err_set(err, HF_E_INVALID, "'%s' is not a request method",
				  request->method);
	for (size_t i = 0; rc == 0 && request->fields && i < request->fields->len; i++)
		rc = check_field(request->fields->items[i], err);
	return rc < 0 ? rc : check_framing(request, err);
}

static void write_head(const struct hf_request *r, struct hf_buf *out)
{
	(void)hf_buf_printf(out, "%s %s HTTP/1.1\r\n", r->method, r->url->target);
	if (!has_field(r->fields, "Host"))
		(void)hf_buf_printf(out, "Host: %s\r\n", r->url->authority);
	if (!has_field(r->fields, "User-Agent"))
		(void)hf_buf_puts(out, "User-Agent: handfast/" HF_VERSION "\r\n");
	if (!has_field(r->fields, "Accept"))
		(void)hf_buf_puts(out, "Accept: */*\r\n");
	for (size_t i = 0; r->fields && i < r->fields->len; i++)
		(void)hf_buf_printf(out, "%s\r\n", r->fields->items[i]);
	if (r->has_body && !has_field(r->fields, "Content-Type"))
		(void)hf_buf_puts(out, "Content-Type: application/x-www-form-urlencoded\r\n");
	if (r->has_body)
		(void)hf_buf_printf(out, "Content-Length: %zu\r\n", r->body_len);
	(void)hf_buf_puts(out, "Connection: close\r\n\r\n");
}

enum hf_session_end hf_request_send(struct hf_session *session, const struct hf_request *request)
{
	HF_AUTO_DONE(hf_buf) head = HF_BUF_INIT(REQUEST_HEAD_CAP);
	enum hf_session_end end;

	write_head(request, &head);
	end = hf_session_write(session, head.data, head.len);
	if (end == HF_SESSION_OK && request->body_len > 0)
		end = hf_session_write(session, request->body, request->body_len);
	return end;
}

void hf_answer_done(struct hf_answer *answer)
{
	hf_buf_done(&answer->bytes);
}

static enum hf_session_end read_more(struct hf_session *session, struct hf_buf *bytes)
{
	char data[CHUNK / 4];
	size_t len = 0;
	enum hf_session_end end = hf_session_read(session, data, sizeof(data), &len);

	if (end == HF_SESSION_OK)
		(void)hf_buf_append(bytes, data, len);
	return end;
}

/* One head, whichever; MORE when the stream ended before it did (*ret_end tells how). */
static enum hf_http_parse read_one_head(struct hf_session *session, struct hf_answer *a,
					enum hf_session_end *ret_end)
{
	const struct hf_http_limits limits = { .head_cap = HF_ANSWER_HEAD_CAP - CHUNK };
	enum hf_http_parse state = HF_HTTP_MORE;

	*ret_end = HF_SESSION_OK;
	hf_http_head_init(&a->head, HF_HTTP_RESPONSE, &limits);
	for (;;) {
		if (a->bytes.len > 0)
			state = hf_http_head_parse(&a->head, a->bytes.data, a->bytes.len);
		if (state != HF_HTTP_MORE)
			return state;
		*ret_end = read_more(session, &a->bytes);
		if (*ret_end != HF_SESSION_OK)
			return HF_HTTP_MORE;
		if (hf_buf_failed(&a->bytes)) {
			a->head.why = "the head of the answer is too large";
			return HF_HTTP_BAD;
		}
	}
}

static enum hf_http_method method_of(const char *method)
{
	return strcmp(method, "HEAD") == 0	? HF_METHOD_HEAD
	       : strcmp(method, "CONNECT") == 0 ? HF_METHOD_CONNECT
						: HF_METHOD_GET;
}

enum hf_session_end hf_answer_read_head(struct hf_session *session, const char *method,
					struct hf_answer *a)
{
	enum hf_session_end end;

	for (int i = 0; i < INTERIM_MAX; i++) {
		enum hf_http_parse state = read_one_head(session, a, &end);

		if (state == HF_HTTP_MORE)
			return end;
		if (state == HF_HTTP_BAD) {
			a->malformed = true;
			a->why = a->head.why;
			return HF_SESSION_OK;
		}
		if (a->head.status_code >= 200 || a->head.status_code == 101) {
			a->has_head = true;
			hf_http_body_of_response(&a->body, &a->head, method_of(method), 0);
			return HF_SESSION_OK;
		}
		hf_buf_consume(&a->bytes, a->head.len);
	}
	a->malformed = true;
	a->why = "too many interim answers";
	return HF_SESSION_OK;
}

/* Did the stream end as its sender meant it to?  Without close_notify anybody on the way may have
 * cut it, and where the end of the stream is the end of the body only that tells (RFC 9112 9.8). */
static bool end_is_true(const struct hf_session *session, const struct hf_answer *a)
{
	struct hf_tls_info info = { .truncated = false };

	if (a->body.kind == HF_BODY_UNTIL_CLOSE && hf_session_tls(session))
		hf_tls_conn_info(hf_session_tls(session), &info);
	return !info.truncated && hf_http_body_end_ok(&a->body);
}

/* Takes what data holds of the body; true when there is more to come. */
static bool take_pieces(struct hf_answer *a, const char *data, size_t len,
			bool (*take)(const char *data, size_t len, void *arg), void *arg)
{
	for (;;) {
		struct hf_slice piece = { NULL, 0 };
		size_t used = 0;
		enum hf_http_parse state = hf_http_body_read(&a->body, data, len, &used, &piece);

		if (piece.len > 0 && !take(piece.data, piece.len, arg))
			return false;
		data += used;
		len -= used;
		if (state == HF_HTTP_DONE)
			a->complete = true;
		if (state == HF_HTTP_BAD) {
			a->malformed = true;
			a->why = a->body.why;
		}
		if (state != HF_HTTP_MORE)
			return false;
		if (len == 0)
			return true;
	}
}

enum hf_session_end hf_answer_read_body(struct hf_session *session, struct hf_answer *a,
					bool (*take)(const char *data, size_t len, void *arg),
					void *arg)
{
	char data[CHUNK];
	size_t len = 0;

	if (!take_pieces(a, a->bytes.data + a->head.len, a->bytes.len - a->head.len, take, arg))
		return HF_SESSION_OK;
	for (;;) {
		enum hf_session_end end = hf_session_read(session, data, sizeof(data), &len);

		if (end == HF_SESSION_CLOSED && end_is_true(session, a)) {
			a->complete = true;
			return HF_SESSION_OK;
		}
		if (end != HF_SESSION_OK)
			return end;
		if (!take_pieces(a, data, len, take, arg))
			return HF_SESSION_OK;
	}
}
