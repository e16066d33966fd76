/* SPDX-License-Identifier: Apache-2.0 */
/* handfast pending, approve, deny: enrolments that a person looks at first (policy: approval).
 * Must never decide on what was not named. */
#include "base/err.h"
#include "base/time.h"
#include "cli/ca_common.h"
#include "util/clock.h"

/* --- pending --- */

struct listing {
	struct hf_cmd_ctx *ctx;
	struct hf_table table;
	size_t len;
};

static int add_json(struct hf_json *j, const struct hf_approval *a)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "id", a->token);
	hf_json_string(j, "name", a->name);
	hf_json_string(j, "profile", a->profile);
	hf_json_string(j, "sans", a->sans);
	hf_json_string(j, "address", a->address);
	hf_json_time(j, "asked_at", a->asked_at);
	hf_json_hex(j, "spki_sha256", a->spki, sizeof(a->spki));
	hf_json_object_end(j);
	return 0;
}

static int add_row(void *arg, const struct hf_approval *a)
{
	struct listing *l = arg;
	char asked[HF_TIME_TEXT_CAP];
	const char *const cells[] = { a->token, a->name, a->profile, a->sans, a->address, asked };
	int rc = 0;

	l->len++;
	if (l->ctx->out.json_mode)
		return add_json(&l->ctx->out.json, a);
	hf_time_format(a->asked_at, asked);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(cells); i++)
		rc = hf_table_add(&l->table, cells[i]);
	return rc;
}

static int list(struct listing *l, struct hf_authority *a)
{
	static const char *const heading[] = {
		"ID", "NAME", "PROFILE", "NAMES", "ADDRESS", "SINCE"
	};
	struct hf_cmd_ctx *ctx = l->ctx;
	int rc = 0;

	l->table.columns = HF_ARRAY_LEN(heading);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(heading); i++)
		rc = hf_table_add(&l->table, heading[i]);
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "pending");
	}
	if (rc == 0)
		rc = hf_store_approval_each(a->store, add_row, l, &ctx->err);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	} else if (l->len > 0) {
		hf_table_print(&l->table, &ctx->out);
	}
	if (l->len == 0)
		hf_out_note(&ctx->out, "nobody waits");
	else
		hf_out_note(&ctx->out, "decide with: handfast approve ID, or handfast deny ID");
	return 0;
}

static int run_pending(struct hf_cmd_ctx *ctx)
{
	struct hf_passphrase from = { NULL, true };
	struct listing l = { .ctx = ctx, .table = { HF_STRV_INIT, 0 } };
	HF_AUTO(hf_authority) a = NULL;
	int rc = hf_cli_open_authority(ctx, &from, &a);

	if (rc == 0)
		rc = list(&l, a);
	hf_table_done(&l.table);
	return rc;
}

const struct hf_command cmd_pending = {
	.name = "pending",
	.group = "Service",
	.summary = "the enrolments that wait for somebody to approve them",
	.description =
	    "A policy that says `approval: yes` for a profile lets the holder of a token ask, and no more: the "
	    "certificate is made when an operator has approved. Each row names the key that asks by its SHA-256 "
	    "(with --json), which handfast enroll shows on the other machine.",
	.see_also = "approve, deny, token, authority",
	.run = run_pending,
};

/* --- approve, deny --- */

/* 0; 1 when it was decided before. */
static int decide(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *id, bool grant)
{
	int rc = hf_store_approval_decide(a->store, id, grant, NULL, hf_clock_now(), &ctx->err);

	if (rc == -HF_E_NOENT)
		return hf_err_hint(&ctx->err, "those that wait: handfast pending");
	if (rc < 0)
		return rc;
	if (rc > 0)
		hf_out_note(&ctx->out, "%s was decided before, and stays as it was", id);
	else
		hf_out_print(&ctx->out, "%s: %s\n", grant ? "approved" : "denied", id);
	if (ctx->out.json_mode) {
		hf_json_object_begin(&ctx->out.json, NULL);
		hf_json_string(&ctx->out.json, "id", id);
		hf_json_string(&ctx->out.json, "state", grant ? "approved" : "denied");
		hf_json_bool(&ctx->out.json, "changed", rc == 0);
		hf_json_object_end(&ctx->out.json);
	}
	return rc;
}

static int decide_all(struct hf_cmd_ctx *ctx, bool grant)
{
	struct hf_passphrase from = { NULL, true };
	HF_AUTO(hf_authority) a = NULL;
	bool decided_before = false;
	int rc = hf_cli_open_authority(ctx, &from, &a);

	if (rc == 0 && ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "decisions");
	}
	for (size_t i = 0; rc >= 0 && i < ctx->args->len; i++) {
		rc = decide(ctx, a, ctx->args->items[i], grant);
		decided_before = decided_before || rc > 0;
	}
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return decided_before ? HF_EXIT_NO : HF_EXIT_YES;
}

static int run_approve(struct hf_cmd_ctx *ctx)
{
	return decide_all(ctx, true);
}

static int run_deny(struct hf_cmd_ctx *ctx)
{
	return decide_all(ctx, false);
}

static const struct hf_example examples[] = {
	{ "handfast pending", "who waits" },
	{ "handfast approve 3f9a0c1122334455", "that one gets its certificate when it asks again" },
	{ NULL, NULL },
};

const struct hf_command cmd_approve = {
	.name = "approve",
	.group = "Service",
	.arguments = "ID…",
	.summary = "let an enrolment that waits have its certificate",
	.description =
	    "The ID is the one that handfast pending shows. The other machine gets its certificate the next time "
	    "it asks, also when its token has run out meanwhile.",
	.examples = examples,
	.exits = "0 approved; 1 it had been decided before",
	.see_also = "pending, deny",
	.min_args = 1,
	.max_args = -1,
	.run = run_approve,
};

const struct hf_command cmd_deny = {
	.name = "deny",
	.group = "Service",
	.arguments = "ID…",
	.summary = "refuse an enrolment that waits",
	.description =
	    "The ID is the one that handfast pending shows. The token is good for nothing then.",
	.exits = "0 denied; 1 it had been decided before",
	.see_also = "pending, approve",
	.min_args = 1,
	.max_args = -1,
	.run = run_deny,
};
