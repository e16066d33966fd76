/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP over HTTP (RFC 6960 appendix A, RFC 5019 section 6).  Must never let one client's slow
 * request keep another waiting. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "enroll/service_internal.h"
#include "http/message.h"
#include "util/clock.h"

static const char content_type[] = "application/ocsp-response";

enum { FIELDS_CAP = 400 };

/* A request by POST, from its head to its answer. */
struct inquiry {
	struct hf_service *service;
	struct hf_http_session *session;
	struct hf_conn *conn;
	struct hf_buf body;
	int64_t at;
	uint64_t begun_ms;
};

/* --- the responders --- */

int hf_service_keep_responders(struct hf_service *service, int64_t now, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && service->ocsp && i < HF_OCSP_SIGNERS; i++) {
		struct hf_ca *ca = hf_authority_ca(service->authority, i);

		if (ca && ca->cert)
			rc = hf_ocsp_keep_signer(service->authority, ca,
						 hf_ocsp_signer(service->ocsp, i), now,
						 &service->fresh_signers[i], err);
	}
	return rc < 0 ? rc : 0;
}

void hf_service_take_responders(struct hf_service *service)
{
	for (size_t i = 0; i < HF_OCSP_SIGNERS; i++) {
		if (service->fresh_signers[i].cert)
			hf_ocsp_set_signer(service->ocsp, i, &service->fresh_signers[i]);
	}
}

int hf_service_ocsp_start(struct hf_service *service, struct hf_err *err)
{
	int rc = hf_ocsp_new(service->reader, &service->ocsp, err);

	if (rc == 0)
		rc = hf_service_keep_responders(service, hf_clock_now(), err);
	if (rc == 0)
		hf_service_take_responders(service);
	return rc;
}

/* --- answers --- */

/* RFC 5019 6.2: what may be kept says until when; what has a nonce, or is an error, may not. */
static void write_fields(const struct hf_ocsp_reply *reply, int64_t now, char out[FIELDS_CAP])
{
	char modified[HF_TIME_TEXT_CAP], expires[HF_TIME_TEXT_CAP];

	if (reply->next_update == 0) {
		(void)hf_str_copy(out, FIELDS_CAP, "Cache-Control: no-store\r\n");
		return;
	}
	hf_time_format_http(reply->this_update, modified);
	hf_time_format_http(reply->next_update, expires);
	(void)snprintf(out, FIELDS_CAP,
		       "Cache-Control: max-age=%lld, public, no-transform, must-revalidate\r\n"
		       "Last-Modified: %s\r\nExpires: %s\r\nETag: %s\r\n",
		       (long long)(reply->next_update - now), modified, expires, reply->etag);
}

void hf_service_ocsp_get(const struct hf_target *target, const struct hf_http_request *request,
			 struct hf_http_answer *answer)
{
	struct hf_slice path = target->path, tag;
	struct hf_slice text = { path.data + strlen("/ocsp/"), path.len - strlen("/ocsp/") };
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(HF_OCSP_REQUEST_CAP);
	struct hf_ocsp_reply reply;

	if (!hf_ocsp_path_decode(text, &der))
		hf_buf_clear(&der); /* is answered as malformed */
	hf_ocsp_reply(target->service->ocsp, (const uint8_t *)hf_buf_str(&der), der.len,
		      request->at, &reply);
	write_fields(&reply, request->at, answer->fields_text);
	answer->fields = answer->fields_text;
	answer->status = 200;
	if (reply.etag && hf_http_field(request->head, "If-None-Match", &tag) &&
	    hf_slice_is(tag, reply.etag)) {
		answer->status = 304;
		return;
	}
	answer->content_type = content_type;
	answer->body = reply.der;
	answer->body_len = reply.len;
}

static void inquiry_free(struct inquiry *q)
{
	hf_buf_done(&q->body);
	free(q);
}

static void log_inquiry(const struct inquiry *q, int status, size_t bytes)
{
	static const char method[] = "POST", target[] = "/ocsp";
	const struct hf_service_entry entry = {
		.conn = q->conn,
		.at = q->at,
		.method = { method, sizeof(method) - 1 },
		.target = { target, sizeof(target) - 1 },
		.status = status,
		.bytes = bytes,
		.ms = hf_loop_now_ms(q->service->loop) - q->begun_ms,
	};

	hf_service_log(q->service, &entry);
}

static void on_body(struct hf_slice piece, void *arg)
{
	struct inquiry *q = arg;

	(void)hf_buf_append(&q->body, piece.data, piece.len);
}

static void on_body_end(void *arg)
{
	struct inquiry *q = arg;
	struct hf_http_session *session = q->session;
	int64_t now = hf_clock_now();
	char fields[FIELDS_CAP];
	struct hf_ocsp_reply reply;
	struct hf_http_answer_head head = { .status = 200,
					    .content_type = content_type,
					    .fields = fields,
					    .close = !hf_http_stream_begin(session),
					    .date = hf_http_stream_date(session) };

	if (hf_buf_failed(&q->body))
		hf_buf_clear(&q->body); /* too large for a request */
	hf_ocsp_reply(q->service->ocsp, (const uint8_t *)hf_buf_str(&q->body), q->body.len, now,
		      &reply);
	write_fields(&reply, now, fields);
	head.content_length = (int64_t)reply.len;
	hf_http_answer_head_write(hf_http_stream_out(session), &head);
	(void)hf_buf_append(hf_http_stream_out(session), reply.der, reply.len);
	log_inquiry(q, 200, reply.len);
	inquiry_free(q);
	hf_http_stream_end(session, true);
}

static void on_writable(void *arg)
{
	(void)arg;
}

static void on_gone(const char *why, void *arg)
{
	(void)why;
	inquiry_free(arg);
}

static const struct hf_http_stream_ops inquiry_ops = { .on_body = on_body,
						       .on_body_end = on_body_end,
						       .on_writable = on_writable,
						       .on_gone = on_gone };

void hf_service_ocsp_post(struct hf_service *service, const struct hf_http_request *request,
			  struct hf_http_session *session)
{
	struct inquiry *q = calloc(1, sizeof(*q));

	if (!q)
		return;
	*q = (struct inquiry){ .service = service,
			       .session = session,
			       .conn = request->conn,
			       .body = HF_BUF_INIT(HF_OCSP_REQUEST_CAP),
			       .at = request->at,
			       .begun_ms = hf_loop_now_ms(service->loop) };
	hf_http_stream_take(session, &inquiry_ops, q);
	if (request->head->expect_continue && hf_http_stream_has_body(session)) {
		hf_buf_puts(hf_http_stream_out(session), "HTTP/1.1 100 Continue\r\n\r\n");
		(void)hf_http_stream_send(session, NULL, 0);
	}
	if (!hf_http_stream_has_body(session))
		on_body_end(q);
}
