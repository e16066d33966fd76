/* SPDX-License-Identifier: Apache-2.0 */
/* Forwarding requests to the services behind: route, upstream, answer.  One forwarder for each
 * worker; an exchange is one request on its way. */
#ifndef HF_GATEWAY_FORWARDER_H
#define HF_GATEWAY_FORWARDER_H

#include "gateway/accesslog.h"
#include "gateway/generation.h"
#include "gateway/health.h"
#include "gateway/identity_fields.h"
#include "gateway/target.h"
#include "http/client.h"
#include "http/fields.h"
#include "http/stream.h"
#include "http/trailers.h"
#include "net/relay.h"
#include "util/log.h"

/* One service: where it is, the connections to it, and how it did lately. */
struct hf_backend {
	struct hf_target target;
	struct hf_http_pool *pool; /* NULL for byte streams */
	size_t good;		   /* the address that answered last */
	size_t active;		   /* exchanges or streams */
	uint64_t failed_until_ms;  /* connecting failed: others come first until then */
	struct hf_health_row *health; /* shared; NULL: there are none */
};

/* The services of one route. */
struct hf_group {
	const struct hf_route *route; /* NULL: the one for the rest */
	struct hf_backend *backends;
	size_t len;
	size_t turn; /* round robin */
	bool least_busy;
};

struct hf_forwarder_hooks {
	/* A rule of a route denies this client this request.  Gives the reference of the record,
	 * "" when there is none; borrowed for a moment. */
	const char *(*denied)(struct hf_conn *conn, void *session_arg, const struct hf_verdict *why,
		       void *arg);

	void (*answered)(const struct hf_access_entry *entry, void *arg);
	/* The end of a client's connection that was tunnelled after a 101: as on_end of the server.
	 */
	void (*ended)(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
		      void *arg);
	void *arg;
};

struct hf_exchange;

struct hf_forwarder {
	struct hf_loop *loop;
	const struct hf_gateway_config *config;
	struct hf_forwarder_hooks hooks;
	struct hf_group *groups; /* in the order to match */
	size_t groups_len;
	size_t backends_len; /* of all groups */
	bool by_path; /* some route looks at the path */
	struct hf_identity_fields *identity;
	struct hf_health_checks *checks; /* NULL: another worker looks, or nobody */
	struct hf_exchange *spare; /* for the next requests */
	size_t spare_len;
	struct hf_buf scratch; /* chunk framing of request bodies */
	struct hf_log_bucket bucket; /* of failure records */
	uint64_t failures, suppressed;
	int64_t started_at;
	unsigned worker;
	bool closing;
};

int hf_forwarder_new(struct hf_loop *loop, const struct hf_gateway_config *config, unsigned worker,
		     const struct hf_forwarder_hooks *hooks, struct hf_forwarder **ret_forwarder,
		     struct hf_err *err);
/* The loop is about to be freed: nothing is tried again. */
void hf_forwarder_close(struct hf_forwarder *forwarder);
void hf_forwarder_free(struct hf_forwarder *forwarder);
HF_DEFINE_AUTO(hf_forwarder, struct hf_forwarder, hf_forwarder_free);

/* What a request is judged by: that in force now, not that of its connection's first hour. */
struct hf_forward_under {
	const struct hf_generation *generation;
	const struct hf_policy *policy; /* of it */
	size_t listen; /* where the connection came in, in config->listen */
};

/* Takes a request whose head is complete. */
void hf_forward(struct hf_forwarder *forwarder, const struct hf_http_request *request,
		struct hf_http_session *session, const struct hf_forward_under *under);

/* The service of a group for the next request: the next in turn that is not known to be down, or
 * the one with the fewest requests.  NULL: all are out, by their health. */
struct hf_backend *hf_forwarder_choose(struct hf_forwarder *forwarder, struct hf_group *group);
#define HF_ALL_OUT_TEXT "every service is out of order by its health checks"
/* The id of the next record of a failure. */
void hf_forwarder_reference(struct hf_forwarder *forwarder, char reference[HF_REFERENCE_CAP]);
void hf_backend_failed(struct hf_forwarder *forwarder, struct hf_backend *backend);

/* --- the inside, for forward*.c --- */

enum { HF_FORWARD_UNSENT_CAP = 256 * 1024 };

struct hf_exchange {
	struct hf_forwarder *forwarder;
	struct hf_exchange *next; /* spare */
	struct hf_http_session *session;
	struct hf_conn *conn; /* the client's */
	void *session_arg;
	struct hf_relay *relay; /* after a 101 */
	struct hf_group *group;
	struct hf_backend *backend; /* NULL: no route leads anywhere */
	struct hf_http_client *client; /* NULL: none now */
	struct hf_buf head;  /* what was sent while it might have to be sent again */
	struct hf_buf facts; /* method, target and host, for the log */
	size_t method_len, target_len;
	enum hf_http_method method;
	int minor;
	int status;
	int64_t at;
	uint64_t begun_ms, number, first_ms;
	uint64_t bytes, bytes_in;
	unsigned tries;
	bool chunked_in, chunked_out; /* how the body and the answer's body are framed by us */
	bool trailers_taken; /* the client takes trailers */
	bool upgrade, body_done, body_begun, answering, paused;
	char reference[HF_REFERENCE_CAP];
	const char *trouble;
	const char *challenge; /* lines for a 401, static; NULL */
};

/* forward_route.c: the group for a request; 0, or the status to refuse with and why. */
int hf_forward_route(struct hf_exchange *exchange, const struct hf_http_request *request,
		     const struct hf_forward_under *under, const char **ret_why);
/* forward_request.c: the head for the service, into exchange->head; 0, or the status to refuse
 * with and why. */
int hf_forward_head(struct hf_exchange *exchange, const struct hf_http_request *request,
		    const struct hf_forward_under *under, const char **ret_why);
/* forward_answer.c */
void hf_forward_answer_head(struct hf_exchange *exchange, const struct hf_http_head *head,
			    enum hf_http_body_kind kind);
void hf_forward_interim(struct hf_exchange *exchange, const struct hf_http_head *head);
bool hf_forward_answer_piece(struct hf_exchange *exchange, struct hf_slice piece);
/* forward_upgrade.c: a 101 that was asked for: from now on bytes, both ways. */
void hf_forward_switch(struct hf_exchange *exchange, const struct hf_http_head *head);
/* forward_route.c: which trailers may pass on this route. */
struct hf_trailer_filter hf_forward_trailers(const struct hf_exchange *exchange);
/* forward.c */
void hf_exchange_log(struct hf_exchange *exchange);
void hf_exchange_free(struct hf_exchange *exchange);
/* forward_failure.c: what became of it; writes the record and gives it a reference. */
void hf_forward_record_out(struct hf_exchange *exchange); /* no service is in */
void hf_forward_record(struct hf_exchange *exchange, const struct hf_http_failure *failure);
int hf_forward_failure_status(const struct hf_http_failure *failure);

#endif
