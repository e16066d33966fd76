/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop over libuv: deferred work, timers, signals, descriptors.  Must never let a
 * callback run inside another one. */
#include "net/loop.h"

#include <stdlib.h>

#include "base/err.h"
#include "net/internal.h"

struct hf_loop {
	uv_loop_t uv;
	uv_idle_t idle; /* runs while there is deferred work, so that polling does not wait */
	struct hf_deferred *first, **last;
	struct hf_owned *owned;
};

static void run_deferred(uv_idle_t *idle)
{
	struct hf_loop *loop = idle->data;
	struct hf_deferred *work = loop->first;

	/* What is deferred meanwhile waits for the next round: no starving of the sockets. */
	loop->first = NULL;
	loop->last = &loop->first;
	while (work) {
		struct hf_deferred *next = work->next;

		work->next = NULL;
		work->queued = false;
		work->run(work);
		work = next;
	}
	if (!loop->first)
		uv_idle_stop(idle);
}

void hf_loop_defer(struct hf_loop *loop, struct hf_deferred *work)
{
	if (work->queued)
		return;
	work->queued = true;
	work->next = NULL;
	*loop->last = work;
	loop->last = &work->next;
	uv_idle_start(&loop->idle, run_deferred);
}

void hf_loop_own(struct hf_loop *loop, struct hf_owned *object)
{
	object->prev = NULL;
	object->next = loop->owned;
	if (loop->owned)
		loop->owned->prev = object;
	loop->owned = object;
}

void hf_loop_disown(struct hf_loop *loop, struct hf_owned *object)
{
	*(object->prev ? &object->prev->next : &loop->owned) = object->next;
	if (object->next)
		object->next->prev = object->prev;
	object->prev = object->next = NULL;
}

int hf_loop_new(struct hf_loop **ret_loop, struct hf_err *err)
{
	struct hf_loop *loop = calloc(1, sizeof(*loop));
	int rc;

	if (!loop)
		return hf_err_nomem(err);
	rc = uv_loop_init(&loop->uv);
	if (rc < 0) {
		free(loop);
		return hf_err_errno(err, -rc, "making an event loop");
	}
	uv_idle_init(&loop->uv, &loop->idle);
	loop->idle.data = loop;
	loop->last = &loop->first;
	*ret_loop = loop;
	return 0;
}

void hf_loop_free(struct hf_loop *loop)
{
	if (!loop)
		return;
	while (loop->owned)
		loop->owned->destroy(loop->owned);
	uv_close((uv_handle_t *)&loop->idle, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT); /* the last close callbacks */
	uv_loop_close(&loop->uv);
	free(loop);
}

void hf_loop_run(struct hf_loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void hf_loop_stop(struct hf_loop *loop)
{
	uv_stop(&loop->uv);
}

static void wake(uv_timer_t *timer)
{
	(void)timer;
}

void hf_loop_step(struct hf_loop *loop, int timeout_ms)
{
	uv_timer_t *timer;

	if (timeout_ms <= 0) {
		uv_run(&loop->uv, timeout_ms == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
		return;
	}
	timer = malloc(sizeof(*timer));
	if (!timer)
		return;
	uv_timer_init(&loop->uv, timer);
	uv_update_time(&loop->uv);
	uv_timer_start(timer, wake, (uint64_t)timeout_ms, 0);
	uv_run(&loop->uv, UV_RUN_ONCE);
	uv_close((uv_handle_t *)timer, (uv_close_cb)free);
}

uint64_t hf_loop_now_ms(const struct hf_loop *loop)
{
	return uv_now(&loop->uv);
}

uv_loop_t *hf_loop_uv(struct hf_loop *loop)
{
	return &loop->uv;
}

/* --- timers, signals, descriptors: each one handle and a callback ------------------------ */

struct hf_timer {
	uv_timer_t uv; /* first: freed through its handle */
	void (*fire)(void *arg);
	void *arg;
};

static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

static void timer_fired(uv_timer_t *uv)
{
	struct hf_timer *timer = uv->data;

	timer->fire(timer->arg);
}

int hf_timer_new(struct hf_loop *loop, void (*fire)(void *arg), void *arg,
		 struct hf_timer **ret_timer, struct hf_err *err)
{
	struct hf_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return hf_err_nomem(err);
	uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	timer->fire = fire;
	timer->arg = arg;
	*ret_timer = timer;
	return 0;
}

void hf_timer_start(struct hf_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
	uv_timer_start(&timer->uv, timer_fired, after_ms, repeat_ms);
}

void hf_timer_stop(struct hf_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

void hf_timer_free(struct hf_timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *)&timer->uv, free_handle);
}

struct hf_signal {
	uv_signal_t uv;
	void (*fire)(int signum, void *arg);
	void *arg;
};

static void signal_fired(uv_signal_t *uv, int signum)
{
	struct hf_signal *signal = uv->data;

	signal->fire(signum, signal->arg);
}

int hf_signal_new(struct hf_loop *loop, int signum, void (*fire)(int signum, void *arg), void *arg,
		  struct hf_signal **ret_signal, struct hf_err *err)
{
	struct hf_signal *signal = calloc(1, sizeof(*signal));
	int rc;

	if (!signal)
		return hf_err_nomem(err);
	rc = uv_signal_init(&loop->uv, &signal->uv);
	if (rc < 0) {
		free(signal);
		return hf_err_errno(err, -rc, "watching signals");
	}
	signal->uv.data = signal;
	signal->fire = fire;
	signal->arg = arg;
	rc = uv_signal_start(&signal->uv, signal_fired, signum);
	if (rc < 0) {
		hf_signal_free(signal);
		return hf_err_errno(err, -rc, "watching signal %d", signum);
	}
	*ret_signal = signal;
	return 0;
}

void hf_signal_free(struct hf_signal *signal)
{
	if (signal)
		uv_close((uv_handle_t *)&signal->uv, free_handle);
}

struct hf_watch {
	uv_poll_t uv;
	void (*fire)(int events, void *arg);
	void *arg;
};

int hf_watch_new(struct hf_loop *loop, int fd, void (*fire)(int events, void *arg), void *arg,
		 struct hf_watch **ret_watch, struct hf_err *err)
{
	struct hf_watch *watch = calloc(1, sizeof(*watch));
	int rc;

	if (!watch)
		return hf_err_nomem(err);
	rc = uv_poll_init(&loop->uv, &watch->uv, fd);
	if (rc < 0) {
		free(watch);
		return hf_err_errno(err, -rc, "watching a descriptor");
	}
	watch->uv.data = watch;
	watch->fire = fire;
	watch->arg = arg;
	*ret_watch = watch;
	return 0;
}

/* An error on the descriptor shows as readable: whoever reads then gets it. */
static void watch_fired(uv_poll_t *uv, int status, int events)
{
	struct hf_watch *watch = uv->data;

	watch->fire(status < 0 ? UV_READABLE : events, watch->arg);
}

int hf_watch_set(struct hf_watch *watch, int events)
{
	int rc = events ? uv_poll_start(&watch->uv, events, watch_fired) : uv_poll_stop(&watch->uv);

	return rc < 0 ? -HF_E_IO : 0;
}

void hf_watch_free(struct hf_watch *watch)
{
	if (watch)
		uv_close((uv_handle_t *)&watch->uv, free_handle);
}
