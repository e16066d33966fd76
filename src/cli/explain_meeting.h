/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `explain HOST:PORT` share: the meeting, judging its chains, looking at it. */
#ifndef HF_CLI_EXPLAIN_MEETING_H
#define HF_CLI_EXPLAIN_MEETING_H

#include "cli/credential.h"
#include "cli/explain.h"
#include "probe/standing.h"

struct explain_meeting {
	struct hf_cmd_ctx *ctx;
	const struct explain_opts *opts;
	struct hf_case *c;
	struct hf_url url;
	bool plain;
	/* --name and --server-name as certificates have them */
	char name[HF_HOST_CAP], server_name[HF_HOST_CAP];
	char cert[PATH_MAX], key[PATH_MAX];
	struct hf_strv server_files; /* explain_server_file() */
	struct hf_credential *credential;
	EVP_PKEY *token_key; /* owned; NULL: the key is a file, or the token did not open */
	struct hf_trust *trust;
	struct hf_tls_resumption *resumption; /* of the main look; owned, NULL: none */
	struct hf_strv alpn;
	struct hf_address addresses[HF_ADDRESSES_CAP];
	size_t addresses_len;
	struct hf_via via;
	struct hf_explanation e;
};

/* explain_judge.c: the chains by what is known here, without a packet. */
/* The client's on its own merits, with the CAs that the server showed; 0 or negative. */
int explain_judge_own(struct explain_meeting *m);
/* The client's by the server's files, when they are known. */
void explain_judge_by_server(struct explain_meeting *m);
/* How far up the server's chain leads with the CAs that are known here. */
void explain_judge_server_path(struct explain_meeting *m);
/* The server's on its own merits, when nobody is trusted here. */
void explain_judge_server_alone(struct explain_meeting *m);

/* explain_look.c: connections. */
/* Name, proxy and addresses of where to look; 0 or negative. */
int explain_look_prepare(struct explain_meeting *m);
void explain_look(struct explain_meeting *m, enum hf_look_kind kind);

#endif
