/* SPDX-License-Identifier: Apache-2.0 */
/* The access log.  Must never hold a byte of a peer unescaped (the JSON writer does it). */
#include "gateway/accesslog.h"

#include "base/json.h"
#include "base/str.h"
#include "verify/verdict.h"

enum { LINE_CAP = 256 * 1024 };

int hf_access_log_open(struct hf_access_log *log, const char *path, struct hf_err *err)
{
	hf_buf_init(&log->line, LINE_CAP);
	return hf_log_sink_open(&log->sink, path, err);
}

void hf_access_log_reopen(struct hf_access_log *log)
{
	hf_log_sink_reopen(&log->sink);
}

void hf_access_log_flush(struct hf_access_log *log)
{
	hf_log_sink_flush(&log->sink);
}

static void write_slice(struct hf_json *j, const char *key, const struct hf_http_head *head,
			struct hf_http_span span)
{
	struct hf_slice text = hf_http_text(head, span);

	hf_json_stringn(j, key, text.data, text.len);
}

void hf_access_log_add(struct hf_access_log *log, const struct hf_http_request *request,
		       const struct hf_http_answer *answer)
{
	const struct hf_verdict *verdict = hf_conn_verdict(request->conn);
	char peer[HF_ADDRESS_TEXT_CAP];
	struct hf_tls_info info;
	struct hf_json j;

	if (log->sink.fd < 0)
		return;
	hf_buf_clear(&log->line);
	hf_address_format(hf_conn_peer(request->conn), peer);
	hf_conn_info(request->conn, &info);
	hf_json_init(&j, &log->line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", request->at);
	hf_json_string(&j, "peer", peer);
	hf_json_string(&j, "identity",
		       verdict != NULL && verdict->identity != NULL ? verdict->identity->name
								    : NULL);
	hf_json_bool(&j, "valid", verdict != NULL && verdict->accepted);
	write_slice(&j, "method", request->head, request->head->method_text);
	write_slice(&j, "target", request->head, request->head->target);
	write_slice(&j, "host", request->head, request->head->host);
	hf_json_int(&j, "status", answer->status);
	hf_json_int(&j, "bytes",
		    (int64_t)(answer->fd >= 0 ? answer->fd_len : (uint64_t)answer->body_len));
	hf_json_int(&j, "ms", (int64_t)request->taken_ms);
	hf_json_int(&j, "request", (int64_t)request->number);
	hf_json_string(&j, "sni", info.sni);
	hf_json_string(&j, "version", info.version ? hf_tls_version_name(info.version) : NULL);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	hf_log_sink_add(&log->sink, &log->line);
}

void hf_access_log_done(struct hf_access_log *log)
{
	hf_log_sink_done(&log->sink);
	hf_buf_done(&log->line);
}
