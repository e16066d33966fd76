/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the supervisor, for supervisor*.c: its slots for workers and what it binds. */
#ifndef HF_GATEWAY_SUPERVISOR_H
#define HF_GATEWAY_SUPERVISOR_H

#include <signal.h>
#include <sys/types.h>

#include "gateway/filewatch.h"
#include "gateway/worker.h"

enum { HF_WORKERS_CAP = 64 };

struct hf_worker_slot {
	pid_t pid;   /* 0: none */
	int control; /* -1: none */
	bool ready, reloading;
	int64_t started_ms, restart_ms; /* restart_ms 0: nothing to do */
	int64_t backoff_ms;
};

struct hf_supervisor {
	const struct hf_gateway_config *config;
	struct hf_gateway_config own; /* with the defaults worked out */
	struct hf_bound_list bound, metrics;
	struct hf_counters *counters;
	struct hf_worker_slot slots[HF_WORKERS_CAP];
	size_t slots_len;
	int signals;
	sigset_t blocked, before;
	uint64_t generation;
	struct hf_gateway_parts good; /* what it was made of */
	int interrupts;
	bool announced, stopping, cut, start_failed, reload_pending, reload_kept,
	    reload_again;
	int64_t kill_ms;
	struct hf_filewatch *watch; /* NULL: only SIGHUP reloads */
	int64_t look_ms;	    /* when to look next */
};

/* Defaults, sockets, counters, signals, the watch over the files. */
int hf_supervisor_set_up(struct hf_supervisor *s, struct hf_err *err);

#endif
