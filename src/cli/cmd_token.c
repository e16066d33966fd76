/* SPDX-License-Identifier: Apache-2.0 */
/* handfast token: a one-time permission to enrol.  Must never write a secret anywhere but stdout.
 */
#include <jansson.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/operate.h"
#include "util/home.h"

struct token_opts {
	struct hf_strv san;
	const char *subject, *url, *passphrase_file;
	int64_t ttl, lifetime;
	int profile;
	struct hf_operate_opts operate;
};

static const char *const profile_words[] = { "client", "server", "peer", NULL };

static const struct hf_option options[] = {
	{ .name = "profile",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct token_opts, profile),
	  .arg = "PROFILE",
	  .words = profile_words,
	  .initial = "client",
	  .help = "what the certificate is for" },
	{ .name = "san",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct token_opts, san),
	  .arg = "LIST",
	  .help = "more names: dns:a.abc.com,ip:10.0.0.1,uri:spiffe://abc/mail,email:ops@abc.com" },
	{ .name = "subject",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct token_opts, subject),
	  .arg = "/O=…/CN=…",
	  .help = "the whole subject, in OpenSSL's -subj syntax (default: /CN=NAME)" },
	{ .name = "ttl",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct token_opts, ttl),
	  .arg = "TIME",
	  .unit = 60,
	  .min = 1,
	  .max = INT64_C(90) * HF_DAY_SECONDS,
	  .initial = "1h",
	  .help = "how long the token may be used: 15m, 1h, 2d; a bare number is minutes" },
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct token_opts, lifetime),
	  .arg = "DAYS",
	  .unit = HF_DAY_SECONDS,
	  .min = 60,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help = "how long the certificate is valid; 12h is fine too (default: 30)" },
	{ .name = "url",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct token_opts, url),
	  .arg = "URL",
	  .help = "where the authority listens, for the command that is shown" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct token_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ "Elsewhere", hf_operate_options, offsetof(struct token_opts, operate) },
	{ NULL, NULL, 0 },
};

/* The --san lists in one, as the ledger keeps them. */
static int join(const struct hf_strv *lists, struct hf_buf *out)
{
	for (size_t i = 0; i < lists->len; i++)
		(void)hf_buf_printf(out, "%s%s", i ? "," : "", lists->items[i]);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}

static json_t *wish_of(const struct token_opts *o, const char *name)
{
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(HF_CLI_PEM_CAP);
	json_t *wish = NULL;

	if (join(&o->san, &sans) == 0)
		wish = json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", name, "profile",
				 profile_words[o->profile], "subject", o->subject ? o->subject : "",
				 "sans", hf_buf_str(&sans), "ttl", (json_int_t)o->ttl);
	if (wish && o->lifetime)
		(void)json_object_set_new(wish, "lifetime", json_integer(o->lifetime));
	return wish;
}

static void tell(struct hf_cmd_ctx *ctx, const char *name, const json_t *result)
{
	const struct token_opts *o = ctx->opts;
	const char *url = o->url ? o->url : o->operate.at;
	size_t i;
	json_t *note;

	json_array_foreach(json_object_get(result, "notes"), i, note)
	{
		if (json_is_string(note))
			hf_out_note(&ctx->out, "%s: %s", name, json_string_value(note));
	}
	if (ctx->out.json_mode)
		return;
	hf_out_safe(&ctx->out, hf_cli_field(result, "token"));
	hf_out_print(&ctx->out, "\n");
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out,
		    "good for one certificate, until %s; on the other machine: handfast enroll %s "
		    "--token TOKEN --as %s",
		    hf_cli_field(result, "until"), url ? url : "https://THIS-HOST:PORT", name);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct token_opts *o = ctx->opts;
	const char *name = ctx->args->items[0];
	struct hf_passphrase from = { o->passphrase_file, false };
	json_t *result = NULL;
	int rc = hf_home_check_name(name, &ctx->err);

	if (rc == 0)
		rc = hf_cli_operate(ctx, &o->operate,
				    (struct hf_wish){ "token", wish_of(o, name), &from }, &result);
	if (rc == 0)
		tell(ctx, name, result);
	json_decref(result);
	return rc;
}

/* --- token list --- */

static int run_list(struct hf_cmd_ctx *ctx)
{
	static const char *const headings[] = {
		"TOKEN", "NAME", "PROFILE", "UNTIL", "STATE", NULL
	};
	static const char *const fields[] = { "id", "name", "profile", "until", "state", NULL };
	struct hf_passphrase from = { NULL, true };
	json_t *result = NULL;
	int rc = hf_cli_operate(ctx, ctx->opts, (struct hf_wish){ "tokens", json_object(), &from },
				&result);

	if (rc == 0)
		rc = hf_cli_rows(ctx, json_object_get(result, "tokens"), headings, fields);
	json_decref(result);
	if (rc == 0)
		hf_out_note(&ctx->out, "there are no tokens; make one with: handfast token NAME");
	return rc < 0 ? rc : HF_EXIT_YES;
}

static const struct hf_option_group operate_groups[] = {
	{ "Options", hf_operate_options, 0 },
	{ NULL, NULL, 0 },
};

static const struct hf_command cmd_token_list = {
	.name = "token list",
	.group = "Service",
	.summary = "the tokens that are open, and those that ended within a day",
	.groups = operate_groups,
	.opts_size = sizeof(struct hf_operate_opts),
	.run = run_list,
};

/* --- token revoke --- */

static int run_revoke(struct hf_cmd_ctx *ctx)
{
	const char *id = ctx->args->items[0];
	int changed = hf_cli_decide(ctx, "withdraw", id);

	if (changed < 0)
		return changed;
	if (!changed)
		hf_out_note(&ctx->out, "the token %s had ended already", id);
	else if (!ctx->out.json_mode)
		hf_out_print(&ctx->out, "withdrawn: token %s\n", id);
	return changed ? HF_EXIT_YES : HF_EXIT_NO;
}

static const struct hf_command cmd_token_revoke = {
	.name = "token revoke",
	.group = "Service",
	.arguments = "ID",
	.summary = "withdraw a token that was not used yet",
	.groups = operate_groups,
	.opts_size = sizeof(struct hf_operate_opts),
	.exits = "0 withdrawn; 1 it had been used or withdrawn before",
	.min_args = 1,
	.max_args = 1,
	.run = run_revoke,
};

static const struct hf_command *const subcommands[] = { &cmd_token_list, &cmd_token_revoke, NULL };

static const struct hf_example examples[] = {
	{ "handfast token mail-server --san dns:mail.abc.com --profile server",
	  "for a server with a name of its own" },
	{ "handfast token laptop-7 --ttl 15m", "for a client that is enrolled at once" },
	{ NULL, NULL },
};

const struct hf_command cmd_token = {
	.name = "token",
	.group = "Service",
	.arguments = "NAME",
	.summary = "make a one-time token, with which another machine enrols",
	.description =
	    "The token is good for one certificate, for exactly this name, these SANs and this profile. It "
	    "carries the SHA-256 of the root's public key, so that the other machine needs nothing else to know "
	    "whom to trust. The ledger keeps only a hash of it: it is shown once.",
	.groups = groups,
	.opts_size = sizeof(struct token_opts),
	.examples = examples,
	.exits = "0 made; 1 a rule of the authority does not allow such a certificate",
	.see_also = "authority, enroll, list",
	.subcommands = subcommands,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
