/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the receipts that the authority's service keeps.  Must never call a revocation confirmed
 * by somebody who is not known to have it in force. */
#include "cli/revoke_wait.h"

#include <poll.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "enroll/subscribers.h"
#include "util/clock.h"

enum { LOOK_EVERY_MS = 10 };

struct wait {
	struct hf_subscribers now;
	char path[PATH_MAX], lock[PATH_MAX];
	int64_t event; /* that must be confirmed */
	int64_t begun_ms;
};

int hf_revoke_mark(struct hf_authority *a, int64_t *ret_mark, struct hf_err *err)
{
	uint8_t hash[HF_STORE_SHA256_LEN];

	return hf_store_audit_head(a->store, ret_mark, hash, err);
}

static int take_list_row(void *arg, const struct hf_audit_row *row)
{
	if (strcmp(row->action, "crl") == 0)
		*(int64_t *)arg = row->id;
	return 0;
}

/* Somebody holds the lock as long as a service runs. */
static bool service_runs(const struct wait *w)
{
	HF_AUTO(fd) lock = -1;

	return hf_file_exists(w->lock) && hf_file_lock(w->lock, false, &lock, NULL) == -HF_E_BUSY;
}

static int look(struct wait *w, struct hf_err *err)
{
	int64_t event;

	hf_subscribers_done(&w->now);
	return hf_subscribers_load(w->path, &w->now, &event, err);
}

static size_t count_open(const struct wait *w)
{
	size_t open = 0;

	for (size_t i = 0; i < w->now.len; i++)
		open += w->now.items[i]->confirmed < w->event;
	return open;
}

static int wait_for_all(struct wait *w, int64_t seconds, struct hf_err *err)
{
	int rc = look(w, err);

	while (rc == 0 && count_open(w) > 0 &&
	       hf_clock_monotonic_ms() - w->begun_ms < seconds * 1000) {
		(void)poll(NULL, 0, LOOK_EVERY_MS);
		rc = look(w, err);
	}
	return rc;
}

static void tell_one(struct hf_cmd_ctx *ctx, const struct wait *w, const struct hf_subscriber *one)
{
	bool confirmed = one->confirmed >= w->event;
	char seen[HF_TIME_TEXT_CAP];

	hf_time_format(one->seen_at, seen);
	if (ctx->out.json_mode) {
		hf_json_object_begin(&ctx->out.json, NULL);
		hf_json_string(&ctx->out.json, "name", one->name);
		hf_json_string(&ctx->out.json, "address", one->address);
		hf_json_string(&ctx->out.json, "instance", one->instance);
		hf_json_bool(&ctx->out.json, "confirmed", confirmed);
		hf_json_time(&ctx->out.json, "seen_at", one->seen_at);
		hf_json_object_end(&ctx->out.json);
		return;
	}
	hf_out_print(&ctx->out, "  %s ", confirmed ? "in force    " : "NOT in force");
	hf_out_safe(&ctx->out, one->name);
	hf_out_print(&ctx->out, " (%s)", one->address);
	if (!confirmed)
		hf_out_print(&ctx->out, ", last heard of %s", seen);
	hf_out_print(&ctx->out, "\n");
}

static int tell(struct hf_cmd_ctx *ctx, const struct wait *w)
{
	size_t open = count_open(w);
	int64_t took = hf_clock_monotonic_ms() - w->begun_ms;

	if (ctx->out.json_mode)
		hf_json_array_begin(&ctx->out.json, "subscribers");
	else
		hf_out_print(&ctx->out,
			     "feed    %zu of %zu subscribers have it in force, after %lld ms\n",
			     w->now.len - open, w->now.len, (long long)took);
	for (size_t i = 0; i < w->now.len; i++)
		tell_one(ctx, w, w->now.items[i]);
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_json_int(&ctx->out.json, "waited_ms", took);
	}
	if (open == 0)
		return 0;
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out,
		    "those who have it not will when they follow the feed again, or read "
		    "the list");
	return HF_EXIT_NO;
}

int hf_revoke_wait(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t mark, int64_t seconds)
{
	struct wait w = { .begun_ms = hf_clock_monotonic_ms() };
	int rc = hf_path_join(w.path, sizeof(w.path), a->dir, "subscribers.json", &ctx->err);

	if (rc == 0)
		rc = hf_path_join(w.lock, sizeof(w.lock), a->dir, "service.lock", &ctx->err);
	if (rc == 0)
		rc = hf_store_audit_each(a->store, mark, take_list_row, &w.event, &ctx->err);
	if (rc < 0)
		return rc;
	if (!service_runs(&w)) {
		(void)hf_err_set(
		    &ctx->err, HF_E_NOENT,
		    "revoked, but no service of this authority runs: nobody hears of it");
		return hf_err_hint(&ctx->err,
				   "start it with: handfast authority --listen ADDR:PORT");
	}
	rc = wait_for_all(&w, seconds, &ctx->err);
	if (rc == 0)
		rc = tell(ctx, &w);
	hf_subscribers_done(&w.now);
	return rc;
}
