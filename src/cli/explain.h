/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `explain`: options, the meeting, the stories. */
#ifndef HF_CLI_EXPLAIN_H
#define HF_CLI_EXPLAIN_H

#include "cli/common.h"
#include "cli/via.h"
#include "explain/explain.h"
#include "probe/look.h"

struct explain_opts {
	struct hf_credential_opts who;
	struct hf_trust_opts trust;
	struct hf_via_opts via;
	const char *connect, *server_name, *name, *ciphers, *groups, *sigalgs, *alpn;
	const char *server_files, *html, *record;
	int tls_min, tls_max;
	int64_t timeout;
	bool no_sni, send_proxy, one_shot, trace, list;
};

/* The places of --server-files. */
enum explain_place {
	EXPLAIN_CERT,
	EXPLAIN_KEY,
	EXPLAIN_CA,
	EXPLAIN_CRL,
	EXPLAIN_PLACES,
};
/* explain_server_files.c: splits the option; nothing without it. */
int explain_server_files(const struct explain_opts *opts, struct hf_strv *ret_files,
			 struct hf_err *err);
/* Borrowed; NULL: not known. */
const char *explain_server_file(const struct hf_strv *files, enum explain_place place);

/* explain_meeting.c: TARGET is a host and port, or a URL. */
int explain_meeting(struct hf_cmd_ctx *ctx, const struct explain_opts *opts, const char *target);

/* explain_text.c: without a connection. */
int explain_reason(struct hf_cmd_ctx *ctx, enum hf_reason reason);
int explain_mistake(struct hf_cmd_ctx *ctx, enum hf_mistake mistake);
int explain_list(struct hf_cmd_ctx *ctx);
/* A line of a log, or "-": the lines of standard input.  With --server-files the alerts of clients
 * are judged beside the server's chain. */
int explain_lines(struct hf_cmd_ctx *ctx, const struct explain_opts *opts, const char *what);

/* explain_record.c: refusal records of the gateway, grouped by what they have in common. */
struct explain_digest;
/* With what lies beside the log: --server-files, --ca, --crl. */
int explain_digest_new(const struct explain_opts *opts, struct explain_digest **ret,
		       struct hf_err *err);
struct explain_beside;
const struct explain_beside *explain_digest_beside(const struct explain_digest *d); /* borrowed */
void explain_digest_free(struct explain_digest *d);
bool explain_digest_add(struct explain_digest *d, const char *line); /* false: no JSON object */
size_t explain_digest_len(const struct explain_digest *d);
bool explain_digest_has_server(const struct explain_digest *d); /* its certificate is known */
struct explain_group;
/* What a client's alert (0: one that is not shown) in a server's log means beside the server's
 * chain; name: what it asked for, NULL not known.  false: no server files.  ret is ended with
 * explain_group_done. */
bool explain_digest_judge_alert(const struct explain_digest *d, int alert, const char *name,
				struct explain_group *ret);
/* html: a page of the leading explanation is written there; NULL: none. */
int explain_digest_tell(struct hf_cmd_ctx *ctx, struct explain_digest *d, const char *html);
int explain_records(struct hf_cmd_ctx *ctx, const struct explain_opts *opts);
/* explain_meeting.c: the page, to a file. */
int explain_page_write(const char *path, const struct hf_buf *page, struct hf_err *err);

#endif
