/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the supervisor, for supervisor*.c: its slots for workers and what it binds. */
#ifndef HF_GATEWAY_SUPERVISOR_H
#define HF_GATEWAY_SUPERVISOR_H

#include <signal.h>
#include <sys/types.h>

#include "gateway/aide.h"
#include "gateway/filewatch.h"
#include "gateway/worker.h"
#include "net/admin.h"

enum { HF_WORKERS_CAP = 64 };

struct hf_worker_slot {
	pid_t pid;   /* 0: none */
	int control; /* -1: none */
	int report;  /* a file that it writes reports to; -1: none */
	bool ready, reloading;
	bool listing; /* it is taking new revocation lists */
	bool asked; /* owes the answer to a REPORT or REVOKE */
	unsigned restarts;
	int64_t started_at;
	int64_t started_ms, restart_ms; /* restart_ms 0: nothing to do */
	int64_t backoff_ms;
};

/* A question that waits for the workers. */
struct hf_pending {
	struct hf_admin_call *call; /* NULL: a free place */
	struct hf_admin_request request;
	uint64_t reload_round; /* reload: the one it waits for */
	bool told;	       /* the workers are at it */
	int64_t end_ms;	       /* when it is given up; 0: never */
};

/* One file that the generation in use was made of. */
struct hf_file_fact {
	char *path;
	char sha256[2 * HF_SHA256_LEN + 1]; /* "": a directory, or a key */
};

enum { HF_PENDING_CAP = 16, HF_FILE_FACTS_CAP = 64 };

/* The signer; all in milliseconds of the monotonic clock, 0: nothing to do. */
struct hf_signer_slot {
	int64_t started_ms, restart_ms, backoff_ms, watch_ms, retry_ms;
	bool unsealed; /* it is new, and its keys are still to be read */
};

struct hf_supervisor {
	const struct hf_gateway_config *config;
	struct hf_gateway_config own; /* with the defaults worked out */
	struct hf_bound_list bound, metrics;
	struct hf_pages counter_pages; /* of the counters, the health of services */
	struct hf_pages health_pages;
	struct hf_counters *counters; /* one row for each worker, ours, the follower's */
	struct hf_board *board;
	struct hf_roster *roster;
	int64_t anchors_ms; /* when to look at the anchors next */
	struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP]; /* as last told of */
	size_t anchors_len;
	struct hf_admin *admin; /* NULL: none */
	struct hf_pending pending[HF_PENDING_CAP];
	struct hf_file_fact files[HF_FILE_FACTS_CAP];
	size_t files_len;
	int64_t started_at, loaded_at, reload_at;
	uint64_t reload_round;
	struct hf_err reload_err; /* why the last reload was refused; code 0: it was not */
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
	/* who fetches revocations (supervisor_follow.c) */
	struct hf_worker_slot follower;
	bool follower_reported, listing, list_again, list_kept;
	struct hf_aide aide;
	struct hf_filewatch *watch; /* NULL: only SIGHUP reloads */
	int64_t watchdog_ms, alive_ms; /* how often systemd hears of us, 0 never; when next */
	int64_t look_ms;	    /* when to look next */
	struct hf_signer_slot signer;
};

/* supervisor_follow.c: the follower and what it tells. */
int hf_supervisor_follow(struct hf_supervisor *s, struct hf_err *err); /* starts it */
void hf_supervisor_unfollow(struct hf_supervisor *s);		       /* ends it */
void hf_supervisor_follower_said(struct hf_supervisor *s);	       /* its control has a word */
/* Another takes its place, with the credential and trust of the generation now in use. */
void hf_supervisor_refollow(struct hf_supervisor *s);
/* It ended; true when it was this process. */
bool hf_supervisor_follower_ended(struct hf_supervisor *s, pid_t pid, int status);
/* A worker has answered HF_CONTROL_LISTS, or is gone. */
void hf_supervisor_listed(struct hf_supervisor *s, struct hf_worker_slot *slot, bool taken);
/* supervisor.c */
void hf_supervisor_announce(struct hf_supervisor *s); /* when everybody is ready */
struct hf_supervisor_child {
	const char *name; /* for ps(1) */
	/* its life: `control` is the line to the supervisor; the exit status */
	int (*run)(struct hf_supervisor *s, size_t worker, int control);
};
/* Forks the process of `slot`, in which all that is the supervisor's and other workers' is closed.
 * worker: which one it is to the signer; HF_WORKERS_CAP: none. */
int hf_supervisor_fork(struct hf_supervisor *s, struct hf_worker_slot *slot, size_t worker,
		       const struct hf_supervisor_child *child, struct hf_err *err);
void hf_supervisor_tell(struct hf_worker_slot *slot, enum hf_control what);

/* Defaults, sockets, counters, signals, the watch over the files. */
int hf_supervisor_set_up(struct hf_supervisor *s, struct hf_err *err);

/* supervisor.c */
void hf_supervisor_tell_all(struct hf_supervisor *s, enum hf_control what);
void hf_supervisor_stop(struct hf_supervisor *s);

/* supervisor_reload.c */
void hf_supervisor_reload(struct hf_supervisor *s);
/* When every worker has answered, or is gone. */
void hf_supervisor_settle_reload(struct hf_supervisor *s);
void hf_supervisor_look_at_files(struct hf_supervisor *s, int64_t now_ms);

/* supervisor_share.c: memory that the processes share.  A child keeps what it writes, can read what
 * it reads, and has nothing of the rest. */
int hf_supervisor_share(struct hf_supervisor *s, struct hf_err *err);
void hf_supervisor_unshare(struct hf_supervisor *s);
int hf_supervisor_worker_keeps(struct hf_supervisor *s, size_t worker, struct hf_err *err);
int hf_supervisor_follower_keeps(struct hf_supervisor *s, struct hf_err *err);

/* supervisor_admin.c */
int hf_supervisor_open_admin(struct hf_supervisor *s, struct hf_err *err);
void hf_supervisor_close_admin(struct hf_supervisor *s);
void hf_supervisor_run_admin(struct hf_supervisor *s, int64_t now_ms);
/* A reload has come to its end, good or not; all workers have ended. */
void hf_supervisor_reload_over(struct hf_supervisor *s);
void hf_supervisor_drained(struct hf_supervisor *s);

/* supervisor_anchors.c: tells when the last recent client has left an anchor, and when one comes.
 */
void hf_supervisor_look_at_anchors(struct hf_supervisor *s, int64_t now_ms);

/* supervisor_status.c */
void hf_supervisor_status(const struct hf_supervisor *s, struct hf_json *j);
/* Remembers what the generation was made of, right after it was loaded. */
void hf_supervisor_note_files(struct hf_supervisor *s);
void hf_supervisor_forget_files(struct hf_supervisor *s);

/* supervisor_signer.c; without a signer these do nothing */
int hf_supervisor_signer_ready(struct hf_supervisor *s, struct hf_err *err);
/* true: that child was the signer. */
bool hf_supervisor_signer_reaped(struct hf_supervisor *s, pid_t pid);
void hf_supervisor_signer_round(struct hf_supervisor *s, int64_t now);
/* when to call round; or INT64_MAX */
int64_t hf_supervisor_signer_next(const struct hf_supervisor *s);
int hf_supervisor_signer_fd(const struct hf_supervisor *s);	  /* to poll, -1 none */
void hf_supervisor_signer_heard(struct hf_supervisor *s);
int hf_supervisor_signer_attach(struct hf_supervisor *s, size_t worker, int *ret_fd,
				struct hf_err *err);
/* In a child that was just forked: its name for ps(1), and its end of the socket. */
void hf_supervisor_signer_in_child(struct hf_supervisor *s, const char *name, int fd);

#endif
