/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor and its signer: sockets for workers, signs of life, another one when it has ended.
 * Must never let a dead signer end the service: workers wait, and are told. */
#include <sys/prctl.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/supervisor.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	WATCH_MS = 1000,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_LAST_MS = 10 * 1000,
	STEADY_MS = 10 * 1000
};

static int seal(struct hf_supervisor *s, struct hf_err *err)
{
	char words[HF_SANDBOX_WORDS_CAP] = "";
	int rc = hf_custody_seal(s->config->custody, words, sizeof(words), err);

	if (rc == 0)
		s->signer.unsealed = false;
	return rc;
}

int hf_supervisor_signer_ready(struct hf_supervisor *s, struct hf_err *err)
{
	s->signer.started_ms = hf_clock_monotonic_ms();
	return s->config->custody ? seal(s, err) : 0;
}

bool hf_supervisor_signer_reaped(struct hf_supervisor *s, pid_t pid)
{
	struct hf_signer_slot *slot = &s->signer;
	int64_t now = hf_clock_monotonic_ms();

	if (!s->config->custody || hf_custody_pid(s->config->custody) != pid)
		return false;
	hf_custody_ended(s->config->custody);
	if (s->stopping)
		return true;
	if (now - slot->started_ms >= STEADY_MS)
		slot->backoff_ms = 0;
	slot->backoff_ms = HF_MIN(HF_MAX(slot->backoff_ms * 2, (int64_t)BACKOFF_FIRST_MS),
				  (int64_t)BACKOFF_LAST_MS);
	slot->restart_ms = now + slot->backoff_ms;
	hf_log_say("the signer ended unasked; another starts in %lld ms",
		   (long long)slot->backoff_ms);
	return true;
}

/* It has no keys yet: a reload has them read, and the workers take what belongs to them. */
static void restart(struct hf_supervisor *s, int64_t now)
{
	struct hf_err err = HF_ERR_INIT;

	s->signer.restart_ms = 0;
	s->signer.started_ms = now;
	s->signer.unsealed = true;
	s->signer.retry_ms = now;
	if (hf_custody_restart(s->config->custody, &err) < 0)
		hf_log_say("the signer could not be started again: %s", err.msg);
	if (hf_custody_pid(s->config->custody) == 0)
		s->signer.restart_ms = now + BACKOFF_LAST_MS;
}

/* Files that are bad just now are no reason to stay without a key: they are read again and again.
 */
static void read_keys(struct hf_supervisor *s, int64_t now)
{
	struct hf_err err = HF_ERR_INIT;
	uint64_t before = s->generation;

	s->signer.retry_ms = now + BACKOFF_LAST_MS;
	hf_supervisor_reload(s);
	if (s->generation == before)
		return;
	if (seal(s, &err) < 0)
		hf_log_say("the signer could not be locked up: %s", err.msg);
	else
		hf_log_say("the signer has its keys again");
}

void hf_supervisor_signer_round(struct hf_supervisor *s, int64_t now)
{
	struct hf_signer_slot *slot = &s->signer;

	if (!s->config->custody || s->stopping || !s->announced)
		return;
	if (slot->restart_ms > 0 && now >= slot->restart_ms)
		restart(s, now);
	if (slot->unsealed && hf_custody_pid(s->config->custody) != 0 && now >= slot->retry_ms)
		read_keys(s, now);
	if (now >= slot->watch_ms) {
		slot->watch_ms = now + WATCH_MS;
		hf_custody_watch(s->config->custody, now);
	}
}

int64_t hf_supervisor_signer_next(const struct hf_supervisor *s)
{
	const struct hf_signer_slot *slot = &s->signer;
	int64_t next = slot->watch_ms;

	if (!s->config->custody || s->stopping || !s->announced)
		return INT64_MAX;
	if (slot->restart_ms > 0)
		next = HF_MIN(next, slot->restart_ms);
	if (slot->unsealed && slot->restart_ms == 0)
		next = HF_MIN(next, slot->retry_ms);
	return next;
}

int hf_supervisor_signer_fd(const struct hf_supervisor *s)
{
	return s->config->custody ? hf_custody_fd(s->config->custody) : -1;
}

void hf_supervisor_signer_heard(struct hf_supervisor *s)
{
	if (hf_supervisor_signer_fd(s) >= 0)
		hf_custody_heard(s->config->custody);
}

int hf_supervisor_signer_attach(struct hf_supervisor *s, size_t worker, int *ret_fd,
				struct hf_err *err)
{
	*ret_fd = -1;
	return s->config->custody ? hf_custody_attach(s->config->custody, worker, ret_fd, err) : 0;
}

void hf_supervisor_signer_in_child(struct hf_supervisor *s, const char *name, int fd)
{
	(void)prctl(PR_SET_NAME, name);
	if (s->config->custody)
		hf_custody_become_worker(s->config->custody, fd);
}
