/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is meant.  Must never guess: of several a person chooses, or nothing is done.
 */
#include "cli/revoke_which.h"

#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/ca_common.h"
#include "cli/prompt.h"

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
int hf_revoke_find(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *what,
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

bool hf_revoke_is_live(const struct hf_record *r, int64_t now)
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

		if (!hf_revoke_is_live(r, now))
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

		if (!hf_revoke_is_live(r, now) || ++number != nth)
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

int hf_revoke_choose(struct hf_cmd_ctx *ctx, const char *what, bool all, struct hf_records *found,
		     int64_t now)
{
	size_t live = 0;

	for (size_t i = 0; i < found->len; i++)
		live += hf_revoke_is_live(found->items[i], now);
	if (live == 0)
		return none_live(ctx, what, found->items[found->len - 1]);
	return live > 1 && !all ? several_live(ctx, what, found, now) : 0;
}
