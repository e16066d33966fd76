/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's wishes, met by the authority of this home or by one elsewhere (--at): the same JSON
 * either way (enroll/operator.h). */
#ifndef HF_CLI_OPERATE_H
#define HF_CLI_OPERATE_H

#include <jansson.h>

#include "cli/ca_common.h"

struct hf_operate_opts {
	const char *at, *as;
};
extern const struct hf_option hf_operate_options[];

struct hf_wish {
	const char *word;
	json_t *body; /* taken, NULL: there was no memory for it */
	struct hf_passphrase *from; /* for the authority's key, here */
};
/* With --json the result is printed as it is.  *ret_result is the caller's to decref. */
int hf_cli_operate(struct hf_cmd_ctx *ctx, const struct hf_operate_opts *opts, struct hf_wish wish,
		   json_t **ret_result);

/* A word about the thing `id` ("approve", "deny", "withdraw"), with the opts of `ctx`: 1 when that
 * changed it, 0 when it had been decided before. */
int hf_cli_decide(struct hf_cmd_ctx *ctx, const char *word, const char *id);

/* "" when the field is missing or no string: what came from elsewhere is not believed. */
const char *hf_cli_field(const json_t *object, const char *key);
/* A table of the objects in `rows`, with these fields; returns how many there were, or negative. */
int hf_cli_rows(struct hf_cmd_ctx *ctx, const json_t *rows, const char *const *headings,
		const char *const *fields);

#endif
