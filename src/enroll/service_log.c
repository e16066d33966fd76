/* SPDX-License-Identifier: Apache-2.0 */
/* The access log of the authority: one JSON line for each answer.  Must never hold a token. */
#include "base/json.h"
#include "enroll/service_internal.h"

static void write_certificate(struct hf_json *j, const struct hf_conn *conn)
{
	const struct hf_tls_conn *tls = hf_conn_tls(conn); /* NULL: plain HTTP */
	const struct hf_certs *chain = tls ? hf_tls_conn_peer_chain(tls) : NULL;

	if (chain && chain->len > 0)
		hf_json_string(j, "client", chain->items[0]->subject);
}

void hf_service_log(struct hf_service *service, const struct hf_service_entry *entry)
{
	struct hf_front *front = service->front;
	char peer[HF_ADDRESS_TEXT_CAP];
	struct hf_json j;

	hf_service_count_answer(service, entry);
	if (front->access.fd < 0)
		return;
	hf_buf_clear(&front->line);
	hf_address_format(hf_conn_peer(entry->conn), peer);
	hf_json_init(&j, &front->line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", entry->at);
	hf_json_string(&j, "peer", peer);
	if (service->own->label)
		hf_json_string(&j, "authority", service->own->label);
	write_certificate(&j, entry->conn);
	hf_json_stringn(&j, "method", entry->method.data, entry->method.len);
	hf_json_stringn(&j, "target", entry->target.data, entry->target.len);
	hf_json_int(&j, "status", entry->status);
	hf_json_int(&j, "bytes", (int64_t)entry->bytes);
	hf_json_int(&j, "ms", (int64_t)entry->ms);
	if (entry->code)
		hf_json_string(&j, "refused", entry->code);
	if (entry->serial)
		hf_json_string(&j, "issued", entry->serial);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	hf_log_sink_add(&front->access, &front->line);
}
