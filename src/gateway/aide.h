/* SPDX-License-Identifier: Apache-2.0 */
/* A program that runs beside the gateway for as long as it does, such as the one that renews its
 * certificate (serve --renew-from): started by the supervisor, restarted when it ends, and ended
 * with it. */
#ifndef HF_GATEWAY_AIDE_H
#define HF_GATEWAY_AIDE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct hf_aide {
	const char *const *argv; /* NULL-terminated, [0] is the path of the program; NULL: none */
	pid_t pid;		 /* 0: it does not run */
	int64_t restart_ms;	 /* 0: not to be started */
};
/* With this signal mask; it gets SIGTERM when we are gone, however we end (prctl(2),
 * PR_SET_PDEATHSIG). */
int hf_aide_start(struct hf_aide *aide, const sigset_t *mask, struct hf_err *err);
/* true when it was this process: another starts in a while. */
bool hf_aide_ended(struct hf_aide *aide, pid_t pid, int status, int64_t now_ms);
void hf_aide_stop(struct hf_aide *aide);

#endif
