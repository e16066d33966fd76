/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor: binds, forks, watches, passes on what it is told.  Must never make anything of
 * TLS that a worker would inherit, nor run libuv (a forked loop would share its parent's epoll and
 * signal pipe). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/supervisor.h"
#include "util/clock.h"
#include "util/daemon.h"

enum {
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 10 * 1000,
	STEADY_MS = 10 * 1000, /* a worker that lived so long has not failed at its start */
	KILL_AFTER_MS = 5 * 1000,
	ADMIN_EVERY_MS = 1000,
};

/* --- processes --- */

static void close_slot(struct hf_worker_slot *slot)
{
	hf_fd_close(slot->control);
	slot->control = -1;
	slot->pid = 0;
	slot->ready = slot->reloading = slot->listing = slot->asked = false;
}

static void close_in_child(struct hf_supervisor *s, size_t worker)
{
	hf_fd_close(s->signals);
	hf_fd_close(s->follower.control);
	hf_admin_forget(s->admin);
	for (size_t i = 0; i < s->slots_len; i++) {
		if (i == worker)
			continue;
		hf_fd_close(s->slots[i].control);
		hf_fd_close(s->slots[i].report);
	}
}

_Noreturn static void be(struct hf_supervisor *s, size_t worker,
			 const struct hf_supervisor_child *child, int control, int signer)
{
	close_in_child(s, worker);
	hf_supervisor_signer_in_child(s, child->name, signer);
	(void)sigprocmask(SIG_SETMASK, &s->before, NULL);
	exit(child->run(s, worker, control));
}

int hf_supervisor_fork(struct hf_supervisor *s, struct hf_worker_slot *slot, size_t worker,
		       const struct hf_supervisor_child *child, struct hf_err *err)
{
	HF_AUTO(fd) signer = -1, theirs = -1;
	int pair[2], rc = hf_supervisor_signer_attach(s, worker, &signer, err);
	pid_t pid;

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return hf_err_errno(err, errno, "socketpair");
	theirs = pair[1];
	pid = fork();
	if (pid <= 0)
		hf_fd_close(pair[0]);
	if (pid < 0)
		return hf_err_errno(err, errno, "cannot fork a %s", child->name);
	if (pid == 0)
		be(s, worker, child, theirs, signer);
	slot->pid = pid;
	slot->control = pair[0];
	slot->restart_ms = 0;
	return 0;
}

static int run_worker(struct hf_supervisor *s, size_t index, int control)
{
	const struct hf_worker_start start = { .config = s->config,
					       .bound = &s->bound,
					       .metrics = &s->metrics,
					       .index = index,
					       .workers = s->slots_len,
					       .control = control,
					       .report = s->slots[index].report,
					       .generation = s->generation,
					       .first = !s->announced,
					       .good = &s->good,
					       .counters = s->counters,
					       .board = s->board,
					       .roster = s->roster };

	struct hf_err err = HF_ERR_INIT;

	hf_bound_list_close(&s->bound, index);
	if (index != 0) /* figures are told by the first */
		hf_bound_list_shut(&s->metrics);
	if (hf_supervisor_worker_keeps(s, index, &err) == 0)
		return hf_worker_run(&start);
	hf_log_say("worker %zu cannot start: %s", index, err.msg);
	return HF_WORKER_CANNOT;
}

static int start_worker(struct hf_supervisor *s, size_t index, struct hf_err *err)
{
	static const struct hf_supervisor_child worker = { "hf-worker", run_worker };
	struct hf_worker_slot *slot = &s->slots[index];
	int rc = hf_supervisor_fork(s, slot, index, &worker, err);

	if (rc < 0)
		return rc;
	slot->ready = slot->reloading = slot->listing = false;
	slot->started_ms = hf_clock_monotonic_ms();
	slot->started_at = hf_clock_now();
	return 0;
}

void hf_supervisor_tell(struct hf_worker_slot *slot, enum hf_control what)
{
	char byte = (char)what;

	if (slot->pid != 0 && send(slot->control, &byte, 1, MSG_NOSIGNAL) < 0)
		return; /* it is gone: SIGCHLD follows */
}

void hf_supervisor_tell_all(struct hf_supervisor *s, enum hf_control what)
{
	for (size_t i = 0; i < s->slots_len; i++)
		hf_supervisor_tell(&s->slots[i], what);
}

static size_t living(const struct hf_supervisor *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->slots_len; i++)
		n += s->slots[i].pid != 0;
	return n;
}

/* --- stopping --- */

static int64_t drain_ms(const struct hf_supervisor *s)
{
	int64_t told = s->board->orders->drain_ms;

	return told < 0 ? (int64_t)s->config->drain_ms : told;
}

void hf_supervisor_stop(struct hf_supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	hf_daemon_notify("STOPPING=1");
	hf_supervisor_unfollow(s);
	hf_aide_stop(&s->aide);
	hf_supervisor_tell_all(s, HF_CONTROL_DRAIN);
	/* Ours are copies of the same sockets: while they are open, peers still get in the queue.
	 */
	for (size_t i = 0; i < s->bound.len; i++)
		for (size_t c = 0; c < s->bound.items[i].copies; c++) {
			hf_fd_close(s->bound.items[i].fds[c]);
			s->bound.items[i].fds[c] = -1;
		}
	s->kill_ms = hf_clock_monotonic_ms() + drain_ms(s) + KILL_AFTER_MS;
}

static void kill_workers(struct hf_supervisor *s)
{
	for (size_t i = 0; i < s->slots_len; i++)
		if (s->slots[i].pid != 0)
			(void)kill(s->slots[i].pid, SIGKILL);
}

/* --- events --- */

/* A worker ended; unless all are to, another takes its place on the same sockets. */
static void worker_ended(struct hf_supervisor *s, struct hf_worker_slot *slot, int status)
{
	int64_t now = hf_clock_monotonic_ms();
	bool was_ready = slot->ready;

	hf_supervisor_listed(s, slot, true);
	hf_roster_forget_worker(s->roster, (size_t)(slot - s->slots));
	close_slot(slot);
	if (s->stopping) {
		s->cut |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
		return;
	}
	if (!s->announced && !was_ready) {
		s->start_failed = true;
		return;
	}
	if (now - slot->started_ms >= STEADY_MS)
		slot->backoff_ms = 0;
	slot->backoff_ms =
	    HF_MIN(HF_MAX(slot->backoff_ms * 2, (int64_t)BACKOFF_MIN_MS), (int64_t)BACKOFF_MAX_MS);
	slot->restart_ms = now + slot->backoff_ms;
	slot->restarts++;
	hf_count(&s->counters[hf_counters_supervisor(s->slots_len)].restarts, 1);
	hf_log_say("worker %zu ended unasked (%s %d); another starts in %lld ms",
		   (size_t)(slot - s->slots), WIFSIGNALED(status) ? "signal" : "status",
		   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		   (long long)slot->backoff_ms);
}

static void reap(struct hf_supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!hf_supervisor_signer_reaped(s, pid) &&
		    !hf_supervisor_follower_ended(s, pid, status) &&
		    !hf_aide_ended(&s->aide, pid, status, hf_clock_monotonic_ms()))
			for (size_t i = 0; i < s->slots_len; i++)
				if (s->slots[i].pid == pid)
					worker_ended(s, &s->slots[i], status);
}

static void on_signal(struct hf_supervisor *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		reap(s);
		break;
	case SIGHUP:
		hf_supervisor_reload(s);
		break;
	case SIGTERM:
		hf_supervisor_stop(s);
		break;
	case SIGINT:
		hf_supervisor_stop(s);
		if (++s->interrupts > 1)
			kill_workers(s);
		break;
	default:
		break;
	}
}

void hf_supervisor_announce(struct hf_supervisor *s)
{
	for (size_t i = 0; i < s->slots_len; i++)
		if (!s->slots[i].ready)
			return;
	/* what is revoked is known before anybody is let in, if it can be known */
	if (s->announced || (hf_gateway_follows(s->config) && !s->follower_reported))
		return;
	s->announced = true;
	hf_bound_list_announce(&s->bound, hf_gateway_scheme(s->config));
	hf_bound_list_announce(&s->metrics, "http");
	hf_daemon_notify("READY=1");
}

static void on_control(struct hf_supervisor *s, struct hf_worker_slot *slot)
{
	char byte;
	ssize_t n = read(slot->control, &byte, 1);

	if (n <= 0)
		return; /* SIGCHLD follows */
	if (byte == HF_CONTROL_READY) {
		slot->ready = true;
		hf_supervisor_announce(s);
		return;
	}
	if (byte == HF_CONTROL_LISTED || byte == HF_CONTROL_UNLISTED) {
		hf_supervisor_listed(s, slot, byte == HF_CONTROL_LISTED);
		return;
	}
	if (byte == HF_CONTROL_DONE) {
		slot->asked = false;
		return;
	}
	slot->reloading = false;
	s->reload_kept |= byte == HF_CONTROL_KEPT;
}

/* --- the loop --- */

static void restart_due(struct hf_supervisor *s, int64_t now)
{
	struct hf_err err = HF_ERR_INIT;

	if (s->follower.restart_ms > 0 && s->follower.restart_ms <= now && !s->stopping &&
	    hf_supervisor_follow(s, &err) < 0) {
		hf_log_say("%s", err.msg);
		s->follower.restart_ms = now + BACKOFF_MAX_MS;
	}
	if (s->aide.restart_ms > 0 && s->aide.restart_ms <= now && !s->stopping &&
	    hf_aide_start(&s->aide, &s->before, &err) < 0) {
		hf_log_say("%s", err.msg);
		s->aide.restart_ms = now + BACKOFF_MAX_MS;
	}
	for (size_t i = 0; i < s->slots_len && !s->stopping; i++) {
		struct hf_worker_slot *slot = &s->slots[i];

		if (slot->restart_ms == 0 || slot->restart_ms > now)
			continue;
		if (start_worker(s, i, &err) < 0) {
			hf_log_say("%s", err.msg);
			slot->restart_ms = now + BACKOFF_MAX_MS;
		}
	}
}

/* This loop turns: that is what systemd wants to know (sd_notify(3)). */
static void say_alive(struct hf_supervisor *s, int64_t now)
{
	if (s->watchdog_ms == 0 || now < s->alive_ms)
		return;
	s->alive_ms = now + s->watchdog_ms;
	hf_daemon_notify("WATCHDOG=1");
}

static int wait_ms(const struct hf_supervisor *s, int64_t now)
{
	int64_t next = s->stopping ? s->kill_ms : s->watch != NULL ? s->look_ms : INT64_MAX;

	next = HF_MIN(next, hf_supervisor_signer_next(s));
	if (s->watchdog_ms > 0)
		next = HF_MIN(next, s->alive_ms);
	for (size_t i = 0; i < s->slots_len; i++)
		if (s->slots[i].restart_ms > 0 && !s->stopping)
			next = HF_MIN(next, s->slots[i].restart_ms);
	if (s->follower.restart_ms > 0 && !s->stopping)
		next = HF_MIN(next, s->follower.restart_ms);
	if (s->aide.restart_ms > 0 && !s->stopping)
		next = HF_MIN(next, s->aide.restart_ms);
	if (s->admin != NULL) /* its time limits */
		next = HF_MIN(next, now + ADMIN_EVERY_MS);
	if (next == INT64_MAX)
		return -1;
	return next <= now ? 0 : (int)HF_MIN(next - now, (int64_t)60000);
}

static void round_of_events(struct hf_supervisor *s)
{
	struct pollfd fds[HF_WORKERS_CAP + 4];
	int64_t now = hf_clock_monotonic_ms();
	size_t admin = s->slots_len + 1;

	fds[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	for (size_t i = 0; i < s->slots_len; i++)
		fds[i + 1] = (struct pollfd){ .fd = s->slots[i].control, .events = POLLIN };
	fds[admin] =
	    (struct pollfd){ .fd = s->admin ? hf_admin_fd(s->admin) : -1, .events = POLLIN };
	fds[admin + 1] =
	    (struct pollfd){ .fd = s->follower.control, .events = POLLIN }; /* -1: passed over */
	fds[admin + 2] = (struct pollfd){ .fd = hf_supervisor_signer_fd(s), .events = POLLIN };
	if (poll(fds, admin + 3, wait_ms(s, now)) < 0)
		return;
	if ((fds[admin + 2].revents & POLLIN) != 0)
		hf_supervisor_signer_heard(s);
	if ((fds[admin + 1].revents & POLLIN) != 0)
		hf_supervisor_follower_said(s);
	for (size_t i = 0; i < s->slots_len; i++)
		if ((fds[i + 1].revents & POLLIN) != 0 && s->slots[i].control == fds[i + 1].fd)
			on_control(s, &s->slots[i]);
	if (fds[0].revents != 0)
		on_signal(s);
	/* A closed control of a worker that is being reaped must not spin. */
	for (size_t i = 0; i < s->slots_len; i++)
		if ((fds[i + 1].revents & (POLLHUP | POLLIN)) == POLLHUP)
			reap(s);
	if ((fds[admin + 1].revents & (POLLHUP | POLLIN)) == POLLHUP)
		reap(s);
	now = hf_clock_monotonic_ms();
	hf_supervisor_settle_reload(s);
	hf_supervisor_run_admin(s, now);
	restart_due(s, now);
	say_alive(s, now);
	hf_supervisor_signer_round(s, now);
	hf_supervisor_look_at_files(s, now);
	hf_supervisor_look_at_anchors(s, now);
	if (s->stopping && now >= s->kill_ms) {
		kill_workers(s);
		s->cut = true;
	}
}

static int run(struct hf_supervisor *s, struct hf_err *err)
{
	int rc = hf_gateway_follows(s->config) ? hf_supervisor_follow(s, err) : 0;

	for (size_t i = 0; rc == 0 && i < s->slots_len; i++)
		rc = start_worker(s, i, err);
	if (rc == 0)
		rc = hf_aide_start(&s->aide, &s->before, err);
	if (rc < 0)
		s->start_failed = true;
	while (!s->start_failed && (!s->stopping || living(s) > 0))
		round_of_events(s);
	if (!s->start_failed) {
		hf_supervisor_drained(s);
		return s->cut ? 1 : 0;
	}
	hf_supervisor_unfollow(s);
	hf_aide_stop(&s->aide);
	kill_workers(s);
	for (size_t i = 0; i < s->slots_len; i++) /* not the signer, which may still be asked */
		if (s->slots[i].pid != 0)
			(void)waitpid(s->slots[i].pid, NULL, 0);
	return rc < 0
		   ? rc
		   : hf_err_set(err, HF_E_IO, "the workers could not start; the reason is above");
}

/* Who asks again for the end that has come must not turn it into a death by signal. */
static void discard_signals(const struct hf_supervisor *s)
{
	const struct timespec now = { 0 };

	while (sigtimedwait(&s->blocked, NULL, &now) > 0)
		continue;
}

int hf_gateway_run(const struct hf_gateway_config *config, struct hf_err *err)
{
	struct hf_supervisor *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return hf_err_nomem(err);
	s->own = *config;
	s->config = &s->own;
	s->aide.argv = config->aide;
	s->signals = s->follower.control = -1;
	s->generation = 1;
	s->started_at = s->reload_at = hf_clock_now();
	rc = hf_supervisor_set_up(s, err);
	if (rc == 0)
		rc = run(s, err);
	if (s->signals >= 0) {
		hf_fd_close(s->signals);
		discard_signals(s);
		(void)sigprocmask(SIG_SETMASK, &s->before, NULL);
	}
	hf_supervisor_close_admin(s);
	hf_ocsp_book_free(s->own.ocsp);
	hf_filewatch_free(s->watch);
	hf_gateway_parts_done(&s->good);
	hf_supervisor_forget_files(s);
	hf_supervisor_unshare(s);
	hf_bound_list_done(&s->bound);
	hf_bound_list_done(&s->metrics);
	free(s);
	return rc;
}
