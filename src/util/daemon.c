/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to systemd.  Must never fail a service because nobody listens. */
#include "util/daemon.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "util/clock.h"

void hf_daemon_notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	HF_AUTO(fd) fd = -1;
	socklen_t len;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    !hf_str_copy(address.sun_path, sizeof(address.sun_path), path))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* abstract namespace, unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     len);
}

void hf_daemon_notify_reloading(void)
{
	char state[80];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		       hf_clock_monotonic_ms() * 1000);
	hf_daemon_notify(state);
}

/* A variable meant for this process: systemd names the one it means by its id. */
static bool is_for_us(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t pid;

	return text && hf_str_u64(text, INT32_MAX, &pid) && (pid_t)pid == getpid();
}

int64_t hf_daemon_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	uint64_t usec;

	if (!text || (getenv("WATCHDOG_PID") && !is_for_us("WATCHDOG_PID")) ||
	    !hf_str_u64(text, INT64_MAX, &usec))
		return 0;
	return (int64_t)HF_MAX(usec / 2000, 1);
}

static int take_fds(uint64_t count, struct hf_err *err)
{
	for (int i = 0; i < (int)count; i++) {
		int fd = HF_DAEMON_FIRST_FD + i;
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
			return hf_err_set(err, HF_E_INVALID,
					  "LISTEN_FDS says %" PRIu64
					  " sockets, but descriptor %d is not open",
					  count, fd);
	}
	return (int)count;
}

int hf_daemon_listen_fds(struct hf_err *err)
{
	static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" };
	const char *text = getenv("LISTEN_FDS");
	uint64_t count = 0;
	int rc;

	if (!text || !is_for_us("LISTEN_PID"))
		return 0;
	if (hf_str_u64(text, HF_DAEMON_FDS_CAP, &count))
		rc = take_fds(count, err);
	else
		rc = hf_err_set(err, HF_E_INVALID, "LISTEN_FDS must be a number up to %d, not '%s'",
				HF_DAEMON_FDS_CAP, text);
	for (size_t i = 0; i < HF_ARRAY_LEN(variables); i++)
		(void)unsetenv(variables[i]);
	return rc;
}

void hf_daemon_block(const int *signals, sigset_t *ret_old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (; *signals; signals++)
		(void)sigaddset(&set, *signals);
	(void)sigprocmask(SIG_BLOCK, &set, ret_old);
}

void hf_daemon_unblock(const sigset_t *old)
{
	(void)sigprocmask(SIG_SETMASK, old, NULL);
}
