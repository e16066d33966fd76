/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a worker: start, reload, drain.  Must never use anything of TLS that was made before
 * the fork, nor swap in a generation that is not complete. */
#include "gateway/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/guard.h"
#include "gateway/tunnel_pool.h"
#include "util/clock.h"

enum { TICK_MS = 250, SWEEP_TICKS = 4, SUMMARY_TICKS = 40 };

static void tell(struct hf_worker *worker, enum hf_control what)
{
	char byte = (char)what;

	if (write(worker->start->control, &byte, 1) < 0)
		return; /* the supervisor is gone: the control watch will see it */
}

/* A client that looks at staples is not met by a server without.  It waits no longer than the
 * responder may take (--ocsp-timeout). */
void hf_worker_say_ready(struct hf_worker *worker)
{
	if (worker->ready || !hf_worker_staples_settled(worker))
		return;
	worker->ready = true;
	tell(worker, HF_CONTROL_READY);
}

static void publish(struct hf_worker *worker)
{
	struct hf_counters *mine = worker->mine;
	struct hf_peers_stats stats;

	hf_count_set(&mine->handshaking, worker->count.handshaking);
	hf_count_set(&mine->open, worker->count.open);
	hf_count_set(&mine->lingering, worker->count.lingering);
	hf_peers_stats(hf_generation_peers(worker->generation), &stats);
	hf_count_set(&mine->peers, stats.entries);
	hf_count_set(&mine->peer_hits, stats.hits);
	hf_count_set(&mine->peer_misses, stats.misses);
	hf_count_set(&mine->generation, worker->generation->number);
	hf_count_set(&mine->suppressed, worker->refusals.suppressed_ever);
	mine->certificate_not_after = hf_generation_not_after(worker->generation);
}

static void on_tick(void *arg)
{
	struct hf_worker *worker = arg;

	worker->ticks++;
	publish(worker);
	hf_ocsp_book_tick(worker->config->ocsp);
	hf_worker_say_ready(worker);
	hf_access_log_flush(&worker->access);
	if (worker->ticks % SWEEP_TICKS == 0) {
		hf_worker_look_at_staples(worker);
		hf_worker_look_at_lists(worker);
		hf_worker_sweep(worker);
	}
	if (worker->ticks % SWEEP_TICKS == 0)
		hf_worker_count_generations(worker);
	if (worker->ticks % SUMMARY_TICKS == 0)
		hf_refusal_log_summarise(&worker->refusals);
}

static void reload(struct hf_worker *worker)
{
	HF_AUTO(hf_generation) fresh = NULL;
	struct hf_generation *old = worker->generation;
	struct hf_err err = HF_ERR_INIT;

	struct hf_board_row *row = &worker->start->board->workers[worker->start->index];

	hf_access_log_reopen(&worker->access);
	if (hf_generation_new(worker->config, old->number + 1, hf_generation_peers(old), &fresh,
			      &err) < 0) {
		hf_log_say("worker %zu keeps its generation: %s", worker->start->index, err.msg);
		(void)hf_str_copy(row->kept, sizeof(row->kept), err.msg);
		tell(worker, HF_CONTROL_KEPT);
		return;
	}
	worker->generation = hf_take(fresh);
	row->kept[0] = '\0';
	row->generation = worker->generation->number;
	hf_worker_follow_health(worker);
	hf_worker_sweep(worker);
	hf_worker_sweep_demands(worker);
	hf_generation_unref(old);
	tell(worker, HF_CONTROL_RELOADED);
}

/* Other lists: whoever they name falls now, whatever he is doing. */
static void relist(struct hf_worker *worker)
{
	struct hf_generation *old = worker->generation, *fresh = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_generation_relist(worker->config, old, &fresh, &err) < 0) {
		hf_log_say("worker %zu cannot take new revocation lists: %s", worker->start->index,
			   err.msg);
		tell(worker, HF_CONTROL_UNLISTED);
		return;
	}
	worker->generation = fresh;
	hf_worker_sweep(worker);
	hf_generation_unref(old);
	tell(worker, HF_CONTROL_LISTED);
}

static void drain_over(void *arg)
{
	struct hf_worker *worker = arg;

	worker->cut = worker->count.handshaking + worker->count.open > 0;
	hf_loop_stop(worker->loop);
}

static void drain(struct hf_worker *worker)
{
	int64_t told = worker->start->board->orders->drain_ms;

	if (worker->draining)
		return;
	worker->draining = true;
	for (size_t i = 0; i < worker->ports_len; i++) {
		hf_listener_free(worker->ports[i].listener);
		worker->ports[i].listener = NULL;
	}
	hf_bound_list_shut(worker->start->bound);
	hf_tunnel_pool_free(worker->spares);
	worker->spares = NULL;
	hf_http_server_drain(worker->http);
	hf_http_server_drain(worker->metrics_http);
	hf_timer_start(worker->drain_timer, told < 0 ? worker->config->drain_ms : (uint64_t)told,
		       0);
	hf_worker_settle(worker);
}

static void on_control(int events, void *arg)
{
	struct hf_worker *worker = arg;
	char byte = 0;
	ssize_t n = read(worker->start->control, &byte, 1);

	(void)events;
	if (n == 1 && byte == HF_CONTROL_RELOAD) {
		reload(worker);
	} else if (n == 1 && byte == HF_CONTROL_REPORT) {
		hf_worker_report(worker);
		tell(worker, HF_CONTROL_DONE);
	} else if (n == 1 && byte == HF_CONTROL_REVOKE) {
		hf_worker_revoke(worker);
		tell(worker, HF_CONTROL_DONE);
	} else if (n == 1 && byte == HF_CONTROL_LISTS) {
		relist(worker);
	} else if (n >= 0) { /* told to, or nobody is left to tell us */
		(void)hf_watch_set(worker->control, n == 1 ? UV_READABLE : 0);
		drain(worker);
	}
}

static void on_change(struct hf_conn_count *count, void *arg)
{
	(void)count;
	hf_worker_settle(arg);
}

/* --- start and end --- */

static int open_port(struct hf_worker *worker, struct hf_bound *bound, size_t copy, bool metrics,
		     struct hf_err *err)
{
	struct hf_port *port = &worker->ports[worker->ports_len];

	*port = (struct hf_port){ .worker = worker, .bound = bound, .metrics = metrics };
	worker->ports_len++;
	return hf_listener_new(worker->loop, hf_bound_fd(bound, copy), &hf_worker_listener_ops,
			       port, &port->listener, err);
}

static int open_ports(struct hf_worker *worker, struct hf_err *err)
{
	const struct hf_worker_start *start = worker->start;
	size_t metrics = start->index == 0 ? start->metrics->len : 0;
	int rc = 0;

	worker->ports = calloc(start->bound->len + metrics, sizeof(*worker->ports));
	if (worker->ports == NULL)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < start->bound->len; i++)
		rc = open_port(worker, &start->bound->items[i], start->index, false, err);
	for (size_t i = 0; rc == 0 && i < metrics; i++)
		rc = open_port(worker, &start->metrics->items[i], 0, true, err);
	return rc;
}

static int open_timers(struct hf_worker *worker, struct hf_err *err)
{
	int rc = hf_timer_new(worker->loop, on_tick, worker, &worker->tick, err);

	if (rc == 0)
		rc = hf_timer_new(worker->loop, drain_over, worker, &worker->drain_timer, err);
	if (rc == 0)
		rc = hf_watch_new(worker->loop, worker->start->control, on_control, worker,
				  &worker->control, err);
	if (rc == 0)
		rc = hf_watch_set(worker->control, UV_READABLE);
	if (rc == 0)
		hf_timer_start(worker->tick, TICK_MS, TICK_MS);
	return rc;
}

/* A large list would stay as long as the worker does.  Not the credentials: the signer would hear
 * that their key is no longer needed here. */
static void let_go_of_lists(struct hf_gateway_parts *parts)
{
	for (size_t i = 0; i < parts->policies_len; i++) {
		hf_trust_unref(parts->policies[i].trust);
		parts->policies[i].trust = NULL;
	}
}

/* A bad set of files must not keep a worker from taking the place of one that died: the good set
 * stays in use until there is a new one. */
static int first_generation(struct hf_worker *worker, struct hf_err *err)
{
	const struct hf_worker_start *start = worker->start;

	if (hf_generation_new(worker->config, start->generation, NULL, &worker->generation, err) ==
	    0) {
		let_go_of_lists(start->good);
		return 0;
	}
	if (start->first)
		return -err->code;
	hf_log_say("worker %zu goes on with generation %llu: %s", start->index,
		   (unsigned long long)start->generation, err->msg);
	return hf_generation_from(worker->config, start->generation, start->good,
				  &worker->generation, err);
}

static int start_up(struct hf_worker *worker, struct hf_err *err)
{
	const struct hf_gateway_config *config = worker->config;
	int rc = hf_guard_drop(config, err);

	if (rc == 0)
		rc = first_generation(worker, err);

	if (rc == 0 && config->respond.text != NULL)
		rc = hf_responder_init(&worker->responder, &config->respond, err);
	if (rc == 0)
		rc = hf_access_log_open(&worker->access, config->access_log, err);
	if (rc == 0)
		rc = hf_loop_new(&worker->loop, err);
	if (rc == 0 && (config->upstream.to != NULL || config->upstream.routes != NULL))
		rc = hf_worker_open_forwarder(worker, err);
	if (rc == 0)
		rc = hf_http_server_new(worker->loop, &config->http, &hf_worker_http_ops, worker,
					&worker->http, err);
	if (rc == 0)
		rc = hf_http_server_new(worker->loop, &config->http, &hf_worker_metrics_ops, worker,
					&worker->metrics_http, err);
	if (rc == 0)
		rc = hf_worker_open_ocsp(worker, err);
	if (rc == 0)
		rc = open_timers(worker, err);
	if (rc == 0)
		rc = open_ports(worker, err);
	if (rc == 0)
		rc = hf_tunnel_pool_new(worker, &worker->spares, err);
	return rc < 0 ? rc : hf_guard_lock(config, err);
}

static void shut_down(struct hf_worker *worker)
{
	for (size_t i = 0; i < worker->ports_len; i++)
		hf_listener_free(worker->ports[i].listener);
	hf_watch_free(worker->control);
	hf_timer_free(worker->tick);
	hf_timer_free(worker->drain_timer);
	hf_worker_close_ocsp(worker);
	hf_http_server_stop(worker->http);
	hf_http_server_stop(worker->metrics_http);
	hf_forwarder_close(worker->forwarder);
	hf_tunnel_pool_free(worker->spares);
	/* Ends the connections that are left, and so their sessions. */
	worker->count.on_change = NULL;
	hf_loop_free(worker->loop);
	hf_forwarder_free(worker->forwarder);
	hf_http_server_free(worker->http);
	hf_http_server_free(worker->metrics_http);
	hf_refusal_log_summarise(&worker->refusals);
	hf_access_log_done(&worker->access);
	hf_responder_done(&worker->responder);
	hf_generation_unref(worker->generation);
	free(worker->ports);
}

void hf_leave_signals_to_the_supervisor(void)
{
	/* SIGXFSZ: a log at the limit of its size is no reason to end. */
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };

	for (size_t i = 0; i < HF_ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

int hf_worker_run(const struct hf_worker_start *start)
{
	struct hf_worker worker = { .start = start,
				    .config = start->config,
				    .mine = &start->counters[start->index],
				    .access = { .sink = HF_LOG_SINK_INIT },
				    .responder = { .dir_fd = -1 } };
	struct hf_err err = HF_ERR_INIT;

	hf_leave_signals_to_the_supervisor();
	worker.count.on_change = on_change;
	worker.count.arg = &worker;
	worker.connections_cap = start->config->connections_cap / start->workers;
	hf_refusal_log_init(&worker.refusals, (unsigned)start->index,
			    start->config->records_per_second);
	hf_log_bucket_init(&worker.troubles, 10, 1);
	if (start_up(&worker, &err) < 0) {
		hf_log_say("worker %zu cannot start: %s", start->index, err.msg);
		return HF_WORKER_CANNOT;
	}
	hf_worker_take_revoked(&worker);
	start->board->workers[start->index].generation = worker.generation->number;
	publish(&worker);
	hf_worker_say_ready(&worker);
	hf_loop_run(worker.loop);
	shut_down(&worker);
	return worker.cut ? 1 : 0;
}
