/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: one const struct hf_command in a file of its own gives dispatch, help, man page and
 * completions. */
#ifndef HF_UTIL_CMD_H
#define HF_UTIL_CMD_H

#include "util/opt.h"
#include "util/out.h"

enum hf_exit { HF_EXIT_YES = 0, HF_EXIT_NO = 1, HF_EXIT_USAGE = 2, HF_EXIT_FAILURE = 3 };

struct hf_example {
	const char *line;  /* without the prompt */
	const char *does;  /* what it does, a sentence without a full stop */
};

/* What a command runs with.  opts points to its own options struct. */
struct hf_cmd_ctx {
	const char *program;       /* as it was called */
	const char *home;          /* absolute or as given; never NULL */
	struct hf_out out;         /* result and messages */
	struct hf_err err;         /* what failed; printed by the caller of run */
	const void *opts;
	const struct hf_strv *args;
	void *globals;             /* struct hf_globals */
};

struct hf_command {
	const char *name;          /* "crl", for a subcommand "crl show" */
	const char *group;         /* heading in the overview: "Identities" … */
	const char *arguments;     /* "FILE…", NULL for none */
	const char *summary;       /* one line, lower case, no full stop */
	const char *description;   /* paragraphs separated by an empty line; may be NULL */
	const struct hf_option_group *groups; /* NULL: no options */
	size_t opts_size;
	const struct hf_example *examples;    /* ends with a row whose line is NULL; may be NULL */
	const char *exits;         /* what 0 and 1 mean here; NULL: the usual */
	const char *see_also;      /* "verify, issue" */
	const struct hf_command *const *subcommands; /* NULL-terminated; chosen by the first word */
	int min_args, max_args;    /* max_args -1: any number */
	bool hidden;
	/* Returns an enum hf_exit, or a negative -HF_E_* with ctx->err filled (see
	 * hf_command_exit). */
	int (*run)(struct hf_cmd_ctx *ctx);
};

/* Parses and runs: argv[0] is the first word after the command's name.  Returns the exit status. */
int hf_command_run(const struct hf_command *command, struct hf_cmd_ctx *ctx, int argc, char **argv);

/* The exit status for what run returned; prints the failure.  A refusal (HF_E_EXIST,
 * HF_E_POLICY) is 1, a usage mistake 2, any other failure 3. */
int hf_command_exit(struct hf_cmd_ctx *ctx, int rc);

/* A line that could not be parsed still says whether its writer reads JSON. */
bool hf_command_wants_json(int argc, char **argv);

const struct hf_command *hf_command_find(const struct hf_command *const *commands,
					 const char *name);

/* For commands: a usage mistake in one sentence; returns HF_EXIT_USAGE. */
int hf_command_usage(struct hf_cmd_ctx *ctx, const char *fmt, ...) HF_PRINTF(2, 3);

/* The globals, understood before and after the command's name. */
struct hf_globals {
	const char *home;
	bool json, quiet, verbose, no_color, help, version;
};
extern const struct hf_option_group hf_global_groups[];

#endif
