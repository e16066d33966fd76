/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting.  When descriptors run out it pauses and tries again later: spinning on a
 * level-triggered socket would take the CPU that the living connections need to end. */
#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "util/log.h"

enum {
	ACCEPTS_A_ROUND = 32, /* then other connections have their turn */
	PAUSE_FIRST_MS = 20,
	PAUSE_LAST_MS = 1000,
	TROUBLE_EVERY_MS = 1000,
};

struct hf_listener {
	struct hf_loop *loop;
	int fd;
	struct hf_watch *watch;
	struct hf_timer *resume;
	const struct hf_listener_ops *ops;
	void *arg;
	bool paused;	 /* by the application */
	bool backed_off; /* by trouble */
	uint64_t pause_ms;
	uint64_t told_ms; /* when trouble was last told of, 0 never */
};

static void watch_set(struct hf_listener *listener)
{
	bool on = !listener->paused && !listener->backed_off;

	(void)hf_watch_set(listener->watch, on ? UV_READABLE : 0);
}

static void back_off(struct hf_listener *listener, int errnum)
{
	uint64_t now = hf_loop_now_ms(listener->loop);

	listener->pause_ms =
	    listener->pause_ms ? HF_MIN(listener->pause_ms * 2, PAUSE_LAST_MS) : PAUSE_FIRST_MS;
	listener->backed_off = true;
	watch_set(listener);
	hf_timer_start(listener->resume, listener->pause_ms, 0);
	if (listener->told_ms && now - listener->told_ms < TROUBLE_EVERY_MS)
		return;
	listener->told_ms = now ? now : 1;
	hf_log_say("accepting has paused: %s", strerror(errnum));
}

static void resume(void *arg)
{
	struct hf_listener *listener = arg;

	listener->backed_off = false;
	watch_set(listener);
}

/* accept(2): these belong to one connection that died before we took it. */
static bool passes(int errnum)
{
	return errnum == ECONNABORTED || errnum == EINTR || errnum == EPROTO ||
	       errnum == ENETDOWN || errnum == ENOPROTOOPT || errnum == EHOSTDOWN ||
	       errnum == EHOSTUNREACH || errnum == ENETUNREACH || errnum == EPERM;
}

/* false: nothing more to accept now. */
static bool accept_one(struct hf_listener *listener)
{
	struct hf_address peer = { .len = sizeof(peer.sa) };
	int fd = accept4(listener->fd, (struct sockaddr *)&peer.sa, &peer.len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		listener->pause_ms = 0;
		listener->ops->on_accept(fd, &peer, listener->arg);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	if (passes(errno))
		return true;
	back_off(listener, errno);
	return false;
}

static void on_event(int events, void *arg)
{
	struct hf_listener *listener = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_ROUND && !listener->paused; i++) {
		if (!accept_one(listener))
			return;
	}
}

int hf_listener_new(struct hf_loop *loop, int fd, const struct hf_listener_ops *ops, void *arg,
		    struct hf_listener **ret_listener, struct hf_err *err)
{
	HF_AUTO(hf_listener) listener = calloc(1, sizeof(*listener));
	int rc;

	if (!listener)
		return hf_err_nomem(err);
	listener->loop = loop;
	listener->fd = fd;
	listener->ops = ops;
	listener->arg = arg;
	rc = hf_watch_new(loop, fd, on_event, listener, &listener->watch, err);
	if (rc == 0)
		rc = hf_timer_new(loop, resume, listener, &listener->resume, err);
	if (rc == 0 && hf_watch_set(listener->watch, UV_READABLE) < 0)
		rc = hf_err_set(err, HF_E_IO, "watching a listening socket");
	if (rc < 0)
		return rc;
	*ret_listener = hf_take(listener);
	return 0;
}

void hf_listener_pause(struct hf_listener *listener, bool pause)
{
	if (listener->paused == pause)
		return;
	listener->paused = pause;
	watch_set(listener);
}

void hf_listener_free(struct hf_listener *listener)
{
	if (!listener)
		return;
	hf_watch_free(listener->watch);
	hf_timer_free(listener->resume);
	free(listener);
}
