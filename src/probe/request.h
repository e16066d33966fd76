/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 request over a session, and its answer. */
#ifndef HF_PROBE_REQUEST_H
#define HF_PROBE_REQUEST_H

#include "base/str.h"
#include "http/body.h"
#include "http/head.h"
#include "probe/session.h"
#include "http/url.h"

struct hf_request {
	const char *method;            /* "GET" */
	const struct hf_url *url;
	const struct hf_strv *fields;  /* "Name: value", checked by hf_request_check; may be NULL */
	const char *body;
	size_t body_len;
	bool has_body;                 /* a Content-Length is sent, even of 0 */
};
/* Method and fields hold only what RFC 9110 lets stand there. */
int hf_request_check(const struct hf_request *request, struct hf_err *err);
enum hf_session_end hf_request_send(struct hf_session *session, const struct hf_request *request);

enum { HF_ANSWER_HEAD_CAP = 256 * 1024 };

struct hf_answer {
	struct hf_buf bytes;           /* the head, then what was read beyond it */
	struct hf_http_head head;
	struct hf_http_body body;
	bool has_head;
	bool malformed;                /* why tells */
	const char *why;
	bool complete;
};
#define HF_ANSWER_INIT { .bytes = HF_BUF_INIT(HF_ANSWER_HEAD_CAP) }
void hf_answer_done(struct hf_answer *answer);
HF_DEFINE_AUTO_DONE(hf_answer, struct hf_answer, hf_answer_done);

/* Reads the head of the final answer (1xx are passed over).  OK when has_head or malformed is set.
 */
enum hf_session_end hf_answer_read_head(struct hf_session *session, const char *method,
					struct hf_answer *answer);
/* Reads the body and gives its pieces to `take`, which returns false to stop.  OK when complete or
 * malformed; CLOSED when the stream ended early. */
enum hf_session_end hf_answer_read_body(struct hf_session *session, struct hf_answer *answer,
					bool (*take)(const char *data, size_t len, void *arg),
					void *arg);

#endif
