/* SPDX-License-Identifier: Apache-2.0 */
/* When a service fails: what the client hears (a status and a reference), what the log says (all of
 * it).  Must never tell a client how the inside looks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "gateway/forwarder.h"
#include "util/clock.h"

enum { RECORD_CAP = 16 * 1024 };

int hf_forward_failure_status(const struct hf_http_failure *failure)
{
	if (failure->trouble == HF_TROUBLE_TIMEOUT ||
	    (failure->trouble == HF_TROUBLE_CONNECT && failure->sys_errno == ETIMEDOUT))
		return 504;
	return 502;
}

static const char *const trouble_names[] = {
	[HF_TROUBLE_CONNECT] = "connect",     [HF_TROUBLE_LOST] = "lost",
	[HF_TROUBLE_TIMEOUT] = "timeout",     [HF_TROUBLE_BAD] = "bad-answer",
	[HF_TROUBLE_TRUNCATED] = "truncated",
};

/* What stands in the record. */
struct trouble {
	const char *name, *text;
	int status;
};

static void write_record(struct hf_exchange *exchange, const struct trouble *trouble,
			 struct hf_buf *out)
{
	const struct hf_verdict *verdict = hf_conn_verdict(exchange->conn);
	const char *facts = hf_buf_str(&exchange->facts);
	const struct hf_route *route = exchange->group->route;
	char peer[HF_ADDRESS_TEXT_CAP];
	struct hf_json j;

	hf_address_format(hf_conn_peer(exchange->conn), peer);
	hf_json_init(&j, out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", hf_clock_now());
	hf_json_string(&j, "event", "upstream-failure");
	hf_json_string(&j, "reference", exchange->reference);
	hf_json_string(&j, "route", route != NULL ? route->name : NULL);
	hf_json_string(&j, "upstream",
		       exchange->backend != NULL ? exchange->backend->target.text : NULL);
	hf_json_string(&j, "trouble", trouble->name);
	hf_json_string(&j, "text", trouble->text);
	hf_json_int(&j, "status", trouble->status);
	hf_json_string(&j, "peer", peer);
	hf_json_string(&j, "identity",
		       verdict != NULL && verdict->identity != NULL ? verdict->identity->name
								    : NULL);
	hf_json_stringn(&j, "method", facts, exchange->method_len);
	hf_json_stringn(&j, "target", facts + exchange->method_len, exchange->target_len);
	hf_json_int(&j, "tries", exchange->tries);
	hf_json_object_end(&j);
}

static void record(struct hf_exchange *exchange, const struct trouble *trouble)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(RECORD_CAP);
	struct hf_forwarder *forwarder = exchange->forwarder;

	hf_forwarder_reference(forwarder, exchange->reference);
	exchange->trouble = trouble->name;
	if (!hf_log_bucket_take(&forwarder->bucket, hf_clock_monotonic_ms()))
		return;
	write_record(exchange, trouble, &line);
	if (!hf_buf_failed(&line))
		hf_log_line(STDERR_FILENO, line.data, line.len);
}

void hf_forward_record(struct hf_exchange *exchange, const struct hf_http_failure *failure)
{
	char text[256];
	const struct trouble trouble = {
		.name = trouble_names[failure->trouble],
		.text = text,
		.status = exchange->answering ? 0 : hf_forward_failure_status(failure),
	};

	(void)snprintf(text, sizeof(text), "%s%s%s", failure->why ? failure->why : "no connection",
		       failure->sys_errno ? ": " : "",
		       failure->sys_errno ? strerror(failure->sys_errno) : "");
	record(exchange, &trouble);
}

void hf_forward_record_out(struct hf_exchange *exchange)
{
	static const struct trouble trouble = { "health", HF_ALL_OUT_TEXT, 503 };

	record(exchange, &trouble);
}
