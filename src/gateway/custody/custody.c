/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the signer, as the supervisor sees it: fork, attach, watch, restart.  Must never read
 * a key in this process, nor leave a descriptor of the supervisor's open in the signer. */
#include "gateway/custody/custody.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "gateway/custody/channel.h"
#include "gateway/custody/signer.h"
#include "util/clock.h"

enum { ATTACH_MS = 2000, SEAL_MS = 10 * 1000, STUCK_MS = 5 * 1000, END_MS = 2000, NAP_MS = 5 };

/* --- the child --- */

/* Listening sockets, logs, the sockets of workers: whatever the supervisor has open. */
static void close_all_but(int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t fd;

	while (dir && (entry = readdir(dir)) != NULL)
		if (hf_str_u64(entry->d_name, INT32_MAX, &fd) && fd > STDERR_FILENO &&
		    (int)fd != keep && (int)fd != dirfd(dir))
			(void)close((int)fd);
	if (dir)
		(void)closedir(dir);
}

_Noreturn static void be_signer(struct hf_custody *custody, int control, pid_t parent)
{
	static const int ignored[] = { SIGTERM, SIGHUP, SIGPIPE };
	sigset_t none;

	(void)prctl(PR_SET_NAME, "hf-signer");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it ended before we could hear of it */
		_exit(0);
	if (custody->leave != NULL)
		custody->leave(custody->leave_arg);
	close_all_but(control);
	for (size_t i = 0; i < HF_ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	/* a Ctrl-C at the question for a passphrase ends both of us */
	(void)signal(SIGINT, custody->sealed ? SIG_IGN : SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	exit(hf_custody_signer_run(custody->config, control, !custody->sealed));
}

static int fork_signer(struct hf_custody *custody, struct hf_err *err)
{
	pid_t parent = getpid(), pid;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return hf_err_errno(err, errno, "socketpair");
	pid = fork();
	if (pid == 0) {
		hf_fd_close(pair[0]);
		be_signer(custody, pair[1], parent);
	}
	hf_fd_close(pair[1]);
	if (pid < 0) {
		hf_fd_close(pair[0]);
		return hf_err_errno(err, errno, "cannot fork the signer");
	}
	custody->pid = pid;
	custody->asked_ms = 0;
	rc = hf_custody_adopt(custody, pair[0], err);
	if (rc < 0)
		hf_fd_close(pair[0]); /* it ends by itself then */
	return rc;
}

/* --- start and end --- */

int hf_custody_start(const struct hf_custody_config *config, struct hf_custody **ret_custody,
		     struct hf_err *err)
{
	HF_AUTO(hf_custody) custody = calloc(1, sizeof(*custody));
	int rc;

	if (custody == NULL)
		return hf_err_nomem(err);
	custody->config = config;
	custody->fd = -1;
	hf_buf_init(&custody->in, HF_CUSTODY_MESSAGE_CAP);
	hf_buf_init(&custody->out, HF_CUSTODY_MESSAGE_CAP);
	hf_log_bucket_init(&custody->complaints, 5, 1);
	for (size_t i = 0; i < HF_CUSTODY_WORKERS_CAP; i++)
		custody->ends[i] = -1;
	if (hf_buf_reserve(&custody->in, HF_CUSTODY_MESSAGE_CAP) < 0)
		return hf_err_nomem(err);
	rc = fork_signer(custody, err);
	if (rc == 0)
		*ret_custody = hf_take(custody);
	return rc;
}

static void close_ends(struct hf_custody *custody)
{
	for (size_t i = 0; i < HF_CUSTODY_WORKERS_CAP; i++) {
		hf_fd_close(custody->ends[i]);
		custody->ends[i] = -1;
	}
}

/* Its socket is closed: it ends by itself, unless it hangs in a token or was stopped. */
static void wait_for_end(pid_t pid)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000 * 1000 };

	for (int i = 0; pid != 0 && i < END_MS / NAP_MS; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		(void)nanosleep(&nap, NULL);
	}
	if (pid != 0 && kill(pid, SIGKILL) == 0)
		(void)waitpid(pid, NULL, 0);
}

void hf_custody_free(struct hf_custody *custody)
{
	if (custody == NULL)
		return;
	hf_fd_close(custody->fd);
	close_ends(custody);
	wait_for_end(custody->pid);
	hf_buf_done(&custody->in);
	hf_buf_done(&custody->out);
	free(custody);
}

int hf_custody_seal(struct hf_custody *custody, char *words, size_t cap, struct hf_err *err)
{
	struct hf_custody_request request = { .op = HF_CUSTODY_SEAL };
	struct hf_custody_answer answer;
	int rc = hf_custody_ask(custody, &request, SEAL_MS, -1, &answer, err);

	if (rc < 0)
		return rc;
	custody->sealed = true;
	(void)snprintf(words, cap, "%.*s", (int)answer.len, (const char *)answer.data);
	return 0;
}

void hf_custody_in_signer(struct hf_custody *custody, void (*leave)(void *arg), void *arg)
{
	custody->leave = leave;
	custody->leave_arg = arg;
}

/* --- workers --- */

static int hand_over(struct hf_custody *custody, size_t index, struct hf_err *err)
{
	struct hf_custody_request request = { .op = HF_CUSTODY_ATTACH, .number = (uint32_t)index };
	struct hf_custody_answer answer;

	return hf_custody_ask(custody, &request, ATTACH_MS, custody->ends[index], &answer, err);
}

/* While there is no signer the socket waits for one. */
int hf_custody_attach(struct hf_custody *custody, size_t index, int *ret_fd, struct hf_err *err)
{
	int pair[2];

	if (index >= HF_CUSTODY_WORKERS_CAP)
		return hf_err_set(err, HF_E_LIMIT, "too many workers for one signer");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return hf_err_errno(err, errno, "socketpair");
	hf_fd_close(custody->ends[index]);
	custody->ends[index] = pair[1];
	if (custody->pid != 0 && hand_over(custody, index, err) < 0)
		hf_log_say("the signer cannot take worker %zu yet: %s", index, err->msg);
	*ret_fd = pair[0];
	return 0;
}

void hf_custody_become_worker(struct hf_custody *custody, int fd)
{
	close_ends(custody);
	custody->is_worker = true;
	custody->pid = 0;
	custody->sick = false;
	if (hf_custody_adopt(custody, fd, NULL) < 0)
		hf_fd_close(fd);
}

/* --- watching --- */

pid_t hf_custody_pid(const struct hf_custody *custody)
{
	return custody->pid;
}

int hf_custody_fd(const struct hf_custody *custody)
{
	return custody->fd;
}

void hf_custody_heard(struct hf_custody *custody)
{
	while (recv(custody->fd, custody->in.data, HF_CUSTODY_MESSAGE_CAP, MSG_DONTWAIT) > 0)
		custody->asked_ms = 0;
}

void hf_custody_ended(struct hf_custody *custody)
{
	hf_fd_close(custody->fd);
	custody->fd = -1;
	custody->pid = 0;
	custody->asked_ms = 0;
}

int hf_custody_restart(struct hf_custody *custody, struct hf_err *err)
{
	int rc = fork_signer(custody, err);

	for (size_t i = 0; rc == 0 && i < HF_CUSTODY_WORKERS_CAP; i++)
		if (custody->ends[i] >= 0)
			rc = hand_over(custody, i, err);
	return rc;
}

void hf_custody_watch(struct hf_custody *custody, int64_t now_ms)
{
	struct hf_custody_request request = { .op = HF_CUSTODY_PING };

	if (custody->pid == 0)
		return;
	if (custody->asked_ms == 0) {
		custody->asked_ms = now_ms;
		hf_custody_tell(custody, &request);
	} else if (now_ms - custody->asked_ms > STUCK_MS) {
		hf_log_say("the signer has said nothing for %d s: it is killed", STUCK_MS / 1000);
		(void)kill(custody->pid, SIGKILL);
		custody->asked_ms = now_ms;
	}
}
