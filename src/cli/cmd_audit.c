/* SPDX-License-Identifier: Apache-2.0 */
/* handfast audit: what the authority did, and whether its log is still what it was. */
#include "base/err.h"
#include "base/time.h"
#include "ca/auditlog.h"
#include "ca/store/store_ops.h"
#include "cli/ca_common.h"
#include "util/clock.h"

enum { SHOWN = 100 };

struct audit_opts {
	int64_t limit, since;
	const char *action;
};

static const struct hf_option options[] = {
	{ .name = "limit",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct audit_opts, limit),
	  .arg = "N",
	  .help = "the last N rows only" },
	{ .name = "since",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct audit_opts, since),
	  .arg = "TIME",
	  .unit = HF_DAY_SECONDS,
	  .help = "only what happened within this time (7d)" },
	{ .name = "action",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct audit_opts, action),
	  .arg = "WORD",
	  .help = "only rows of this kind: issue, revoke, crl, abandon, init, import …" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

/* --- the rows --- */

struct listing {
	struct hf_cmd_ctx *ctx;
	const struct audit_opts *o;
	int64_t from;
	struct hf_table table;
};

static int add_row(struct listing *l, const struct hf_audit_row *row, const char *serial)
{
	static const char *const head[] = { "ROW", "WHEN", "WHAT", "SERIAL", "DETAIL", "BY" };
	char number[24], when[HF_TIME_TEXT_CAP];
	const char *const cells[] = { number,	   when,      row->action, *serial ? serial : "-",
				      row->detail, row->actor };

	(void)snprintf(number, sizeof(number), "%lld", (long long)row->id);
	hf_time_format(row->at, when);
	l->table.columns = HF_ARRAY_LEN(head);
	return hf_table_stream(&l->table, head, cells, &l->ctx->out) < 0 ? -HF_E_NOMEM : 0;
}

static void row_json(struct hf_json *j, const struct hf_audit_row *row, const char *serial)
{
	hf_json_object_begin(j, NULL);
	hf_json_int(j, "row", row->id);
	hf_json_time(j, "at", row->at);
	hf_json_string(j, "action", row->action);
	hf_json_string(j, "serial", *serial ? serial : NULL);
	hf_json_string(j, "detail", row->detail);
	hf_json_string(j, "actor", row->actor);
	hf_json_hex(j, "hash", row->hash, sizeof(row->hash));
	hf_json_object_end(j);
}

static int each(void *arg, const struct hf_audit_row *row)
{
	struct listing *l = arg;
	char serial[2 * HF_SERIAL_BYTES_CAP + 2] = "";

	if (row->at < l->from || (l->o->action && !hf_str_eq(l->o->action, row->action)))
		return 0;
	if (row->serial_len > 0)
		hf_serial_from_bytes(row->serial, row->serial_len, serial);
	if (!l->ctx->out.json_mode)
		return add_row(l, row, serial);
	row_json(&l->ctx->out.json, row, serial);
	return 0;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct audit_opts *o = ctx->opts;
	struct listing l = { .ctx = ctx,
			     .o = o,
			     .from = o->since ? hf_clock_now() - o->since : INT64_MIN };
	HF_AUTO(hf_authority) a = NULL;
	uint8_t hash[HF_STORE_SHA256_LEN];
	struct hf_passphrase none = { NULL, true };
	int64_t last = 0, after = 0;
	int rc = hf_cli_open_authority(ctx, &none, &a);

	if (rc == 0 && o->limit > 0)
		rc = hf_store_audit_head(a->store, &last, hash, &ctx->err);
	if (rc < 0)
		return rc;
	after = o->limit > 0 && last > o->limit ? last - o->limit : 0;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "rows");
	}
	rc = hf_store_audit_each(a->store, after, each, &l, &ctx->err);
	hf_table_flush(&l.table, &ctx->out);
	if (rc < 0)
		return rc == -HF_E_NOMEM ? hf_err_nomem(&ctx->err) : rc;
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return 0;
}

/* --- audit verify --- */

struct verify_opts {
	const char *seal;
};

static const struct hf_option verify_options[] = {
	{ .name = "seal",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct verify_opts, seal),
	  .arg = "FILE",
	  .help = "hold the log against this copy of ca/audit.head, kept elsewhere" },
	{ .name = NULL },
};

static const struct hf_option_group verify_groups[] = {
	{ "Options", verify_options, 0 },
	{ NULL, NULL, 0 },
};

struct findings {
	struct hf_cmd_ctx *ctx;
	size_t told;
};

static void tell_finding(void *arg, const char *sentence)
{
	struct findings *f = arg;

	if (f->told++ >= SHOWN) /* a table that was rewritten has as many faults as rows */
		return;
	if (f->ctx->out.json_mode) {
		hf_json_string(&f->ctx->out.json, NULL, sentence);
		return;
	}
	hf_out_safe(&f->ctx->out, sentence);
	hf_out_print(&f->ctx->out, "\n");
}

static void result_json(struct hf_json *j, const struct hf_auditlog_result *r)
{
	hf_json_int(j, "findings_total", (int64_t)r->findings_len);
	hf_json_bool(j, "intact", r->findings_len == 0);
	hf_json_int(j, "rows", r->rows);
	hf_json_hex(j, "hash", r->hash, sizeof(r->hash));
	if (r->sealed_rows < 0) {
		hf_json_null(j, "sealed_rows");
		return;
	}
	hf_json_int(j, "sealed_rows", r->sealed_rows);
	hf_json_time(j, "sealed_at", r->sealed_at);
}

static void tell_result(struct hf_out *out, const struct hf_auditlog_result *r)
{
	char hex[2 * HF_STORE_SHA256_LEN + 1], when[HF_TIME_TEXT_CAP];

	if (r->findings_len > SHOWN)
		hf_out_print(out, "… and %zu more\n", r->findings_len - SHOWN);
	if (r->findings_len > 0) {
		hf_out_print(out, "the audit log does not hold: %zu finding%s in %lld rows\n",
			     r->findings_len, r->findings_len == 1 ? "" : "s", (long long)r->rows);
		return;
	}
	hf_hex_encode(r->hash, sizeof(r->hash), hex);
	hf_time_format(r->sealed_at, when);
	hf_out_print(out,
		     "the audit log holds: %lld rows, %lld of them under the seal of %s\nlast hash "
		     "%s\n",
		     (long long)r->rows, (long long)r->sealed_rows, when, hex);
}

static int run_verify(struct hf_cmd_ctx *ctx)
{
	const struct verify_opts *o = ctx->opts;
	struct findings found = { .ctx = ctx };
	struct hf_auditlog_result result;
	struct hf_passphrase none = { NULL, true };
	HF_AUTO(hf_authority) a = NULL;
	int rc = hf_cli_open_authority(ctx, &none, &a);

	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "findings");
	}
	rc = hf_auditlog_verify(a, o->seal, tell_finding, &found, &result, &ctx->err);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		result_json(&ctx->out.json, &result);
		hf_out_json_end(&ctx->out);
	}
	tell_result(&ctx->out, &result);
	if (result.findings_len > 0) {
		hf_out_flush(&ctx->out);
		hf_out_note(&ctx->out, "stop issuing, keep a copy of the ledger as it is, and "
				       "compare it with a backup");
	}
	return result.findings_len ? HF_EXIT_NO : HF_EXIT_YES;
}

static const struct hf_example verify_examples[] = {
	{ "handfast audit verify", "is the log still what it was?" },
	{ "handfast audit verify --seal /mnt/usb/audit.head", "since the day that copy was made" },
	{ NULL, NULL },
};

static const struct hf_command cmd_audit_verify = {
	.name = "audit verify",
	.summary = "find rows of the log that were changed, removed, moved or cut off",
	.description =
	    "Each row's hash covers the row before it, and whenever a CA key is used, the number and hash of the "
	    "last row are signed with it (ca/audit.head). So a row that was changed, removed, put in or moved "
	    "shows, a log that was cut off below its seal shows, and certificates are held against the rows of "
	    "their issue and revocation.\n\n"
	    "What it cannot prove: that rows after the last seal were not removed; anything against somebody "
	    "who holds the CA's key; and that ledger and seal were not both put back to an earlier day. "
	    "Against the last, keep copies of ca/audit.head elsewhere, and name one with --seal.",
	.groups = verify_groups,
	.opts_size = sizeof(struct verify_opts),
	.examples = verify_examples,
	.exits = "0 the log holds; 1 it does not",
	.run = run_verify,
};

static const struct hf_command *const subcommands[] = { &cmd_audit_verify, NULL };

static const struct hf_example examples[] = {
	{ "handfast audit --limit 20", "what happened last" },
	{ "handfast audit --since 7d --action revoke", "the revocations of a week" },
	{ "handfast audit verify", "is the log still what it was?" },
	{ NULL, NULL },
};

const struct hf_command cmd_audit = {
	.name = "audit",
	.group = "Identities",
	.arguments = "[verify]",
	.summary = "show what the authority did, and prove that the log is whole",
	.description =
	    "Every issue, revocation, revocation list and key event is a row, written in the same transaction as "
	    "the event itself, with the login name of whoever did it.",
	.groups = groups,
	.opts_size = sizeof(struct audit_opts),
	.examples = examples,
	.see_also = "list, crl, revoke",
	.subcommands = subcommands,
	.run = run,
};
