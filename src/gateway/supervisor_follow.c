/* SPDX-License-Identifier: Apache-2.0 */
/* The follower as the supervisor sees it: started, told and replaced like a worker, but it serves
 * nobody.  Must never say that lists are in force while one worker has not taken them. */

#include "base/err.h"
#include "base/file.h"
#include "gateway/follower.h"
#include "gateway/supervisor.h"
#include "util/clock.h"

enum { AGAIN_MS = 1000 };

static int run_follower(struct hf_supervisor *s, size_t none, int control)
{
	const struct hf_follower_start start = {
		.config = s->config,
		.parts = &s->good,
		.revocations = s->own.revocations,
		.counters = &s->counters[hf_counters_follower(s->slots_len)],
		.control = control
	};
	struct hf_err err = HF_ERR_INIT;

	(void)none;
	hf_bound_list_shut(&s->bound);
	hf_bound_list_shut(&s->metrics);
	if (hf_supervisor_follower_keeps(s, &err) == 0)
		return hf_follower_run(&start);
	hf_log_say("revocations cannot be followed: %s", err.msg);
	return HF_WORKER_CANNOT;
}

int hf_supervisor_follow(struct hf_supervisor *s, struct hf_err *err)
{
	static const struct hf_supervisor_child follower = { "hf-follower", run_follower };

	return hf_supervisor_fork(s, &s->follower, HF_WORKERS_CAP, &follower, err);
}

/* It ends when its control does. */
void hf_supervisor_unfollow(struct hf_supervisor *s)
{
	hf_fd_close(s->follower.control);
	s->follower.control = -1;
}

void hf_supervisor_refollow(struct hf_supervisor *s)
{
	struct hf_err err = HF_ERR_INIT;

	if (!hf_gateway_follows(s->config) || s->stopping)
		return;
	hf_supervisor_unfollow(s);
	s->listing = s->list_again = false;
	if (hf_supervisor_follow(s, &err) < 0) {
		hf_log_say("%s", err.msg);
		s->follower.restart_ms = hf_clock_monotonic_ms() + AGAIN_MS;
	}
}

bool hf_supervisor_follower_ended(struct hf_supervisor *s, pid_t pid, int status)
{
	if (s->follower.pid != pid)
		return false;
	hf_supervisor_unfollow(s);
	s->follower.pid = 0;
	if (s->stopping)
		return true;
	s->listing = s->list_again = false;
	s->follower.restart_ms = hf_clock_monotonic_ms() + AGAIN_MS;
	hf_log_say("the follower of revocations ended unasked (%s %d); another starts in 1 s",
		   WIFSIGNALED(status) ? "signal" : "status",
		   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	/* nobody waits for one that cannot run */
	s->follower_reported = true;
	hf_supervisor_announce(s);
	return true;
}

static bool anybody_listing(const struct hf_supervisor *s)
{
	for (size_t i = 0; i < s->slots_len; i++)
		if (s->slots[i].listing)
			return true;
	return false;
}

static void settle(struct hf_supervisor *s);

/* Also those that are starting: they may have looked at the board just before. */
static void tell_lists(struct hf_supervisor *s)
{
	if (s->listing) {
		s->list_again = true;
		return;
	}
	s->listing = true;
	s->list_again = s->list_kept = false;
	for (size_t i = 0; i < s->slots_len; i++) {
		s->slots[i].listing = s->slots[i].pid != 0;
		hf_supervisor_tell(&s->slots[i], HF_CONTROL_LISTS);
	}
	settle(s);
}

/* Every worker has answered, or is gone. */
static void settle(struct hf_supervisor *s)
{
	if (!s->listing || anybody_listing(s))
		return;
	s->listing = false;
	hf_supervisor_tell(&s->follower, s->list_kept ? HF_CONTROL_KEPT : HF_CONTROL_APPLIED);
	if (s->list_again)
		tell_lists(s);
}

void hf_supervisor_listed(struct hf_supervisor *s, struct hf_worker_slot *slot, bool taken)
{
	if (!slot->listing)
		return;
	slot->listing = false;
	s->list_kept |= !taken;
	settle(s);
}

void hf_supervisor_follower_said(struct hf_supervisor *s)
{
	char byte;

	if (read(s->follower.control, &byte, 1) != 1)
		return; /* SIGCHLD follows */
	if (byte == HF_CONTROL_READY) {
		s->follower_reported = true;
		hf_supervisor_announce(s);
	} else if (byte == HF_CONTROL_LISTS) {
		tell_lists(s);
	}
}
