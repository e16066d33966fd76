/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages from the tables, as mdoc(7).  Must escape whatever roff would take for a command. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/help.h"

/* The date of the contract, not of the build: builds are reproducible. */
#define PAGE_DATE "November 21, 2026"

static void mdoc_char(struct hf_out *out, char c)
{
	if (c == '\\')
		hf_out_print(out, "\\e");
	else
		hf_out_print(out, "%c", c);
}

/* A word that a macro's line would take for another macro ("Ar", "No", "Brq") or for
 * punctuation. */
static bool means_something(const char *word, size_t len)
{
	bool letter = (word[0] >= 'a' && word[0] <= 'z') || (word[0] >= '0' && word[0] <= '9');

	return len > 0 && len <= 3 && !letter;
}

static void mdoc_words(struct hf_out *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (means_something(text, len))
			hf_out_print(out, "\\&");
		for (size_t i = 0; i < len; i++) {
			if (text[i] == '-')
				hf_out_print(out, "\\-");
			else if (text[i] == '"')
				hf_out_print(out, "\\(dq");
			else
				mdoc_char(out, text[i]);
		}
		text += len;
		if (*text)
			hf_out_print(out, "%c", *text++);
	}
}

/* Lines as they are, between .Bd -literal and .Ed. */
static void mdoc_literal(struct hf_out *out, const char *text)
{
	hf_out_print(out, "%s", *text == '.' || *text == '\'' ? "\\&" : "");
	for (; *text; text++) {
		mdoc_char(out, *text);
		if (text[0] == '\n' && (text[1] == '.' || text[1] == '\''))
			hf_out_print(out, "\\&");
	}
	hf_out_print(out, "\n");
}

/* A full stop, a space and a capital letter: the next sentence, which mdoc wants on a line of
 * its own. */
static bool sentence_ends(const char *text)
{
	return text[0] == '.' && text[1] == ' ' && text[2] >= 'A' && text[2] <= 'Z';
}

/* Prose: no line may begin with '.', '\'' or white space; an empty line is a new paragraph. */
static void mdoc_text(struct hf_out *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && *text == ' ')
			continue;
		if (start && (*text == '.' || *text == '\''))
			hf_out_print(out, "\\&");
		start = false;
		if (*text == '\n') {
			hf_out_print(out, text[1] == '\n' ? "\n.Pp\n" : "\n");
			text += strspn(text, "\n") - 1;
			start = true;
		} else if (sentence_ends(text)) {
			hf_out_print(out, ".\n");
			start = true;
		} else {
			mdoc_char(out, *text);
		}
	}
	hf_out_print(out, "\n");
}

/* A sentence from words that may lack its capital letter and full stop. */
static void mdoc_sentence(struct hf_out *out, const char *text)
{
	size_t len = strlen(text);
	bool ends = len > 0 && strchr(".:!?", text[len - 1]);
	HF_AUTO(cstr) sentence = hf_str_printf("%s%s", text, ends ? "" : ".");

	if (!sentence)
		return;
	if (sentence[0] >= 'a' && sentence[0] <= 'z')
		sentence[0] = (char)(sentence[0] - 'a' + 'A');
	mdoc_text(out, sentence);
}

static void man_words(const struct hf_option *o, struct hf_out *out)
{
	hf_out_print(out, "One of\n");
	for (int i = 0; o->words[i]; i++) {
		hf_out_print(out, ".Cm ");
		mdoc_words(out, o->words[i]);
		hf_out_print(out, "%s\n", o->words[i + 1] ? " ," : " .");
	}
}

/* What an option's argument may be, the same on a command line and in a file. */
static void man_values(const struct hf_option *o, struct hf_out *out)
{
	mdoc_sentence(out, o->help);
	if (o->words)
		man_words(o, out);
	if (o->kind == HF_OPT_INT && o->max != 0)
		hf_out_print(out, "From %" PRId64 " to %" PRId64 ".\n", o->min, o->max);
	if (o->initial) {
		hf_out_print(out, "The default is\n.Cm ");
		mdoc_words(out, o->initial);
		hf_out_print(out, " .\n");
	}
}

static void man_option(const struct hf_option *o, struct hf_out *out)
{
	hf_out_print(out, ".It ");
	if (o->letter)
		hf_out_print(out, "Fl %c , ", o->letter);
	hf_out_print(out, "Fl \\-");
	mdoc_words(out, o->name);
	if (o->kind != HF_OPT_FLAG) {
		hf_out_print(out, " Ar ");
		mdoc_words(out, o->arg ? o->arg : "word");
	}
	hf_out_print(out, "\n");
	man_values(o, out);
	if (o->kind == HF_OPT_LIST)
		hf_out_print(out, "May be given more than once.\n");
}

static void man_options(const struct hf_option_group *group, struct hf_out *out)
{
	hf_out_print(out, ".Bl -tag -width Ds\n");
	for (const struct hf_option *o = group->options; o->name; o++) {
		if (!o->hidden)
			man_option(o, out);
	}
	hf_out_print(out, ".El\n");
}

static void man_groups(const struct hf_option_group *groups, struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		hf_out_print(out, ".Ss ");
		mdoc_words(out, groups->title);
		hf_out_print(out, "\n");
		man_options(groups, out);
	}
}

static void man_head(const char *name, const char *title, const char *summary, struct hf_out *out)
{
	hf_out_print(out, ".Dd " PAGE_DATE "\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", title, name);
	mdoc_words(out, summary);
	hf_out_print(out, "\n");
}

static void man_examples(const struct hf_command *command, struct hf_out *out)
{
	if (!command->examples)
		return;
	hf_out_print(out, ".Sh EXAMPLES\n");
	for (const struct hf_example *e = command->examples; e->line; e++) {
		mdoc_sentence(out, e->does);
		hf_out_print(out, ".Bd -literal -offset indent\n");
		mdoc_literal(out, e->line);
		hf_out_print(out, ".Ed\n%s", e[1].line ? ".Pp\n" : "");
	}
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x + strspn(*x, " "), *y + strspn(*y, " "));
}

/* "verify, issue" as references in the order of the alphabet, after handfast(1). */
static void man_see_also(const struct hf_command *command, struct hf_out *out)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;

	hf_out_print(out, ".Sh SEE ALSO\n.Xr handfast 1");
	if (command->see_also && hf_strv_split(&names, command->see_also, ',') == 0)
		qsort(names.items, names.len, sizeof(names.items[0]), by_name);
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i] + strspn(names.items[i], " ");

		hf_out_print(out, " ,\n.Xr handfast-%.*s 1", (int)strcspn(name, " "), name);
	}
	hf_out_print(out, "\n");
}

static void upper(const char *s, char *out, size_t cap)
{
	size_t i = 0;

	for (; s[i] && i + 1 < cap; i++)
		out[i] = s[i] == ' '		      ? '-'
			 : s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 'a' + 'A')
						      : s[i];
	out[i] = '\0';
}

static void man_synopsis(const struct hf_command *c, struct hf_out *out)
{
	hf_out_print(out, ".Nm handfast %s\n", c->name);
	if (c->groups)
		hf_out_print(out, ".Op Ar options\n");
	if (c->arguments) {
		hf_out_print(out, ".Ar ");
		mdoc_words(out, c->arguments);
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
			mdoc_words(out, (*c)->arguments);
		}
		hf_out_print(out, "\n");
		mdoc_sentence(out, (*c)->description ? (*c)->description : (*c)->summary);
		for (const struct hf_option_group *g = (*c)->groups; g && g->options; g++)
			man_options(g, out);
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
	mdoc_sentence(out, c->description ? c->description : c->summary);
	man_subcommands(c, out);
	if (c->groups)
		man_groups(c->groups, out);
	hf_out_print(out,
		     ".Pp\nGlobal options are described in\n.Xr handfast 1 .\n.Sh EXIT STATUS\n");
	mdoc_sentence(out, c->exits ? c->exits : HF_HELP_USUAL_EXITS);
	man_examples(c, out);
	man_see_also(c, out);
}

/* Every code with its sentence: the story is for `handfast explain`. */
static void man_errors(struct hf_out *out)
{
	hf_out_print(out, ".Sh DIAGNOSTICS\nThe first line of an error message ends with a code in "
			  "brackets.\nThe place follows, the line of the file or the word of the "
			  "command line,\nwith carets below what is wrong, and after\n.Qq help:\n"
			  "the next step.\nWith\n.Fl \\-json\nstandard output has an object\n"
			  ".Qq error\nwith\n.Qq code ,\n.Qq kind ,\n.Qq message ,\n.Qq place\nand\n"
			  ".Qq hint .\n.Nm handfast explain\n.Ar CODE\ntells the long story.\n"
			  ".Bl -tag -width Ds\n");
	for (int i = HF_MISTAKE_NONE + 1; i < HF_MISTAKE_END; i++) {
		const struct hf_mistake_info *info = hf_mistake_info((enum hf_mistake)i);

		hf_out_print(out, ".It Er %s\n", info->id);
		mdoc_sentence(out, info->sentence);
	}
	hf_out_print(out, ".El\n");
}

static void man_overview(const struct hf_command *const *commands, struct hf_out *out)
{
	man_head("handfast", "HANDFAST", "mutual TLS from end to end", out);
	hf_out_print(
	    out,
	    ".Sh SYNOPSIS\n.Nm\n.Op Ar global options\n.Ar command\n.Op Ar options\n"
	    ".Op Ar arguments\n.Sh DESCRIPTION\n.Nm\nmakes identities with a private certificate "
	    "authority, serves and calls with mutual TLS,\njudges certificates and explains each "
	    "refusal.\nThe commands, each with a page of its own, are:\n.Bl -tag -width Ds\n");
	for (; *commands; commands++) {
		if ((*commands)->hidden)
			continue;
		hf_out_print(out, ".It Xr handfast-%s 1\n", (*commands)->name);
		mdoc_sentence(out, (*commands)->summary);
	}
	hf_out_print(out, ".El\n");
	man_groups(hf_global_groups, out);
	hf_out_print(
	    out,
	    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
	    ".It Ev HANDFAST_HOME\nThe home, unless\n.Fl \\-home\nis given.\n"
	    ".It Ev HANDFAST_PASSPHRASE\nThe passphrase of encrypted keys, unless a file is given.\n"
	    ".It Ev NO_COLOR\nNo colours when set to anything.\n.El\n"
	    ".Sh FILES\n.Bl -tag -width Ds\n"
	    ".It Pa ca/\nThe authority: root, issuing CA, lists, ledger.\n"
	    ".It Pa id/NAME/\nAn identity: cert.pem, key.pem, ca.pem.\n"
	    ".It Pa trust/NAME.pem\nAnchors of other parties; own.pem is the own root.\n.El\n"
	    ".Sh EXIT STATUS\n0 yes or done, 1 no, 2 usage mistake, 3 failure.\n");
	man_errors(out);
}

void hf_help_man(const struct hf_command *const *commands, const struct hf_command *command,
		 struct hf_out *out)
{
	if (command)
		man_command(command, out);
	else
		man_overview(commands, out);
}

/* --- configuration files --- */

static void man_key(const struct hf_option *o, struct hf_out *out)
{
	hf_out_print(out, ".It Ic ");
	mdoc_words(out, o->name);
	hf_out_print(out, ": Ar ");
	mdoc_words(out, o->kind == HF_OPT_FLAG ? "yes|no" : o->arg ? o->arg : "word");
	hf_out_print(out, "\n");
	man_values(o, out);
	if (o->kind == HF_OPT_LIST)
		hf_out_print(out, "One, or a list.\n");
}

static bool skipped(const struct hf_man_file *file, const char *name)
{
	for (size_t i = 0; file->skip[i]; i++)
		if (strcmp(file->skip[i], name) == 0)
			return true;
	return false;
}

static void man_keys(const struct hf_man_file *file, const struct hf_option_group *group,
		     struct hf_out *out)
{
	hf_out_print(out, ".Ss ");
	mdoc_words(out, group->title);
	hf_out_print(out, "\n.Bl -tag -width Ds\n");
	for (const struct hf_option *o = group->options; o->name; o++)
		if (!skipped(file, o->name))
			man_key(o, out);
	hf_out_print(out, ".El\n");
}

void hf_help_man_file(const struct hf_man_file *file, struct hf_out *out)
{
	const struct hf_command pages = { .see_also = file->see_also };
	char title[64];

	upper(file->name, title, sizeof(title));
	hf_out_print(out, ".Dd " PAGE_DATE "\n.Dt %s 5\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", title,
		     file->name);
	mdoc_words(out, file->summary);
	hf_out_print(out, "\n.Sh DESCRIPTION\n");
	mdoc_text(out, file->description);
	for (const struct hf_option_group *g = file->groups; g->options; g++)
		man_keys(file, g, out);
	for (const struct hf_option_group *g = file->more; g->options; g++)
		man_keys(file, g, out);
	hf_out_print(out, ".Sh EXAMPLES\n.Bd -literal -offset indent\n");
	mdoc_literal(out, file->example);
	hf_out_print(out, ".Ed\n");
	man_see_also(&pages, out);
}
