/* SPDX-License-Identifier: Apache-2.0 */
/* The program: global options, then a command. */
#include <signal.h>
#include <string.h>

#include <openssl/crypto.h>

#include "cli/commands.h"
#include "util/help.h"
#include "util/home.h"

static int print_version(struct hf_out *out)
{
	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_string(&out->json, "version", HF_VERSION);
		hf_json_string(&out->json, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
		hf_out_json_end(out);
	}
	hf_out_print(out, "handfast %s (%s)\n", HF_VERSION, OpenSSL_version(OPENSSL_VERSION));
	return HF_EXIT_YES;
}

static int unknown_command(struct hf_cmd_ctx *ctx, const char *name)
{
	const char *names[64];
	const char *nearest;
	size_t n = 0;

	for (const struct hf_command *const *c = hf_commands; *c && n < HF_ARRAY_LEN(names) - 1; c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	(void)hf_err_set(&ctx->err, HF_E_INVALID, "there is no command '%s'", name);
	nearest = hf_str_nearest(name, names);
	if (nearest)
		(void)hf_err_hint(&ctx->err, "did you mean '%s'?", nearest);
	else
		(void)hf_err_hint(&ctx->err, "'handfast --help' lists them");
	hf_out_error(&ctx->out, &ctx->err);
	return HF_EXIT_USAGE;
}

static int dispatch(struct hf_cmd_ctx *ctx, const struct hf_globals *globals, int argc, char **argv)
{
	const struct hf_command *command;

	if (globals->version)
		return print_version(&ctx->out);
	if (globals->help && argc == 0) {
		hf_help_overview(hf_commands, &ctx->out);
		return HF_EXIT_YES;
	}
	if (argc == 0) {
		(void)hf_err_set(&ctx->err, HF_E_INVALID, "which command?");
		(void)hf_err_hint(&ctx->err, "'handfast --help' lists them");
		hf_out_error(&ctx->out, &ctx->err);
		return HF_EXIT_USAGE;
	}
	command = hf_command_find(hf_commands, argv[0]);
	if (!command)
		return unknown_command(ctx, argv[0]);
	return hf_command_run(command, ctx, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	struct hf_globals globals = { .home = NULL };
	struct hf_option_set set = { hf_global_groups, &globals };
	struct hf_cmd_ctx ctx = { .program = argv[0], .globals = &globals };
	int next = 0, rc;

	/* a peer or reader that goes away is an error of write(2), not the end of the process */
	(void)signal(SIGPIPE, SIG_IGN);
	rc = hf_options_parse_leading(&set, argc - 1, argv + 1, &next, &ctx.err);
	hf_out_init(&ctx.out, globals.json, globals.quiet, globals.verbose, globals.no_color);
	ctx.home = globals.home ? globals.home : hf_home_default();
	if (rc < 0) {
		hf_out_error(&ctx.out, &ctx.err);
		rc = HF_EXIT_USAGE;
	} else {
		rc = dispatch(&ctx, &globals, argc - 1 - next, argv + 1 + next);
	}
	if (hf_out_finish(&ctx.out, &ctx.err) < 0) {
		hf_out_error(&ctx.out, &ctx.err);
		return HF_EXIT_FAILURE;
	}
	return rc;
}
