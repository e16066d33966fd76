/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a worker: accepted, judged, handed to HTTP, ended and recorded.  Must never let a
 * request through on a verdict that is not this connection's own. */
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/passthrough.h"
#include "gateway/policy.h"
#include "gateway/tunnel.h"
#include "gateway/worker.h"
#include "util/clock.h"

enum { DRAIN_IDLE_MS = 1000 };

void hf_link_free(struct hf_link *link)
{
	struct hf_worker *worker;

	if (link == NULL)
		return;
	worker = link->worker;
	*(link->prev ? &link->prev->next : &worker->links) = link->next;
	if (link->next != NULL)
		link->next->prev = link->prev;
	worker->links_len--;
	hf_roster_leave(worker->start->roster, worker->start->index, &link->seat);
	hf_generation_unref(link->generation);
	free(link);
}

/* --- records --- */

static void record(struct hf_link *link, struct hf_conn *conn, struct hf_refusal *refusal)
{
	static const enum hf_count_side sides[] = { [HF_JUDGE_NOBODY] = HF_COUNT_NOBODY,
						    [HF_JUDGE_US] = HF_COUNT_SERVER,
						    [HF_JUDGE_PEER] = HF_COUNT_CLIENT };
	struct hf_worker *worker = link->worker;
	char listener[HF_ADDRESS_TEXT_CAP + 16];

	refusal->originating = hf_gateway_originates(worker->config);
	hf_bound_url(link->bound, hf_gateway_scheme(worker->config), listener, sizeof(listener));
	refusal->generation = link->generation;
	if (refusal->policy == NULL)
		refusal->policy = hf_policy_of(link->generation, conn);
	refusal->conn = conn;
	refusal->listener = listener;
	hf_refusal_write(&worker->refusals, refusal);
	hf_count_cause(worker->mine, refusal->cause, sides[refusal->refused_by]);
	hf_count(&hf_count_listener(worker->mine, link->bound->spec)->refused, 1);
	if (hf_str_eq(refusal->stage, "handshake") && !refusal->originating &&
	    !hf_cause_is_ours(refusal->cause))
		hf_worker_handshake_failed(worker, conn);
}

static void record_verdict(struct hf_link *link, struct hf_conn *conn,
			   const struct hf_verdict *verdict, const char *stage,
			   const struct hf_policy *policy)
{
	const struct hf_finding *root = hf_verdict_root(verdict);
	struct hf_refusal refusal = {
		.policy = policy,
		.stage = stage,
		.refused_by = HF_JUDGE_US,
		.cause = root ? hf_reason_info(root->reason)->id : "unknown",
		.verdict = verdict,
		.alert = -1,
	};

	record(link, conn, &refusal);
}

/* Our own judgement turned a living connection away. */
void hf_worker_record_verdict(struct hf_link *link, struct hf_conn *conn,
			      const struct hf_verdict *verdict, const char *stage)
{
	record_verdict(link, conn, verdict, stage, hf_policy_of(link->generation, conn));
}

static const char *cause_or(const char *cause, const char *otherwise)
{
	return cause != NULL && cause[0] != '\0' ? cause : otherwise;
}

static void record_failure(struct hf_link *link, struct hf_conn *conn)
{
	const struct hf_tls_failure *failure = hf_conn_failure(conn);
	const struct hf_verdict *verdict = hf_conn_verdict(conn);
	bool judged = failure != NULL && failure->refused_by == HF_JUDGE_US && verdict != NULL &&
		      !verdict->accepted;
	struct hf_refusal refusal = {
		.stage = link->in_session ? "open" : "handshake",
		.refused_by = failure ? failure->refused_by : HF_JUDGE_NOBODY,
		.cause =
		    cause_or(failure ? failure->cause : NULL,
			     failure && failure->refused_by == HF_JUDGE_PEER ? "C-ALERT" : "T-TLS"),
		.text = failure ? failure->text : "the connection was lost",
		.verdict = judged ? verdict : NULL,
		.alert = failure ? failure->alert : -1,
	};

	record(link, conn, &refusal);
}

static void record_timeout(struct hf_link *link, struct hf_conn *conn)
{
	struct hf_refusal refusal = {
		.stage = "handshake",
		.refused_by = HF_JUDGE_US,
		.cause = "T-TIMEOUT",
		.text = "the handshake took too long",
		.alert = -1,
	};

	record(link, conn, &refusal);
}

static void record_preface(struct hf_link *link, struct hf_conn *conn)
{
	struct hf_refusal refusal = {
		.stage = "preface",
		.refused_by = HF_JUDGE_US,
		.cause = "T-PROXY-EXPECTED",
		.text = "the listener expects a PROXY protocol header before TLS",
		.alert = -1,
	};

	record(link, conn, &refusal);
}

void hf_worker_record_demand(struct hf_link *link, struct hf_conn *conn)
{
	struct hf_refusal refusal = {
		.policy = hf_policy_now(link->worker->generation, link->bound->spec, conn),
		.stage = "reload",
		.refused_by = HF_JUDGE_US,
		.cause = "A-NOT-ALLOWED",
		.text = "the policy for its name demands more since it connected",
		.alert = -1,
	};

	record(link, conn, &refusal);
}

/* A bare connect and close is a health check, not a peer that was refused. */
static bool said_something(const struct hf_conn *conn)
{
	struct hf_tls_info info;

	hf_conn_info(conn, &info);
	return info.bytes_in > 0;
}

void hf_worker_record_end(struct hf_link *link, struct hf_conn *conn, const struct hf_conn_end *end)
{
	switch (end->kind) {
	case HF_CONN_END_REFUSED:
		record_failure(link, conn);
		break;
	case HF_CONN_END_LOST:
		if (!link->in_session && said_something(conn))
			record_failure(link, conn);
		break;
	case HF_CONN_END_HANDSHAKE_TIMEOUT:
		record_timeout(link, conn);
		break;
	case HF_CONN_END_PREFACE:
		record_preface(link, conn);
		break;
	case HF_CONN_END_CLOSED:
	case HF_CONN_END_CONNECT:
	case HF_CONN_END_VIA:
	case HF_CONN_END_IDLE_TIMEOUT:
	case HF_CONN_END_ABORTED:
		break;
	}
}

/* --- before HTTP --- */

static void count_handshake(struct hf_link *link, const struct hf_conn *conn)
{
	struct hf_worker *worker = link->worker;
	struct hf_tls_info info;

	hf_conn_info(conn, &info);
	link->cipher = info.cipher;
	link->resumed = info.resumed;
	hf_count(&worker->mine->handshakes, 1);
	hf_count(&hf_count_listener(worker->mine, link->bound->spec)->handshakes, 1);
	hf_histogram_add(&worker->mine->handshake_time,
			 (hf_loop_now_ms(worker->loop) - link->begun_ms) * 1000);
}

static void on_ready(struct hf_conn *conn, void *arg)
{
	struct hf_link *link = arg;
	struct hf_worker *worker = link->worker;
	const struct hf_verdict *verdict = hf_conn_verdict(conn);
	const struct hf_policy *policy = hf_policy_of(link->generation, conn);

	if (hf_gateway_originates(worker->config)) {
		hf_tunnel(worker, conn, link);
		return;
	}
	count_handshake(link, conn);
	if (!hf_client_auth_lets_in(policy->parts->client_auth, verdict)) {
		/* --refuse drop: the peer hears nothing.  (Otherwise the handshake has failed.) */
		if (verdict != NULL)
			hf_worker_record_verdict(link, conn, verdict, "handshake");
		hf_conn_abort(conn);
		return;
	}
	if (!hf_worker_stands(link, conn)) { /* a reload came in between */
		hf_worker_record_demand(link, conn);
		hf_conn_close(conn);
		return;
	}
	link->in_session = true;
	hf_worker_seat(link, conn);
	if (worker->config->upstream.stream && link->crowded) {
		hf_conn_close(conn);
		return;
	}
	if (worker->config->upstream.stream) {
		hf_passthrough(worker->forwarder, conn, link);
		return;
	}
	if (hf_http_serve(worker->http, conn, link, NULL) < 0) {
		hf_conn_abort(conn);
		return;
	}
	if (worker->draining)
		hf_conn_set_idle(conn, DRAIN_IDLE_MS);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct hf_link *link = arg;

	hf_worker_record_end(link, conn, end);
	hf_link_free(link);
}

/* What the proxy says of its client counts as if the client had come by itself. */
static bool on_told(struct hf_conn *conn, void *arg)
{
	struct hf_link *link = arg;

	return hf_worker_address_may(link->worker, hf_conn_peer(conn));
}

static const struct hf_conn_ops link_ops = {
	.on_told = on_told, .on_ready = on_ready, .on_readable = on_readable, .on_end = on_end
};

static void accept_metrics(struct hf_worker *worker, int fd, const struct hf_address *peer)
{
	(void)hf_http_accept(worker->metrics_http, fd, peer, NULL, &worker->count);
}

static void pause_ports(struct hf_worker *worker, bool pause)
{
	worker->paused = pause;
	for (size_t i = 0; i < worker->ports_len; i++)
		if (worker->ports[i].listener != NULL)
			hf_listener_pause(worker->ports[i].listener, pause);
}

static size_t connections(const struct hf_worker *worker)
{
	return worker->count.handshaking + worker->count.open + worker->count.lingering;
}

static struct hf_link *link_new(struct hf_port *port)
{
	struct hf_worker *worker = port->worker;
	struct hf_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->worker = worker;
	link->generation = hf_generation_ref(worker->generation);
	link->bound = port->bound;
	link->since = hf_clock_now();
	link->begun_ms = hf_loop_now_ms(worker->loop);
	link->next = worker->links;
	if (worker->links != NULL)
		worker->links->prev = link;
	worker->links = link;
	worker->links_len++;
	return link;
}

static void on_accept(int fd, const struct hf_address *peer, void *arg)
{
	struct hf_port *port = arg;
	struct hf_worker *worker = port->worker;
	struct hf_conn_options options = { .ops = &link_ops,
					   .tls =
					       hf_gateway_originates(worker->config)
						   ? NULL
						   : worker->generation->fronts[port->bound->spec],
					   .handshake_ms = worker->config->handshake_ms,
					   .out_cap = 4 * 1024 * 1024,
					   .count = &worker->count };
	struct hf_link *link;

	options.preface = hf_networks_have(&worker->config->proxies, peer);
	if (port->metrics) {
		accept_metrics(worker, fd, peer);
		return;
	}
	/* Who comes through a proxy has no address yet, and the proxy is no culprit. */
	link = hf_tunnel_may_use(&worker->config->origin, fd) &&
		       (options.preface || hf_worker_address_may(worker, peer))
		   ? link_new(port)
		   : NULL;
	if (link == NULL) {
		hf_fd_close(fd);
		return;
	}
	options.arg = link;
	hf_count(&worker->mine->accepted, 1);
	hf_count(&hf_count_listener(worker->mine, port->bound->spec)->accepted, 1);
	if (hf_conn_accept(worker->loop, fd, peer, &options, &link->conn, NULL) < 0)
		hf_link_free(link);
	if (connections(worker) >= worker->connections_cap)
		pause_ports(worker, true);
}

const struct hf_listener_ops hf_worker_listener_ops = { .on_accept = on_accept };

void hf_worker_settle(struct hf_worker *worker)
{
	if (worker->draining) {
		if (connections(worker) == 0)
			hf_loop_stop(worker->loop);
		return;
	}
	if (worker->paused && connections(worker) < worker->connections_cap)
		pause_ports(worker, false);
}

/* --- sweeping --- */

/* The listener that a connection came in by, for its record. */
static struct hf_bound *bound_of(const struct hf_worker *worker, const struct hf_conn *conn)
{
	struct hf_address local;

	hf_conn_local(conn, &local);
	for (size_t i = 0; i < worker->ports_len; i++) {
		const struct hf_address *bound = &worker->ports[i].bound->address;

		if (!worker->ports[i].metrics && bound->sa.ss_family == local.sa.ss_family &&
		    hf_address_port(bound) == hf_address_port(&local))
			return worker->ports[i].bound;
	}
	return worker->ports[0].bound;
}

static void drop(struct hf_tls_conn *tls, const struct hf_verdict *why, void *arg)
{
	struct hf_worker *worker = arg;
	struct hf_conn *conn = hf_conn_of_tls(tls);
	struct hf_bound *bound = bound_of(worker, conn);
	struct hf_link link = { .worker = worker,
				.generation = worker->generation,
				.bound = bound,
				.in_session = true };
	const struct hf_policy *policy = hf_gateway_originates(worker->config)
					     ? &worker->generation->policies[0]
					     : hf_policy_now(worker->generation, bound->spec, conn);

	worker->dropped++;
	record_verdict(&link, conn, why, "reload", policy);
	hf_conn_close(conn);
}

void hf_worker_sweep(struct hf_worker *worker)
{
	const struct hf_generation *generation = worker->generation;
	size_t len = generation->parts.policies_len;
	struct hf_peers_policy *policies = calloc(len, sizeof(*policies));

	if (policies == NULL) /* the next sweep is not far */
		return;
	for (size_t i = 0; i < len; i++)
		policies[i] = (struct hf_peers_policy){
			generation->policies[i].tls,
			hf_client_auth_refuses(generation->policies[i].parts->client_auth),
		};
	(void)hf_peers_sweep(hf_generation_peers(generation), policies, len, hf_clock_now(), drop,
			     worker, NULL);
	free(policies);
}
