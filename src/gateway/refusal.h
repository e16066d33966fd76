/* SPDX-License-Identifier: Apache-2.0 */
/* The refusal record: one JSON line on stderr for each peer that was refused, or that refused us,
 * with everything that an explanation needs later.  The wire gets the standard alert only. */
#ifndef HF_GATEWAY_REFUSAL_H
#define HF_GATEWAY_REFUSAL_H

#include "gateway/generation.h"
#include "util/log.h"

struct hf_refusal {
	const struct hf_generation *generation;
	const struct hf_policy *policy; /* of it: that it was judged under */
	struct hf_conn *conn;
	const char *listener;	       /* "https://127.0.0.1:8443" */
	const char *stage;	       /* "handshake", "open", "rules", "reload" */
	enum hf_judge refused_by;
	const char *cause;	       /* never NULL */
	const char *text;	       /* one sentence when there is no verdict */
	const struct hf_verdict *verdict; /* NULL when there is none */
	int alert;		       /* -1 none */
	bool originating;	       /* we are the client of this meeting */
};

struct hf_refusal_log {
	struct hf_log_bucket bucket;
	int64_t started_at;
	unsigned worker;
	uint64_t records;    /* numbers the reference ids */
	uint64_t suppressed; /* since the last summary */
	uint64_t suppressed_ever;
	char last[HF_REFERENCE_CAP]; /* reference of the last record; "" when it was left out */
	int64_t suppressed_at;
};

void hf_refusal_log_init(struct hf_refusal_log *log, unsigned worker, int64_t per_second);
void hf_refusal_write(struct hf_refusal_log *log, const struct hf_refusal *refusal);
/* One line that says how many were left out, when there were any: once in a while, and at the end.
 */
void hf_refusal_log_summarise(struct hf_refusal_log *log);
#endif
