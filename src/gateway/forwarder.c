/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder of a worker: its services and what it keeps for them.  Must never be freed before
 * the loop that its connections live on. */
#include "gateway/forwarder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "util/clock.h"

enum {
	FAILED_MS = 2000, /* how long a service that could not be reached comes last */
	SCRATCH_CAP = 256 * 1024,
	RECORDS_BURST = 50,
};

/* Rows stand in the order in which services are opened. */
static struct hf_health_row *row_of(struct hf_forwarder *forwarder)
{
	struct hf_health_board *board = forwarder->config->health;
	size_t index = forwarder->backends_len++;

	return board != NULL ? &board->rows[index] : NULL;
}

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

	backend->health = row_of(forwarder);
	if (rc < 0 || backend->target.kind != HF_TARGET_HTTP)
		return rc;
	pool.addresses = backend->target.addresses;
	pool.addresses_len = backend->target.addresses_len;
	return hf_http_pool_new(forwarder->loop, &pool, &backend->pool, err);
}

static int open_group(struct hf_forwarder *forwarder, const struct hf_route *route,
		      const struct hf_strv *to, bool least_busy, struct hf_err *err)
{
	struct hf_group *group = &forwarder->groups[forwarder->groups_len];
	int rc = 0;

	group->route = route;
	group->least_busy = least_busy;
	group->backends = calloc(to->len, sizeof(*group->backends));
	if (group->backends == NULL)
		return hf_err_nomem(err);
	forwarder->groups_len++;
	forwarder->by_path |= route != NULL && route->path != NULL;
	for (size_t i = 0; rc == 0 && i < to->len; i++) {
		group->len++;
		rc = open_backend(forwarder, &group->backends[i], to->items[i], err);
	}
	return rc;
}

static int open_groups(struct hf_forwarder *forwarder, struct hf_err *err)
{
	const struct hf_upstream_config *config = &forwarder->config->upstream;
	size_t routes = config->routes != NULL ? config->routes->len : 0;
	int rc = 0;

	forwarder->groups = calloc(routes + 1, sizeof(*forwarder->groups));
	if (forwarder->groups == NULL)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < routes; i++) {
		const struct hf_route *route = &config->routes->items[i];

		rc = open_group(forwarder, route, &route->to, route->least_busy, err);
	}
	if (rc == 0 && config->to != NULL)
		rc = open_group(forwarder, NULL, config->to, config->least_busy, err);
	return rc;
}

int hf_forwarder_new(struct hf_loop *loop, const struct hf_gateway_config *config, unsigned worker,
		     const struct hf_forwarder_hooks *hooks, struct hf_forwarder **ret_forwarder,
		     struct hf_err *err)
{
	HF_AUTO(hf_forwarder) forwarder = calloc(1, sizeof(*forwarder));
	int rc;

	if (forwarder == NULL)
		return hf_err_nomem(err);
	forwarder->loop = loop;
	forwarder->config = config;
	forwarder->hooks = *hooks;
	forwarder->worker = worker;
	forwarder->started_at = hf_clock_now();
	hf_buf_init(&forwarder->scratch, SCRATCH_CAP);
	hf_log_bucket_init(&forwarder->bucket, RECORDS_BURST, config->records_per_second);
	rc = open_groups(forwarder, err);
	if (rc == 0)
		rc = hf_identity_fields_new(config->upstream.pass_identity,
					    &config->upstream.identity_names, &forwarder->identity,
					    err);
	if (rc == 0 && worker == 0 && config->health != NULL)
		rc = hf_health_checks_new(forwarder, &forwarder->checks, err);
	if (rc < 0) {
		hf_forwarder_close(forwarder);
		return rc;
	}
	*ret_forwarder = hf_take(forwarder);
	return 0;
}

void hf_forwarder_close(struct hf_forwarder *forwarder)
{
	if (forwarder == NULL)
		return;
	forwarder->closing = true;
	hf_health_checks_free(forwarder->checks);
	forwarder->checks = NULL;
}

void hf_forwarder_free(struct hf_forwarder *forwarder)
{
	if (forwarder == NULL)
		return;
	for (size_t g = 0; g < forwarder->groups_len; g++) {
		for (size_t i = 0; i < forwarder->groups[g].len; i++)
			hf_http_pool_free(forwarder->groups[g].backends[i].pool);
		free(forwarder->groups[g].backends);
	}
	free(forwarder->groups);
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

void hf_forwarder_reference(struct hf_forwarder *forwarder, char reference[HF_REFERENCE_CAP])
{
	(void)snprintf(reference, HF_REFERENCE_CAP, "%llx-%u-u%llu",
		       (unsigned long long)forwarder->started_at, forwarder->worker,
		       (unsigned long long)++forwarder->failures);
}

void hf_backend_failed(struct hf_forwarder *forwarder, struct hf_backend *backend)
{
	backend->failed_until_ms = hf_loop_now_ms(forwarder->loop) + FAILED_MS;
}

static bool better(const struct hf_group *group, uint64_t now_ms, const struct hf_backend *a,
		   const struct hf_backend *b)
{
	bool a_up = a->failed_until_ms <= now_ms, b_up = b->failed_until_ms <= now_ms;

	if (a_up != b_up)
		return a_up;
	return group->least_busy && a->active < b->active;
}

struct hf_backend *hf_forwarder_choose(struct hf_forwarder *forwarder, struct hf_group *group)
{
	uint64_t now_ms = hf_loop_now_ms(forwarder->loop);
	struct hf_backend *best = NULL;

	for (size_t i = 0; i < group->len; i++) {
		struct hf_backend *other = &group->backends[(group->turn + i) % group->len];

		if (other->health != NULL && other->health->out)
			continue;
		if (best == NULL || better(group, now_ms, other, best))
			best = other;
	}
	if (best != NULL)
		group->turn = ((size_t)(best - group->backends) + 1) % group->len;
	return best;
}
