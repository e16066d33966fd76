/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger knows of a certificate: state, revocation, and the others of its name.  Must
 * never write to the ledger, and never fail for want of an authority. */
#include "cli/show_ledger.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/ca_common.h"
#include "cli/show_cert.h"
#include "util/home.h"

enum { LINEAGE_LIMIT = 20, SERIAL_DIGITS = 60, SOON = 14 * HF_DAY_SECONDS };

void hf_show_ledger_done(struct hf_show_ledger *l)
{
	hf_authority_free(l->a);
	*l = (struct hf_show_ledger){ .a = NULL };
}

/* 1 when the home has no authority: then there is nothing to tell. */
static int open_ledger(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l)
{
	struct hf_passphrase never = { NULL, true };
	char path[PATH_MAX];
	int rc;

	if (l->asked)
		return l->a ? 0 : 1;
	l->asked = true;
	rc = hf_home_ca(ctx->home, "ca.db", path, &ctx->err);
	if (rc < 0)
		return rc;
	if (!hf_file_exists(path))
		return 1;
	rc = hf_cli_open_authority(ctx, &never, &l->a);
	if (rc < 0) { /* what the file says can still be told */
		hf_out_note(&ctx->out, "the ledger was not asked: %s", ctx->err.msg);
		hf_err_clear(&ctx->err);
		return 1;
	}
	l->a->pass = (struct hf_passphrase_source){ NULL, NULL };
	return 0;
}

/* "0A:1B", as other programs print it, to the ledger's "a1b"; false when it is no serial. */
static bool serial_of(const char *text, char digits[SERIAL_DIGITS + 1])
{
	size_t len = 0;

	for (; *text; text++) {
		if (*text == ':' || (len == 0 && *text == '0'))
			continue;
		if (!strchr("0123456789abcdefABCDEF", *text) || len == SERIAL_DIGITS)
			return false;
		digits[len++] = hf_ascii_lower(*text);
	}
	digits[len] = '\0';
	return len > 0;
}

int hf_show_ledger_find(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l, const char *what,
			struct hf_records *ret_records)
{
	char digits[SERIAL_DIGITS + 1];
	struct hf_record_filter by_name = { .name = what }, by_serial = { .serial = digits };
	int rc = open_ledger(ctx, l);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = hf_store_collect(l->a->store, &by_name, ret_records, &ctx->err);
	if (rc == 0 && ret_records->len == 0 && serial_of(what, digits))
		rc = hf_store_collect(l->a->store, &by_serial, ret_records, &ctx->err);
	return rc;
}

static const char *state_of(const struct hf_record *r, int64_t now)
{
	if (r->state == HF_RECORD_ISSUED && r->not_after < now)
		return "expired";
	return hf_record_state_name(r->state);
}

static enum hf_color color_of(const struct hf_record *r, int64_t now)
{
	if (r->state != HF_RECORD_ISSUED || r->not_after < now)
		return HF_COLOR_RED;
	return r->not_after - now < SOON ? HF_COLOR_YELLOW : HF_COLOR_GREEN;
}

static void tell_state(struct hf_out *out, const struct hf_record *r, int64_t now)
{
	char left[64] = "", when[HF_TIME_TEXT_CAP];

	if (r->state == HF_RECORD_ISSUED && r->not_after >= now)
		(void)snprintf(left, sizeof(left), ", %lld days left",
			       (long long)((r->not_after - now) / HF_DAY_SECONDS));
	hf_out_print(out, "  %-10s %s%s%s%s\n", "state", hf_out_color(out, color_of(r, now)),
		     state_of(r, now), hf_out_color(out, HF_COLOR_PLAIN), left);
	if (r->shard)
		hf_out_print(out, "  %-10s %lld\n", "shard", (long long)r->shard);
	if (r->state != HF_RECORD_REVOKED)
		return;
	hf_time_format(r->revoked_at, when);
	hf_out_print(out, "  %-10s %s (%s)\n", "revoked", when, hf_crl_reason_name(r->reason));
}

static int add_lineage_row(struct hf_table *t, const struct hf_record *r, bool this_one,
			   int64_t now)
{
	char from[HF_TIME_TEXT_CAP] = "-", until[80] = "-";

	if (r->der) {
		hf_time_format(r->not_before, from);
		from[strlen("2026-12-21")] = '\0';
	}
	if (r->not_after)
		hf_cli_until(r->not_after, now, until, sizeof(until));
	const char *const cells[] = { this_one ? "  *" : "   ", r->serial, r->profile, from, until,
				      state_of(r, now) };

	return hf_table_add_row(t, cells);
}

static int tell_lineage(struct hf_cmd_ctx *ctx, const struct hf_records *line, int64_t id,
			int64_t now)
{
	static const char *const head[] = { "   ", "SERIAL", "PROFILE", "FROM", "UNTIL", "STATE" };
	struct hf_table table = { .columns = HF_ARRAY_LEN(head) };
	size_t first = line->len > LINEAGE_LIMIT ? line->len - LINEAGE_LIMIT : 0;
	int rc;

	hf_out_print(&ctx->out, "  %-10s %zu certificates of this name%s\n", "lineage", line->len,
		     first ? ", the last of them:" : "");
	rc = hf_table_add_row(&table, head);
	for (size_t i = first; rc == 0 && i < line->len; i++)
		rc = add_lineage_row(&table, line->items[i], line->items[i]->id == id, now);
	if (rc == 0)
		hf_table_print(&table, &ctx->out);
	hf_table_done(&table);
	return rc < 0 ? hf_err_nomem(&ctx->err) : 0;
}

static void json_records(struct hf_json *j, const char *key, const struct hf_records *line,
			 int64_t only, int64_t now)
{
	hf_json_array_begin(j, key);
	for (size_t i = 0; i < line->len; i++) {
		if (!only || line->items[i]->id == only)
			hf_cli_json_record(j, line->items[i], state_of(line->items[i], now));
	}
	hf_json_array_end(j);
}

int hf_show_ledger_record(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l,
			  const struct hf_record *record, int64_t now)
{
	HF_AUTO_DONE(hf_records) line = HF_RECORDS_INIT;
	struct hf_record_filter filter = { .name = record->name };
	struct hf_out *out = &ctx->out;
	char when[HF_TIME_TEXT_CAP];
	int rc = hf_store_collect(l->a->store, &filter, &line, &ctx->err);

	if (rc < 0)
		return rc;
	if (out->json_mode) {
		json_records(&out->json, "ledger", &line, record->id, now);
		json_records(&out->json, "lineage", &line, 0, now);
		return 0;
	}
	hf_out_print(out, "%sIn the ledger%s\n", hf_out_color(out, HF_COLOR_BOLD),
		     hf_out_color(out, HF_COLOR_PLAIN));
	hf_out_print(out, "  %-10s ", "name");
	hf_out_safe(out, record->name);
	hf_out_print(out, " (%s)\n", record->profile);
	tell_state(out, record, now);
	hf_time_format(record->asked_at, when);
	hf_show_field(out, "asked for", when);
	return line.len > 1 ? tell_lineage(ctx, &line, record->id, now) : 0;
}

int hf_show_ledger_of(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l, const struct hf_cert *cert,
		      int64_t now)
{
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_record_filter filter = { .sha256 = cert->sha256, .limit = 1 };
	int rc = open_ledger(ctx, l);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = hf_store_collect(l->a->store, &filter, &found, &ctx->err);
	return rc < 0 || found.len == 0 ? rc : hf_show_ledger_record(ctx, l, found.items[0], now);
}
