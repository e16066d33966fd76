/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is meant.  Must never guess: of several a person chooses, or nothing is done.
 */
#include "cli/revoke_which.h"

#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/revoke.h"
#include "cli/ca_common.h"
#include "cli/common.h"
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
		return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG,
				  "'%s' holds no certificate: it is %s", path, words);
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

/* A NAME of the ledger, else a SERIAL, else a FILE. */
int hf_cli_revoke_find(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *what,
		       struct hf_records *found)
{
	int rc = strchr(what, '/') ? 0 : hf_revoke_find(a, what, found, &ctx->err);

	if (rc == 0 && found->len == 0 && hf_cli_is_file(what))
		return find_file(ctx, a, what, found);
	if (rc < 0 || found->len)
		return rc;
	(void)hf_err_set(&ctx->err, HF_E_POLICY,
			 "this authority has issued nothing with the name, serial or file '%s'",
			 what);
	return hf_err_hint(&ctx->err, "handfast list shows names and serials");
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

int hf_cli_revoke_choose(struct hf_cmd_ctx *ctx, const char *what, bool all,
			 struct hf_records *found, int64_t now)
{
	size_t live = 0;

	for (size_t i = 0; i < found->len; i++)
		live += hf_revoke_is_live(found->items[i], now);
	if (live == 0)
		return hf_revoke_not_live(what, found->items[found->len - 1], &ctx->err);
	return live > 1 && !all ? several_live(ctx, what, found, now) : 0;
}
