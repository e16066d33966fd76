/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder of a worker: its services and what it keeps for them.  Must never be freed before
 * the loop that its connections live on. */
#include "gateway/forwarder.h"

#include <stdlib.h>

#include "base/err.h"
#include "util/clock.h"

enum {
	FAILED_MS = 2000, /* how long a service that could not be reached comes last */
	SCRATCH_CAP = 256 * 1024,
	RECORDS_BURST = 50,
};

static int open_backend(struct hf_forwarder *forwarder, struct hf_backend *backend,
			const char *text, struct hf_err *err)
{
	const struct hf_gateway_config *config = forwarder->config;
	struct hf_http_pool_config pool = {
		.connect_ms = config->upstream.connect_ms,
		.first_ms = config->upstream.answer_ms,
		.idle_ms = config->upstream.idle_ms,
		.keep_ms = config->upstream.keep_ms,
		.keep_cap = config->upstream.keep_cap,
		.limits = config->http.limits,
	};
	int rc = hf_target_parse(text, config->upstream.anywhere, &backend->target, err);

	if (rc < 0 || backend->target.kind != HF_TARGET_HTTP)
		return rc;
	pool.addresses = backend->target.addresses;
	pool.addresses_len = backend->target.addresses_len;
	return hf_http_pool_new(forwarder->loop, &pool, &backend->pool, err);
}

int hf_forwarder_new(struct hf_loop *loop, const struct hf_gateway_config *config, unsigned worker,
		     const struct hf_forwarder_hooks *hooks, struct hf_forwarder **ret_forwarder,
		     struct hf_err *err)
{
	HF_AUTO(hf_forwarder) forwarder = calloc(1, sizeof(*forwarder));
	const struct hf_strv *to = config->upstream.to;
	int rc = 0;

	if (forwarder == NULL)
		return hf_err_nomem(err);
	forwarder->loop = loop;
	forwarder->config = config;
	forwarder->hooks = *hooks;
	forwarder->worker = worker;
	forwarder->started_at = hf_clock_now();
	hf_buf_init(&forwarder->scratch, SCRATCH_CAP);
	hf_log_bucket_init(&forwarder->bucket, RECORDS_BURST, config->records_per_second);
	forwarder->backends = calloc(to->len, sizeof(*forwarder->backends));
	if (forwarder->backends == NULL)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < to->len; i++) {
		forwarder->backends_len++;
		rc = open_backend(forwarder, &forwarder->backends[i], to->items[i], err);
	}
	if (rc == 0)
		rc = hf_identity_fields_new(config->upstream.pass_identity, &forwarder->identity,
					    err);
	if (rc < 0)
		return rc;
	*ret_forwarder = hf_take(forwarder);
	return 0;
}

void hf_forwarder_close(struct hf_forwarder *forwarder)
{
	if (forwarder != NULL)
		forwarder->closing = true;
}

void hf_forwarder_free(struct hf_forwarder *forwarder)
{
	if (forwarder == NULL)
		return;
	for (size_t i = 0; i < forwarder->backends_len; i++)
		hf_http_pool_free(forwarder->backends[i].pool);
	free(forwarder->backends);
	while (forwarder->spare != NULL) {
		struct hf_exchange *exchange = forwarder->spare;

		forwarder->spare = exchange->next;
		hf_buf_done(&exchange->head);
		hf_buf_done(&exchange->facts);
		free(exchange);
	}
	hf_identity_fields_free(forwarder->identity);
	hf_buf_done(&forwarder->scratch);
	free(forwarder);
}

void hf_backend_failed(struct hf_forwarder *forwarder, struct hf_backend *backend)
{
	backend->failed_until_ms = hf_loop_now_ms(forwarder->loop) + FAILED_MS;
}

static bool better(const struct hf_forwarder *forwarder, const struct hf_backend *a,
		   const struct hf_backend *b)
{
	uint64_t now_ms = hf_loop_now_ms(forwarder->loop);
	bool a_up = a->failed_until_ms <= now_ms, b_up = b->failed_until_ms <= now_ms;

	if (a_up != b_up)
		return a_up;
	return forwarder->config->upstream.least_busy && a->active < b->active;
}

struct hf_backend *hf_forwarder_choose(struct hf_forwarder *forwarder)
{
	size_t turn = forwarder->turn;
	struct hf_backend *best = &forwarder->backends[turn];

	for (size_t i = 1; i < forwarder->backends_len; i++) {
		struct hf_backend *other =
		    &forwarder->backends[(turn + i) % forwarder->backends_len];

		if (better(forwarder, other, best))
			best = other;
	}
	forwarder->turn = ((size_t)(best - forwarder->backends) + 1) % forwarder->backends_len;
	return best;
}
