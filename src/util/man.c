/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages from the tables, as mdoc(7).  Must escape whatever roff would take for a command. */
#include <string.h>

#include "util/help.h"

/* The date of the contract, not of the build: builds are reproducible. */
#define PAGE_DATE "November 21, 2026"

static void mdoc(struct hf_out *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			hf_out_print(out, "\\e");
		else if (*text == '-')
			hf_out_print(out, "\\-");
		else
			hf_out_print(out, "%c", *text);
	}
}

/* Text as lines of its own: no line may begin with '.' or '\'', and a sentence starts a line. */
static void mdoc_text(struct hf_out *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (text[0] == '\n' && text[1] == '\n') {
			hf_out_print(out, "\n.Pp\n");
			text++;
			start = true;
			continue;
		}
		if (start && (*text == '.' || *text == '\''))
			hf_out_print(out, "\\&");
		start = false;
		if (*text == '\n' || (text[0] == '.' && text[1] == ' ')) {
			hf_out_print(out, *text == '.' ? ".\n" : "\n");
			text += *text == '.';
			start = true;
		} else if (*text == '\\') {
			hf_out_print(out, "\\e");
		} else {
			hf_out_print(out, "%c", *text);
		}
	}
	hf_out_print(out, "\n");
}

static void capital_sentence(struct hf_out *out, const char *text)
{
	char first = text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0];

	hf_out_print(out, "%c", first);
	mdoc_text(out, text + 1);
}

static void man_option(const struct hf_option *o, struct hf_out *out)
{
	hf_out_print(out, ".It ");
	if (o->letter)
		hf_out_print(out, "Fl %c , ", o->letter);
	hf_out_print(out, "Fl \\-%s", o->name);
	if (o->kind != HF_OPT_FLAG)
		hf_out_print(out, " Ar %s", o->arg ? o->arg : "word");
	hf_out_print(out, "\n");
	capital_sentence(out, o->help);
	if (o->words) {
		hf_out_print(out, "One of\n");
		for (int i = 0; o->words[i]; i++)
			hf_out_print(out, ".Cm %s%s\n", o->words[i], o->words[i + 1] ? " ," : " .");
	}
	if (o->kind == HF_OPT_LIST)
		hf_out_print(out, "May be given more than once.\n");
	if (o->initial)
		hf_out_print(out, "The default is\n.Cm %s .\n", o->initial);
}

static void man_groups(const struct hf_option_group *groups, struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		hf_out_print(out, ".Ss %s\n.Bl -tag -width Ds\n", groups->title);
		for (const struct hf_option *o = groups->options; o->name; o++) {
			if (!o->hidden)
				man_option(o, out);
		}
		hf_out_print(out, ".El\n");
	}
}

static void man_head(const char *name, const char *title, const char *summary, struct hf_out *out)
{
	hf_out_print(out, ".Dd " PAGE_DATE "\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", title, name);
	mdoc(out, summary);
	hf_out_print(out, "\n");
}

static void man_examples(const struct hf_command *command, struct hf_out *out)
{
	if (!command->examples)
		return;
	hf_out_print(out, ".Sh EXAMPLES\n");
	for (const struct hf_example *e = command->examples; e->line; e++) {
		capital_sentence(out, e->does);
		hf_out_print(out, ".Dl ");
		mdoc(out, e->line);
		hf_out_print(out, "\n%s", e[1].line ? ".Pp\n" : "");
	}
}

static void upper(const char *s, char *out, size_t cap)
{
	size_t i = 0;

	for (; s[i] && i + 1 < cap; i++)
		out[i] = s[i] == ' ' ? '-' : s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 'a' + 'A') : s[i];
	out[i] = '\0';
}

static void man_synopsis(const struct hf_command *c, struct hf_out *out)
{
	hf_out_print(out, ".Nm handfast %s\n", c->name);
	if (c->groups)
		hf_out_print(out, ".Op Ar options\n");
	if (c->arguments) {
		hf_out_print(out, ".Ar ");
		mdoc(out, c->arguments);
		hf_out_print(out, "\n");
	}
}

static void man_subcommands(const struct hf_command *command, struct hf_out *out)
{
	if (!command->subcommands)
		return;
	hf_out_print(out, ".Pp\nThe subcommands are:\n.Bl -tag -width Ds\n");
	for (const struct hf_command *const *c = command->subcommands; *c; c++) {
		hf_out_print(out, ".It Cm %s", (*c)->name);
		if ((*c)->arguments) {
			hf_out_print(out, " Ar ");
			mdoc(out, (*c)->arguments);
		}
		hf_out_print(out, "\n");
		capital_sentence(out, (*c)->description ? (*c)->description : (*c)->summary);
		for (const struct hf_option_group *g = (*c)->groups; g && g->options; g++) {
			hf_out_print(out, ".Bl -tag -width Ds\n");
			for (const struct hf_option *o = g->options; o->name; o++)
				man_option(o, out);
			hf_out_print(out, ".El\n");
		}
	}
	hf_out_print(out, ".El\n");
}

static void man_command(const struct hf_command *c, struct hf_out *out)
{
	char title[64], name[64];

	(void)snprintf(name, sizeof(name), "handfast %s", c->name);
	upper(name, title, sizeof(title));
	(void)snprintf(name, sizeof(name), "handfast-%s", c->name);
	man_head(name, title, c->summary, out);
	hf_out_print(out, ".Sh SYNOPSIS\n");
	man_synopsis(c, out);
	hf_out_print(out, ".Sh DESCRIPTION\n");
	capital_sentence(out, c->description ? c->description : c->summary);
	man_subcommands(c, out);
	if (c->groups)
		man_groups(c->groups, out);
	hf_out_print(out, ".Pp\nGlobal options are described in\n.Xr handfast 1 .\n.Sh EXIT STATUS\n");
	capital_sentence(out, c->exits ? c->exits : "0 done, 2 usage mistake, 3 it could not be done.");
	man_examples(c, out);
	hf_out_print(out, ".Sh SEE ALSO\n.Xr handfast 1\n");
}

static void man_overview(const struct hf_command *const *commands, struct hf_out *out)
{
	man_head("handfast", "HANDFAST", "mutual TLS from end to end", out);
	hf_out_print(out, ".Sh SYNOPSIS\n.Nm\n.Op Ar global options\n.Ar command\n.Op Ar options\n"
			  ".Op Ar arguments\n.Sh DESCRIPTION\n.Nm\nmakes identities with a private certificate "
			  "authority, serves and calls with mutual TLS,\njudges certificates and explains each "
			  "refusal.\nThe commands, each with a page of its own, are:\n.Bl -tag -width Ds\n");
	for (; *commands; commands++) {
		if ((*commands)->hidden)
			continue;
		hf_out_print(out, ".It Xr handfast-%s 1\n", (*commands)->name);
		capital_sentence(out, (*commands)->summary);
	}
	hf_out_print(out, ".El\n");
	man_groups(hf_global_groups, out);
	hf_out_print(out, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
			  ".It Ev HANDFAST_HOME\nThe home, unless\n.Fl \\-home\nis given.\n"
			  ".It Ev HANDFAST_PASSPHRASE\nThe passphrase of encrypted keys, unless a file is given.\n"
			  ".It Ev NO_COLOR\nNo colours when set to anything.\n.El\n"
			  ".Sh FILES\n.Bl -tag -width Ds\n"
			  ".It Pa ca/\nThe authority: root, issuing CA, lists, ledger.\n"
			  ".It Pa id/NAME/\nAn identity: cert.pem, key.pem, ca.pem.\n"
			  ".It Pa trust/NAME.pem\nAnchors of other parties; own.pem is the own root.\n.El\n"
			  ".Sh EXIT STATUS\n0 yes or done, 1 no, 2 usage mistake, 3 failure.\n");
}

void hf_help_man(const struct hf_command *const *commands, const struct hf_command *command,
		 struct hf_out *out)
{
	if (command)
		man_command(command, out);
	else
		man_overview(commands, out);
}
