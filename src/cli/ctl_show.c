/* SPDX-License-Identifier: Apache-2.0 */
/* What a running service says of itself, for people.  Must never print a byte of a peer unescaped.
 */
#include <stdio.h>

#include "base/time.h"
#include "cli/ctl.h"

enum { CELL_CAP = 64 };

static void line(struct hf_out *out, const char *name, const char *value)
{
	hf_out_print(out, "%-12s ", name);
	hf_out_safe(out, value);
	hf_out_print(out, "\n");
}

static void show_list(struct hf_out *out, const char *name, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		line(out, i == 0 ? name : "", json_string_value(item));
	}
}

/* "until 2026-12-01T00:00:00Z (3 days)" */
static void show_until(struct hf_out *out, const json_t *object, const char *at_key)
{
	char left[CELL_CAP];
	int64_t seconds = hf_ctl_number(object, "seconds_left");
	const char *at = hf_ctl_text(object, at_key);

	if (at[0] == '\0') {
		hf_out_print(out, "without an end\n");
		return;
	}
	hf_duration_words(seconds < 0 ? -seconds : seconds, left, sizeof(left));
	hf_out_print(out, seconds < 0 ? "until %s: over for %s\n" : "until %s (%s left)\n", at,
		     left);
}

static void show_workers(struct hf_out *out, const json_t *workers)
{
	size_t i;
	json_t *worker;

	json_array_foreach(workers, i, worker)
	{
		hf_out_print(out, "%-12s %lld  pid %lld  %s  generation %lld  %lld connections",
			     i == 0 ? "workers" : "", (long long)hf_ctl_number(worker, "worker"),
			     (long long)hf_ctl_number(worker, "pid"), hf_ctl_text(worker, "state"),
			     (long long)hf_ctl_number(worker, "generation"),
			     (long long)hf_ctl_number(worker, "connections"));
		if (hf_ctl_number(worker, "restarts") > 0)
			hf_out_print(out, "  restarted %lld times",
				     (long long)hf_ctl_number(worker, "restarts"));
		hf_out_print(out, "\n");
	}
}

static void show_files(struct hf_out *out, const json_t *files)
{
	size_t i;
	json_t *file;

	json_array_foreach(files, i, file)
	{
		hf_out_print(out, "%-12s %.16s%s  ", i == 0 ? "files" : "",
			     hf_ctl_text(file, "sha256")[0] ? hf_ctl_text(file, "sha256")
							    : "-               ",
			     hf_ctl_text(file, "sha256")[0] ? "…" : " ");
		hf_out_safe(out, hf_ctl_text(file, "path"));
		hf_out_print(out, "\n");
	}
}

static void show_certificates(struct hf_out *out, const json_t *certificates)
{
	size_t i;
	json_t *row;

	json_array_foreach(certificates, i, row)
	{
		const char *policy = hf_ctl_text(row, "policy");

		hf_out_print(out, "%-12s ", i == 0 ? "certificate" : "");
		hf_out_safe(out, hf_ctl_text(row, "subject"));
		hf_out_print(out, "%s%s, ", policy[0] ? " of policy " : "", policy);
		show_until(out, row, "not_after");
	}
}

/* An authority's: what it gives out. */
static void show_given(struct hf_out *out, const json_t *list)
{
	const json_t *shards = json_object_get(list, "shards");
	const char *of = hf_ctl_text(list, "authority");

	hf_out_print(out, "%s%s%s, number %s, %lld revoked, ", hf_ctl_text(list, "list"),
		     of[0] ? " of " : "", of, hf_ctl_text(list, "number"),
		     (long long)hf_ctl_number(list, "revoked"));
	show_until(out, list, "next_update");
	if (!json_is_object(shards))
		return;
	hf_out_print(out, "%-12s   in %lld shards too, with %lld of these, the first ", "",
		     (long long)hf_ctl_number(shards, "count"),
		     (long long)hf_ctl_number(shards, "revoked"));
	show_until(out, shards, "first_next_update");
}

static void show_lists(struct hf_out *out, const json_t *lists)
{
	size_t i;
	json_t *list;

	json_array_foreach(lists, i, list)
	{
		hf_out_print(out, "%-12s ", i == 0 ? "lists" : "");
		if (json_object_get(list, "list")) {
			show_given(out, list);
			continue;
		}
		hf_out_safe(out, hf_ctl_text(list, "issuer"));
		hf_out_print(out, ", number %s, ", hf_ctl_text(list, "number"));
		if (hf_str_eq(hf_ctl_text(list, "state"), "in-grace"))
			hf_out_print(out, "in grace until %s, ", hf_ctl_text(list, "counts_until"));
		show_until(out, list, "next_update");
	}
}

static void show_feed(struct hf_out *out, const json_t *feed)
{
	if (!json_is_object(feed))
		return;
	hf_out_print(out, "%-12s ", "feed");
	hf_out_safe(out, hf_ctl_text(feed, "authority"));
	hf_out_print(out, ", %s, lost %lld times",
		     json_is_true(json_object_get(feed, "connected")) ? "connected"
								      : "not connected",
		     (long long)hf_ctl_number(feed, "lost"));
	if (hf_ctl_text(feed, "lists_good_until")[0])
		hf_out_print(out, ", lists until %s", hf_ctl_text(feed, "lists_good_until"));
	hf_out_print(out, "\n");
}

/* One alone replaces nothing and is not worth a line. */
static void show_anchors(struct hf_out *out, const json_t *anchors)
{
	size_t i;
	json_t *row;

	if (json_array_size(anchors) < 2)
		return;
	json_array_foreach(anchors, i, row)
	{
		hf_out_print(out, "%-12s ", i == 0 ? "anchors" : "");
		hf_out_safe(out, hf_ctl_text(row, "anchor"));
		hf_out_print(out, " (%.16s…): %lld connections, %lld identities in 24 hours%s\n",
			     hf_ctl_text(row, "sha256"),
			     (long long)hf_ctl_number(row, "connections"),
			     (long long)hf_ctl_number(row, "recent_identities"),
			     json_is_true(json_object_get(row, "trusted")) ? ""
									   : ", no longer trusted");
	}
}

static void show_upstreams(struct hf_out *out, const json_t *upstreams)
{
	size_t i;
	json_t *row;

	json_array_foreach(upstreams, i, row)
	{
		hf_out_print(out, "%-12s ", i == 0 ? "services" : "");
		hf_out_safe(out, hf_ctl_text(row, "upstream"));
		if (hf_ctl_text(row, "route")[0]) {
			hf_out_print(out, " of ");
			hf_out_safe(out, hf_ctl_text(row, "route"));
		}
		hf_out_print(out, ", %s", hf_ctl_text(row, "state"));
		if (hf_ctl_text(row, "since")[0])
			hf_out_print(out, " since %s", hf_ctl_text(row, "since"));
		if (hf_ctl_text(row, "why")[0])
			hf_out_print(out, " (%s)", hf_ctl_text(row, "why"));
		hf_out_print(out, "\n");
	}
}

static void show_reload(struct hf_out *out, const json_t *status)
{
	const json_t *reload = json_object_get(status, "last_reload");

	if (!json_is_object(reload))
		return;
	hf_out_print(out, "%-12s %s", "loaded", hf_ctl_text(status, "loaded_at"));
	if (!json_is_true(json_object_get(reload, "ok"))) {
		hf_out_print(out, "; refused at %s: ", hf_ctl_text(reload, "time"));
		hf_out_safe(out, hf_ctl_text(reload, "reason"));
	}
	hf_out_print(out, "\n");
}

static void show_refusals(struct hf_out *out, const json_t *refusals)
{
	size_t i;
	json_t *row;

	json_array_foreach(refusals, i, row)
	{
		hf_out_print(out, "%-12s %lld %s by the %s\n", i == 0 ? "refusals" : "",
			     (long long)hf_ctl_number(row, "count"), hf_ctl_text(row, "cause"),
			     hf_ctl_text(row, "refused_by"));
	}
}

void hf_ctl_show_status(struct hf_out *out, const json_t *status)
{
	const json_t *totals = json_object_get(status, "totals");
	char uptime[CELL_CAP];

	hf_duration_words(hf_ctl_number(status, "uptime_seconds"), uptime, sizeof(uptime));
	hf_out_print(out, "%s is %s, pid %lld, for %s, generation %lld\n",
		     hf_ctl_text(status, "command"), hf_ctl_text(status, "state"),
		     (long long)hf_ctl_number(status, "pid"), uptime,
		     (long long)hf_ctl_number(status, "generation"));
	show_list(out, "listeners", json_object_get(status, "listeners"));
	show_list(out, "metrics", json_object_get(status, "metrics"));
	show_list(out, "publish", json_object_get(status, "publish"));
	show_workers(out, json_object_get(status, "workers"));
	show_certificates(out, json_object_get(status, "certificates"));
	show_lists(out, json_object_get(status, "crls"));
	show_feed(out, json_object_get(status, "revocation_feed"));
	show_anchors(out, json_object_get(status, "anchors"));
	show_upstreams(out, json_object_get(status, "upstreams"));
	show_files(out, json_object_get(status, "files"));
	show_reload(out, status);
	if (json_is_object(totals))
		hf_out_print(out,
			     "%-12s %lld accepted, %lld handshakes, %lld refused, %lld requests\n",
			     "since start", (long long)hf_ctl_number(totals, "accepted"),
			     (long long)hf_ctl_number(totals, "handshakes"),
			     (long long)hf_ctl_number(totals, "refused"),
			     (long long)hf_ctl_number(totals, "requests"));
	if (hf_ctl_number(status, "revoked_here") > 0)
		hf_out_print(out, "%-12s %lld certificates, until the process ends\n", "revoke-now",
			     (long long)hf_ctl_number(status, "revoked_here"));
	show_refusals(out, json_object_get(status, "refusals"));
}

/* --- connections --- */

static int add_number(struct hf_table *table, int64_t number)
{
	char cell[CELL_CAP];

	snprintf(cell, sizeof(cell), "%lld", (long long)number);
	return hf_table_add(table, cell);
}

static int add_connection(struct hf_table *table, const json_t *row)
{
	static const char *const first[] = { "identity", "peer", "since" };
	static const char *const numbers[] = { "requests", "bytes_in", "bytes_out" };
	static const char *const last[] = { "route", "state" };
	int rc = 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(first); i++)
		rc |= hf_table_add(table, hf_ctl_text(row, first[i])[0] ? hf_ctl_text(row, first[i])
									: "-");
	for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++)
		rc |= add_number(table, hf_ctl_number(row, numbers[i]));
	for (size_t i = 0; i < HF_ARRAY_LEN(last); i++)
		rc |= hf_table_add(table,
				   hf_ctl_text(row, last[i])[0] ? hf_ctl_text(row, last[i]) : "-");
	return rc;
}

void hf_ctl_show_connections(struct hf_out *out, const json_t *answer)
{
	static const char *const heads[] = { "IDENTITY", "PEER", "SINCE", "REQUESTS",
					     "IN",	 "OUT",	 "ROUTE", "STATE" };
	struct hf_table table = { HF_STRV_INIT, HF_ARRAY_LEN(heads) };
	size_t i;
	json_t *row;
	int rc = hf_table_add_row(&table, heads);

	json_array_foreach(json_object_get(answer, "connections"), i, row)
	{
		rc |= add_connection(&table, row);
	}
	if (rc == 0)
		hf_table_print(&table, out);
	hf_table_done(&table);
	if (hf_ctl_number(answer, "left_out") > 0)
		hf_out_print(out, "… and %lld more; --limit shows them\n",
			     (long long)hf_ctl_number(answer, "left_out"));
	json_array_foreach(json_object_get(answer, "unreadable"), i, row)
	{
		hf_out_warn(out,
			    "worker %lld reports something else than its connections; they are "
			    "left out",
			    (long long)json_integer_value(row));
	}
}

void hf_ctl_show_reload(struct hf_out *out, const json_t *answer)
{
	size_t i;
	json_t *worker;

	if (json_is_true(json_object_get(answer, "reloaded")))
		hf_out_print(out, "reloaded: generation %lld is in use\n",
			     (long long)hf_ctl_number(answer, "generation"));
	json_array_foreach(json_object_get(answer, "workers"), i, worker)
	{
		hf_out_print(out, "worker %lld: generation %lld\n",
			     (long long)hf_ctl_number(worker, "worker"),
			     (long long)hf_ctl_number(worker, "generation"));
	}
}
