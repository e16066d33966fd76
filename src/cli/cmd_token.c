/* SPDX-License-Identifier: Apache-2.0 */
/* handfast token: a one-time permission to enrol.  Must never write a secret anywhere but stdout.
 */
#include "base/err.h"
#include "base/time.h"
#include "cli/ca_common.h"
#include "enroll/token.h"
#include "util/clock.h"
#include "util/home.h"

struct token_opts {
	struct hf_strv san;
	const char *subject, *url, *passphrase_file;
	int64_t until, lifetime;
	int profile;
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
	  .offset = offsetof(struct token_opts, until),
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
	{ NULL, NULL, 0 },
};

/* A token that could not be used is not made: the same checks, with a key that is thrown away. */
static int check(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *name, int64_t now)
{
	const struct token_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find(profile_words[o->profile]),
					 .lifetime = o->lifetime };
	int rc = hf_sans_from_lists(&o->san, &sans, &ctx->err);

	if (rc == 0)
		rc = hf_order_for_name(&order, name, o->subject, &sans, &ctx->err);
	if (rc == 0)
		rc = hf_key_generate(HF_KEY_P256, &order.key, &ctx->err);
	if (rc == 0)
		rc = hf_order_check(a, &order, now, &ctx->err);
	if (rc == 0)
		hf_cli_tell_notes(ctx, name, &order);
	return rc;
}

static int keep(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *name,
		const struct hf_token_text *text, int64_t now)
{
	const struct token_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(HF_CLI_PEM_CAP);
	struct hf_token token = { .id = text->id,
				  .name = name,
				  .profile = profile_words[o->profile],
				  .subject = o->subject ? o->subject : "",
				  .lifetime = o->lifetime,
				  .made_at = now,
				  .until = now + o->until };
	int rc = hf_token_secret_hash(text, token.secret_sha256, &ctx->err);

	for (size_t i = 0; i < o->san.len; i++)
		(void)hf_buf_printf(&sans, "%s%s", i ? "," : "", o->san.items[i]);
	token.sans = hf_buf_str(&sans);
	if (rc == 0 && hf_buf_failed(&sans))
		return hf_err_nomem(&ctx->err);
	return rc < 0 ? rc : hf_store_token_add(a->store, &token, &ctx->err);
}

static void tell(struct hf_cmd_ctx *ctx, const char *name, const struct hf_token_text *text,
		 int64_t until)
{
	const struct token_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_buf) token = HF_BUF_INIT(256);
	char when[HF_TIME_TEXT_CAP];

	(void)hf_token_text_format(text, &token);
	hf_time_format(until, when);
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "token", hf_buf_str(&token));
		hf_json_string(&ctx->out.json, "id", text->id);
		hf_json_string(&ctx->out.json, "name", name);
		hf_json_string(&ctx->out.json, "profile", profile_words[o->profile]);
		hf_json_time(&ctx->out.json, "until", until);
		hf_json_hex(&ctx->out.json, "root", text->root, sizeof(text->root));
		hf_out_json_end(&ctx->out);
		return;
	}
	hf_out_print(&ctx->out, "%s\n", hf_buf_str(&token));
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out,
		    "good for one certificate, until %s; on the other machine: handfast enroll %s "
		    "--token TOKEN --as %s",
		    when, o->url ? o->url : "https://THIS-HOST:PORT", name);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct token_opts *o = ctx->opts;
	const char *name = ctx->args->items[0];
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	struct hf_token_text text;
	int64_t now = hf_clock_now();
	int rc = hf_home_check_name(name, &ctx->err);

	if (rc == 0)
		rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc == 0)
		rc = check(ctx, a, name, now);
	if (rc == 0)
		rc = hf_token_text_make(a->root.cert->spki_sha256, &text, &ctx->err);
	if (rc == 0)
		rc = keep(ctx, a, name, &text, now);
	if (rc == 0)
		tell(ctx, name, &text, now + o->until);
	OPENSSL_cleanse(&text, sizeof(text));
	return rc;
}

/* --- token list --- */

struct listing {
	struct hf_cmd_ctx *ctx;
	struct hf_table table;
	int64_t now;
	size_t len;
};

static const char *state_of(const struct hf_token *t, int64_t now)
{
	static const char *const words[] = { [HF_TOKEN_OPEN] = "open",
					     [HF_TOKEN_SPENT] = "spent",
					     [HF_TOKEN_WITHDRAWN] = "withdrawn" };

	return t->state == HF_TOKEN_OPEN && t->until < now ? "expired" : words[t->state];
}

static int add_json(struct listing *l, const struct hf_token *t)
{
	struct hf_json *j = &l->ctx->out.json;

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "id", t->id);
	hf_json_string(j, "name", t->name);
	hf_json_string(j, "profile", t->profile);
	hf_json_string(j, "sans", t->sans);
	hf_json_string(j, "state", state_of(t, l->now));
	hf_json_time(j, "made_at", t->made_at);
	hf_json_time(j, "until", t->until);
	if (t->ended_at)
		hf_json_time(j, "ended_at", t->ended_at);
	if (t->state == HF_TOKEN_SPENT)
		hf_json_string(j, "address", t->address);
	hf_json_object_end(j);
	return 0;
}

static int add_row(void *arg, const struct hf_token *t)
{
	struct listing *l = arg;
	char until[HF_TIME_TEXT_CAP];
	const char *const cells[] = { t->id, t->name, t->profile, until, state_of(t, l->now) };
	int rc = 0;

	l->len++;
	if (l->ctx->out.json_mode)
		return add_json(l, t);
	hf_time_format(t->until, until);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(cells); i++)
		rc = hf_table_add(&l->table, cells[i]);
	return rc;
}

static int run_list(struct hf_cmd_ctx *ctx)
{
	static const char *const heading[] = { "TOKEN", "NAME", "PROFILE", "UNTIL", "STATE" };
	struct hf_passphrase from = { NULL, true };
	struct listing l = { .ctx = ctx,
			     .table = { HF_STRV_INIT, HF_ARRAY_LEN(heading) },
			     .now = hf_clock_now() };
	HF_AUTO(hf_authority) a = NULL;
	int rc = hf_cli_open_authority(ctx, &from, &a);

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(heading); i++)
		rc = hf_table_add(&l.table, heading[i]);
	if (rc == 0 && ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "tokens");
	}
	if (rc == 0)
		rc = hf_store_token_each(a->store, NULL, l.now - HF_DAY_SECONDS, add_row, &l,
					 &ctx->err);
	if (rc == 0 && ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	} else if (rc == 0 && l.len > 0) {
		hf_table_print(&l.table, &ctx->out);
	}
	if (rc == 0 && l.len == 0)
		hf_out_note(&ctx->out, "there are no tokens; make one with: handfast token NAME");
	hf_table_done(&l.table);
	return rc;
}

static const struct hf_command cmd_token_list = {
	.name = "token list",
	.group = "Service",
	.summary = "the tokens that are open, and those that ended within a day",
	.run = run_list,
};

/* --- token revoke --- */

static int run_revoke(struct hf_cmd_ctx *ctx)
{
	struct hf_passphrase from = { NULL, true };
	const char *id = ctx->args->items[0];
	HF_AUTO(hf_authority) a = NULL;
	int rc = hf_cli_open_authority(ctx, &from, &a);

	if (rc == 0)
		rc = hf_store_token_withdraw(a->store, id, hf_clock_now(), &ctx->err);
	if (rc == -HF_E_NOENT)
		return hf_err_hint(&ctx->err,
				   "the first 16 digits of a token; see: handfast token list");
	if (rc < 0)
		return rc;
	if (rc > 0) {
		hf_out_note(&ctx->out, "the token %s had ended already", id);
		return HF_EXIT_NO;
	}
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "id", id);
		hf_json_string(&ctx->out.json, "state", "withdrawn");
		hf_out_json_end(&ctx->out);
	}
	hf_out_print(&ctx->out, "withdrawn: token %s\n", id);
	return HF_EXIT_YES;
}

static const struct hf_command cmd_token_revoke = {
	.name = "token revoke",
	.group = "Service",
	.arguments = "ID",
	.summary = "withdraw a token that was not used yet",
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
