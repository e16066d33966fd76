/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the process: connections, time and signals, start, drain, end.  Must never let
 * anybody in before every authority can answer. */
#include "enroll/service_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/str.h"
#include "util/clock.h"
#include "util/daemon.h"
#include "util/log.h"

enum { TICK_MS = 1000, LINE_CAP = 64 * 1024, DESCRIPTORS_SPARED = 64 };

const char *hf_service_of(const struct hf_service *service, char out[HF_SERVICE_OF_CAP])
{
	out[0] = '\0';
	if (service->front->services_len > 1)
		(void)snprintf(out, HF_SERVICE_OF_CAP, " of '%s'", service->own->label);
	return out;
}

/* --- reloads --- */

void hf_front_reload(struct hf_front *front)
{
	hf_log_sink_reopen(&front->access);
	front->reloads_left = front->services_len;
	hf_err_clear(&front->reload_err);
	for (size_t i = 0; i < front->services_len; i++)
		front->services[i]->reload_due = true;
	for (size_t i = 0; i < front->services_len; i++)
		hf_service_start_work(front->services[i]);
}

void hf_front_reloaded(struct hf_front *front, const struct hf_service *service,
		       const struct hf_err *err)
{
	char of[HF_SERVICE_OF_CAP];

	if (err->code != 0) {
		hf_log_say("reload refused, the old state%s stays: %s", hf_service_of(service, of),
			   err->msg);
		if (front->reload_err.code == 0)
			front->reload_err = *err;
	}
	if (front->reloads_left == 0 || --front->reloads_left > 0)
		return;
	if (front->reload_err.code != 0) {
		front->figures.reloads_failed++;
	} else {
		front->figures.reloads++;
		hf_log_say(
		    "reloaded: generation %llu, with policy and keys as they are on the disk",
		    (unsigned long long)++front->generation);
	}
	hf_front_ctl_reloaded(front, &front->reload_err);
}

/* --- connections --- */

static size_t connections(const struct hf_front *front)
{
	return front->count.handshaking + front->count.open + front->count.lingering;
}

static void pause_listeners(struct hf_front *front, bool pause)
{
	front->paused = pause;
	for (size_t i = 0; i < front->listeners_len; i++) {
		if (front->listeners[i])
			hf_listener_pause(front->listeners[i], pause);
	}
}

static bool is_idle(const struct hf_front *front)
{
	for (size_t i = 0; i < front->services_len; i++) {
		if (front->services[i]->working || front->services[i]->first)
			return false;
	}
	return true;
}

void hf_front_settle(struct hf_front *front)
{
	if (front->draining && connections(front) == 0 && is_idle(front))
		hf_loop_stop(front->loop);
	else if (front->paused && connections(front) < front->connections_cap)
		pause_listeners(front, false);
}

static void on_change(struct hf_conn_count *count, void *arg)
{
	(void)count;
	hf_front_settle(arg);
}

static void on_accept(int fd, const struct hf_address *peer, void *arg)
{
	struct hf_front *front = arg;

	front->figures.accepted++;
	(void)hf_http_accept(front->http, fd, peer, front->services[0]->tls, &front->count);
	if (connections(front) >= front->connections_cap)
		pause_listeners(front, true);
}

static const struct hf_listener_ops listener_ops = { .on_accept = on_accept };

/* --- time and signals --- */

static void on_tick(void *arg)
{
	struct hf_front *front = arg;

	hf_log_sink_flush(&front->access);
	hf_front_ctl_tick(front);
	for (size_t i = 0; i < front->services_len; i++)
		hf_service_tick(front->services[i]);
}

static void drain_over(void *arg)
{
	struct hf_front *front = arg;

	front->cut = connections(front) > 0;
	for (size_t i = 0; i < front->services_len; i++)
		front->cut |= front->services[i]->first != NULL;
	hf_loop_stop(front->loop);
}

void hf_front_drain(struct hf_front *front, uint64_t within_ms)
{
	if (front->draining)
		return;
	front->draining = true;
	hf_daemon_notify("STOPPING=1");
	for (size_t i = 0; i < front->listeners_len; i++) {
		hf_listener_free(front->listeners[i]);
		front->listeners[i] = NULL;
	}
	hf_plain_close(&front->published);
	hf_plain_close(&front->measured);
	for (size_t i = 0; i < front->services_len; i++)
		hf_feed_drain(front->services[i]->feed);
	hf_http_server_drain(front->http);
	hf_timer_start(front->drain_timer, within_ms, 0);
	hf_front_settle(front);
}

static void on_signal(int signum, void *arg)
{
	struct hf_front *front = arg;

	if (signum == SIGHUP)
		hf_front_reload(front);
	else if (signum == SIGINT && front->interrupts++ > 0)
		drain_over(front);
	else
		hf_front_drain(front, front->config->drain_ms);
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

static int open_listeners(struct hf_front *front, struct hf_err *err)
{
	const struct hf_strv *listen = front->config->listen;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < listen->len; i++)
		rc = hf_bound_open(&front->bound, listen->items[i], 1, err);
	if (rc < 0)
		return rc;
	front->listeners = calloc(front->bound.len, sizeof(struct hf_listener *));
	if (!front->listeners)
		return hf_err_nomem(err);
	front->listeners_len = front->bound.len;
	for (size_t i = 0; rc == 0 && i < front->bound.len; i++)
		rc = hf_listener_new(front->loop, hf_bound_fd(&front->bound.items[i], 0),
				     &listener_ops, front, &front->listeners[i], err);
	return rc;
}

static int open_loop(struct hf_front *front, struct hf_err *err)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT };
	const struct hf_http_server_config http = { .idle_ms = HF_HTTP_IDLE_MS,
						    .header_ms = HF_HTTP_HEADER_MS,
						    .body_ms = HF_HTTP_HEADER_MS,
						    .body_cap = HF_VISIT_BODY_CAP };
	int rc = hf_loop_new(&front->loop, err);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (rc == 0)
		rc = hf_http_server_new(front->loop, &http, &hf_service_http_ops, front,
					&front->http, err);
	if (rc == 0)
		rc = hf_timer_new(front->loop, on_tick, front, &front->tick, err);
	if (rc == 0)
		rc = hf_timer_new(front->loop, drain_over, front, &front->drain_timer, err);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(signals); i++)
		rc = hf_signal_new(front->loop, signals[i], on_signal, front, &front->signals[i],
				   err);
	if (rc == 0)
		hf_timer_start(front->tick, TICK_MS, TICK_MS);
	return rc;
}

/* All that must be right before anybody is let in. */
static int start_up(struct hf_front *front, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < front->config->authorities_len; i++) {
		rc = hf_service_new(front, i, &front->services[i], err);
		front->services_len += front->services[i] != NULL;
	}
	for (size_t i = 0; rc == 0 && i < front->services_len; i++)
		rc = hf_service_open(front->services[i], err);
	if (rc == 0)
		rc = open_loop(front, err);
	if (rc == 0)
		rc = hf_log_sink_open(&front->access, front->config->access_log, err);
	if (rc == 0)
		rc = hf_front_make_contexts(front, err);
	for (size_t i = 0; rc == 0 && i < front->services_len; i++)
		rc = hf_service_start(front->services[i], err);
	if (rc == 0)
		rc = open_listeners(front, err);
	if (rc == 0)
		rc = hf_front_plain_start(front, err);
	if (rc == 0)
		rc = hf_front_metrics_start(front, err);
	return rc < 0 ? rc : hf_front_ctl_start(front, err);
}

/* What is being recorded is not torn away. */
static void await_work(struct hf_front *front)
{
	for (size_t i = 0; i < front->services_len; i++) {
		while (front->services[i]->working)
			hf_loop_step(front->loop, -1);
	}
}

static void stop_loop(struct hf_front *front)
{
	for (size_t i = 0; i < front->listeners_len; i++)
		hf_listener_free(front->listeners[i]);
	for (size_t i = 0; i < HF_ARRAY_LEN(front->signals); i++)
		hf_signal_free(front->signals[i]);
	hf_front_ctl_stop(front);
	hf_timer_free(front->tick);
	hf_timer_free(front->drain_timer);
	hf_plain_stop(&front->published);
	hf_plain_stop(&front->measured);
	hf_http_server_stop(front->http);
	for (size_t i = 0; i < front->services_len; i++)
		hf_service_stop(front->services[i]);
	front->count.on_change = NULL;
	if (front->loop)
		hf_loop_free(front->loop); /* ends the connections that are left */
}

static void shut_down(struct hf_front *front)
{
	await_work(front);
	stop_loop(front);
	hf_http_server_free(front->http);
	hf_plain_done(&front->published);
	hf_plain_done(&front->measured);
	for (size_t i = 0; i < front->services_len; i++)
		hf_service_free(front->services[i]);
	free(front->services);
	free(front->listeners);
	hf_bound_list_done(&front->bound);
	hf_log_sink_done(&front->access);
	hf_buf_done(&front->line);
}

static int run(struct hf_front *front, struct hf_err *err)
{
	int rc = start_up(front, err);

	if (rc < 0)
		return rc;
	hf_bound_list_announce(&front->bound, "https");
	hf_bound_list_announce(&front->published.bound, "http");
	hf_bound_list_announce(&front->measured.bound, "http");
	hf_daemon_notify("READY=1");
	hf_loop_run(front->loop);
	return front->cut ? 1 : 0;
}

int hf_service_run(const struct hf_service_config *config, struct hf_err *err)
{
	struct hf_front *front = calloc(1, sizeof(*front));
	int rc;

	if (!front)
		return hf_err_nomem(err);
	*front = (struct hf_front){ .config = config, .access = HF_LOG_SINK_INIT, .generation = 1 };
	front->services = calloc(config->authorities_len, sizeof(struct hf_service *));
	front->count.on_change = on_change;
	front->count.arg = front;
	front->connections_cap = connections_cap();
	hf_log_bucket_init(&front->troubles, 10, 1);
	hf_buf_init(&front->line, LINE_CAP);
	rc = front->services ? run(front, err) : hf_err_nomem(err);
	shut_down(front);
	free(front);
	return rc;
}
