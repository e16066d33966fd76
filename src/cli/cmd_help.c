/* SPDX-License-Identifier: Apache-2.0 */
/* handfast help: the overview, a command's help, or its man page as mdoc. */
#include "cli/commands.h"
#include "cli/serve_file.h"
#include "util/help.h"

struct help_opts {
	bool man;
};

static const struct hf_option options[] = {
	{ .name = "man",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct help_opts, man),
	  .help = "print the man page as mdoc(7)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static const struct hf_command *find(const struct hf_strv *words)
{
	const struct hf_command *command = hf_command_find(hf_commands, words->items[0]);

	if (command && words->len > 1)
		return command->subcommands ? hf_command_find(command->subcommands, words->items[1])
					    : NULL;
	return command;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct help_opts *opts = ctx->opts;
	const struct hf_command *command = ctx->args->len ? find(ctx->args) : NULL;

	if (opts->man && ctx->args->len == 1 && hf_str_eq(ctx->args->items[0], hf_serve_man.name)) {
		hf_help_man_file(&hf_serve_man, &ctx->out);
		return HF_EXIT_YES;
	}
	if (ctx->args->len && !command)
		return hf_command_usage(ctx, "there is no command '%s%s%s'", ctx->args->items[0],
					ctx->args->len > 1 ? " " : "",
					ctx->args->len > 1 ? ctx->args->items[1] : "");
	if (opts->man)
		hf_help_man(hf_commands, command, &ctx->out);
	else if (command)
		hf_help_command(command, &ctx->out);
	else
		hf_help_overview(hf_commands, &ctx->out);
	return HF_EXIT_YES;
}

const struct hf_command cmd_help = {
	.name = "help",
	.group = "Help",
	.arguments = "[COMMAND [SUBCOMMAND]]",
	.summary = "explain a command",
	.groups = groups,
	.opts_size = sizeof(struct help_opts),
	.max_args = 2,
	.run = run,
};
