/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one process, one loop, its own sockets, the current generation. */
#ifndef HF_GATEWAY_WORKER_H
#define HF_GATEWAY_WORKER_H

#include "gateway/accesslog.h"
#include "gateway/board.h"
#include "gateway/counters.h"
#include "gateway/forwarder.h"
#include "gateway/refusal.h"
#include "gateway/responder.h"
#include "gateway/roster.h"
#include "net/listener.h"
#include "verify/list_state.h"

/* What supervisor and worker say to each other, one byte each. */
enum hf_control {
	HF_CONTROL_RELOAD = 'R', /* to the worker: make a new generation from the files */
	HF_CONTROL_DRAIN = 'D',	 /* take no more, finish what is there, end */
	HF_CONTROL_REPORT = 'C', /* write down your connections */
	HF_CONTROL_REVOKE = 'V', /* more is revoked: the board says what */
	HF_CONTROL_READY = 'A',	 /* from it: serving */
	HF_CONTROL_RELOADED = 'O',
	HF_CONTROL_KEPT = 'F', /* the new one was bad, the old stays */
	HF_CONTROL_DONE = 'd', /* with REPORT or REVOKE */
	HF_CONTROL_LISTS = 'L', /* to the worker: other lists are on the board; from the follower */
	HF_CONTROL_LISTED = 'l', /* they are in force in this worker */
	HF_CONTROL_UNLISTED = 'u', /* it could not take them */
	HF_CONTROL_APPLIED = 'V', /* to the follower: every worker has them; KEPT: one has not */
};

struct hf_worker_start {
	const struct hf_gateway_config *config;
	struct hf_bound_list *bound;   /* TLS listeners */
	struct hf_bound_list *metrics; /* of worker 0 only; may be empty */
	size_t index, workers;
	int control;
	int report; /* a file for reports of connections, shared with the supervisor */
	uint64_t generation;
	bool first; /* nothing has been served yet: what cannot be read ends everything */
	/* What the generation was made of, to go on with when the files have become bad since; the
	 * worker's own copy. */
	struct hf_gateway_parts *good;
	struct hf_counters *counters; /* of all */
	struct hf_board *board;
	struct hf_roster *roster;
};

enum { HF_WORKER_CANNOT = 3 }; /* exit status: it could not start */
/* Runs until drained; the exit status: 0, 1 when connections were cut, or HF_WORKER_CANNOT. */
int hf_worker_run(const struct hf_worker_start *start);
/* The supervisor alone is told what to do: a terminal's Ctrl-C reaches the whole process group. */
void hf_leave_signals_to_the_supervisor(void);

/* --- the inside, for worker*.c --- */

/* A connection of ours, from accept to end. */
struct hf_link {
	struct hf_worker *worker;
	struct hf_generation *generation; /* that it began under, counted */
	struct hf_bound *bound;
	bool in_session; /* HTTP has taken it over */
	struct hf_link *prev, *next; /* of the worker, youngest first */
	struct hf_conn *conn; /* that TLS is spoken on, as far as there is one */
	int64_t since;
	uint64_t begun_ms;
	struct hf_seat seat;
	bool crowded; /* more connections than its identity may have */
	bool resumed;
	const char *cipher; /* static; NULL before the handshake is done */
	uint64_t requests;
	const char *route; /* of the last request; NULL none, or that for the rest */
};

/* One listening socket of this worker. */
struct hf_port {
	struct hf_worker *worker;
	struct hf_bound *bound;
	struct hf_listener *listener;
	bool metrics;
};

/* Lines that tell of limits: one in a while of each kind, the rest counted. */
struct hf_limit_log {
	uint64_t told_ms[3], untold[3];
	uint64_t records;
};

/* A revocation list that is out of date, as the log was last told. */
struct hf_list_told {
	uint8_t sha256[HF_SHA256_LEN];
	size_t policy;
	enum hf_list_state state;
};
enum { HF_LISTS_TOLD_CAP = 64 };

struct hf_worker {
	const struct hf_worker_start *start;
	const struct hf_gateway_config *config;
	struct hf_loop *loop;
	struct hf_generation *generation;
	struct hf_responder responder;
	struct hf_forwarder *forwarder; /* NULL: the responder answers */
	struct hf_http_server *http, *metrics_http;
	struct hf_port *ports;
	size_t ports_len;
	struct hf_watch *control;
	struct hf_timer *tick, *drain_timer;
	struct hf_timer *sweep_soon; /* an OCSP answer has changed */
	struct hf_counters *mine;
	struct hf_refusal_log refusals;
	struct hf_access_log access;
	struct hf_conn_count count;
	struct hf_tunnel_pool *spares; /* NULL: none are kept */
	struct hf_log_bucket troubles; /* of servers that cannot be reached */
	size_t connections_cap;
	struct hf_link *links;
	size_t links_len;
	size_t revoked_len; /* how many of the board's are taken */
	uint64_t dropped; /* by sweeps */
	struct hf_limit_log limited;
	uint64_t ticks;
	bool paused, draining, cut;
	bool ready; /* it has said so */
	struct hf_list_told lists_told[HF_LISTS_TOLD_CAP]; /* worker 0: those out of date */
	size_t lists_told_len;
	bool staple_missing; /* a certificate of ours demands a response, and there is none */
};

/* worker.c: tells the supervisor, once it may be met. */
void hf_worker_say_ready(struct hf_worker *worker);

/* worker_http.c */
int hf_worker_open_forwarder(struct hf_worker *worker, struct hf_err *err);
void hf_worker_follow_health(struct hf_worker *worker); /* services, as the generation says */

/* worker_admin.c */
void hf_worker_report(struct hf_worker *worker);
void hf_worker_take_revoked(struct hf_worker *worker);
void hf_worker_revoke(struct hf_worker *worker); /* and closes who falls */

/* worker_ocsp.c */
int hf_worker_open_ocsp(struct hf_worker *worker, struct hf_err *err);
void hf_worker_close_ocsp(struct hf_worker *worker);
/* Has new responses about our certificates fetched in time, and tells of a must-staple without. */
void hf_worker_look_at_staples(struct hf_worker *worker);
/* Each is there, or its responder has been asked in vain. */
bool hf_worker_staples_settled(const struct hf_worker *worker);

/* worker_lists.c: worker 0 tells when a list that is in use is out of date, and when it counts no
 * longer. */
void hf_worker_look_at_lists(struct hf_worker *worker);

/* worker_limits.c */
/* May somebody from this address begin?  Else it is counted and told of. */
bool hf_worker_address_may(struct hf_worker *worker, const struct hf_address *peer);
void hf_worker_handshake_failed(struct hf_worker *worker, const struct hf_conn *conn);
/* The handshake is done: the peer has its seat, and may be one too many (link->crowded). */
void hf_worker_seat(struct hf_link *link, const struct hf_conn *conn);
/* 0, or the seconds after which a client may ask again; reference: of the record, "" when there is
 * none for this one. */
unsigned hf_worker_request_wait(struct hf_link *link, const struct hf_conn *conn,
				char reference[HF_REFERENCE_CAP]);

/* worker_metrics.c: everything for Prometheus */
void hf_worker_write_metrics(struct hf_worker *worker, struct hf_buf *out);
void hf_worker_count_generations(struct hf_worker *worker);

/* worker_conn.c */
void hf_link_free(struct hf_link *link); /* NULL-safe */
/* Our own judgement turned a living connection, or a request on it, away. */
void hf_worker_record_verdict(struct hf_link *link, struct hf_conn *conn,
			      const struct hf_verdict *verdict, const char *stage);
void hf_worker_record_end(struct hf_link *link, struct hf_conn *conn,
			  const struct hf_conn_end *end);
extern const struct hf_listener_ops hf_worker_listener_ops;
extern const struct hf_http_server_ops hf_worker_http_ops, hf_worker_metrics_ops;
/* Judges again what was accepted under another generation, or is out of date; closes what falls. */
void hf_worker_sweep(struct hf_worker *worker);
/* worker_demand.c: closes who was let in without what is demanded now; once for each generation. */
void hf_worker_sweep_demands(struct hf_worker *worker);
/* Whether a connection is what the generation in force would make of it. */
bool hf_worker_stands(const struct hf_link *link, const struct hf_conn *conn);
void hf_worker_record_demand(struct hf_link *link, struct hf_conn *conn);
/* After a connection is gone: accepts again, or ends a drained worker. */
void hf_worker_settle(struct hf_worker *worker);

#endif
