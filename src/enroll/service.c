/* SPDX-License-Identifier: Apache-2.0 */
/* One authority at work: batches, upkeep, reload.  Must never let two threads into its ledger at
 * once, nor answer before what it answers is on the disk. */
#include "enroll/service_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "util/clock.h"
#include "util/log.h"

enum { UPKEEP_SECONDS = 60, CLOCK_JUMP_SECONDS = 5 };

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
	char of[HF_SERVICE_OF_CAP];

	if (!service->upkeep_failed) {
		service->upkeep_told[0] = '\0';
		return;
	}
	if (strcmp(service->upkeep_told, service->upkeep_err.msg) != 0)
		hf_log_say("%s%s", service->upkeep_err.msg, hf_service_of(service, of));
	(void)hf_str_copy(service->upkeep_told, sizeof(service->upkeep_told),
			  service->upkeep_err.msg);
}

static void take_fresh(struct hf_service *service)
{
	char until[HF_TIME_TEXT_CAP], of[HF_SERVICE_OF_CAP];
	int64_t before = service->own_until;

	if (!service->fresh)
		return;
	service->context_due = false;
	if (hf_service_use(service, hf_take(service->fresh), &service->upkeep_err) < 0 ||
	    hf_front_make_contexts(service->front, &service->upkeep_err) < 0) {
		service->upkeep_failed = true;
	} else if (service->own_until != before) {
		hf_time_format(service->own_until, until);
		hf_log_say("a new certificate of the service%s is in use, until %s",
			   hf_service_of(service, of), until);
	}
}

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
	hf_front_settle(service->front);
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
	if (service->own->open(service->own->open_arg, &fresh, &err) == 0) {
		hf_authority_free(service->authority);
		service->authority = fresh;
		hf_service_watch_commits(service);
		if (hf_service_prepare_answers(service, &err) < 0)
			hf_log_say("reload: %s", err.msg);
		hf_err_clear(&err);
		service->context_due = true;
		service->upkeep_due = true;
	}
	hf_front_reloaded(service->front, service, &err);
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

/* --- start and end --- */

/* Stays the same, unless the wall clock is set or the machine sleeps. */
static int64_t clock_since(void)
{
	return hf_clock_now() - hf_clock_monotonic_ms() / 1000;
}

/* What was fresh may have ended then, or not begun. */
static bool clock_has_jumped(struct hf_service *service)
{
	int64_t jump = clock_since() - service->clock_since;

	if (jump > -CLOCK_JUMP_SECONDS && jump < CLOCK_JUMP_SECONDS)
		return false;
	service->clock_since += jump;
	hf_log_say(
	    "the clock has jumped by %lld seconds: certificate and lists are looked at again",
	    (long long)jump);
	return true;
}

void hf_service_tick(struct hf_service *service)
{
	int64_t now = hf_clock_monotonic_ms() / 1000;
	bool jumped = clock_has_jumped(service);

	hf_feed_tick(service->feed);
	hf_service_look_soon(service);
	if (!jumped && now - service->upkeep_at < UPKEEP_SECONDS)
		return;
	service->upkeep_at = now;
	service->upkeep_due = true;
	hf_service_start_work(service);
}

int hf_service_new(struct hf_front *front, size_t index, struct hf_service **ret_service,
		   struct hf_err *err)
{
	struct hf_service *service = calloc(1, sizeof(*service));

	if (!service)
		return hf_err_nomem(err);
	*service = (struct hf_service){ .front = front,
					.own = &front->config->authorities[index],
					.index = index,
					.lock = -1 };
	hf_buf_init(&service->ca_pem, HF_ASK_BODY_CAP);
	hf_buf_init(&service->ca_est, HF_ASK_BODY_CAP);
	hf_buf_init(&service->ca_est_wrapped, HF_ASK_BODY_CAP);
	hf_lookout_init(&service->look);
	*ret_service = service;
	return hf_service_init_limits(service, err);
}

int hf_service_open(struct hf_service *service, struct hf_err *err)
{
	int rc = service->own->open(service->own->open_arg, &service->authority, err);

	if (rc == 0)
		hf_service_watch_commits(service);
	if (rc == 0)
		rc = hf_service_keep_up(service, hf_clock_now(), err);
	if (rc == 0)
		rc = hf_service_use(service, hf_take(service->fresh), err);
	if (rc == 0)
		rc = hf_service_prepare_answers(service, err);
	service->upkeep_at = hf_clock_monotonic_ms() / 1000;
	service->clock_since = clock_since();
	return rc;
}

int hf_service_start(struct hf_service *service, struct hf_err *err)
{
	service->loop = service->front->loop;
	return hf_service_lists_start(service, err);
}

static void free_waiting(struct hf_service *service)
{
	while (service->first) {
		struct hf_visit *visit = service->first;

		service->first = visit->next;
		hf_visit_free(visit);
	}
}

void hf_service_stop(struct hf_service *service)
{
	hf_service_lists_stop(service);
	hf_feed_stop(service->feed);
}

void hf_service_free(struct hf_service *service)
{
	if (!service)
		return;
	hf_feed_free(service->feed);
	hf_ocsp_free(service->ocsp);
	for (size_t i = 0; i < HF_OCSP_SIGNERS; i++)
		hf_ocsp_signer_done(&service->fresh_signers[i]);
	free_waiting(service);
	hf_tls_context_unref(service->tls);
	hf_credential_free(service->credential);
	hf_credential_free(service->fresh);
	hf_authority_free(service->authority);
	hf_buf_done(&service->ca_pem);
	hf_buf_done(&service->ca_est);
	hf_buf_done(&service->ca_est_wrapped);
	for (size_t i = 0; i < HF_LISTS; i++)
		hf_list_free(service->lists[i]);
	hf_shelf_done(&service->shards);
	hf_lookout_done(&service->look);
	hf_store_close(service->reader);
	free(service);
}
