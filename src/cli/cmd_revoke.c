/* SPDX-License-Identifier: Apache-2.0 */
/* handfast revoke: take a certificate back.  Must never guess which of several is meant. */
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/ca_common.h"
#include "cli/prompt.h"
#include "util/clock.h"

struct revoke_opts {
	const char *reason, *passphrase_file;
	bool all;
};

static const struct hf_option options[] = {
	{ .name = "reason",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct revoke_opts, reason),
	  .arg = "REASON",
	  .initial = "unspecified",
	  .help =
	      "keyCompromise, superseded, cessationOfOperation, affiliationChanged, privilegeWithdrawn or unspecified" },
	{ .name = "all",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct revoke_opts, all),
	  .help = "when NAME has several valid certificates, revoke all of them" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct revoke_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

/* On hold and off again is for smart cards; a key that was out of hand does not come back. */
static const char *const reasons[] = { "unspecified",	     "keyCompromise",
				       "superseded",	     "cessationOfOperation",
				       "affiliationChanged", "privilegeWithdrawn",
				       "cACompromise",	     NULL };

static int parse_reason(struct hf_cmd_ctx *ctx, const char *word, int *ret_reason)
{
	const char *nearest;

	for (size_t i = 0; reasons[i]; i++) {
		if (hf_str_case_eq(reasons[i], word)) {
			*ret_reason = hf_crl_reason_parse(reasons[i]);
			return 0;
		}
	}
	(void)hf_command_usage(ctx, "there is no reason '%s'", word);
	nearest = hf_str_nearest(word, reasons);
	if (nearest)
		return hf_err_hint(&ctx->err, "did you mean '%s'?", nearest);
	return hf_err_hint(&ctx->err,
			   "keyCompromise, superseded, cessationOfOperation, affiliationChanged, "
			   "privilegeWithdrawn or unspecified");
}

/* --- which one? --- */

static int find_file(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *path,
		     struct hf_records *found)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	struct hf_record_filter filter = { .limit = 1 };
	char words[400];
	int rc = hf_pemfile_load(&file, path, 0, NULL, &ctx->err);

	if (rc < 0)
		return rc;
	if (file.certs.len == 0) {
		hf_pemfile_describe(&file, words, sizeof(words));
		return hf_err_set(&ctx->err, HF_E_PARSE, "'%s' holds no certificate: it is %s",
				  path, words);
	}
	filter.sha256 = file.certs.items[0]->sha256;
	rc = hf_store_collect(a->store, &filter, found, &ctx->err);
	if (rc < 0 || found->len)
		return rc;
	(void)hf_err_set(&ctx->err, HF_E_POLICY,
			 "'%s' (%s, serial %s) was not issued by this authority", path,
			 file.certs.items[0]->subject, file.certs.items[0]->serial);
	return hf_err_hint(&ctx->err, "its issuer is '%s': revoke it there",
			   file.certs.items[0]->issuer);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_serial(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 60 && strspn(text, "0123456789abcdefABCDEF:") == len;
}

/* "0A:1B" as other programs print it. */
static int find_serial(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *text,
		       struct hf_records *found)
{
	char digits[64];
	size_t len = 0;
	struct hf_record_filter filter = { .serial = digits };

	for (; *text && len < sizeof(digits) - 1; text++) {
		if (*text != ':')
			digits[len++] = *text;
	}
	digits[len] = '\0';
	return len ? hf_store_collect(a->store, &filter, found, &ctx->err) : 0;
}

/* A NAME of the ledger, else a FILE, else a SERIAL. */
static int find(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *what,
		struct hf_records *found)
{
	struct hf_record_filter by_name = { .name = what, .without_own = true };
	int rc = 0;

	if (!strchr(what, '/'))
		rc = hf_store_collect(a->store, &by_name, found, &ctx->err);
	if (rc == 0 && found->len == 0 && is_file(what))
		return find_file(ctx, a, what, found);
	if (rc == 0 && found->len == 0 && is_serial(what))
		rc = find_serial(ctx, a, what, found);
	if (rc < 0 || found->len)
		return rc;
	(void)hf_err_set(&ctx->err, HF_E_POLICY,
			 "this authority has issued nothing with the name, serial or file '%s'",
			 what);
	return hf_err_hint(&ctx->err, "handfast list shows names and serials");
}

static bool is_live(const struct hf_record *r, int64_t now)
{
	return r->state == HF_RECORD_ISSUED && r->not_after >= now;
}

static int none_live(struct hf_cmd_ctx *ctx, const char *what, const struct hf_record *last)
{
	char when[HF_TIME_TEXT_CAP];

	if (last->state == HF_RECORD_REVOKED) {
		hf_time_format(last->revoked_at, when);
		return hf_err_set(&ctx->err, HF_E_POLICY, "'%s' is revoked already, since %s (%s)",
				  what, when, hf_crl_reason_name(last->reason));
	}
	if (last->state == HF_RECORD_ISSUED) {
		hf_time_format(last->not_after, when);
		return hf_err_set(&ctx->err, HF_E_POLICY,
				  "'%s' has expired (%s): there is nothing to revoke", what, when);
	}
	return hf_err_set(&ctx->err, HF_E_POLICY,
			  "'%s' was never handed out: there is nothing to revoke", what);
}

static void list_live(struct hf_cmd_ctx *ctx, const struct hf_records *found, int64_t now)
{
	size_t number = 0;

	for (size_t i = 0; i < found->len; i++) {
		const struct hf_record *r = found->items[i];
		char until[80], asked[HF_TIME_TEXT_CAP];

		if (!is_live(r, now))
			continue;
		hf_cli_until(r->not_after, now, until, sizeof(until));
		hf_time_format(r->asked_at, asked);
		hf_out_note(&ctx->out, "  %zu: serial %s, %s, issued %s, until %s", ++number,
			    r->serial, r->profile, asked, until);
	}
}

/* All but the nth live one are set aside; false when there is none. */
static bool keep_nth(struct hf_records *found, uint64_t nth, int64_t now)
{
	uint64_t number = 0;

	for (size_t i = 0; i < found->len; i++) {
		struct hf_record *r = found->items[i];

		if (!is_live(r, now) || ++number != nth)
			continue;
		found->items[i] = found->items[0];
		found->items[0] = r;
		while (found->len > 1)
			hf_record_free(found->items[--found->len]);
		return true;
	}
	return false;
}

/* At a terminal the number of one of them, or "all"; 1 when nothing is to be done. */
static int ask_which(struct hf_cmd_ctx *ctx, struct hf_records *found, int64_t now)
{
	char answer[32];

	for (;;) {
		uint64_t nth = 0;
		int rc = hf_prompt_line("Which one? Its number, 'all', or nothing", "", answer,
					sizeof(answer), &ctx->err);

		if (rc < 0)
			return rc;
		if (!*answer)
			return 1;
		if (hf_str_case_eq(answer, "all") ||
		    (hf_str_u64(answer, found->len, &nth) && keep_nth(found, nth, now)))
			return 0;
	}
}

static int several_live(struct hf_cmd_ctx *ctx, const char *what, struct hf_records *found,
			int64_t now)
{
	list_live(ctx, found, now);
	if (hf_prompt_possible() && !ctx->out.json_mode) {
		int rc = ask_which(ctx, found, now);

		if (rc > 0)
			hf_out_note(&ctx->out, "nothing was revoked");
		return rc > 0 ? HF_EXIT_NO : rc;
	}
	(void)hf_err_set(&ctx->err, HF_E_POLICY, "'%s' has several valid certificates; which one?",
			 what);
	return hf_err_hint(
	    &ctx->err, "say handfast revoke SERIAL with one of these, or --all for all of them");
}

/* --- doing it --- */

static int revoke_one(struct hf_cmd_ctx *ctx, struct hf_authority *a, const struct hf_record *r,
		      int reason, int64_t now)
{
	struct hf_ca *ca = hf_authority_ca_by_id(a, r->issuer);
	char when[HF_TIME_TEXT_CAP];
	int rc;

	if (strcmp(r->profile, "root") == 0 || strcmp(r->profile, "single") == 0) {
		(void)hf_err_set(&ctx->err, HF_E_POLICY,
				 "a root cannot be revoked: nobody stands above it to say so");
		return hf_err_hint(
		    &ctx->err,
		    "have its peers remove it from their trust, and make a new authority");
	}
	if (!ca)
		return hf_err_set(&ctx->err, HF_E_NOENT,
				  "its issuer is no longer part of this authority");
	/* before it is noted: a revocation that no list can tell of helps nobody */
	rc = hf_ca_load_key(a, ca, &ctx->err);
	if (rc == 0)
		rc = hf_store_revoke(a->store, r->id, reason, now, &ctx->err);
	if (rc < 0)
		return rc;
	hf_time_format(now, when);
	hf_out_print(&ctx->out, "revoked ");
	hf_out_safe(&ctx->out, r->subject);
	hf_out_print(&ctx->out, ", serial %s (%s)\n", r->serial, hf_crl_reason_name(reason));
	if (ctx->out.json_mode) {
		struct hf_record now_revoked = *r;

		now_revoked.state = HF_RECORD_REVOKED;
		now_revoked.revoked_at = now;
		now_revoked.reason = reason;
		hf_cli_json_record(&ctx->out.json, &now_revoked, "revoked");
	}
	return 0;
}

static int publish(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t issuer, int64_t now)
{
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	int rc = hf_cli_publish_after(ctx, a, issuer, now, &p);

	if (rc < 0) {
		(void)hf_err_context(&ctx->err, rc,
				     "it is noted as revoked, but the new list was not written");
		return hf_err_hint(&ctx->err, "mend that, then: handfast crl");
	}
	hf_out_print(&ctx->out, "list    %s, number %s, %zu revoked\n", p.path, p.crl->number,
		     p.crl->revoked_count);
	if (ctx->out.json_mode) {
		hf_json_string(&ctx->out.json, "crl", p.path);
		hf_json_string(&ctx->out.json, "crl_number", p.crl->number);
	}
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out,
		    "bring the list to those who check it; a gateway reads it again on SIGHUP");
	return 0;
}

static int revoke_all(struct hf_cmd_ctx *ctx, struct hf_authority *a,
		      const struct hf_records *found, int reason, int64_t now)
{
	int64_t issuer = 0;
	int rc = 0;

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "certificates");
	}
	for (size_t i = 0; rc == 0 && i < found->len; i++) {
		if (!is_live(found->items[i], now))
			continue;
		issuer = found->items[i]->issuer;
		rc = revoke_one(ctx, a, found->items[i], reason, now);
	}
	if (ctx->out.json_mode)
		hf_json_array_end(&ctx->out.json);
	if (rc == 0)
		rc = publish(ctx, a, issuer, now);
	if (ctx->out.json_mode)
		hf_out_json_end(&ctx->out);
	return rc;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct revoke_opts *o = ctx->opts;
	const char *what = ctx->args->items[0];
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	int64_t now = hf_clock_now();
	size_t live = 0;
	int reason = 0;
	int rc = parse_reason(ctx, o->reason, &reason);

	if (rc == 0)
		rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc == 0)
		rc = find(ctx, a, what, &found);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < found.len; i++)
		live += is_live(found.items[i], now);
	if (live == 0)
		return none_live(ctx, what, found.items[found.len - 1]);
	if (live > 1 && !o->all)
		rc = several_live(ctx, what, &found, now);
	return rc != 0 ? rc : revoke_all(ctx, a, &found, reason, now);
}

static const struct hf_example examples[] = {
	{ "handfast revoke mail-server --reason keyCompromise",
	  "the one valid certificate of that name" },
	{ "handfast revoke 3f2a91…", "by its serial, as list and openssl print it" },
	{ "handfast revoke old.pem", "by the certificate itself" },
	{ NULL, NULL },
};

const struct hf_command cmd_revoke = {
	.name = "revoke",
	.group = "Identities",
	.arguments = "NAME|SERIAL|FILE",
	.summary = "take a certificate back, and sign the new revocation list",
	.description =
	    "When NAME has several valid certificates (after a renewal, say), they are listed, and at a terminal "
	    "you are asked which one is meant. Elsewhere nothing is done: name one by its serial, or add --all.",
	.groups = groups,
	.opts_size = sizeof(struct revoke_opts),
	.examples = examples,
	.exits =
	    "0 revoked; 1 there is no such certificate, it is revoked or expired already, or several are meant",
	.see_also = "crl, list, renew",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
