/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `explain`: options, the meeting, the stories. */
#ifndef HF_CLI_EXPLAIN_H
#define HF_CLI_EXPLAIN_H

#include "cli/common.h"
#include "explain/explain.h"
#include "probe/look.h"

struct explain_opts {
	struct hf_credential_opts who;
	struct hf_trust_opts trust;
	const char *connect, *server_name, *name, *ciphers, *groups, *sigalgs, *alpn;
	const char *server_files, *html, *record;
	int tls_min, tls_max;
	int64_t timeout;
	bool no_sni, send_proxy, one_shot, trace, list;
};

/* explain_meeting.c: TARGET is a host and port, or a URL. */
int explain_meeting(struct hf_cmd_ctx *ctx, const struct explain_opts *opts, const char *target);

/* explain_text.c: without a connection. */
int explain_reason(struct hf_cmd_ctx *ctx, enum hf_reason reason);
int explain_list(struct hf_cmd_ctx *ctx);
/* A line of a log, or "-": the lines of standard input. */
int explain_lines(struct hf_cmd_ctx *ctx, const char *what);
int explain_records(struct hf_cmd_ctx *ctx, const char *path);

#endif
