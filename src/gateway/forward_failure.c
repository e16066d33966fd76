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

static void write_text(struct hf_json *j, const struct hf_http_failure *failure)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s%s%s", failure->why ? failure->why : "no connection",
		       failure->sys_errno ? ": " : "",
		       failure->sys_errno ? strerror(failure->sys_errno) : "");
	hf_json_string(j, "text", text);
}

static void write_record(struct hf_exchange *exchange, const struct hf_http_failure *failure,
			 struct hf_buf *out)
{
	const struct hf_verdict *verdict = hf_conn_verdict(exchange->conn);
	const char *facts = hf_buf_str(&exchange->facts);
	char peer[HF_ADDRESS_TEXT_CAP];
	struct hf_json j;

	hf_address_format(hf_conn_peer(exchange->conn), peer);
	hf_json_init(&j, out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", hf_clock_now());
	hf_json_string(&j, "event", "upstream-failure");
	hf_json_string(&j, "reference", exchange->reference);
	hf_json_string(&j, "upstream", exchange->backend->target.text);
	hf_json_string(&j, "trouble", trouble_names[failure->trouble]);
	write_text(&j, failure);
	hf_json_int(&j, "status", exchange->answering ? 0 : hf_forward_failure_status(failure));
	hf_json_string(&j, "peer", peer);
	hf_json_string(&j, "identity",
		       verdict != NULL && verdict->identity != NULL ? verdict->identity->name
								    : NULL);
	hf_json_stringn(&j, "method", facts, exchange->method_len);
	hf_json_stringn(&j, "target", facts + exchange->method_len, exchange->target_len);
	hf_json_int(&j, "tries", exchange->tries);
	hf_json_object_end(&j);
}

void hf_forward_record(struct hf_exchange *exchange, const struct hf_http_failure *failure)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(RECORD_CAP);
	struct hf_forwarder *forwarder = exchange->forwarder;

	(void)snprintf(exchange->reference, sizeof(exchange->reference), "%llx-%u-u%llu",
		       (unsigned long long)forwarder->started_at, forwarder->worker,
		       (unsigned long long)++forwarder->failures);
	exchange->trouble = trouble_names[failure->trouble];
	if (!hf_log_bucket_take(&forwarder->bucket, hf_clock_monotonic_ms()))
		return;
	write_record(exchange, failure, &line);
	if (!hf_buf_failed(&line))
		hf_log_line(STDERR_FILENO, line.data, line.len);
}
