/* SPDX-License-Identifier: Apache-2.0 */
/* init --rollover and --retire. */
#ifndef HF_CLI_INIT_ROLLOVER_H
#define HF_CLI_INIT_ROLLOVER_H

#include "cli/init_ask.h"

int hf_cli_rollover(struct hf_cmd_ctx *ctx, const struct hf_init_opts *opts);
int hf_cli_retire(struct hf_cmd_ctx *ctx, const struct hf_init_opts *opts);

#endif
