/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of an offline root, for `crl`. */
#ifndef HF_CLI_ROOT_PRESIGN_H
#define HF_CLI_ROOT_PRESIGN_H

#include "ca/authority.h"
#include "util/cmd.h"

/* crl --until: lists from now to then, `span` seconds each (0: the usual), also into `copy`. */
int hf_cli_root_presign(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t until, int64_t span,
			const char *copy);
/* Where the root's key is not: releases the list whose time has come, and says what became of it.
 */
int hf_cli_root_release(struct hf_cmd_ctx *ctx, struct hf_authority *a);

#endif
