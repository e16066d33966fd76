/* SPDX-License-Identifier: Apache-2.0 */
/* What became of each request that `sign` was given. */
#ifndef HF_CLI_SIGN_TELL_H
#define HF_CLI_SIGN_TELL_H

#include <limits.h>

#include "cli/dry_run.h"

/* One request on its way. */
struct hf_sign_item {
	const char *path;
	char base[256];	    /* NAME of NAME.csr */
	char out[PATH_MAX]; /* "" is standard output */
	struct hf_order order;
	struct hf_dry_run tried;
	struct hf_buf answer;  /* certificate and chain, when they go to standard output */
	struct hf_err err;     /* why it was not signed; code 0 when it was */
};
void hf_sign_item_done(struct hf_sign_item *item);

/* On standard output, or as one object of the JSON. */
void hf_sign_tell(struct hf_cmd_ctx *ctx, struct hf_sign_item *item, bool dry_run, int64_t now);

#endif
