/* SPDX-License-Identifier: Apache-2.0 */
/* handfast completion: scripts for shells. */
#include "cli/commands.h"
#include "util/help.h"

static int run(struct hf_cmd_ctx *ctx)
{
	const char *shell = ctx->args->items[0];

	if (!hf_help_completion(hf_commands, shell, &ctx->out)) {
		(void)hf_command_usage(ctx, "there is no completion for '%s'", shell);
		return hf_err_hint(&ctx->err, "known: bash, zsh, fish");
	}
	return HF_EXIT_YES;
}

static const struct hf_example examples[] = {
	{ "handfast completion bash > /etc/bash_completion.d/handfast",
	  "complete commands and options in bash" },
	{ NULL, NULL },
};

const struct hf_command cmd_completion = {
	.name = "completion",
	.group = "Help",
	.arguments = "bash|zsh|fish",
	.summary = "print a completion script for a shell",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
