/* SPDX-License-Identifier: Apache-2.0 */
/* Running a command from its table. */
#include "util/cmd.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/help.h"

static const struct hf_option global_options[] = {
	{ .name = "home",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_globals, home),
	  .arg = "DIR",
	  .help =
	      "where identities, trust and the authority live (default: $HANDFAST_HOME, else ~/.handfast)" },
	{ .name = "json",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_globals, json),
	  .help = "print the result as one JSON object" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_globals, quiet),
	  .help = "no notes on standard error" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_globals, verbose),
	  .help = "say what is being done" },
	{ .name = "no-color",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_globals, no_color),
	  .help = "no colours (also: NO_COLOR in the environment)" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_globals, help),
	  .help = "this help" },
	{ .name = "version",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_globals, version),
	  .help = "the version of the program and of OpenSSL" },
	{ .name = NULL },
};

const struct hf_option_group hf_global_groups[] = {
	{ "Global options", global_options, 0 },
	{ NULL, NULL, 0 },
};

const struct hf_command *hf_command_find(const struct hf_command *const *commands, const char *name)
{
	for (; *commands; commands++) {
		const char *last = strrchr((*commands)->name, ' ');

		if (strcmp(last ? last + 1 : (*commands)->name, name) == 0)
			return *commands;
	}
	return NULL;
}

int hf_command_usage(struct hf_cmd_ctx *ctx, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)hf_err_set(&ctx->err, HF_E_INVALID, "%s", text);
	return -HF_E_INVALID;
}

static int count_args(const struct hf_command *command, struct hf_cmd_ctx *ctx)
{
	int n = (int)ctx->args->len;

	if (n < command->min_args) {
		(void)hf_err_set(&ctx->err, HF_MISTAKE_ARGUMENT, "%s needs %s", command->name,
				 command->arguments ? command->arguments : "an argument");
		return hf_err_hint(&ctx->err, "usage: handfast %s [options] %s", command->name,
				   command->arguments ? command->arguments : "");
	}
	if (command->max_args < 0 || n <= command->max_args)
		return 0;
	(void)hf_err_set(&ctx->err, HF_MISTAKE_ARGUMENT, "%s does not take '%s'", command->name,
			 ctx->args->items[command->max_args]);
	(void)hf_err_at_text(&ctx->err, ctx->args->items[command->max_args]);
	return hf_err_hint(&ctx->err, "usage: handfast %s [options] %s", command->name,
			   command->arguments ? command->arguments : "");
}

static const struct hf_option_group no_groups[] = { { NULL, NULL, 0 } };

/* Global options may stand between a command and its subcommand: "trust --json list".  Words
 * that are no global option are left for the command itself to judge. */
static const struct hf_command *subcommand(const struct hf_command *command, struct hf_cmd_ctx *ctx,
					   int argc, char **argv, int *ret_next)
{
	struct hf_option_set globals = { hf_global_groups, ctx->globals };
	struct hf_err ignored;
	int next = 0;

	if (!command->subcommands ||
	    hf_options_parse_leading(&globals, argc, argv, &next, &ignored) < 0 || next >= argc)
		return NULL;
	*ret_next = next + 1;
	return hf_command_find(command->subcommands, argv[next]);
}

static void name_subcommands(const struct hf_command *command, char *text, size_t cap)
{
	HF_AUTO_DONE(hf_buf) all = HF_BUF_INIT(cap - 1);

	for (const struct hf_command *const *c = command->subcommands; *c; c++)
		(void)hf_buf_printf(&all, "%s%s", c == command->subcommands ? "" : ", ",
				    strrchr((*c)->name, ' ') + 1);
	(void)hf_str_copy(text, cap, hf_buf_str(&all));
}

static int unknown_subcommand(const struct hf_command *command, struct hf_cmd_ctx *ctx, int argc,
			      char **argv)
{
	const char *names[32];
	const char *nearest;
	char all[200];
	size_t n = 0;

	for (; command->subcommands[n] && n < HF_ARRAY_LEN(names) - 1; n++)
		names[n] = strrchr(command->subcommands[n]->name, ' ') + 1;
	names[n] = NULL;
	(void)hf_err_set(&ctx->err, HF_MISTAKE_COMMAND,
			 argc ? "%s has no subcommand '%s'" : "%s needs a subcommand",
			 command->name, argc ? argv[0] : "");
	if (argc)
		(void)hf_err_at_text(&ctx->err, argv[0]);
	nearest = argc ? hf_str_nearest(argv[0], names) : NULL;
	if (nearest)
		return hf_err_hint(&ctx->err, "did you mean %s %s?", command->name, nearest);
	name_subcommands(command, all, sizeof(all));
	return hf_err_hint(&ctx->err, "it has: %s; see handfast help %s", all, command->name);
}

bool hf_command_wants_json(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

/* Globals may follow the command's name too; what they say is applied before it runs. */
static void apply_globals(struct hf_cmd_ctx *ctx)
{
	const struct hf_globals *globals = ctx->globals;

	if (globals->home)
		ctx->home = globals->home;
	if (globals->json != ctx->out.json_mode || globals->quiet != ctx->out.quiet ||
	    globals->verbose != ctx->out.verbose || globals->no_color)
		hf_out_init(&ctx->out, globals->json, globals->quiet, globals->verbose,
			    globals->no_color);
}

/* The arguments, as far as the table can judge them; and an empty --home would mean the root
 * directory. */
static int check_words(const struct hf_command *command, struct hf_cmd_ctx *ctx)
{
	if (ctx->home[0] == '\0')
		return hf_err_set(&ctx->err, HF_MISTAKE_OPTION_VALUE,
				  "--home needs a directory, not ''");
	if (command->subcommands && !command->run)
		return unknown_subcommand(command, ctx, (int)ctx->args->len, ctx->args->items);
	return count_args(command, ctx);
}

static int parse_and_run(const struct hf_command *command, struct hf_cmd_ctx *ctx, void *values,
			 struct hf_strv *args, int argc, char **argv)
{
	struct hf_option_set sets[] = {
		{ command->groups ? command->groups : no_groups, values },
		{ hf_global_groups, ctx->globals },
	};
	struct hf_globals *globals = ctx->globals;
	int rc = hf_options_init(&sets[0], &ctx->err);

	if (rc == 0)
		rc = hf_options_parse(sets, HF_ARRAY_LEN(sets), argc, argv, args, &ctx->err);
	globals->json = globals->json || (rc < 0 && hf_command_wants_json(argc, argv));
	apply_globals(ctx);
	if (rc == 0 && globals->help) {
		hf_help_command(command, &ctx->out);
	} else if (rc == 0 && globals->version) {
		hf_help_version(&ctx->out);
	} else {
		ctx->opts = values;
		ctx->args = args;
		if (rc == 0)
			rc = check_words(command, ctx);
		if (rc == 0)
			rc = command->run(ctx);
	}
	hf_options_done(&sets[0]);
	return rc;
}

int hf_command_exit(struct hf_cmd_ctx *ctx, int rc)
{
	/* what was asked for was refused, not impossible: 1 */
	static const int refusals[] = { HF_E_EXIST, HF_E_POLICY };

	if (rc >= 0)
		return rc;
	hf_out_error(&ctx->out, &ctx->err);
	for (size_t i = 0; i < HF_ARRAY_LEN(refusals); i++) {
		if (rc == -refusals[i])
			return HF_EXIT_NO;
	}
	return rc == -HF_E_INVALID ? HF_EXIT_USAGE : HF_EXIT_FAILURE;
}

/* Where the message alone does not say how it is written, the help of the command does. */
static void name_the_help(const struct hf_command *command, struct hf_err *err)
{
	static const enum hf_mistake of_usage[] = {
		HF_MISTAKE_USAGE,	HF_MISTAKE_OPTION,	 HF_MISTAKE_OPTION_VALUE,
		HF_MISTAKE_OPTION_WORD, HF_MISTAKE_OPTION_RANGE, HF_MISTAKE_OPTION_NUMBER,
	};

	for (size_t i = 0; !err->hint[0] && i < HF_ARRAY_LEN(of_usage); i++) {
		if (hf_mistake_of(err) == of_usage[i])
			(void)hf_err_hint(err, "handfast help %s shows what it takes",
					  command->name);
	}
}

int hf_command_run(const struct hf_command *command, struct hf_cmd_ctx *ctx, int argc, char **argv)
{
	int next = 0;
	const struct hf_command *sub = subcommand(command, ctx, argc, argv, &next);
	HF_AUTO_DONE(hf_strv) args = HF_STRV_INIT;
	void *values;
	int rc;

	if (sub)
		return hf_command_run(sub, ctx, argc - next, argv + next);
	values = calloc(1, command->opts_size ? command->opts_size : 1);
	if (!values)
		return hf_command_exit(ctx, hf_err_nomem(&ctx->err));
	rc = parse_and_run(command, ctx, values, &args, argc, argv);
	free(values);
	if (rc < 0)
		name_the_help(command, &ctx->err);
	return hf_command_exit(ctx, rc);
}
