/* SPDX-License-Identifier: Apache-2.0 */
/* While one CA replaces another: who still hangs on which anchor.  Must never tell of each client:
 * only that an anchor has its first, and that it has lost its last. */
#include "gateway/supervisor.h"
#include "util/clock.h"

enum { EVERY_MS = 5 * 1000 };

static const struct hf_anchor_count *known(const struct hf_supervisor *s,
					   const struct hf_anchor_count *anchor)
{
	for (size_t i = 0; i < s->anchors_len; i++)
		if (hf_str_eq(s->anchors[i].sha256, anchor->sha256))
			return &s->anchors[i];
	return NULL;
}

static void tell(const struct hf_anchor_count *before, const struct hf_anchor_count *now)
{
	uint64_t had = before != NULL ? before->recent : 0;

	if (had == 0 && now->recent > 0)
		hf_log_say("anchor '%s' (%.16s): clients chain to it", now->name, now->sha256);
	else if (had > 0 && now->recent == 0)
		hf_log_say("anchor '%s' (%.16s): no client of the last 24 hours chains to it any "
			   "more",
			   now->name, now->sha256);
}

void hf_supervisor_look_at_anchors(struct hf_supervisor *s, int64_t now_ms)
{
	struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP];
	size_t len;

	if (!s->announced || s->stopping || now_ms < s->anchors_ms)
		return;
	s->anchors_ms = now_ms + EVERY_MS;
	len = hf_roster_anchors(s->roster, hf_clock_now(), anchors);
	for (size_t i = 0; len > 1 && i < len; i++) /* one alone replaces nothing */
		tell(known(s, &anchors[i]), &anchors[i]);
	memcpy(s->anchors, anchors, len * sizeof(anchors[0]));
	s->anchors_len = len;
}
