/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of init.  Must never ask what no option can answer. */
#include "cli/init_ask.h"

#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/ca_common.h"
#include "cli/prompt.h"

enum { LINE_CAP = 8192 };

void hf_init_answers_done(struct hf_init_answers *a)
{
	hf_strv_done(&a->permit_list);
}

static int ask_days(struct hf_cmd_ctx *ctx, const char *question, int64_t *days)
{
	char initial[32], answer[32];

	(void)snprintf(initial, sizeof(initial), "%lld", (long long)(*days / HF_DAY_SECONDS));
	for (;;) {
		int rc = hf_prompt_line(question, initial, answer, sizeof(answer), &ctx->err);
		int64_t seconds = 0;

		if (rc < 0)
			return rc;
		if (hf_duration_parse(answer, HF_DAY_SECONDS, &seconds) &&
		    seconds >= HF_DAY_SECONDS && seconds <= INT64_C(36500) * HF_DAY_SECONDS) {
			*days = seconds;
			return 0;
		}
		hf_out_note(&ctx->out, "a number of days, or 10y, up to 100 years");
	}
}

/* here, away, elsewhere: --offline-root and --root-out say the same. */
static int ask_root(struct hf_cmd_ctx *ctx, struct hf_init_answers *a)
{
	static const char *const words[] = { "here", "away", "elsewhere", NULL };
	int word = a->opts.root_out ? 1 : a->opts.offline_root ? 2 : 0;
	int rc = hf_prompt_word(
	    "The root's key (here: in this home; away: made here and put elsewhere, such as on a "
	    "stick; elsewhere: the root is on another machine)",
	    words, word, &word, &ctx->err);

	if (rc < 0)
		return rc;
	a->opts.offline_root = word != 0;
	if (word != 1) {
		a->opts.root_out = NULL;
		return 0;
	}
	do
		rc = hf_prompt_line("Where to put it, a directory",
				    a->opts.root_out ? a->opts.root_out : "", a->root_out,
				    sizeof(a->root_out), &ctx->err);
	while (rc == 0 && !a->root_out[0]);
	a->opts.root_out = a->root_out;
	return rc;
}

/* Until it can be read: --permit would refuse it too, but after all the questions. */
static int ask_permit(struct hf_cmd_ctx *ctx, struct hf_init_answers *a)
{
	for (;;) {
		HF_AUTO_DONE(hf_strv) list = HF_STRV_INIT;
		HF_AUTO(NAME_CONSTRAINTS) nc = NULL;
		int rc = hf_prompt_line(
		    "Certify such names only (dns:abc.com,ip:10.0.0.0/8), or leave empty for any",
		    a->opts.permit.len ? a->opts.permit.items[0] : "", a->permit, sizeof(a->permit),
		    &ctx->err);

		if (rc < 0 || !a->permit[0]) {
			a->opts.permit = (struct hf_strv)HF_STRV_INIT;
			return rc;
		}
		if (hf_strv_add(&list, a->permit) < 0)
			return hf_err_nomem(&ctx->err);
		if (hf_cli_permit(ctx, &list, &nc) == 0) {
			a->permit_list = list;
			list = (struct hf_strv)HF_STRV_INIT;
			a->opts.permit = a->permit_list; /* borrowed: done once, here */
			return 0;
		}
		hf_out_note(&ctx->out, "%s", ctx->err.msg);
		hf_err_clear(&ctx->err);
	}
}

static int ask_passphrase(struct hf_cmd_ctx *ctx, struct hf_init_answers *a)
{
	if (a->opts.passphrase_file)
		return 0;
	return hf_prompt_yes("Encrypt the CA's keys with a passphrase?", false, &a->encrypt,
			     &ctx->err);
}

static int ask_all(struct hf_cmd_ctx *ctx, struct hf_init_answers *a)
{
	int rc = hf_prompt_line("Name of the authority", "Handfast", a->name, sizeof(a->name),
				&ctx->err);

	if (rc == 0 && !a->name[0])
		(void)hf_str_copy(a->name, sizeof(a->name), "Handfast");
	if (rc == 0)
		rc = hf_prompt_word("Kind of the CA's keys", hf_cli_key_words, a->opts.key_type,
				    &a->opts.key_type, &ctx->err);
	if (rc == 0)
		rc = ask_root(ctx, a);
	if (rc == 0 && (!a->opts.offline_root || a->opts.root_out)) {
		rc = ask_days(ctx, "The root is valid for, in days", &a->opts.days);
		if (rc == 0)
			rc = ask_days(ctx, "The issuing CA is valid for, in days",
				      &a->opts.issuing_days);
		if (rc == 0)
			rc = ask_permit(ctx, a);
	}
	return rc < 0 ? rc : ask_passphrase(ctx, a);
}

/* --- the same as a command line --- */

static void put_word(struct hf_buf *line, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./:,=@%+";

	if (*word && strspn(word, plain) == strlen(word)) {
		(void)hf_buf_printf(line, " %s", word);
		return;
	}
	(void)hf_buf_append(line, " '", 2);
	for (; *word; word++) {
		if (*word == '\'')
			(void)hf_buf_append(line, "'\"'\"'",
					    5); /* no backslash: messages double it */
		else
			(void)hf_buf_append(line, word, 1);
	}
	(void)hf_buf_append(line, "'", 1);
}

static void put_option(struct hf_buf *line, const char *option, const char *value)
{
	(void)hf_buf_printf(line, " %s", option);
	if (value)
		put_word(line, value);
}

static void put_days(struct hf_buf *line, const char *option, int64_t seconds, int64_t usual)
{
	char text[32];

	if (seconds == usual * HF_DAY_SECONDS)
		return;
	(void)snprintf(text, sizeof(text), "%llds", (long long)seconds);
	if (seconds % HF_DAY_SECONDS == 0)
		(void)snprintf(text, sizeof(text), "%lld", (long long)(seconds / HF_DAY_SECONDS));
	put_option(line, option, text);
}

static void put_line(struct hf_buf *line, const struct hf_init_answers *a)
{
	const struct hf_init_opts *o = &a->opts;

	(void)hf_buf_printf(line, "handfast init");
	put_word(line, a->name);
	if (o->key_type != 0)
		put_option(line, "--key-type", hf_cli_key_words[o->key_type]);
	put_days(line, "--days", o->days, 3650);
	put_days(line, "--issuing-days", o->issuing_days, 1825);
	for (size_t i = 0; i < o->permit.len; i++)
		put_option(line, "--permit", o->permit.items[i]);
	if (o->offline_root)
		put_option(line, "--offline-root", NULL);
	if (o->root_out)
		put_option(line, "--root-out", o->root_out);
	if (o->subject)
		put_option(line, "--subject", o->subject);
	if (a->encrypt || o->passphrase_file)
		put_option(line, "--passphrase-file",
			   o->passphrase_file ? o->passphrase_file : "FILE");
	if (o->force)
		put_option(line, "--force", NULL);
}

int hf_init_ask(struct hf_cmd_ctx *ctx, const struct hf_init_opts *opts, struct hf_init_answers *a)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(LINE_CAP);
	bool sure = true;
	int rc;

	a->opts = *opts;
	hf_out_note(&ctx->out, "an empty answer takes what stands in brackets, '.' leaves it out");
	rc = ask_all(ctx, a);
	if (rc < 0)
		return rc;
	put_line(&line, a);
	hf_out_note(&ctx->out, "the same without questions:\n  %s", hf_buf_str(&line));
	rc = hf_prompt_yes("Make it?", true, &sure, &ctx->err);
	if (rc < 0 || sure)
		return rc;
	hf_out_note(&ctx->out, "nothing was made");
	return 1;
}
