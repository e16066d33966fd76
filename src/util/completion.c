/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for bash, zsh and fish from the tables. */
#include <string.h>

#include "util/help.h"

static void quoted(struct hf_out *out, const char *text, char quote)
{
	for (; *text; text++) {
		if (*text == quote)
			hf_out_print(out, quote == '\'' ? "'\\''" : "\\%c", *text);
		else
			hf_out_print(out, "%c", *text);
	}
}

static void option_names(const struct hf_option_group *groups, struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		for (const struct hf_option *o = groups->options; o->name; o++) {
			if (!o->hidden)
				hf_out_print(out, " --%s", o->name);
		}
	}
}

static void command_names(const struct hf_command *const *commands, struct hf_out *out)
{
	for (; *commands; commands++) {
		if (!(*commands)->hidden)
			hf_out_print(out, " %s", (*commands)->name);
	}
}

static void subcommand_names(const struct hf_command *c, struct hf_out *out)
{
	for (const struct hf_command *const *s = c->subcommands; s && *s; s++)
		hf_out_print(out, " %s", strrchr((*s)->name, ' ') + 1);
}

static void bash_words(const struct hf_command *c, struct hf_out *out)
{
	for (const struct hf_option_group *g = c->groups; g && g->options; g++) {
		for (const struct hf_option *o = g->options; o->name; o++) {
			if (!o->words || o->hidden)
				continue;
			hf_out_print(out, "\t%s:--%s) words='", c->name, o->name);
			for (int i = 0; o->words[i]; i++)
				hf_out_print(out, "%s%s", i ? " " : "", o->words[i]);
			hf_out_print(out, "' ;;\n");
		}
	}
}

static void bash(const struct hf_command *const *commands, struct hf_out *out)
{
	hf_out_print(out, "# bash completion for handfast; made from its option tables\n"
			  "_handfast() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			  "\tlocal command= words= i\n"
			  "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			  "\t\tcase ${COMP_WORDS[i]} in\n\t\t--home) ((i++)) ;;\n\t\t-*) ;;\n"
			  "\t\t*) command=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
			  "\tcase $command:$prev in\n");
	for (const struct hf_command *const *c = commands; *c; c++)
		bash_words(*c, out);
	hf_out_print(out, "\tesac\n\tif [[ -n $words ]]; then\n"
			  "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n\t\treturn\n\tfi\n"
			  "\tcase $command in\n\t'') words='");
	command_names(commands, out);
	option_names(hf_global_groups, out);
	hf_out_print(out, "' ;;\n");
	for (; *commands; commands++) {
		hf_out_print(out, "\t%s) words='", (*commands)->name);
		subcommand_names(*commands, out);
		option_names((*commands)->groups, out);
		option_names(hf_global_groups, out);
		hf_out_print(out, "' ;;\n");
	}
	hf_out_print(out, "\tesac\n\tif [[ $cur == -* || -z $command ]]; then\n"
			  "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
			  "\telse\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\tfi\n}\n"
			  "complete -o filenames -F _handfast handfast\n");
}

static void zsh_option(const struct hf_option *o, struct hf_out *out)
{
	hf_out_print(out, "\t\t\t'%s--%s%s[", o->kind == HF_OPT_LIST ? "*" : "", o->name,
		     o->kind == HF_OPT_FLAG ? "" : "=");
	for (const char *p = o->help; *p; p++) {
		if (*p == '\'')
			hf_out_print(out, "'\\''");
		else if (*p == '[' || *p == ']' || *p == ':')
			hf_out_print(out, "\\%c", *p);
		else
			hf_out_print(out, "%c", *p);
	}
	hf_out_print(out, "]");
	if (o->words) {
		hf_out_print(out, ":word:(");
		for (int i = 0; o->words[i]; i++)
			hf_out_print(out, "%s%s", i ? " " : "", o->words[i]);
		hf_out_print(out, ")");
	} else if (o->kind != HF_OPT_FLAG) {
		hf_out_print(out, ":value:_files");
	}
	hf_out_print(out, "' \\\n");
}

static void zsh_options(const struct hf_option_group *groups, struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		for (const struct hf_option *o = groups->options; o->name; o++) {
			if (!o->hidden)
				zsh_option(o, out);
		}
	}
}

static void zsh(const struct hf_command *const *commands, struct hf_out *out)
{
	hf_out_print(out, "#compdef handfast\n# zsh completion for handfast; made from its option tables\n"
			  "_handfast() {\n\tlocal -a commands\n\tcommands=(\n");
	for (const struct hf_command *const *c = commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		hf_out_print(out, "\t\t'%s:", (*c)->name);
		quoted(out, (*c)->summary, '\'');
		hf_out_print(out, "'\n");
	}
	hf_out_print(out, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
			  "\tcase $words[2] in\n");
	for (; *commands; commands++) {
		hf_out_print(out, "\t%s)\n\t\t_arguments \\\n", (*commands)->name);
		zsh_options((*commands)->groups, out);
		zsh_options(hf_global_groups, out);
		hf_out_print(out, "\t\t\t'*:file:_files' ;;\n");
	}
	hf_out_print(out, "\tesac\n}\n_handfast \"$@\"\n");
}

static void fish_option(const char *command, const struct hf_option *o, struct hf_out *out)
{
	if (o->hidden)
		return;
	hf_out_print(out, "complete -c handfast");
	if (command)
		hf_out_print(out, " -n '__fish_seen_subcommand_from %s'", command);
	hf_out_print(out, " -l %s", o->name);
	if (o->letter)
		hf_out_print(out, " -s %c", o->letter);
	if (o->words) {
		hf_out_print(out, " -x -a '");
		for (int i = 0; o->words[i]; i++)
			hf_out_print(out, "%s%s", i ? " " : "", o->words[i]);
		hf_out_print(out, "'");
	} else if (o->kind != HF_OPT_FLAG) {
		hf_out_print(out, " -r");
	}
	hf_out_print(out, " -d \"");
	for (const char *p = o->help; *p; p++)
		hf_out_print(out, strchr("\"$\\", *p) ? "\\%c" : "%c", *p);
	hf_out_print(out, "\"\n");
}

static void fish_options(const char *command, const struct hf_option_group *groups, struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		for (const struct hf_option *o = groups->options; o->name; o++)
			fish_option(command, o, out);
	}
}

static void fish(const struct hf_command *const *commands, struct hf_out *out)
{
	hf_out_print(out, "# fish completion for handfast; made from its option tables\n");
	for (const struct hf_command *const *c = commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		hf_out_print(out, "complete -c handfast -n __fish_use_subcommand -a %s -d '", (*c)->name);
		quoted(out, (*c)->summary, '\'');
		hf_out_print(out, "'\n");
		fish_options((*c)->name, (*c)->groups, out);
	}
	fish_options(NULL, hf_global_groups, out);
}

bool hf_help_completion(const struct hf_command *const *commands, const char *shell, struct hf_out *out)
{
	static const struct {
		const char *shell;
		void (*write)(const struct hf_command *const *commands, struct hf_out *out);
	} writers[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < HF_ARRAY_LEN(writers); i++) {
		if (strcmp(writers[i].shell, shell) == 0) {
			writers[i].write(commands, out);
			return true;
		}
	}
	return false;
}
