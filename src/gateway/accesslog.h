/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one JSON line for each answer, gathered and written a few times a second. */
#ifndef HF_GATEWAY_ACCESSLOG_H
#define HF_GATEWAY_ACCESSLOG_H

#include "http/server.h"
#include "util/logsink.h"

struct hf_access_log {
	struct hf_log_sink sink;
	struct hf_buf line; /* the one being written */
};

/* path NULL: no log; "-": stdout. */
int hf_access_log_open(struct hf_access_log *log, const char *path, struct hf_err *err);
/* After a log was moved away; keeps the old one when the new one cannot be opened. */
void hf_access_log_reopen(struct hf_access_log *log);
void hf_access_log_add(struct hf_access_log *log, const struct hf_http_request *request,
		       const struct hf_http_answer *answer);
void hf_access_log_flush(struct hf_access_log *log);
void hf_access_log_done(struct hf_access_log *log);

#endif
