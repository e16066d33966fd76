/* SPDX-License-Identifier: Apache-2.0 */
/* The program beside the gateway.  Must never outlive it. */
#include "gateway/aide.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/log.h"

enum { AGAIN_MS = 10 * 1000, EXIT_CANNOT = 127 };

_Noreturn static void be_aide(const struct hf_aide *aide, const sigset_t *mask, pid_t parent)
{
	/* execv takes them as they are, and does not change them (POSIX.1-2017 exec) */
	char *const *argv = (char *const *)(uintptr_t)aide->argv;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it ended before that call */
		_exit(EXIT_CANNOT);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execv(aide->argv[0], argv);
	_exit(EXIT_CANNOT);
}

int hf_aide_start(struct hf_aide *aide, const sigset_t *mask, struct hf_err *err)
{
	pid_t parent = getpid(), pid;

	aide->restart_ms = 0;
	if (!aide->argv)
		return 0;
	pid = fork();
	if (pid < 0)
		return hf_err_errno(err, errno, "cannot fork '%s'", aide->argv[0]);
	if (pid == 0)
		be_aide(aide, mask, parent);
	aide->pid = pid;
	return 0;
}

bool hf_aide_ended(struct hf_aide *aide, pid_t pid, int status, int64_t now_ms)
{
	if (aide->pid == 0 || aide->pid != pid)
		return false;
	aide->pid = 0;
	aide->restart_ms = now_ms + AGAIN_MS;
	hf_log_say("'handfast %s' beside us ended (%s %d); another starts in %d s", aide->argv[1],
		   WIFSIGNALED(status) ? "signal" : "status",
		   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), AGAIN_MS / 1000);
	return true;
}

void hf_aide_stop(struct hf_aide *aide)
{
	if (aide->pid > 0)
		(void)kill(aide->pid, SIGTERM);
	aide->pid = 0;
	aide->restart_ms = 0;
}
