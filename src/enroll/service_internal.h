/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the authority's service; for src/enroll/service*.c only. */
#ifndef HF_ENROLL_SERVICE_INTERNAL_H
#define HF_ENROLL_SERVICE_INTERNAL_H

#include "enroll/desk.h"
#include "enroll/feed.h"
#include "enroll/ocsp.h"
#include "enroll/plain.h"
#include "enroll/service.h"
#include "http/stream.h"
#include "net/admin.h"
#include "net/listener.h"
#include "net/throttle.h"
#include "pki/credential.h"
#include "util/log.h"
#include "util/logsink.h"
#include "util/metrics.h"

enum {
	HF_THROTTLE_BURST = 20,	      /* wrong tokens of an address at once */
	HF_THROTTLE_REFILL_MS = 6000, /* for each further one */
	HF_VISIT_BODY_CAP = 64 * 1024, /* a request for RSA-8192 with many names has 8 KiB */
	HF_VISITS_WAITING_CAP = 4096,
	HF_SERVICE_OF_CAP = 80,
};

struct hf_visit;

/* handfast ctl: its socket, and calls that wait for a reload or the end. */
enum { HF_CTL_WAITING = 8 };
struct hf_front_ctl {
	struct hf_admin *admin; /* NULL: none */
	struct hf_watch *watch;
	struct hf_admin_call *waiting[HF_CTL_WAITING];
	bool drains[HF_CTL_WAITING];
	int64_t started_at;
};

enum { HF_REFUSAL_CODES = 48 };

/* Since the start; see service_metrics.c. */
struct hf_service_figures {
	uint64_t enrolments, renewals, again, redeemed, wishes;
	struct hf_refusal_count {
		const char *code; /* static; NULL: this place and those behind it are free */
		uint64_t count;
	} refusals[HF_REFUSAL_CODES];
	struct hf_histogram commit_time; /* written by the thread that works */
};
struct hf_front_figures {
	uint64_t accepted, requests, answers[6]; /* by hundreds: [2] is 2xx */
	uint64_t reloads, reloads_failed;
	struct hf_histogram request_time;
};

/* What the authorities of a process share. */
struct hf_front {
	const struct hf_service_config *config;
	struct hf_service **services; /* one for each of config->authorities */
	size_t services_len;
	struct hf_loop *loop;
	struct hf_bound_list bound;
	struct hf_listener **listeners;
	size_t listeners_len;
	struct hf_http_server *http;
	struct hf_plain published; /* what is signed */
	struct hf_plain measured;  /* --metrics */
	struct hf_signal *signals[3];
	struct hf_timer *tick, *drain_timer;
	struct hf_front_ctl ctl;
	struct hf_log_sink access;
	struct hf_buf line;
	struct hf_log_bucket troubles; /* failures of ours that are told of */
	struct hf_front_figures figures;
	struct hf_conn_count count;
	size_t connections_cap;
	uint64_t generation;
	size_t reloads_left;	   /* services that have yet to load anew */
	struct hf_err reload_err; /* of the first that could not */
	int interrupts;
	bool draining, paused, cut;
};

struct hf_service {
	struct hf_front *front;
	const struct hf_service_authority *own; /* how it was configured */
	size_t index;				/* its place in the front */
	struct hf_authority *authority;
	struct hf_loop *loop; /* the front's */
	struct hf_credential *credential; /* of our own, in use */
	struct hf_tls_context *tls;
	struct hf_buf ca_pem, ca_est, ca_est_wrapped; /* the answers of /ca and cacerts */
	struct hf_list *lists[HF_LISTS]; /* that are given out; NULL: none */
	struct hf_shelf shards;		 /* and those of shards */
	struct hf_feed *feed;
	struct hf_ocsp *ocsp;
	struct hf_ocsp_signer fresh_signers[HF_OCSP_SIGNERS]; /* of the thread, for the loop */
	struct hf_service_figures figures;
	int lock; /* held while the service runs: ca/service.lock */
	struct hf_store *reader; /* for short questions from the loop */
	uv_fs_event_t *watch;	 /* the authority's directory; NULL: only looked at each second */
	struct hf_throttle throttle; /* wrong tokens */
	struct hf_throttle by_address, by_identity; /* requests */
	/* the one batch at work, and what waits */
	uv_work_t work;
	bool working, upkeep_due;
	/* looking at ledger and lists, in the thread that works */
	struct hf_lookout look;
	struct hf_err look_err;
	struct hf_timer *look_again;
	int look_rc;
	bool look_due, look_at_work, look_failed;
	int64_t work_now;
	struct hf_visit *batch[HF_DESK_BATCH];
	size_t batch_len;
	struct hf_visit *first, *last;
	size_t waiting;
	/* of upkeep, handed from the thread to the loop */
	struct hf_credential *fresh; /* a new certificate of our own */
	struct hf_err upkeep_err;
	int upkeep_rc; /* of the thread */
	bool upkeep_failed, upkeep_at_work;
	int64_t own_until, upkeep_at;
	int64_t clock_since; /* wall clock less monotonic, seconds: when that changes, it was set */
	char upkeep_told[HF_ERR_MSG_CAP];
	bool revoked_told; /* that who issues was revoked */
	bool makes_keys; /* some profile of the policy says serverkeygen */
	bool context_due; /* the trust is another one now */
	bool reload_due;
};

/* Whom a request is for, and what it asks of it. */
struct hf_target {
	struct hf_service *service;
	struct hf_slice path; /* without the label */
	char text[80];	      /* room for `path` */
};

/* A request that has a body, from its head to its answer. */
struct hf_visit {
	struct hf_service *service;
	struct hf_http_session *session; /* NULL: the client has gone */
	struct hf_conn *conn;
	struct hf_buf body;
	struct hf_ask ask;
	bool has_token, too_large, queued;
	char method[16], target[128]; /* for the access log */
	int64_t at;
	uint64_t begun_ms;
	struct hf_visit *next;
};

/* service_routes.c */
extern const struct hf_http_server_ops hf_service_http_ops;
/* The answers that do not change: the CA's certificates. */
int hf_service_prepare_answers(struct hf_service *service, struct hf_err *err);

/* Asks for what the head did not settle: the body is whole. */
void hf_visit_refuse(struct hf_visit *visit, int status, const char *code, const char *sentence,
		     const char *hint);

/* service_limits.c */
int hf_service_init_limits(struct hf_service *service, struct hf_err *err);
/* Milliseconds until it may come again; 0: now, and it is counted. */
uint64_t hf_service_limit(struct hf_service *service, const struct hf_http_request *request,
			  const struct hf_cert *identity);
/* A client that reads base64 in lines only (cisco/libest does). */
bool hf_service_wants_lines(const struct hf_service *service,
			    const struct hf_http_request *request);

/* front_route.c */
/* By the label in the path, else by the name that the connection asked for. */
void hf_front_route(struct hf_front *front, const struct hf_http_request *request,
		    struct hf_target *ret_target);

/* service_admin.c */
/* The word behind /admin/, when it is one and there are operators at all. */
bool hf_admin_path(const struct hf_service *service, struct hf_slice path, char ret_word[16]);
/* Notes who asks; false when it is no operator, and the visit is answered. */
bool hf_admin_prove(struct hf_visit *visit, const struct hf_http_request *request);
/* The body is whole: true when it is a wish. */
bool hf_admin_take_wish(struct hf_visit *visit);

/* service_answer.c */
void hf_visit_free(struct hf_visit *visit);
void hf_visit_answer(struct hf_visit *visit);
/* {"error": {"code", "message", "hint"}} */
void hf_service_error_json(struct hf_buf *out, const char *code, const struct hf_err *err);

/* front.c */
void hf_front_drain(struct hf_front *front, uint64_t within_ms);
/* All of them, as soon as each is done with what it is at. */
void hf_front_reload(struct hf_front *front);
/* One has: err->code 0, or why it keeps its old state. */
void hf_front_reloaded(struct hf_front *front, const struct hf_service *service,
		       const struct hf_err *err);
/* Something has ended: a connection, work. */
void hf_front_settle(struct hf_front *front);
/* " of 'plant'" when there are several; for messages. */
const char *hf_service_of(const struct hf_service *service, char out[HF_SERVICE_OF_CAP]);

/* service.c */
int hf_service_new(struct hf_front *front, size_t index, struct hf_service **ret_service,
		   struct hf_err *err);
/* Opens the authority and brings its certificate up to date; nothing of the loop yet. */
int hf_service_open(struct hf_service *service, struct hf_err *err);
/* What it has on the loop. */
int hf_service_start(struct hf_service *service, struct hf_err *err);
void hf_service_tick(struct hf_service *service); /* each second */
void hf_service_stop(struct hf_service *service); /* gives up what it has on the loop */
void hf_service_free(struct hf_service *service);
void hf_service_enqueue(struct hf_service *service, struct hf_visit *visit);
void hf_service_start_work(struct hf_service *service);

/* front_ctl.c */
int hf_front_ctl_start(struct hf_front *front, struct hf_err *err);
void hf_front_ctl_tick(struct hf_front *front); /* its time limits */
/* err->code 0: all were loaded anew. */
void hf_front_ctl_reloaded(struct hf_front *front, const struct hf_err *err);
void hf_front_ctl_stop(struct hf_front *front); /* tells who waits for the end */

/* service_lists.c */
/* The first look, before anybody is let in; then a watch over the directory. */
int hf_service_lists_start(struct hf_service *service, struct hf_err *err);
void hf_service_lists_stop(struct hf_service *service);
/* In the thread that works, and what it brought, in the loop. */
void hf_service_look(struct hf_service *service);
void hf_service_looked(struct hf_service *service);
/* Soon, unless it is under way. */
void hf_service_look_soon(struct hf_service *service);

/* service_ocsp.c */
int hf_service_ocsp_start(struct hf_service *service, struct hf_err *err);
/* In the thread that works, and what it brought, in the loop. */
int hf_service_keep_responders(struct hf_service *service, int64_t now, struct hf_err *err);
void hf_service_take_responders(struct hf_service *service);
/* A POST to /ocsp, and a GET below it; for service_routes.c and service_plain.c. */
void hf_service_ocsp_post(struct hf_service *service, const struct hf_http_request *request,
			  struct hf_http_session *session);
void hf_service_ocsp_get(const struct hf_target *target, const struct hf_http_request *request,
			 struct hf_http_answer *answer);

/* front_plain.c */
int hf_front_plain_start(struct hf_front *front, struct hf_err *err);

/* service_routes.c */
void hf_service_session_end(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
			    void *arg);
void hf_service_answered(const struct hf_http_request *request,
			 const struct hf_http_answer *answer, void *arg);
void hf_service_give_error(struct hf_http_answer *answer, int status, const char *code,
			   const char *sentence);

/* service_identity.c */
/* Issues our own certificate when it is due, and the lists; in the thread that works. */
int hf_service_keep_up(struct hf_service *service, int64_t now, struct hf_err *err);
/* The credential is the service's from now on, also on failure. */
int hf_service_use(struct hf_service *service, struct hf_credential *credential,
		   struct hf_err *err);

/* front_tls.c: contexts for all services, from what each has now; connections keep theirs. */
int hf_front_make_contexts(struct hf_front *front, struct hf_err *err);

/* service_log.c */
struct hf_service_entry {
	const struct hf_conn *conn;
	int64_t at;
	struct hf_slice method, target;
	int status;
	size_t bytes;
	uint64_t ms;
	const char *code;   /* of a refusal; NULL */
	const char *serial; /* that was issued; NULL */
};
/* Counts it too. */
void hf_service_log(struct hf_service *service, const struct hf_service_entry *entry);

/* service_metrics.c */
int hf_front_metrics_start(struct hf_front *front, struct hf_err *err);
/* Of the authority as it was just opened. */
void hf_service_watch_commits(struct hf_service *service);
void hf_service_count_answer(struct hf_service *service, const struct hf_service_entry *entry);
void hf_service_count_visit(struct hf_service *service, const struct hf_ask *ask);

#endif
