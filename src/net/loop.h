/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of one process: libuv with the few things this program needs, so that timers and
 * signals live inside the objects that use them.  One thread; callbacks never nest. */
#ifndef HF_NET_LOOP_H
#define HF_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/macros.h"

struct hf_loop;

int hf_loop_new(struct hf_loop **ret_loop, struct hf_err *err);
void hf_loop_free(
    struct hf_loop *loop); /* every object on it must be freed first; runs their last callbacks */
HF_DEFINE_AUTO(hf_loop, struct hf_loop, hf_loop_free);
void hf_loop_run(struct hf_loop *loop); /* until hf_loop_stop, or nothing is left to wait for */
void hf_loop_stop(struct hf_loop *loop);
/* One round: waits up to timeout_ms (-1: for ever) for something to do.  For tests and small
 * clients. */
void hf_loop_step(struct hf_loop *loop, int timeout_ms);
uint64_t hf_loop_now_ms(const struct hf_loop *loop); /* monotonic, cached for this round */
uv_loop_t *hf_loop_uv(struct hf_loop *loop);

/* A timer; heap-owned because libuv closes handles later than we free. */
struct hf_timer;
int hf_timer_new(struct hf_loop *loop, void (*fire)(void *arg), void *arg,
		 struct hf_timer **ret_timer, struct hf_err *err);
void hf_timer_start(struct hf_timer *timer, uint64_t after_ms, uint64_t repeat_ms); /* restarts */
void hf_timer_stop(struct hf_timer *timer);
void hf_timer_free(struct hf_timer *timer); /* NULL-safe, also from inside its own callback */
HF_DEFINE_AUTO(hf_timer, struct hf_timer, hf_timer_free);

/* A signal handler that runs as a normal callback of the loop. */
struct hf_signal;
int hf_signal_new(struct hf_loop *loop, int signum, void (*fire)(int signum, void *arg), void *arg,
		  struct hf_signal **ret_signal, struct hf_err *err);
void hf_signal_free(struct hf_signal *signal);
HF_DEFINE_AUTO(hf_signal, struct hf_signal, hf_signal_free);

/* Readiness of a descriptor of the caller (a pipe to the supervisor, say).  events: UV_READABLE,
 * UV_WRITABLE. */
struct hf_watch;
int hf_watch_new(struct hf_loop *loop, int fd, void (*fire)(int events, void *arg), void *arg,
		 struct hf_watch **ret_watch, struct hf_err *err);
int hf_watch_set(struct hf_watch *watch, int events); /* 0 stops; 0 or negative */
void hf_watch_free(struct hf_watch *watch);	      /* before the descriptor is closed */
HF_DEFINE_AUTO(hf_watch, struct hf_watch, hf_watch_free);

#endif
