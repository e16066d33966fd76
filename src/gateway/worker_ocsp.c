/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with the answers of OCSP responders: handshakes that waited go on, and whoever
 * fell is closed.  Must never judge from inside the book. */
#include <string.h>

#include "gateway/worker.h"
#include "tls/conn.h"
#include "util/log.h"

/* Each looks again; many wait for the same when a client opens several connections at once. */
static void wake(struct hf_worker *worker, const uint8_t key[HF_SHA256_LEN])
{
	for (struct hf_link *link = worker->links; link != NULL; link = link->next) {
		const struct hf_tls_conn *tls = link->conn ? hf_conn_tls(link->conn) : NULL;
		const uint8_t *awaited = tls ? hf_tls_conn_awaited(tls) : NULL;

		if (awaited != NULL && memcmp(awaited, key, HF_SHA256_LEN) == 0)
			hf_conn_go_on(link->conn);
	}
}

static void on_news(void *arg, const uint8_t key[HF_SHA256_LEN], const uint8_t leaf[HF_SHA256_LEN],
		    bool changed)
{
	struct hf_worker *worker = arg;

	wake(worker, key);
	if (!worker->ready)
		hf_timer_start(worker->sweep_soon, 0, 0);
	if (!changed)
		return;
	hf_peers_doubt(hf_generation_peers(worker->generation), leaf);
	hf_timer_start(worker->sweep_soon, 0, 0);
}

static void on_sweep(void *arg)
{
	hf_worker_sweep(arg);
	hf_worker_say_ready(arg);
}

int hf_worker_open_ocsp(struct hf_worker *worker, struct hf_err *err)
{
	const struct hf_ocsp_book_user user = { .loop = worker->loop,
						.worker = worker->start->index,
						.counters = worker->mine,
						.news = on_news,
						.arg = worker };
	int rc;

	if (worker->config->ocsp == NULL)
		return 0;
	rc = hf_timer_new(worker->loop, on_sweep, worker, &worker->sweep_soon, err);
	if (rc == 0)
		rc = hf_ocsp_book_open(worker->config->ocsp, &user, err);
	if (rc == 0)
		hf_worker_look_at_staples(worker);
	return rc;
}

static void tell_missing(struct hf_worker *worker, const struct hf_policy *policy, bool missing)
{
	const char *subject = policy->own.path.items[0]->subject;

	if (missing == worker->staple_missing)
		return;
	worker->staple_missing = missing;
	if (missing)
		hf_log_say("our own fault: the certificate %s demands an OCSP response with it "
			   "(must-staple), and there is none: clients that look refuse it",
			   subject);
	else
		hf_log_say("the certificate %s has its OCSP response", subject);
}

void hf_worker_look_at_staples(struct hf_worker *worker)
{
	const struct hf_generation *generation = worker->generation;
	const struct hf_policy *demanding = NULL;
	int64_t until = INT64_MAX;
	bool missing = false;

	for (size_t i = 0; i < generation->policies_len; i++) {
		const struct hf_policy *policy = &generation->policies[i];
		struct hf_ocsp_staple staple;

		if (policy->own.url == NULL)
			continue;
		hf_ocsp_staple_get(&policy->own, &staple);
		until = HF_MIN(until, staple.until);
		if (!hf_credential_must_staple(policy->parts->credential) || missing ||
		    !staple.settled)
			continue;
		demanding = policy;
		missing = staple.der == NULL;
	}
	worker->mine->staple_until = until == INT64_MAX ? 0 : until;
	if (demanding != NULL)
		tell_missing(worker, demanding, missing);
}

bool hf_worker_staples_settled(const struct hf_worker *worker)
{
	const struct hf_generation *generation = worker->generation;

	for (size_t i = 0; i < generation->policies_len; i++) {
		struct hf_ocsp_staple staple = { .settled = true };

		if (generation->policies[i].own.url != NULL)
			hf_ocsp_staple_get(&generation->policies[i].own, &staple);
		if (!staple.settled)
			return false;
	}
	return true;
}

void hf_worker_close_ocsp(struct hf_worker *worker)
{
	hf_timer_free(worker->sweep_soon);
	hf_ocsp_book_close(worker->config->ocsp);
}
