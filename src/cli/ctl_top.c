/* SPDX-License-Identifier: Apache-2.0 */
/* handfast ctl top: who is connected and what happens, as it happens.  Must never send a terminal a
 * byte that a peer chose unescaped. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/ctl.h"
#include "util/clock.h"

enum { ROWS = 20, CELL_CAP = 64, WAIT_S = 10 };

/* The last look, for rates; empty at the first. */
struct look {
	json_t *answer;
	int64_t at_ms;
};

static double per_second(int64_t now, int64_t before, const struct look *last, int64_t now_ms)
{
	int64_t span = now_ms - last->at_ms;

	if (last->answer == NULL || span <= 0 || now < before)
		return 0;
	return (double)(now - before) * 1000 / (double)span;
}

static double total_rate(const json_t *answer, const struct look *last, const char *key,
			 int64_t now_ms)
{
	return per_second(hf_ctl_number(json_object_get(answer, "totals"), key),
			  hf_ctl_number(json_object_get(last->answer, "totals"), key), last,
			  now_ms);
}

/* The row of `rows` that agrees in all of `keys`; NULL. */
static const json_t *same_row(const json_t *rows, const json_t *row, const char *const *keys)
{
	size_t i;
	json_t *other;

	json_array_foreach(rows, i, other)
	{
		size_t k = 0;

		while (keys[k] != NULL &&
		       hf_str_eq(hf_ctl_text(other, keys[k]), hf_ctl_text(row, keys[k])))
			k++;
		if (keys[k] == NULL)
			return other;
	}
	return NULL;
}

static void show_head(struct hf_out *out, const json_t *answer, const struct look *last,
		      int64_t now_ms)
{
	const json_t *totals = json_object_get(answer, "totals");

	hf_out_print(out, "%s%s%s, pid %lld, %s, generation %lld, %lld workers\n",
		     hf_out_color(out, HF_COLOR_BOLD), hf_ctl_text(answer, "command"),
		     hf_out_color(out, HF_COLOR_PLAIN), (long long)hf_ctl_number(answer, "pid"),
		     hf_ctl_text(answer, "state"), (long long)hf_ctl_number(answer, "generation"),
		     (long long)json_array_size(json_object_get(answer, "workers")));
	hf_out_print(out, "%lld connections of %lld identities, %lld in the handshake\n",
		     (long long)hf_ctl_number(totals, "open"),
		     (long long)hf_ctl_number(answer, "identities_connected"),
		     (long long)hf_ctl_number(totals, "handshaking"));
	hf_out_print(out,
		     "%.1f handshakes/s, %.1f requests/s, %.1f refused/s; since the start %lld, "
		     "%lld, %lld\n",
		     total_rate(answer, last, "handshakes", now_ms),
		     total_rate(answer, last, "requests", now_ms),
		     total_rate(answer, last, "refused", now_ms),
		     (long long)hf_ctl_number(totals, "handshakes"),
		     (long long)hf_ctl_number(totals, "requests"),
		     (long long)hf_ctl_number(totals, "refused"));
}

static int add_cell(struct hf_table *table, const char *format, double value)
{
	char cell[CELL_CAP];

	(void)snprintf(cell, sizeof(cell), format[0] == 'i' ? "%.0f" : "%.1f", value);
	return hf_table_add(table, cell);
}

/* One table: some columns of text, a number, and how fast it grows. */
struct view {
	const char *list, *number;
	const char *const *heads;
	const char *const *keys;
	const char *extra; /* a number that has no rate; NULL */
};

static int add_row(struct hf_table *table, const struct view *view, const json_t *row,
		   const struct look *last, int64_t now_ms)
{
	const json_t *before = same_row(json_object_get(last->answer, view->list), row, view->keys);
	int64_t number = hf_ctl_number(row, view->number);
	int rc = 0;

	for (size_t k = 0; view->keys[k] != NULL; k++)
		rc |= hf_table_add(table, hf_ctl_text(row, view->keys[k]));
	if (view->extra != NULL)
		rc |= add_cell(table, "i", (double)hf_ctl_number(row, view->extra));
	rc |= add_cell(table, "i", (double)number);
	return rc | add_cell(table, "r",
			     per_second(number, hf_ctl_number(before, view->number), last, now_ms));
}

static void show_view(struct hf_out *out, const struct view *view, const json_t *answer,
		      const struct look *last, int64_t now_ms)
{
	const json_t *rows = json_object_get(answer, view->list);
	struct hf_table table = { HF_STRV_INIT, 0 };
	size_t i;
	json_t *row;
	int rc = 0;

	if (json_array_size(rows) == 0)
		return;
	while (view->heads[table.columns] != NULL)
		rc |= hf_table_add(&table, view->heads[table.columns++]);
	json_array_foreach(rows, i, row)
	{
		rc |= add_row(&table, view, row, last, now_ms);
	}
	hf_out_print(out, "\n");
	if (rc == 0)
		hf_table_print(&table, out);
	hf_table_done(&table);
}

static void show(struct hf_out *out, const json_t *answer, const struct look *last, int64_t now_ms)
{
	static const char *const identity_heads[] = { "IDENTITY", "CONNECTIONS", "REQUESTS", "/S",
						      NULL };
	static const char *const identity_keys[] = { "identity", NULL };
	static const char *const refusal_heads[] = { "REFUSED FOR", "BY", "COUNT", "/S", NULL };
	static const char *const refusal_keys[] = { "cause", "refused_by", NULL };
	static const struct view views[] = {
		{ "identities", "requests", identity_heads, identity_keys, "connections" },
		{ "refusals", "count", refusal_heads, refusal_keys, NULL },
	};

	show_head(out, answer, last, now_ms);
	for (size_t i = 0; i < HF_ARRAY_LEN(views); i++)
		show_view(out, &views[i], answer, last, now_ms);
}

static int look(struct hf_cmd_ctx *ctx, const char *path, struct look *last, bool live)
{
	const struct hf_admin_request request = { .verb = HF_ADMIN_TOP,
						  .deadline_s = -1,
						  .limit = ROWS };
	json_t *answer = NULL;
	int64_t now_ms;
	int rc = hf_ctl_ask(ctx, path, &request, WAIT_S, &answer);

	if (rc < 0)
		return rc;
	now_ms = hf_clock_monotonic_ms();
	if (ctx->out.json_mode)
		hf_ctl_put_json(ctx, answer);
	if (live) /* home, and erase what is below (ECMA-48 8.3.21, 8.3.39) */
		hf_out_print(&ctx->out, "\033[H\033[J");
	show(&ctx->out, answer, last, now_ms);
	hf_out_flush(&ctx->out);
	json_decref(last->answer);
	*last = (struct look){ answer, now_ms };
	return 0;
}

int hf_ctl_top(struct hf_cmd_ctx *ctx, const char *path)
{
	const struct hf_ctl_opts *opts = ctx->opts;
	bool live = !ctx->out.json_mode && isatty(STDOUT_FILENO) == 1;
	struct look last = { NULL, 0 };
	int rc = look(ctx, path, &last, live);

	while (live && rc == 0 && !ctx->out.failed) {
		(void)sleep((unsigned)opts->interval);
		rc = look(ctx, path, &last, live);
	}
	json_decref(last.answer);
	return rc < 0 ? rc : HF_EXIT_YES;
}
