/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one JSON line for each answer or tunnelled stream, gathered and written a few
 * times a second. */
#ifndef HF_GATEWAY_ACCESSLOG_H
#define HF_GATEWAY_ACCESSLOG_H

#include "http/server.h"
#include "util/logsink.h"

struct hf_access_log {
	struct hf_log_sink sink;
	struct hf_buf line; /* the one being written */
};

/* What is said of one answer.  Everything borrowed; slices may be empty. */
struct hf_access_entry {
	struct hf_conn *conn;
	void *session_arg; /* of the connection's session; NULL: none */
	int64_t at;
	struct hf_slice method, target, host;
	int status; /* 0: none was sent */
	uint64_t bytes;	   /* of the answer's body, or from the service */
	uint64_t bytes_in; /* of the request's body, or to the service */
	uint64_t taken_ms;
	uint64_t number;	/* of the request on its connection */
	const char *route;	/* its name; NULL: the one for the rest, or none */
	const char *upstream;	/* who answered; NULL: we did */
	int64_t upstream_ms;	/* until the head of the answer; -1 none came */
	const char *reference;	/* of a failure's record; NULL */
	const char *trouble;	/* what went wrong; NULL */
	const char *rule;	/* that let the client in; NULL */
	const char *listener, *cipher;
	bool resumed;
};

/* path NULL: no log; "-": stdout. */
int hf_access_log_open(struct hf_access_log *log, const char *path, struct hf_err *err);
/* After a log was moved away; keeps the old one when the new one cannot be opened. */
void hf_access_log_reopen(struct hf_access_log *log);
void hf_access_log_add(struct hf_access_log *log, const struct hf_access_entry *entry);
void hf_access_log_flush(struct hf_access_log *log);
void hf_access_log_done(struct hf_access_log *log);

#endif
