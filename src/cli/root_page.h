/* SPDX-License-Identifier: Apache-2.0 */
/* The page that is read before an offline root signs. */
#ifndef HF_CLI_ROOT_PAGE_H
#define HF_CLI_ROOT_PAGE_H

#include "ca/root.h"
#include "util/cmd.h"

/* What the request asks, what was certified before, what will be certified now; on one screen.
 * JSON: members of the object that is open. */
int hf_root_page(struct hf_cmd_ctx *ctx, const char *file, const struct hf_authority *a,
		 const struct hf_root_answer *answer, int64_t lists_until);

#endif
