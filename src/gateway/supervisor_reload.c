/* SPDX-License-Identifier: Apache-2.0 */
/* Reloading: everything is read and checked in the supervisor first, then in every worker, and each
 * says what became of it.  Must never let a bad file change anything anywhere. */
#include "base/err.h"
#include "gateway/preflight.h"
#include "gateway/supervisor.h"
#include "util/clock.h"
#include "util/daemon.h"

static struct hf_counters *mine(const struct hf_supervisor *s)
{
	return &s->counters[hf_counters_supervisor(s->slots_len)];
}

static bool reloading(const struct hf_supervisor *s)
{
	for (size_t i = 0; i < s->slots_len; i++)
		if (s->slots[i].reloading)
			return true;
	return false;
}

static bool watches_the_same(const struct hf_strv *a, const struct hf_strv *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (!hf_strv_has(a, b->items[i]))
			return false;
	return a->len == b->len;
}

/* The configuration may name other files now.  What changed in them between our reading and our
 * looking is taken by a second round. */
static void watch_others(struct hf_supervisor *s)
{
	struct hf_filewatch *fresh = NULL;

	if (hf_filewatch_new(&s->good.watch, &fresh, NULL) < 0)
		return;
	hf_filewatch_free(s->watch);
	s->watch = fresh;
	s->reload_again = true;
}

/* Everything is read and checked here first, so that a bad file changes nothing anywhere. */
void hf_supervisor_reload(struct hf_supervisor *s)
{
	HF_AUTO(hf_generation) trial = NULL;
	struct hf_err err = HF_ERR_INIT;
	bool others;

	if (s->stopping)
		return;
	if (reloading(s)) { /* what the workers are reading now may be older than this call */
		s->reload_again = true;
		return;
	}
	hf_daemon_notify_reloading();
	s->reload_round++;
	s->reload_at = hf_clock_now();
	if (hf_generation_new(s->config, s->generation + 1, NULL, &trial, &err) < 0) {
		hf_log_say("reload refused, generation %llu stays: %s%s%s",
			   (unsigned long long)s->generation, err.msg, err.hint[0] ? " - " : "",
			   err.hint);
		hf_count(&mine(s)->reloads_failed, 1);
		hf_daemon_notify("READY=1");
		s->reload_err = err;
		hf_supervisor_reload_over(s);
		return;
	}
	others = s->watch != NULL && !watches_the_same(&s->good.watch, &trial->parts.watch);
	s->generation++;
	hf_err_clear(&s->reload_err);
	hf_gateway_parts_done(&s->good);
	s->good = trial->parts;
	trial->parts = (struct hf_gateway_parts){ 0 };
	if (others)
		watch_others(s);
	hf_supervisor_note_files(s);
	hf_preflight_log(&s->good, s->reload_at);
	hf_roster_set_anchors(s->roster, &s->good);
	s->reload_pending = true;
	s->reload_kept = false;
	for (size_t i = 0; i < s->slots_len; i++)
		s->slots[i].reloading = s->slots[i].pid != 0 && s->slots[i].ready;
	hf_supervisor_tell_all(s, HF_CONTROL_RELOAD);
}

/* Every worker has answered, or is gone. */
void hf_supervisor_settle_reload(struct hf_supervisor *s)
{
	if (!s->reload_pending || reloading(s))
		return;
	s->reload_pending = false;
	hf_supervisor_refollow(s);
	hf_count(s->reload_kept ? &mine(s)->reloads_failed : &mine(s)->reloads, 1);
	if (s->reload_kept)
		(void)hf_err_set(&s->reload_err, HF_E_MISMATCH,
				 "a worker could not take generation %llu and keeps its old one",
				 (unsigned long long)s->generation);
	if (s->reload_kept)
		hf_log_say("reload: %s", s->reload_err.msg);
	else
		hf_log_say("reloaded: generation %llu is in use",
			   (unsigned long long)s->generation);
	hf_daemon_notify("READY=1");
	hf_supervisor_reload_over(s);
	if (!s->reload_again)
		return;
	s->reload_again = false;
	hf_supervisor_reload(s);
}

/* The files speak for themselves: nobody has to send a signal. */
void hf_supervisor_look_at_files(struct hf_supervisor *s, int64_t now)
{
	if (s->watch == NULL || s->stopping || now < s->look_ms)
		return;
	s->look_ms = now + HF_FILEWATCH_EVERY_MS;
	if (!s->announced || !hf_filewatch_look(s->watch))
		return;
	hf_log_say("files changed: reloading");
	hf_supervisor_reload(s);
}
