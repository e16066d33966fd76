/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of init to a person at a terminal. */
#ifndef HF_CLI_INIT_ASK_H
#define HF_CLI_INIT_ASK_H

#include <limits.h>

#include "base/str.h"
#include "util/cmd.h"

struct hf_init_opts {
	const char *subject, *passphrase_file, *root_cert, *root_key, *root_out, *issuing_key,
	    *pin_file;
	int key_type;
	int64_t days, issuing_days;
	struct hf_strv permit;
	bool single, root_only, offline_root, force, rollover, root, retire;
};

/* What was answered; opts points into it. */
struct hf_init_answers {
	struct hf_init_opts opts; /* the caller's, with the answers in their places */
	char name[256], root_out[PATH_MAX], permit[1024];
	struct hf_strv permit_list;
	bool encrypt; /* ask for a passphrase */
};
void hf_init_answers_done(struct hf_init_answers *answers);
HF_DEFINE_AUTO_DONE(hf_init_answers, struct hf_init_answers, hf_init_answers_done);

/* Asks, with what the command line says as the proposals, shows the command line that says the
 * same, and asks whether to go on: 1 when not. */
int hf_init_ask(struct hf_cmd_ctx *ctx, const struct hf_init_opts *opts,
		struct hf_init_answers *ret_answers);

#endif
