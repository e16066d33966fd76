/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with the answers of OCSP responders: handshakes that waited go on, and whoever
 * fell is closed.  Must never judge from inside the book. */
#include <string.h>

#include "gateway/worker.h"
#include "tls/conn.h"

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
	if (!changed)
		return;
	hf_peers_doubt(hf_generation_peers(worker->generation), leaf);
	hf_timer_start(worker->sweep_soon, 0, 0);
}

static void on_sweep(void *arg)
{
	hf_worker_sweep(arg);
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
	return rc < 0 ? rc : hf_ocsp_book_open(worker->config->ocsp, &user, err);
}

void hf_worker_close_ocsp(struct hf_worker *worker)
{
	hf_timer_free(worker->sweep_soon);
	hf_ocsp_book_close(worker->config->ocsp);
}
