/* SPDX-License-Identifier: Apache-2.0 */
/* --help: 80 columns, options aligned, the default of each named. */
#include "util/help.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>

#include "util/wrap.h"

enum { OPTION_COLUMN = 26, SUMMARY_COLUMN = 14 };

/* Prints text wrapped at `indent`; the cursor stands at `at`. */
static void wrap(struct hf_out *out, const char *text, size_t indent, size_t at)
{
	HF_AUTO_DONE(hf_buf) lines = HF_BUF_INIT(HF_WRAP_CAP);

	hf_wrap(&lines, text, indent, at);
	hf_out_print(out, "%s", hf_buf_str(&lines));
}

static void words_of(const struct hf_option *o, struct hf_buf *text)
{
	for (int i = 0; o->words && o->words[i]; i++)
		(void)hf_buf_printf(text, "%s%s", i ? "|" : "", o->words[i]);
}

static void option_head(const struct hf_option *o, struct hf_buf *head)
{
	if (o->letter)
		(void)hf_buf_printf(head, "-%c, ", o->letter);
	(void)hf_buf_printf(head, "--%s", o->name);
	if (o->kind == HF_OPT_WORD && !o->arg) {
		(void)hf_buf_putc(head, ' ');
		words_of(o, head);
	} else if (o->kind != HF_OPT_FLAG) {
		(void)hf_buf_printf(head, " %s", o->arg ? o->arg : "VALUE");
	}
}

static void option_text(const struct hf_option *o, struct hf_buf *text)
{
	(void)hf_buf_puts(text, o->help);
	if (o->kind == HF_OPT_WORD && o->arg) {
		(void)hf_buf_puts(text, ": ");
		words_of(o, text);
	}
	if (o->kind == HF_OPT_LIST)
		(void)hf_buf_puts(text, "; may be given more than once");
	if (o->kind == HF_OPT_INT && o->max != 0)
		(void)hf_buf_printf(text, "; %" PRId64 " to %" PRId64, o->min, o->max);
	if (o->initial)
		(void)hf_buf_printf(text, " (default: %s)", o->initial);
}

static void print_option(const struct hf_option *o, struct hf_out *out)
{
	HF_AUTO_DONE(hf_buf) head = HF_BUF_INIT(1000);
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4000);
	size_t at;

	option_head(o, &head);
	option_text(o, &text);
	hf_out_print(out, "  %s", hf_buf_str(&head));
	at = hf_str_columns(hf_buf_str(&head), head.len) + 2;
	if (at + 2 > OPTION_COLUMN) {
		hf_out_print(out, "\n");
		at = 0;
	}
	hf_out_print(out, "%*s", (int)(OPTION_COLUMN - at), "");
	wrap(out, hf_buf_str(&text), OPTION_COLUMN, OPTION_COLUMN);
}

static void heading(struct hf_out *out, const char *title)
{
	hf_out_print(out, "\n%s%s%s\n", hf_out_color(out, HF_COLOR_BOLD), title,
		     hf_out_color(out, HF_COLOR_PLAIN));
}

static void print_groups(const struct hf_option_group *groups, struct hf_out *out)
{
	for (; groups && groups->options; groups++) {
		heading(out, groups->title);
		for (const struct hf_option *o = groups->options; o->name; o++) {
			if (!o->hidden)
				print_option(o, out);
		}
	}
}

static void print_subcommands(const struct hf_command *command, struct hf_out *out)
{
	if (!command->subcommands)
		return;
	heading(out, "Subcommands");
	for (const struct hf_command *const *c = command->subcommands; *c; c++) {
		hf_out_print(out, "  %s%s%s\n      ", (*c)->name, (*c)->arguments ? " " : "",
			     (*c)->arguments ? (*c)->arguments : "");
		wrap(out, (*c)->summary, 6, 6);
	}
}

static void print_examples(const struct hf_command *command, struct hf_out *out)
{
	if (!command->examples)
		return;
	heading(out, "Examples");
	for (const struct hf_example *e = command->examples; e->line; e++)
		hf_out_print(out, "  # %s\n  %s\n", e->does, e->line);
}

/* "handfast issue: make a key and its certificate" and the usage line. */
static void print_usage(const struct hf_command *c, struct hf_out *out)
{
	HF_AUTO_DONE(hf_buf) lead = HF_BUF_INIT(1000);

	(void)hf_buf_printf(&lead, "handfast %s:", c->name);
	hf_out_print(out, "%s", hf_buf_str(&lead));
	wrap(out, c->summary, 4, lead.len);
	hf_buf_clear(&lead);
	(void)hf_buf_printf(&lead, "Usage: handfast %s", c->name);
	if (c->groups)
		(void)hf_buf_puts(&lead, " [options]");
	hf_out_print(out, "\n%s", hf_buf_str(&lead));
	wrap(out, c->arguments ? c->arguments : "", 4, lead.len);
}

void hf_help_command(const struct hf_command *command, struct hf_out *out)
{
	bool json = out->json_mode;

	out->json_mode = false; /* help is for people */
	print_usage(command, out);
	if (command->description) {
		hf_out_print(out, "\n");
		wrap(out, command->description, 0, 0);
	}
	print_subcommands(command, out);
	print_groups(command->groups, out);
	print_groups(hf_global_groups, out);
	print_examples(command, out);
	hf_out_print(out, "\nExit status: ");
	wrap(out, command->exits ? command->exits : HF_HELP_USUAL_EXITS, 13, 13);
	if (command->see_also)
		hf_out_print(out, "See also: handfast help %s\n", command->see_also);
	out->json_mode = json;
}

/* Headings in the order in which they first appear. */
static bool is_first_of_group(const struct hf_command *const *commands,
			      const struct hf_command *const *at)
{
	for (; commands < at; commands++) {
		if (hf_str_eq((*commands)->group, (*at)->group))
			return false;
	}
	return true;
}

static void print_group(const struct hf_command *const *commands, const char *group,
			struct hf_out *out)
{
	heading(out, group);
	for (; *commands; commands++) {
		if ((*commands)->hidden || !hf_str_eq((*commands)->group, group))
			continue;
		hf_out_print(out, "  %-*s", SUMMARY_COLUMN - 2, (*commands)->name);
		wrap(out, (*commands)->summary, SUMMARY_COLUMN, SUMMARY_COLUMN);
	}
}

void hf_help_overview(const struct hf_command *const *commands, struct hf_out *out)
{
	bool json = out->json_mode;

	out->json_mode = false;
	hf_out_print(out, "handfast: mutual TLS from end to end\n\n"
			  "Usage: handfast [global options] COMMAND [options] [arguments]\n");
	for (const struct hf_command *const *c = commands; *c; c++) {
		if (!(*c)->hidden && is_first_of_group(commands, c))
			print_group(commands, (*c)->group, out);
	}
	print_groups(hf_global_groups, out);
	hf_out_print(
	    out, "\nA day in three commands\n"
		 "  handfast init \"ABC Inc.\"\n"
		 "  handfast issue localhost --server && handfast issue mail-server --client\n"
		 "  handfast serve --as localhost --allow cn:mail-server --respond identity \\\n"
		 "      --listen localhost:3100\n\n'handfast help COMMAND' says more.\n");
	out->json_mode = json;
}

void hf_help_version(struct hf_out *out)
{
	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_string(&out->json, "version", HF_VERSION);
		hf_json_string(&out->json, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
		hf_out_json_end(out);
	}
	hf_out_print(out, "handfast %s\n%s\n", HF_VERSION, OpenSSL_version(OPENSSL_VERSION));
}
