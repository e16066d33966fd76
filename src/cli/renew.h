/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of handfast renew; for src/cli/cmd_renew.c and renew_watch.c only. */
#ifndef HF_CLI_RENEW_H
#define HF_CLI_RENEW_H

#include "cli/ca_common.h"
#include "util/cmd.h"

struct hf_renew_opts;

struct hf_renewal {
	struct hf_cmd_ctx *ctx;
	const struct hf_renew_opts *o;
	struct hf_authority *a;
	int64_t now;
	int64_t next_at; /* when the first of them is due again */
	size_t renewed, failed;
};

/* Once through.  The authority is opened anew each time: it may have changed meanwhile. */
int hf_renew_pass(struct hf_renewal *r, struct hf_passphrase *from);
/* What fails for one must not keep the others from being renewed. */
void hf_renew_take_failure(struct hf_renewal *r, int rc);

/* --watch: again and again, until a signal ends it; the exit status. */
int hf_renew_watch(struct hf_renewal *r, struct hf_passphrase *from);

#endif
