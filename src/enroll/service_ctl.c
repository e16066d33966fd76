/* SPDX-License-Identifier: Apache-2.0 */
/* handfast ctl at the authority: what runs, reload, drain, over the admin socket of its user.  Must
 * never do here what an operator's certificate is asked for elsewhere: nothing of the ledger. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/service_internal.h"
#include "util/clock.h"

/* --- answers --- */

static void begin(struct hf_json *j, struct hf_buf *line)
{
	*line = (struct hf_buf)HF_BUF_INIT(64 * 1024);
	hf_json_init(j, line, false);
	hf_json_object_begin(j, NULL);
}

static void end(struct hf_admin_call *call, struct hf_json *j, struct hf_buf *line)
{
	hf_json_object_end(j);
	hf_json_end_line(j);
	hf_admin_answer(call, line);
}

static void write_sockets(const struct hf_bound_list *list, const char *scheme, const char *key,
			  struct hf_json *j)
{
	char url[HF_ADDRESS_TEXT_CAP + 16];

	hf_json_array_begin(j, key);
	for (size_t i = 0; i < list->len; i++) {
		hf_bound_url(&list->items[i], scheme, url, sizeof(url));
		hf_json_string(j, NULL, url);
	}
	hf_json_array_end(j);
}

static void answer_status(struct hf_service *service, struct hf_admin_call *call)
{
	int64_t now = hf_clock_now();
	struct hf_buf line;
	struct hf_json j;

	begin(&j, &line);
	hf_json_string(&j, "command", "authority");
	hf_json_int(&j, "pid", getpid());
	hf_json_string(&j, "state", service->draining ? "draining" : "serving");
	hf_json_time(&j, "since", service->ctl.started_at);
	hf_json_int(&j, "uptime_seconds", now - service->ctl.started_at);
	hf_json_int(&j, "generation", (int64_t)service->generation);
	write_sockets(&service->bound, "https", "listeners", &j);
	write_sockets(&service->published.bound, "http", "publish", &j);
	write_sockets(&service->measured.bound, "http", "metrics", &j);
	hf_json_array_begin(&j, "certificates");
	hf_json_object_begin(&j, NULL);
	hf_json_string(&j, "subject", service->config->identity_name);
	hf_json_time(&j, "not_after", service->own_until);
	hf_json_int(&j, "seconds_left", service->own_until - now);
	hf_json_object_end(&j);
	hf_json_array_end(&j);
	hf_json_int(&j, "open", (int64_t)service->count.open);
	hf_json_int(&j, "waiting", (int64_t)service->waiting);
	end(call, &j, &line);
}

static void answer_reload(struct hf_service *service, struct hf_admin_call *call,
			  const struct hf_err *err)
{
	struct hf_buf line;
	struct hf_json j;

	begin(&j, &line);
	hf_json_bool(&j, "reloaded", err->code == 0);
	hf_json_int(&j, "generation", (int64_t)service->generation);
	if (err->code != 0) {
		hf_json_string(&j, "reason", err->msg);
		hf_json_string(&j, "hint", err->hint[0] ? err->hint : NULL);
	}
	end(call, &j, &line);
}

void hf_service_ctl_reloaded(struct hf_service *service, const struct hf_err *err)
{
	for (size_t i = 0; i < HF_CTL_WAITING; i++) {
		struct hf_admin_call *call = service->ctl.waiting[i];

		if (call == NULL || service->ctl.drains[i])
			continue;
		service->ctl.waiting[i] = NULL;
		answer_reload(service, call, err);
	}
}

static void answer_drained(struct hf_service *service, struct hf_admin_call *call)
{
	struct hf_buf line;
	struct hf_json j;

	begin(&j, &line);
	hf_json_bool(&j, "drained", true);
	hf_json_bool(&j, "cut", service->cut);
	end(call, &j, &line);
}

/* --- questions --- */

static bool wait_for(struct hf_service *service, struct hf_admin_call *call, bool drain)
{
	struct hf_err err = HF_ERR_INIT;

	for (size_t i = 0; i < HF_CTL_WAITING; i++) {
		if (service->ctl.waiting[i] != NULL)
			continue;
		service->ctl.waiting[i] = call;
		service->ctl.drains[i] = drain;
		return true;
	}
	(void)hf_err_set(&err, HF_E_BUSY, "too many questions wait for an answer");
	hf_admin_refuse(call, &err);
	return false;
}

static void refuse(struct hf_admin_call *call, const struct hf_admin_request *request)
{
	struct hf_err err = HF_ERR_INIT;

	(void)hf_err_set(&err, HF_E_INVALID, "an authority has no '%s'",
			 hf_admin_verb_name(request->verb));
	(void)hf_err_hint(&err, "it knows status, reload and drain");
	hf_admin_refuse(call, &err);
}

static void asked(struct hf_admin_call *call, const struct hf_admin_request *request, void *arg)
{
	struct hf_service *service = arg;

	switch (request->verb) {
	case HF_ADMIN_STATUS:
		answer_status(service, call);
		break;
	case HF_ADMIN_RELOAD:
		hf_log_say("admin socket: reload");
		if (!wait_for(service, call, false))
			break;
		service->reload_due = true;
		hf_service_start_work(service);
		break;
	case HF_ADMIN_DRAIN:
		hf_log_say("admin socket: drain");
		if (wait_for(service, call, true))
			hf_service_drain(service, request->deadline_s < 0
						      ? service->config->drain_ms
						      : (uint64_t)request->deadline_s * 1000);
		break;
	case HF_ADMIN_CONNECTIONS:
	case HF_ADMIN_TOP:
	case HF_ADMIN_REVOKE_NOW:
		refuse(call, request);
		break;
	}
}

/* --- beginning and end --- */

static void on_readable(int events, void *arg)
{
	struct hf_service *service = arg;

	(void)events;
	hf_admin_run(service->ctl.admin);
}

void hf_service_ctl_tick(struct hf_service *service)
{
	if (service->ctl.admin != NULL)
		hf_admin_run(service->ctl.admin);
}

int hf_service_ctl_start(struct hf_service *service, struct hf_err *err)
{
	const char *spec = service->config->admin_socket;
	char usual[PATH_MAX + 8] = "unix:";
	int rc;

	service->ctl.started_at = hf_clock_now();
	if (hf_str_eq(spec, "none"))
		return 0;
	if (spec == NULL) { /* without a place for one there is none */
		if (hf_admin_default_path("authority", usual + strlen("unix:"), NULL) < 0 ||
		    hf_admin_open(usual, asked, service, &service->ctl.admin, NULL) < 0)
			return 0;
	} else {
		rc = hf_admin_open(spec, asked, service, &service->ctl.admin, err);
		if (rc < 0)
			return rc;
	}
	rc = hf_watch_new(service->loop, hf_admin_fd(service->ctl.admin), on_readable, service,
			  &service->ctl.watch, err);
	return rc < 0 ? rc : hf_watch_set(service->ctl.watch, UV_READABLE);
}

void hf_service_ctl_stop(struct hf_service *service)
{
	for (size_t i = 0; i < HF_CTL_WAITING; i++)
		if (service->ctl.waiting[i] != NULL && service->ctl.drains[i])
			answer_drained(service, service->ctl.waiting[i]);
	hf_admin_finish(service->ctl.admin);
	hf_watch_free(service->ctl.watch);
	hf_admin_free(service->ctl.admin);
	service->ctl.admin = NULL;
	service->ctl.watch = NULL;
}
