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

static void word_list(const struct hf_option *o, struct hf_out *out)
{
	for (int i = 0; o->words[i]; i++)
		hf_out_print(out, "%s%s", i ? " " : "", o->words[i]);
}

/* What an argument of that name can be completed with: file, dir, id, or nothing. */
static const char *kind_of(const char *arg)
{
	static const struct {
		const char *part, *kind;
	} kinds[] = { { "FILE", "file" }, { "PATH", "file" }, { "DIR", "dir" } };

	if (arg && strcmp(arg, "NAME") == 0)
		return "id";
	for (size_t i = 0; arg && i < HF_ARRAY_LEN(kinds); i++) {
		if (strstr(arg, kinds[i].part))
			return kinds[i].kind;
	}
	return "none";
}

static void bash_values(const char *command, const struct hf_option_group *groups,
			struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		for (const struct hf_option *o = groups->options; o->name; o++) {
			if (o->kind == HF_OPT_FLAG || o->hidden)
				continue;
			hf_out_print(out, "\t%s:--%s) kind=", command, o->name);
			if (o->words) {
				hf_out_print(out, "words words='");
				word_list(o, out);
				hf_out_print(out, "' ;;\n");
			} else {
				hf_out_print(out, "%s ;;\n", kind_of(o->arg));
			}
		}
	}
}

static void bash_words(const struct hf_command *c, struct hf_out *out)
{
	bool listed = c->arguments && !strpbrk(c->arguments, " ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	hf_out_print(out, "\t'%s') words='", c->name);
	subcommand_names(c, out);
	for (const char *p = listed ? c->arguments : ""; *p; p++)
		hf_out_print(out, "%s%c", p == c->arguments ? " " : "", *p == '|' ? ' ' : *p);
	option_names(c->groups, out);
	option_names(hf_global_groups, out);
	hf_out_print(out, "' more=%s ;;\n",
		     c->subcommands && !c->run			    ? "words"
		     : c->arguments && strstr(c->arguments, "NAME") ? "id"
								    : "file");
}

static void each_command(const struct hf_command *const *commands, struct hf_out *out,
			 void (*write)(const struct hf_command *c, struct hf_out *out))
{
	for (; commands && *commands; commands++) {
		write(*commands, out);
		each_command((*commands)->subcommands, out,
			     write); /* one level: subcommands have none */
	}
}

static void bash_values_of(const struct hf_command *c, struct hf_out *out)
{
	HF_AUTO(cstr) quoted_name = hf_str_printf("'%s'", c->name);

	bash_values(quoted_name ? quoted_name : c->name, c->groups, out);
}

static const char bash_head[] =
    "# bash completion for handfast; made from its option tables\n"
    "_handfast() {\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "\tlocal command= home=${HANDFAST_HOME:-$HOME/.handfast} words= kind= more= subs= i\n"
    "\t# \"--option=value\" comes as three words\n"
    "\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tcase ${COMP_WORDS[i]} in\n"
    "\t\t--home) ((i++)); [[ ${COMP_WORDS[i]} == = ]] && ((i++)); home=${COMP_WORDS[i]} ;;\n"
    "\t\t-*) ;;\n"
    "\t\t*)\tif [[ -z $command ]]; then\n"
    "\t\t\t\tcommand=${COMP_WORDS[i]}\n"
    "\t\t\t\tcase $command in\n";
static const char bash_middle[] =
    "\t\t\t\t*) break ;;\n"
    "\t\t\t\tesac\n"
    "\t\t\telse\n"
    "\t\t\t\t[[ \" $subs \" == *\" ${COMP_WORDS[i]} \"* ]] && command+=\" ${COMP_WORDS[i]}\"\n"
    "\t\t\t\tbreak\n"
    "\t\t\tfi ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\tcase $command:$prev in\n";
static const char bash_tail[] =
    "\tesac\n"
    "\t[[ -n $kind ]] || { [[ $cur == -* || -z $command ]] && kind=words || kind=$more; }\n"
    "\tcase $kind in\n"
    "\twords) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
    "\tdir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "\tid)\tmapfile -t COMPREPLY < <(cd \"$home/id\" 2>/dev/null && compgen -d -- \"$cur\")\n"
    "\t\t[[ -n $prev && $prev == --* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "\tesac\n"
    "\t# words that the table lists for this place come first: \"crl show\", \"completion bash\"\n"
    "\tif [[ $kind == \"$more\" && $kind != words && $prev != --* ]]; then\n"
    "\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W \"${words%% --*}\" -- \"$cur\")\n"
    "\tfi\n"
    "}\n"
    "complete -o filenames -F _handfast handfast\n";

static void bash(const struct hf_command *const *commands, struct hf_out *out)
{
	hf_out_print(out, "%s", bash_head);
	for (const struct hf_command *const *c = commands; *c; c++) {
		if (!(*c)->subcommands)
			continue;
		hf_out_print(out, "\t\t\t\t%s) subs='", (*c)->name);
		subcommand_names(*c, out);
		hf_out_print(out, "' ;;\n");
	}
	hf_out_print(out, "%s", bash_middle);
	each_command(commands, out, bash_values_of);
	bash_values("*", hf_global_groups, out);
	hf_out_print(out, "\tesac\n\t[[ -n $kind ]] || case $command in\n\t'') words='");
	command_names(commands, out);
	option_names(hf_global_groups, out);
	hf_out_print(out, "' ;;\n");
	each_command(commands, out, bash_words);
	hf_out_print(out, "%s", bash_tail);
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
		word_list(o, out);
		hf_out_print(out, ")");
	} else if (o->kind != HF_OPT_FLAG) {
		hf_out_print(out, ":value:%s",
			     strcmp(kind_of(o->arg), "none") == 0 ? "" : "_files");
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

static const char zsh_head[] = "#compdef handfast\n"
			       "# zsh completion for handfast; made from its option tables\n"
			       "_handfast() {\n"
			       "\tlocal -a commands subs\n"
			       "\tlocal command\n"
			       "\tlocal -i at=2\n"
			       "\t# global options may stand before the command\n"
			       "\twhile (( at < CURRENT )) && [[ $words[at] == -* ]]; do\n"
			       "\t\t[[ $words[at] == --home ]] && (( at++ ))\n"
			       "\t\t(( at++ ))\n"
			       "\tdone\n"
			       "\tcommands=(\n";
static const char zsh_middle[] = "\t)\n"
				 "\tif (( CURRENT == at )) && [[ $words[at] != -* ]]; then\n"
				 "\t\t_describe command commands\n"
				 "\t\treturn\n"
				 "\tfi\n"
				 "\tif (( CURRENT > at )); then\n"
				 "\t\tcommand=$words[at]\n"
				 "\t\tshift $(( at - 1 )) words\n"
				 "\t\t(( CURRENT -= at - 1 ))\n"
				 "\tfi\n"
				 "\tcase $command in\n";
static const char zsh_tail[] = "\tesac\n"
			       "\tif (( CURRENT > 2 )) && [[ -n ${(M)subs:#$words[2]} ]]; then\n"
			       "\t\tcommand+=\" $words[2]\"\n"
			       "\t\tshift words\n"
			       "\t\t(( CURRENT-- ))\n"
			       "\tfi\n"
			       "\tcase $command in\n";

static void zsh_command(const struct hf_command *c, struct hf_out *out)
{
	hf_out_print(out, "\t'%s')\n\t\t_arguments \\\n", c->name);
	zsh_options(c->groups, out);
	zsh_options(hf_global_groups, out);
	if (c->subcommands && !c->run)
		hf_out_print(out, "\t\t\t\"1:subcommand:($subs)\" ;;\n");
	else
		hf_out_print(out, "\t\t\t'*:file:_files' ;;\n");
}

static void zsh(const struct hf_command *const *commands, struct hf_out *out)
{
	hf_out_print(out, "%s", zsh_head);
	for (const struct hf_command *const *c = commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		hf_out_print(out, "\t\t'%s:", (*c)->name);
		quoted(out, (*c)->summary, '\'');
		hf_out_print(out, "'\n");
	}
	hf_out_print(out, "%s", zsh_middle);
	for (const struct hf_command *const *c = commands; *c; c++) {
		if (!(*c)->subcommands)
			continue;
		hf_out_print(out, "\t%s) subs=(", (*c)->name);
		subcommand_names(*c, out);
		hf_out_print(out, " ) ;;\n");
	}
	hf_out_print(out, "%s\t'')\n\t\t_arguments \\\n", zsh_tail);
	zsh_options(hf_global_groups, out);
	hf_out_print(out, "\t\t\t'*:file:_files' ;;\n");
	each_command(commands, out, zsh_command);
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
		word_list(o, out);
		hf_out_print(out, "'");
	} else if (o->kind != HF_OPT_FLAG) {
		hf_out_print(out, " -r");
	}
	hf_out_print(out, " -d \"");
	for (const char *p = o->help; *p; p++)
		hf_out_print(out, strchr("\"$\\", *p) ? "\\%c" : "%c", *p);
	hf_out_print(out, "\"\n");
}

static void fish_options(const char *command, const struct hf_option_group *groups,
			 struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		for (const struct hf_option *o = groups->options; o->name; o++)
			fish_option(command, o, out);
	}
}

/* The words of a subcommand, and the options of each once it is there. */
static void fish_subcommands(const struct hf_command *c, struct hf_out *out)
{
	if (!c->subcommands)
		return;
	hf_out_print(out, "complete -c handfast -n '__fish_seen_subcommand_from %s' -a '", c->name);
	subcommand_names(c, out);
	hf_out_print(out, "'\n");
	for (const struct hf_command *const *s = c->subcommands; *s; s++) {
		HF_AUTO(cstr)
		seen = hf_str_printf("%s; and __fish_seen_subcommand_from %s", c->name,
				     strrchr((*s)->name, ' ') + 1);

		if (seen)
			fish_options(seen, (*s)->groups, out);
	}
}

static void fish(const struct hf_command *const *commands, struct hf_out *out)
{
	hf_out_print(out, "# fish completion for handfast; made from its option tables\n");
	for (const struct hf_command *const *c = commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		hf_out_print(out, "# %s:", (*c)->name);
		option_names((*c)->groups, out);
		hf_out_print(out, "\n");
		hf_out_print(out, "complete -c handfast -n __fish_use_subcommand -a %s -d '",
			     (*c)->name);
		quoted(out, (*c)->summary, '\'');
		hf_out_print(out, "'\n");
		fish_subcommands(*c, out);
		fish_options((*c)->name, (*c)->groups, out);
	}
	fish_options(NULL, hf_global_groups, out);
}

bool hf_help_completion(const struct hf_command *const *commands, const char *shell,
			struct hf_out *out)
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
