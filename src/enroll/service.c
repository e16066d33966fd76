/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the service: start, work, upkeep, reload, drain.  Must never let two threads into the
 * ledger at once, nor answer before what it answers is on the disk. */
#include "enroll/service_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "util/clock.h"
#include "util/daemon.h"
#include "util/log.h"

enum { TICK_MS = 1000, UPKEEP_SECONDS = 60, LINE_CAP = 64 * 1024, DESCRIPTORS_SPARED = 64 };

/* --- work: one batch at a time --- */

static void work(uv_work_t *req)
{
	struct hf_service *service = req->data;
	struct hf_ask *asks[HF_DESK_BATCH];

	if (service->look_at_work)
		hf_service_look(service);
	if (service->upkeep_at_work)
		service->upkeep_rc =
		    hf_service_keep_up(service, service->work_now, &service->upkeep_err);
	for (size_t i = 0; i < service->batch_len; i++)
		asks[i] = &service->batch[i]->ask;
	if (service->batch_len > 0)
		hf_desk_answer(service->authority, asks, service->batch_len, service->work_now);
}

/* What keeps going wrong is said once. */
static void tell_upkeep(struct hf_service *service)
{
	if (!service->upkeep_failed) {
		service->upkeep_told[0] = '\0';
		return;
	}
	if (strcmp(service->upkeep_told, service->upkeep_err.msg) != 0)
		hf_log_say("%s", service->upkeep_err.msg);
	(void)hf_str_copy(service->upkeep_told, sizeof(service->upkeep_told),
			  service->upkeep_err.msg);
}

static void take_fresh(struct hf_service *service)
{
	char until[HF_TIME_TEXT_CAP];
	int64_t before = service->own_until;

	if (!service->fresh)
		return;
	service->context_due = false;
	if (hf_service_make_context(service, service->fresh, &service->upkeep_err) < 0) {
		service->upkeep_failed = true;
	} else if (service->own_until != before) {
		hf_time_format(service->own_until, until);
		hf_log_say("a new certificate of the service is in use, until %s", until);
	}
	hf_credential_free(service->fresh);
	service->fresh = NULL;
}

static void settle(struct hf_service *service);

static void work_done(uv_work_t *req, int status)
{
	struct hf_service *service = req->data;

	(void)status;
	service->working = false;
	if (service->look_at_work)
		hf_service_looked(service);
	service->look_at_work = false;
	if (service->upkeep_at_work) {
		service->upkeep_failed = service->upkeep_rc < 0;
		take_fresh(service);
		hf_service_take_responders(service);
		tell_upkeep(service);
	}
	service->upkeep_at_work = false;
	for (size_t i = 0; i < service->batch_len; i++)
		hf_visit_answer(service->batch[i]);
	service->batch_len = 0;
	hf_service_start_work(service);
	settle(service);
}

static void take_batch(struct hf_service *service)
{
	while (service->first && service->batch_len < HF_DESK_BATCH) {
		struct hf_visit *visit = service->first;

		service->first = visit->next;
		if (!service->first)
			service->last = NULL;
		service->waiting--;
		service->batch[service->batch_len++] = visit;
	}
}

static void reload(struct hf_service *service)
{
	struct hf_authority *fresh = NULL;
	struct hf_err err = HF_ERR_INIT;

	service->reload_due = false;
	hf_log_sink_reopen(&service->access);
	if (service->config->open(service->config->open_arg, &fresh, &err) < 0) {
		service->figures.reloads_failed++;
		hf_log_say("reload refused, the old state stays: %s", err.msg);
		hf_service_ctl_reloaded(service, &err);
		return;
	}
	hf_authority_free(service->authority);
	service->authority = fresh;
	service->figures.reloads++;
	hf_service_watch_commits(service);
	if (hf_service_prepare_answers(service, &err) < 0)
		hf_log_say("reload: %s", err.msg);
	service->context_due = true;
	service->upkeep_due = true;
	hf_log_say("reloaded: generation %llu, with policy and keys as they are on the disk",
		   (unsigned long long)++service->generation);
	hf_service_ctl_reloaded(service, &err);
}

void hf_service_start_work(struct hf_service *service)
{
	if (service->working)
		return;
	if (service->reload_due)
		reload(service);
	if (!service->first && !service->upkeep_due && !service->look_due)
		return;
	service->look_at_work = service->look_due;
	service->look_due = false;
	service->upkeep_at_work = service->upkeep_due;
	service->upkeep_due = false;
	hf_err_clear(&service->upkeep_err);
	service->work_now = hf_clock_now();
	take_batch(service);
	service->work.data = service;
	service->working = true;
	if (uv_queue_work(hf_loop_uv(service->loop), &service->work, work, work_done) != 0)
		work_done(&service->work, 0);
}

void hf_service_enqueue(struct hf_service *service, struct hf_visit *visit)
{
	if (service->waiting >= HF_VISITS_WAITING_CAP) {
		visit->ask.status = 503;
		visit->ask.code = "busy";
		(void)hf_err_set(&visit->ask.err, HF_E_BUSY, "too many requests are waiting");
		hf_visit_answer(visit);
		return;
	}
	visit->queued = true;
	if (service->last)
		service->last->next = visit;
	else
		service->first = visit;
	service->last = visit;
	service->waiting++;
	hf_service_start_work(service);
}

/* --- connections --- */

static size_t connections(const struct hf_service *service)
{
	return service->count.handshaking + service->count.open + service->count.lingering;
}

static void pause_listeners(struct hf_service *service, bool pause)
{
	service->paused = pause;
	for (size_t i = 0; i < service->listeners_len; i++) {
		if (service->listeners[i])
			hf_listener_pause(service->listeners[i], pause);
	}
}

static void settle(struct hf_service *service)
{
	if (service->draining && connections(service) == 0 && !service->working && !service->first)
		hf_loop_stop(service->loop);
	else if (service->paused && connections(service) < service->connections_cap)
		pause_listeners(service, false);
}

static void on_change(struct hf_conn_count *count, void *arg)
{
	(void)count;
	settle(arg);
}

static void on_ready(struct hf_conn *conn, void *arg)
{
	struct hf_service *service = arg;

	service->figures.handshakes++;
	if (hf_http_serve(service->http, conn, NULL, NULL) < 0)
		hf_conn_abort(conn);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_conn_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	(void)end;
	(void)arg;
}

static const struct hf_conn_ops conn_ops = { .on_ready = on_ready,
					     .on_readable = on_readable,
					     .on_end = on_conn_end };

static void on_accept(int fd, const struct hf_address *peer, void *arg)
{
	struct hf_service *service = arg;
	const struct hf_conn_options options = {
		.ops = &conn_ops, .arg = service, .tls = service->tls, .count = &service->count
	};
	struct hf_conn *conn = NULL;

	service->figures.accepted++;
	(void)hf_conn_accept(service->loop, fd, peer, &options, &conn, NULL);
	if (connections(service) >= service->connections_cap)
		pause_listeners(service, true);
}

static void on_trouble(int errnum, void *arg)
{
	(void)arg;
	hf_log_say("accepting has paused: %s", strerror(errnum));
}

static const struct hf_listener_ops listener_ops = { .on_accept = on_accept,
						     .on_trouble = on_trouble };

/* --- time and signals --- */

static void on_tick(void *arg)
{
	struct hf_service *service = arg;
	int64_t now = hf_clock_monotonic_ms() / 1000;

	hf_log_sink_flush(&service->access);
	hf_service_ctl_tick(service);
	hf_feed_tick(service->feed);
	hf_service_look_soon(service);
	if (now - service->upkeep_at < UPKEEP_SECONDS)
		return;
	service->upkeep_at = now;
	service->upkeep_due = true;
	hf_service_start_work(service);
}

static void drain_over(void *arg)
{
	struct hf_service *service = arg;

	service->cut = connections(service) > 0 || service->first;
	hf_loop_stop(service->loop);
}

void hf_service_drain(struct hf_service *service, uint64_t within_ms)
{
	if (service->draining)
		return;
	service->draining = true;
	hf_daemon_notify("STOPPING=1");
	for (size_t i = 0; i < service->listeners_len; i++) {
		hf_listener_free(service->listeners[i]);
		service->listeners[i] = NULL;
	}
	hf_plain_close(&service->published);
	hf_plain_close(&service->measured);
	hf_feed_drain(service->feed);
	hf_http_server_drain(service->http);
	hf_timer_start(service->drain_timer, within_ms, 0);
	settle(service);
}

static void on_signal(int signum, void *arg)
{
	struct hf_service *service = arg;

	if (signum == SIGHUP) {
		service->reload_due = true;
		hf_service_start_work(service);
		return;
	}
	if (signum == SIGINT && service->interrupts++ > 0) {
		drain_over(service);
		return;
	}
	hf_service_drain(service, service->config->drain_ms);
}

/* --- start and end --- */

/* Connections are descriptors. */
static size_t connections_cap(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 512;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return HF_MIN((size_t)limit.rlim_cur, (size_t)16384) - DESCRIPTORS_SPARED;
}

static int open_listeners(struct hf_service *service, struct hf_err *err)
{
	const struct hf_strv *listen = service->config->listen;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < listen->len; i++)
		rc = hf_bound_open(&service->bound, listen->items[i], 1, err);
	if (rc < 0)
		return rc;
	service->listeners = calloc(service->bound.len, sizeof(struct hf_listener *));
	if (!service->listeners)
		return hf_err_nomem(err);
	service->listeners_len = service->bound.len;
	for (size_t i = 0; rc == 0 && i < service->bound.len; i++)
		rc = hf_listener_new(service->loop, hf_bound_fd(&service->bound.items[i], 0),
				     &listener_ops, service, &service->listeners[i], err);
	return rc;
}

static int open_loop(struct hf_service *service, struct hf_err *err)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT };
	const struct hf_http_server_config http = { .idle_ms = HF_HTTP_IDLE_MS,
						    .header_ms = HF_HTTP_HEADER_MS,
						    .body_ms = HF_HTTP_HEADER_MS,
						    .body_cap = HF_VISIT_BODY_CAP };
	int rc = hf_loop_new(&service->loop, err);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (rc == 0)
		rc = hf_http_server_new(service->loop, &http, &hf_service_http_ops, service,
					&service->http, err);
	if (rc == 0)
		rc = hf_timer_new(service->loop, on_tick, service, &service->tick, err);
	if (rc == 0)
		rc = hf_timer_new(service->loop, drain_over, service, &service->drain_timer, err);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(signals); i++)
		rc = hf_signal_new(service->loop, signals[i], on_signal, service,
				   &service->signals[i], err);
	if (rc == 0)
		hf_timer_start(service->tick, TICK_MS, TICK_MS);
	return rc;
}

/* All that must be right before anybody is let in. */
static int start_up(struct hf_service *service, struct hf_err *err)
{
	int rc = service->config->open(service->config->open_arg, &service->authority, err);

	if (rc == 0)
		hf_service_watch_commits(service);
	if (rc == 0)
		rc = hf_service_init_limits(service, err);
	if (rc == 0)
		rc = hf_log_sink_open(&service->access, service->config->access_log, err);
	if (rc == 0)
		rc = hf_service_keep_up(service, hf_clock_now(), err);
	if (rc == 0)
		rc = hf_service_make_context(service, service->fresh, err);
	hf_credential_free(service->fresh);
	service->fresh = NULL;
	if (rc == 0)
		rc = hf_service_prepare_answers(service, err);
	if (rc == 0)
		rc = open_loop(service, err);
	if (rc == 0)
		rc = hf_service_lists_start(service, err);
	if (rc == 0)
		rc = open_listeners(service, err);
	if (rc == 0)
		rc = hf_service_plain_start(service, err);
	if (rc == 0)
		rc = hf_service_metrics_start(service, err);
	if (rc == 0)
		rc = hf_service_ctl_start(service, err);
	service->upkeep_at = hf_clock_monotonic_ms() / 1000;
	return rc;
}

static void free_waiting(struct hf_service *service)
{
	while (service->first) {
		struct hf_visit *visit = service->first;

		service->first = visit->next;
		hf_visit_free(visit);
	}
}

static void shut_down(struct hf_service *service)
{
	while (service->working) /* what is being recorded is not torn away */
		hf_loop_step(service->loop, -1);
	for (size_t i = 0; i < service->listeners_len; i++)
		hf_listener_free(service->listeners[i]);
	for (size_t i = 0; i < HF_ARRAY_LEN(service->signals); i++)
		hf_signal_free(service->signals[i]);
	hf_service_ctl_stop(service);
	hf_timer_free(service->tick);
	hf_timer_free(service->drain_timer);
	hf_service_lists_stop(service);
	hf_plain_stop(&service->published);
	hf_plain_stop(&service->measured);
	hf_http_server_stop(service->http);
	hf_feed_stop(service->feed);
	service->count.on_change = NULL;
	if (service->loop)
		hf_loop_free(service->loop); /* ends the connections that are left */
	hf_http_server_free(service->http);
	hf_plain_done(&service->published);
	hf_plain_done(&service->measured);
	hf_feed_free(service->feed);
	hf_ocsp_free(service->ocsp);
	for (size_t i = 0; i < HF_OCSP_SIGNERS; i++)
		hf_ocsp_signer_done(&service->fresh_signers[i]);
	free_waiting(service);
	free(service->listeners);
	hf_bound_list_done(&service->bound);
	hf_tls_context_unref(service->tls);
	hf_authority_free(service->authority);
	hf_log_sink_done(&service->access);
	hf_buf_done(&service->line);
	hf_buf_done(&service->ca_pem);
	hf_buf_done(&service->ca_est);
	hf_buf_done(&service->ca_est_wrapped);
	for (size_t i = 0; i < HF_LISTS; i++)
		hf_list_free(service->lists[i]);
	hf_lookout_done(&service->look);
	hf_store_close(service->reader);
}

static void announce(const struct hf_bound_list *list, const char *scheme)
{
	for (size_t i = 0; i < list->len; i++)
		hf_bound_announce(&list->items[i], scheme);
}

int hf_service_run(const struct hf_service_config *config, struct hf_err *err)
{
	struct hf_service *service = calloc(1, sizeof(*service));
	int rc;

	if (!service)
		return hf_err_nomem(err);
	*service = (struct hf_service){
		.config = config, .access = HF_LOG_SINK_INIT, .lock = -1, .generation = 1
	};
	service->count.on_change = on_change;
	service->count.arg = service;
	service->connections_cap = connections_cap();
	hf_log_bucket_init(&service->troubles, 10, 1);
	hf_buf_init(&service->line, LINE_CAP);
	hf_buf_init(&service->ca_pem, HF_ASK_BODY_CAP);
	hf_buf_init(&service->ca_est, HF_ASK_BODY_CAP);
	hf_buf_init(&service->ca_est_wrapped, HF_ASK_BODY_CAP);
	hf_lookout_init(&service->look);
	rc = start_up(service, err);
	if (rc == 0) {
		announce(&service->bound, "https");
		announce(&service->published.bound, "http");
		announce(&service->measured.bound, "http");
		hf_daemon_notify("READY=1");
		hf_loop_run(service->loop);
		rc = service->cut ? 1 : 0;
	}
	shut_down(service);
	free(service);
	return rc;
}
