/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate of the ledger `revoke` is asked for. */
#ifndef HF_CLI_REVOKE_WHICH_H
#define HF_CLI_REVOKE_WHICH_H

#include "ca/authority.h"
#include "util/cmd.h"

/* Those of a NAME of the ledger, else of a SERIAL, else of a FILE; one of them at least. */
int hf_cli_revoke_find(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *what,
		       struct hf_records *found);
/* Sees to it that one of `found` is live, or all of them are meant: at a terminal it asks.  0: go
 * on; HF_EXIT_NO: the person wants nothing done; negative: none is live, or nobody is there to
 * choose. */
int hf_cli_revoke_choose(struct hf_cmd_ctx *ctx, const char *what, bool all,
			 struct hf_records *found, int64_t now);

#endif
