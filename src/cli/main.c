/* SPDX-License-Identifier: Apache-2.0 */
/* The program: global options, then a command. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/commands.h"
#include "util/complaint.h"
#include "util/help.h"
#include "util/home.h"

static int unknown_command(struct hf_cmd_ctx *ctx, const char *name)
{
	const char *names[64];
	const char *nearest;
	size_t n = 0;

	for (const struct hf_command *const *c = hf_commands; *c && n < HF_ARRAY_LEN(names) - 1;
	     c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	(void)hf_err_set(&ctx->err, HF_MISTAKE_COMMAND, "there is no command '%s'", name);
	(void)hf_err_at_text(&ctx->err, name);
	nearest = hf_str_nearest(name, names);
	if (nearest)
		(void)hf_err_hint(&ctx->err, "did you mean '%s'?", nearest);
	else
		(void)hf_err_hint(&ctx->err, "'handfast --help' lists them");
	return hf_command_exit(ctx, -HF_E_INVALID);
}

static int dispatch(struct hf_cmd_ctx *ctx, const struct hf_globals *globals, int argc, char **argv)
{
	const struct hf_command *command;

	if (globals->version) {
		hf_help_version(&ctx->out);
		return HF_EXIT_YES;
	}
	if (globals->help && argc == 0) {
		hf_help_overview(hf_commands, &ctx->out);
		return HF_EXIT_YES;
	}
	if (argc == 0) {
		(void)hf_err_set(&ctx->err, HF_MISTAKE_COMMAND, "which command?");
		(void)hf_err_hint(&ctx->err, "'handfast --help' lists them");
		return hf_command_exit(ctx, -HF_E_INVALID);
	}
	command = hf_command_find(hf_commands, argv[0]);
	if (!command)
		return unknown_command(ctx, argv[0]);
	return hf_command_run(command, ctx, argc - 1, argv + 1);
}

/* A file opened as descriptor 2 would get our messages: whoever started us may have closed it. */
static void keep_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	hf_fd_close(fd);
}

static int run(struct hf_cmd_ctx *ctx, struct hf_globals *globals, int argc, char **argv)
{
	struct hf_option_set set = { hf_global_groups, globals };
	int next = 0;
	int rc = hf_options_parse_leading(&set, argc, argv, &next, &ctx->err);

	globals->json = globals->json || (rc < 0 && hf_command_wants_json(argc, argv));
	hf_out_init(&ctx->out, globals->json, globals->quiet, globals->verbose, globals->no_color);
	ctx->home = globals->home ? globals->home : hf_home_default();
	if (rc < 0)
		return hf_command_exit(ctx, rc);
	return dispatch(ctx, globals, argc - next, argv + next);
}

int main(int argc, char **argv)
{
	struct hf_globals globals = { .home = NULL };
	struct hf_cmd_ctx ctx = { .program = argv[0], .globals = &globals };
	int rc;

	keep_standard_streams();
	hf_complaint_words(argc, (const char *const *)argv);
	/* a peer or reader that goes away is an error of write(2), not the end of the process */
	(void)signal(SIGPIPE, SIG_IGN);
	rc = run(&ctx, &globals, HF_MAX(argc - 1, 0), argv + HF_MIN(argc, 1));
	if (hf_out_finish(&ctx.out, &ctx.err) < 0) {
		ctx.out.json_mode = false; /* there is nobody to read it */
		return hf_command_exit(&ctx, -HF_E_IO);
	}
	return rc;
}
