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

static void write_slice(struct hf_json *j, const char *key, struct hf_slice text)
{
	if (text.data != NULL)
		hf_json_stringn(j, key, text.data, text.len);
}

static void write_upstream(struct hf_json *j, const struct hf_access_entry *entry)
{
	if (entry->route != NULL)
		hf_json_string(j, "route", entry->route);
	if (entry->upstream != NULL) {
		hf_json_int(j, "bytes_in", (int64_t)entry->bytes_in);
		hf_json_string(j, "upstream", entry->upstream);
		if (entry->upstream_ms >= 0)
			hf_json_int(j, "upstream_ms", entry->upstream_ms);
	}
	if (entry->reference != NULL)
		hf_json_string(j, "reference", entry->reference);
	if (entry->trouble != NULL)
		hf_json_string(j, "error", entry->trouble);
}

static void write_meeting(struct hf_json *j, const struct hf_access_entry *entry)
{
	const struct hf_verdict *verdict = hf_conn_verdict(entry->conn);
	char peer[HF_ADDRESS_TEXT_CAP];

	hf_address_format(hf_conn_peer(entry->conn), peer);
	hf_json_time(j, "time", entry->at);
	hf_json_string(j, "peer", peer);
	hf_json_string(j, "identity",
		       verdict != NULL && verdict->identity != NULL ? verdict->identity->name
								    : NULL);
	hf_json_bool(j, "valid", verdict != NULL && verdict->accepted);
}

void hf_access_log_add(struct hf_access_log *log, const struct hf_access_entry *entry)
{
	const struct hf_tls_conn *tls = hf_conn_tls(entry->conn);
	enum hf_tls_version version;
	struct hf_json j;

	if (log->sink.fd < 0)
		return;
	hf_buf_clear(&log->line);
	version = hf_conn_tls_version(entry->conn);
	hf_json_init(&j, &log->line, false);
	hf_json_object_begin(&j, NULL);
	write_meeting(&j, entry);
	write_slice(&j, "method", entry->method);
	write_slice(&j, "target", entry->target);
	write_slice(&j, "host", entry->host);
	if (entry->method.data != NULL)
		hf_json_int(&j, "status", entry->status);
	hf_json_int(&j, "bytes", (int64_t)entry->bytes);
	hf_json_int(&j, "ms", (int64_t)entry->taken_ms);
	hf_json_int(&j, "request", (int64_t)entry->number);
	write_upstream(&j, entry);
	hf_json_string(&j, "sni", hf_conn_sni(entry->conn));
	if (tls != NULL && hf_tls_conn_scope(tls) != NULL)
		hf_json_string(&j, "policy", hf_tls_conn_scope(tls));
	hf_json_string(&j, "version", version ? hf_tls_version_name(version) : NULL);
	hf_json_string(&j, "cipher", entry->cipher);
	hf_json_bool(&j, "resumed", entry->resumed);
	hf_json_string(&j, "rule", entry->rule);
	hf_json_string(&j, "listener", entry->listener);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	hf_log_sink_add(&log->sink, &log->line);
}

void hf_access_log_done(struct hf_access_log *log)
{
	hf_log_sink_done(&log->sink);
	hf_buf_done(&log->line);
}
