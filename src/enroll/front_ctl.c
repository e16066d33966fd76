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

enum { ANSWER_CAP = 256 * 1024 };

/* --- answers --- */

static void write_certificate(const struct hf_service *service, int64_t now, struct hf_json *j)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "subject", service->own->identity_name);
	if (service->own->label)
		hf_json_string(j, "authority", service->own->label);
	hf_json_time(j, "not_after", service->own_until);
	hf_json_int(j, "seconds_left", service->own_until - now);
	hf_json_object_end(j);
}

static void write_end(const char *key, int64_t next_update, int64_t now, struct hf_json *j)
{
	if (next_update == 0)
		return;
	hf_json_time(j, key, next_update);
	hf_json_int(j, "seconds_left", next_update - now);
}

/* There may be hundreds: how many, and when the first of them ends. */
static void write_shards(const struct hf_shelf *shelf, const struct hf_list *complete, int64_t now,
			 struct hf_json *j)
{
	int64_t count = 0, revoked = 0, first = 0;

	for (size_t i = 0; i < shelf->len; i++) {
		const struct hf_list *list = shelf->items[i];
		int64_t ends = list->facts.next_update;

		if (strcmp(list->key, complete->key) != 0)
			continue;
		count++;
		revoked += (int64_t)list->facts.revoked;
		first = first == 0 || ends < first ? ends : first;
	}
	if (count == 0)
		return;
	hf_json_object_begin(j, "shards");
	hf_json_int(j, "count", count);
	hf_json_int(j, "revoked", revoked);
	write_end("first_next_update", first, now, j);
	hf_json_object_end(j);
}

static void write_list(const struct hf_service *service, const struct hf_list *list, int64_t now,
		       struct hf_json *j)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "list", list->name);
	if (service->own->label)
		hf_json_string(j, "authority", service->own->label);
	hf_json_string(j, "number", list->facts.number);
	hf_json_int(j, "revoked", (int64_t)list->facts.revoked);
	hf_json_time(j, "this_update", list->facts.this_update);
	write_end("next_update", list->facts.next_update, now, j);
	write_shards(&service->shards, list, now, j);
	hf_json_object_end(j);
}

/* What is given out, by CA; the lists of shards with the complete one that has all they have. */
static void write_lists(const struct hf_front *front, int64_t now, struct hf_json *j)
{
	hf_json_array_begin(j, "crls");
	for (size_t i = 0; i < front->services_len; i++) {
		const struct hf_service *service = front->services[i];

		for (size_t k = 0; k < HF_LISTS; k++) {
			if (service->lists[k])
				write_list(service, service->lists[k], now, j);
		}
	}
	hf_json_array_end(j);
}

static void answer_status(struct hf_front *front, struct hf_admin_call *call)
{
	int64_t now = hf_clock_now();
	size_t waiting = 0;
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, ANSWER_CAP);
	hf_json_string(&j, "command", "authority");
	hf_json_int(&j, "pid", getpid());
	hf_json_string(&j, "state", front->draining ? "draining" : "serving");
	hf_json_time(&j, "since", front->ctl.started_at);
	hf_json_int(&j, "uptime_seconds", now - front->ctl.started_at);
	hf_json_int(&j, "generation", (int64_t)front->generation);
	hf_bound_list_to_json(&front->bound, "https", "listeners", &j);
	hf_bound_list_to_json(&front->published.bound, "http", "publish", &j);
	hf_bound_list_to_json(&front->measured.bound, "http", "metrics", &j);
	hf_json_array_begin(&j, "certificates");
	for (size_t i = 0; i < front->services_len; i++) {
		write_certificate(front->services[i], now, &j);
		waiting += front->services[i]->waiting;
	}
	hf_json_array_end(&j);
	write_lists(front, now, &j);
	hf_json_int(&j, "open", (int64_t)front->count.open);
	hf_json_int(&j, "waiting", (int64_t)waiting);
	hf_admin_answer_end(call, &j, &line);
}

static void answer_reload(struct hf_front *front, struct hf_admin_call *call,
			  const struct hf_err *err)
{
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, ANSWER_CAP);
	hf_json_bool(&j, "reloaded", err->code == 0);
	hf_json_int(&j, "generation", (int64_t)front->generation);
	if (err->code != 0) {
		hf_json_string(&j, "reason", err->msg);
		hf_json_string(&j, "hint", err->hint[0] ? err->hint : NULL);
	}
	hf_admin_answer_end(call, &j, &line);
}

void hf_front_ctl_reloaded(struct hf_front *front, const struct hf_err *err)
{
	for (size_t i = 0; i < HF_CTL_WAITING; i++) {
		struct hf_admin_call *call = front->ctl.waiting[i];

		if (call == NULL || front->ctl.drains[i])
			continue;
		front->ctl.waiting[i] = NULL;
		answer_reload(front, call, err);
	}
}

static void answer_drained(struct hf_front *front, struct hf_admin_call *call)
{
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, ANSWER_CAP);
	hf_json_bool(&j, "drained", true);
	hf_json_bool(&j, "cut", front->cut);
	hf_admin_answer_end(call, &j, &line);
}

/* --- questions --- */

static bool wait_for(struct hf_front *front, struct hf_admin_call *call, bool drain)
{
	struct hf_err err = HF_ERR_INIT;

	for (size_t i = 0; i < HF_CTL_WAITING; i++) {
		if (front->ctl.waiting[i] != NULL)
			continue;
		front->ctl.waiting[i] = call;
		front->ctl.drains[i] = drain;
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
	struct hf_front *front = arg;

	switch (request->verb) {
	case HF_ADMIN_STATUS:
		answer_status(front, call);
		break;
	case HF_ADMIN_RELOAD:
		hf_log_say("admin socket: reload");
		if (!wait_for(front, call, false))
			break;
		hf_front_reload(front);
		break;
	case HF_ADMIN_DRAIN:
		hf_log_say("admin socket: drain");
		if (wait_for(front, call, true))
			hf_front_drain(front, request->deadline_s < 0
						  ? front->config->drain_ms
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
	struct hf_front *front = arg;

	(void)events;
	hf_admin_run(front->ctl.admin);
}

void hf_front_ctl_tick(struct hf_front *front)
{
	if (front->ctl.admin != NULL)
		hf_admin_run(front->ctl.admin);
}

int hf_front_ctl_start(struct hf_front *front, struct hf_err *err)
{
	const char *spec = front->config->admin_socket;
	char usual[PATH_MAX + 8] = "unix:";
	int rc;

	front->ctl.started_at = hf_clock_now();
	if (hf_str_eq(spec, "none"))
		return 0;
	if (spec == NULL) { /* without a place for one there is none */
		if (hf_admin_default_path("authority", usual + strlen("unix:"), NULL) < 0 ||
		    hf_admin_open(usual, asked, front, &front->ctl.admin, NULL) < 0)
			return 0;
	} else {
		rc = hf_admin_open(spec, asked, front, &front->ctl.admin, err);
		if (rc < 0)
			return rc;
	}
	rc = hf_watch_new(front->loop, hf_admin_fd(front->ctl.admin), on_readable, front,
			  &front->ctl.watch, err);
	return rc < 0 ? rc : hf_watch_set(front->ctl.watch, UV_READABLE);
}

void hf_front_ctl_stop(struct hf_front *front)
{
	for (size_t i = 0; i < HF_CTL_WAITING; i++)
		if (front->ctl.waiting[i] != NULL && front->ctl.drains[i])
			answer_drained(front, front->ctl.waiting[i]);
	hf_admin_finish(front->ctl.admin);
	hf_watch_free(front->ctl.watch);
	hf_admin_free(front->ctl.admin);
	front->ctl.admin = NULL;
	front->ctl.watch = NULL;
}
