/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to requests with a body.  Must never touch a session that has gone. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "enroll/est.h"
#include "enroll/service_internal.h"
#include "http/message.h"
#include "util/clock.h"

void hf_visit_free(struct hf_visit *visit)
{
	if (!visit)
		return;
	hf_buf_done(&visit->body);
	hf_ask_done(&visit->ask);
	free(visit);
}

void hf_service_error_json(struct hf_buf *out, const char *code, const struct hf_err *err)
{
	struct hf_json j;

	hf_json_init(&j, out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_object_begin(&j, "error");
	hf_json_string(&j, "code", code);
	hf_json_string(&j, "message", err->msg);
	if (err->hint[0])
		hf_json_string(&j, "hint", err->hint);
	hf_json_object_end(&j);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
}

/* What goes with a status; the realm is what EST clients expect (RFC 7030 3.2.3). */
static const char *fields_for(int status)
{
	switch (status) {
	case 202: /* RFC 7030 4.2.3 */
		return "Retry-After: 10\r\n";
	case 401:
		return "WWW-Authenticate: Basic realm=\"estrealm\"\r\nWWW-Authenticate: Bearer\r\n";
	case 429:
		return "Retry-After: 6\r\n";
	case 503:
		return "Retry-After: 1\r\n";
	default:
		return NULL;
	}
}

/* What a good answer is. */
static const struct answer_form {
	const char *type, *fields;
} forms[] = {
	[HF_FORM_PEM] = { "application/pem-certificate-chain", NULL },
	[HF_FORM_EST] = { "application/pkcs7-mime; smime-type=certs-only",
			  "Content-Transfer-Encoding: base64\r\n" },
	[HF_FORM_EST_KEY] = { HF_EST_KEY_TYPE, "Cache-Control: no-store\r\n" },
	[HF_FORM_JSON] = { "application/json", "Cache-Control: no-store\r\n" },
};

static void log_visit(const struct hf_visit *visit)
{
	const struct hf_ask *ask = &visit->ask;
	const struct hf_service_entry entry = {
		.conn = visit->conn,
		.at = visit->at,
		.method = { visit->method, strlen(visit->method) },
		.target = { visit->target, strlen(visit->target) },
		.status = ask->status,
		.bytes = ask->body.len,
		.ms = hf_loop_now_ms(visit->service->loop) - visit->begun_ms,
		.code = ask->status == 200 ? NULL : ask->code,
		.serial = ask->cert ? ask->cert->serial : NULL,
	};

	hf_service_log(visit->service, &entry);
}

static void send_answer(struct hf_visit *visit)
{
	const struct hf_ask *ask = &visit->ask;
	const struct answer_form refusal = { "application/json", fields_for(ask->status) };
	const struct answer_form *form = ask->status == 200 ? &forms[ask->form] : &refusal;
	const struct hf_http_answer_head head = {
		.status = ask->status,
		.content_type = form->type,
		.content_length = (int64_t)ask->body.len,
		.fields = form->fields,
		.close = !hf_http_stream_begin(visit->session),
		.date = hf_http_stream_date(visit->session),
	};
	struct hf_buf *out = hf_http_stream_out(visit->session);

	hf_http_answer_head_write(out, &head);
	if (ask->status == 200 && ask->made) { /* past the buffer that all answers share */
		hf_conn_keep_no_copy(visit->conn);
		(void)hf_http_stream_send(visit->session, ask->body.data, ask->body.len);
	} else {
		hf_buf_append(out, ask->body.data, ask->body.len);
	}
	hf_http_stream_end(visit->session, true);
}

/* What is wrong here is for our log, not for whoever asks. */
static void keep_inside(struct hf_visit *visit)
{
	struct hf_ask *ask = &visit->ask;

	if (ask->status < 500)
		return;
	if (hf_log_bucket_take(&visit->service->front->troubles, hf_clock_monotonic_ms()))
		hf_log_say("%s: %s", visit->target, ask->err.msg);
	(void)hf_err_set(&ask->err, HF_E_BUSY,
			 "the authority cannot do that now; its log says why");
}

/* Answers, if anybody is still there, and frees the visit. */
void hf_visit_answer(struct hf_visit *visit)
{
	struct hf_ask *ask = &visit->ask;

	keep_inside(visit);
	hf_service_count_visit(visit->service, ask);
	if (visit->session) {
		if (ask->status != 200) {
			hf_buf_clear(&ask->body);
			hf_service_error_json(&ask->body, ask->code, &ask->err);
		}
		/* a client that first asks without a token guesses nothing */
		if (strcmp(ask->code, "token-unknown") == 0)
			hf_throttle_failed(&visit->service->throttle, hf_conn_peer(visit->conn),
					   hf_loop_now_ms(visit->service->loop));
		log_visit(visit);
		send_answer(visit);
	}
	hf_visit_free(visit);
}
