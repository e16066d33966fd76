/* SPDX-License-Identifier: Apache-2.0 */
/* handfast renew --watch: one pass after the other, in time.  Must never give up because one of
 * them failed. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include <openssl/rand.h>

#include "cli/common.h"
#include "cli/renew.h"
#include "util/clock.h"
#include "util/daemon.h"

enum { WAIT_MIN = 10, WAIT_MAX = 3600, RETRY = 60 };

/* Up to a tenth more, so that a hundred machines do not come at the same second. */
static int64_t jittered(int64_t seconds)
{
	uint32_t random = 0;

	(void)RAND_bytes((unsigned char *)&random, sizeof(random)); /* 0 without it */
	return seconds + (int64_t)((uint64_t)random % (uint64_t)(seconds / 10 + 1));
}

/* False when it is time to end.  SIGHUP ends the wait only. */
static bool wait_for(const sigset_t *signals, int64_t seconds)
{
	struct timespec timeout = { .tv_sec = (time_t)seconds };
	int sig;

	do
		sig = sigtimedwait(signals, NULL, &timeout);
	while (sig < 0 && errno == EINTR);
	return sig < 0 || sig == SIGHUP;
}

/* No authority at the start is a mistake and ends it; later it is a fault, and is tried again. */
int hf_renew_watch(struct hf_renewal *r, struct hf_passphrase *from)
{
	int64_t seconds, retry = RETRY;
	sigset_t signals;
	int rc;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	hf_daemon_notify("READY=1");
	rc = hf_renew_pass(r, from);
	if (rc < 0)
		return rc;
	for (;;) {
		hf_out_flush(&r->ctx->out);
		/* a failure is tried again soon, then less often, but at least every hour */
		seconds = HF_MAX(HF_MIN(r->next_at - hf_clock_now(), (int64_t)WAIT_MAX),
				 (int64_t)WAIT_MIN);
		retry = r->failed ? HF_MIN(2 * retry, (int64_t)WAIT_MAX) : RETRY;
		seconds = jittered(r->failed ? HF_MIN(retry, seconds) : seconds);
		hf_out_debug(&r->ctx->out, "looking again in %lld seconds", (long long)seconds);
		if (!wait_for(&signals, seconds))
			break;
		r->failed = 0;
		hf_renew_take_failure(r, hf_renew_pass(r, from));
	}
	hf_daemon_notify("STOPPING=1");
	return HF_EXIT_YES;
}
