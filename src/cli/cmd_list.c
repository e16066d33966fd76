/* SPDX-License-Identifier: Apache-2.0 */
/* handfast list: what the authority has issued.  Reads the ledger row by row: a million
 * certificates take no more memory than a hundred. */
#include "base/err.h"
#include "ca/rollover.h"
#include "ca/store/store_ops.h"
#include "cli/ca_common.h"
#include "util/clock.h"

struct list_opts {
	int64_t expiring, limit;
	const char *after, *under;
	bool revoked, all;
};

static const struct hf_option options[] = {
	{ .name = "expiring",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct list_opts, expiring),
	  .arg = "TIME",
	  .unit = HF_DAY_SECONDS,
	  .help = "only what ends within this time (30d), soonest first" },
	{ .name = "revoked",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct list_opts, revoked),
	  .help = "only what was revoked" },
	{ .name = "all",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct list_opts, all),
	  .help =
	      "also expired and revoked ones, the authority's own, and what was abandoned before it was handed out" },
	{ .name = "under",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct list_opts, under),
	  .arg = "CA",
	  .help =
	      "only what this CA of the authority issued, by its name, subject or serial: who is left "
	      "below one that a rollover has replaced (with --all: those that have a successor too)" },
	{ .name = "limit",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct list_opts, limit),
	  .arg = "N",
	  .help = "at most N" },
	{ .name = "after",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct list_opts, after),
	  .arg = "SERIAL",
	  .help = "go on behind this one: the last of the page before" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

struct listing {
	struct hf_cmd_ctx *ctx;
	struct hf_table table;
	size_t rows;
	char last[2 * HF_SERIAL_BYTES_CAP + 2]; /* the serial of the last row */
	int64_t now;
	struct hf_authority *left_in; /* only those without a successor there; NULL: all */
};

static const char *state_of(const struct hf_record *r, int64_t now)
{
	if (r->state == HF_RECORD_ISSUED && r->not_after < now)
		return "expired";
	return hf_record_state_name(r->state);
}

static int add_row(struct listing *l, const struct hf_record *r)
{
	static const char *const head[] = {
		"SERIAL", "NAME", "PROFILE", "NAMES", "UNTIL", "STATE"
	};
	char until[80] = "-";

	if (r->not_after)
		hf_cli_until(r->not_after, l->now, until, sizeof(until));
	const char *const cells[] = { r->serial,  r->name,
				      r->profile, *r->sans ? r->sans : "-",
				      until,	  state_of(r, l->now) };

	l->table.columns = HF_ARRAY_LEN(head);
	return hf_table_stream(&l->table, head, cells, &l->ctx->out);
}

static int each(void *arg, const struct hf_record *r)
{
	struct listing *l = arg;
	int rc = l->left_in ? hf_record_is_left(l->left_in, r, l->now, &l->ctx->err) : 1;

	if (rc <= 0)
		return rc;
	l->rows++;
	(void)hf_str_copy(l->last, sizeof(l->last), r->serial);
	if (!l->ctx->out.json_mode)
		return add_row(l, r) < 0 ? -HF_E_NOMEM : 0;
	hf_cli_json_record(&l->ctx->out.json, r, state_of(r, l->now));
	return 0;
}

static void filter_of(const struct list_opts *o, const char *like, int64_t now,
		      struct hf_record_filter *f)
{
	*f = (struct hf_record_filter){ .limit = o->limit, .without_own = !o->all, .like = like };
	if (o->revoked) {
		f->order = HF_ORDER_REVOKED_AT;
	} else if (o->expiring) {
		f->order = HF_ORDER_NOT_AFTER;
		f->expires_from = now;
		f->expires_until = now + o->expiring;
	} else if (!o->all) {
		f->states = 1U << HF_RECORD_ISSUED;
		f->expires_from = now;
	}
}

/* The page begins behind that certificate: its place in the order, not a count, so that a page
 * costs the same wherever it is. */
static int start_after(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *serial,
		       struct hf_record_filter *f)
{
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	const struct hf_record_filter by_serial = { .serial = serial, .limit = 1 };
	int rc;

	if (!serial)
		return 0;
	rc = hf_store_collect(a->store, &by_serial, &found, &ctx->err);
	if (rc < 0)
		return rc;
	if (found.len == 0) {
		(void)hf_err_set(&ctx->err, HF_E_POLICY,
				 "there is no certificate with the serial '%s'", serial);
		return hf_err_hint(&ctx->err, "--after takes a serial from the page before");
	}
	f->after_id = found.items[0]->id;
	if (f->order == HF_ORDER_NOT_AFTER)
		f->after_key = found.items[0]->not_after;
	else if (f->order == HF_ORDER_REVOKED_AT)
		f->after_key = found.items[0]->revoked_at;
	return 0;
}

/* All of them; or with --under what that CA issued, and for a root also its issuing CAs. */
static int list_rows(struct listing *l, struct hf_authority *a, struct hf_record_filter *f)
{
	const struct list_opts *o = l->ctx->opts;
	struct hf_ca *top = NULL, *ca;
	int rc;

	if (!o->under)
		return hf_store_list(a->store, f, each, l, &l->ctx->err);
	rc = hf_authority_find_ca(a, o->under, &top, &l->ctx->err);
	l->left_in = top >= a->before && top < a->before + a->before_len && !o->all ? a : NULL;
	for (size_t i = 0; rc == 0 && (ca = hf_authority_ca(a, i)); i++) {
		if (ca != top && !hf_ca_is_below(ca, top))
			continue;
		if (o->limit && l->rows == (size_t)o->limit)
			break;
		f->issuer = ca->store_id;
		f->limit = o->limit ? o->limit - (int64_t)l->rows : 0;
		rc = hf_store_list(a->store, f, each, l, &l->ctx->err);
	}
	return rc;
}

/* What to say when the page is full: there may be more. */
static void tell_next(struct listing *l, const struct list_opts *o)
{
	bool full = o->limit > 0 && l->rows == (size_t)o->limit;

	if (l->ctx->out.json_mode)
		hf_json_string(&l->ctx->out.json, "next", full ? l->last : NULL);
	else if (full)
		hf_out_note(&l->ctx->out, "there may be more: add --after %s", l->last);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct list_opts *o = ctx->opts;
	struct hf_passphrase from = { NULL, true };
	struct listing l = { .ctx = ctx, .now = hf_clock_now() };
	struct hf_record_filter filter;
	HF_AUTO(hf_authority) a = NULL;
	int rc;

	if (o->revoked && o->expiring)
		return hf_command_usage(ctx, "--revoked and --expiring exclude each other");
	rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc < 0)
		return rc;
	filter_of(o, ctx->args->len ? ctx->args->items[0] : NULL, l.now, &filter);
	rc = start_after(ctx, a, o->after, &filter);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "certificates");
	}
	rc = list_rows(&l, a, &filter);
	hf_table_flush(&l.table, &ctx->out);
	if (rc < 0)
		return rc == -HF_E_NOMEM ? hf_err_nomem(&ctx->err) : rc;
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		tell_next(&l, o);
		hf_out_json_end(&ctx->out);
		return 0;
	}
	tell_next(&l, o);
	if (l.rows == 0) {
		hf_out_note(
		    &ctx->out, "nothing to list%s",
		    o->all || o->revoked || o->expiring
			? ""
			: "; --all also shows what is expired, revoked or the authority's own");
	}
	return 0;
}

static const struct hf_example examples[] = {
	{ "handfast list", "what is valid today" },
	{ "handfast list '*.abc.com'", "who has a name there" },
	{ "handfast list --expiring 30d", "what has to be renewed within a month" },
	{ "handfast list --limit 100 --after 3f2a91", "the next page" },
	{ "handfast list --under 'ABC Inc. Issuing CA'",
	  "who is left below a CA that a rollover has replaced" },
	{ "handfast list --all --json", "everything, for another program" },
	{ NULL, NULL },
};

const struct hf_command cmd_list = {
	.name = "list",
	.group = "Identities",
	.arguments = "[PATTERN]",
	.summary = "show what the authority has issued",
	.description =
	    "With a PATTERN only the certificates whose name, whole subject, or one of whose names (written "
	    "web.abc.com or dns:web.abc.com) is like it; * is any run of letters, and case does not matter.\n\n"
	    "The states: valid, expired, revoked, intent (being signed at this moment), abandoned (asked for, but "
	    "the process ended before the certificate was handed out; its serial is never used again).",
	.groups = groups,
	.opts_size = sizeof(struct list_opts),
	.examples = examples,
	.max_args = 1,
	.see_also = "show, renew, revoke",
	.run = run,
};
