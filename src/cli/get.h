/* SPDX-License-Identifier: Apache-2.0 */
/* What `get` knows at its end, and telling it. */
#ifndef HF_CLI_GET_H
#define HF_CLI_GET_H

#include "cli/common.h"
#include "cli/via.h"
#include "probe/request.h"

struct get_opts {
	struct hf_credential_opts who;
	struct hf_trust_opts trust;
	struct hf_via_opts via;
	const char *method, *data, *output, *connect, *server_name, *name;
	const char *ciphers, *groups, *sigalgs, *alpn;
	struct hf_strv fields;
	int tls_min, tls_max;      /* index into tls_words */
	int64_t timeout;
	bool include, insecure, fail, no_sni, system_roots, trace, send_proxy;
	const char *keylog;
};

struct get {
	struct hf_cmd_ctx *ctx;
	const struct get_opts *opts;
	struct hf_url url;
	struct hf_credential *credential;
	struct hf_tls_context *context;     /* NULL: plain http */
	struct hf_session *session;
	struct hf_answer answer;
	struct hf_buf upload, body;         /* body: kept only for --json */
	struct hf_transcript transcript;
	int keylog_fd;                      /* -1: none */
	enum hf_session_end end;
	bool answered;                      /* the head of an answer came */
};

/* Refused, lost or timed out: says who, which certificate, why, what next.  Returns the exit
 * status, or negative with ctx->err when it was nobody's refusal. */
int get_report_failure(struct get *g);
/* --json: the whole result as one object. */
void get_report_json(struct get *g, const char *refused_by, const char *cause,
		     const char *explanation, const char *fix);
/* The connection ended right after our certificate without a word (Node does so). */
bool get_was_dropped(const struct get *g);

#endif
