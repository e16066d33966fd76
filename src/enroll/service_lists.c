/* SPDX-License-Identifier: Apache-2.0 */
/* When the service looks at ledger and lists: at the start, when a list's file changes (whoever
 * wrote it), and each second.  Must never look from two threads at once. */
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "enroll/service_internal.h"
#include "util/clock.h"

enum { AGAIN_MS = 3 }; /* somebody holds the lock: signing a list takes that long */

/* A new list of the root may have revoked who issues here: nothing is issued from then on. */
static int look_at_issuer(struct hf_service *service)
{
	struct hf_authority *a = service->authority;

	for (size_t i = 0; !a->single && i < HF_LISTS; i++) {
		if (service->look.fresh[i] && hf_authority_ca(a, i) == &a->root)
			return hf_authority_note_revocation(a, &service->look_err);
	}
	return 0;
}

void hf_service_look(struct hf_service *service)
{
	int64_t now_ms = hf_clock_monotonic_ms();

	hf_err_clear(&service->look_err);
	service->look_rc = hf_lookout_mend(&service->look, service->authority, service->work_now,
					   now_ms, &service->look_err);
	if (service->look_rc == 0)
		service->look_rc = hf_lookout_run(&service->look, service->authority,
						  service->work_now, now_ms, &service->look_err);
	if (service->look_rc == 0)
		service->look_rc = look_at_issuer(service);
}

static void take_lists(struct hf_service *service)
{
	struct hf_lookout *look = &service->look;

	for (size_t i = 0; i < HF_LISTS; i++) {
		if (!look->fresh[i] && !look->gone[i])
			continue;
		if (look->fresh[i] && service->lists[i])
			look->fresh[i]->published = service->lists[i]->published + 1;
		hf_list_free(service->lists[i]);
		service->lists[i] = hf_take(look->fresh[i]);
	}
	hf_shelf_take(&service->shards, &look->shards);
	hf_feed_news(service->feed, look->revocations, look->revocations_len);
	look->revocations_len = 0;
}

static void tell_revoked_issuer(struct hf_service *service)
{
	char of[HF_SERVICE_OF_CAP];

	if (service->revoked_told || !service->authority->issuing_revoked_at)
		return;
	service->revoked_told = true;
	hf_log_say("the issuing CA%s was revoked by its root: nothing is issued any more",
		   hf_service_of(service, of));
}

void hf_service_looked(struct hf_service *service)
{
	tell_revoked_issuer(service);
	if (service->look_rc < 0 && !service->look_failed)
		hf_log_say("looking for revocations: %s", service->look_err.msg);
	service->look_failed = service->look_rc < 0;
	if (service->look_rc > 0)
		hf_timer_start(service->look_again, AGAIN_MS, 0);
	take_lists(service);
}

void hf_service_look_soon(struct hf_service *service)
{
	service->look_due = true;
	hf_service_start_work(service);
}

static void on_again(void *arg)
{
	hf_service_look_soon(arg);
}

static void on_directory(uv_fs_event_t *watch, const char *name, int events, int status)
{
	(void)events;
	if (status == 0 && name && hf_str_ends(name, "crl.pem"))
		hf_service_look_soon(watch->data);
}

static void free_watch(uv_handle_t *handle)
{
	free(handle);
}

/* Without it a revocation is felt a second later. */
static void watch_directory(struct hf_service *service)
{
	uv_fs_event_t *watch = calloc(1, sizeof(*watch));
	int rc;

	if (!watch)
		return;
	(void)uv_fs_event_init(hf_loop_uv(service->loop), watch);
	watch->data = service;
	rc = uv_fs_event_start(watch, on_directory, service->authority->dir, 0);
	if (rc != 0) {
		hf_log_say("'%s' cannot be watched (%s): it is looked at each second",
			   service->authority->dir, uv_strerror(rc));
		uv_close((uv_handle_t *)watch, free_watch);
		return;
	}
	service->watch = watch;
}

/* How revoke --wait knows that somebody passes revocations on. */
static int hold_lock(struct hf_service *service, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), service->authority->dir, "service.lock", err);

	if (rc == 0)
		rc = hf_file_lock(path, false, &service->lock, err);
	if (rc != -HF_E_BUSY)
		return rc;
	(void)hf_err_set(err, HF_E_BUSY, "another service of this authority runs already");
	return hf_err_hint(err, "one can listen at several places: repeat --listen");
}

int hf_service_lists_start(struct hf_service *service, struct hf_err *err)
{
	const struct hf_store_options options = { .now = hf_clock_now(), .actor = "authority" };
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), service->authority->dir, "ca.db", err);

	if (rc == 0)
		rc = hf_store_open(path, &options, &service->reader, err);
	if (rc == 0)
		rc = hold_lock(service, err);
	if (rc == 0)
		rc = hf_timer_new(service->loop, on_again, service, &service->look_again, err);
	if (rc == 0)
		rc = hf_service_ocsp_start(service, err);
	if (rc == 0)
		rc = hf_feed_new(service, &service->feed, err);
	service->work_now = hf_clock_now();
	/* the second time mends what the first found */
	for (int i = 0; rc == 0 && i < 2; i++) {
		hf_service_look(service);
		if (service->look_rc < 0) {
			*err = service->look_err;
			return service->look_rc;
		}
	}
	if (rc < 0)
		return rc;
	take_lists(service);
	watch_directory(service);
	return 0;
}

void hf_service_lists_stop(struct hf_service *service)
{
	hf_timer_free(service->look_again);
	if (service->watch)
		uv_close((uv_handle_t *)service->watch, free_watch);
	service->watch = NULL;
	hf_fd_close(service->lock);
	service->lock = -1;
}
