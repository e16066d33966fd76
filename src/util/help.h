/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables say: help on a terminal, man pages (mdoc), shell completions. */
#ifndef HF_UTIL_HELP_H
#define HF_UTIL_HELP_H

#include "util/cmd.h"

/* For commands that say nothing else. */
#define HF_HELP_USUAL_EXITS "0 done, 1 no, 2 usage mistake, 3 it could not be done."

void hf_help_command(const struct hf_command *command, struct hf_out *out);
void hf_help_overview(const struct hf_command *const *commands, struct hf_out *out);
/* Our version and that of the OpenSSL that is loaded. */
void hf_help_version(struct hf_out *out);
/* handfast(1) when command is NULL, else handfast-NAME(1), as mdoc(7). */
void hf_help_man(const struct hf_command *const *commands, const struct hf_command *command,
		 struct hf_out *out);
/* A configuration file whose keys stand in option tables: NAME(5). */
struct hf_man_file {
	const char *name, *summary, *description;
	const struct hf_option_group *groups; /* the keys */
	const char *const *skip;	      /* options that are no keys; NULL-terminated */
	const struct hf_option_group *more;   /* keys of maps inside, under titles of their own */
	const char *example;
	const char *see_also; /* commands */
};
void hf_help_man_file(const struct hf_man_file *file, struct hf_out *out);
/* shell: "bash", "zsh" or "fish"; false for any other. */
bool hf_help_completion(const struct hf_command *const *commands, const char *shell,
			struct hf_out *out);

#endif
