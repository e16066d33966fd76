/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to one service that wait for the next request, the last used first: that one is the
 * least likely to be closed, and the others grow old and go.  Must never hand out a connection that
 * is not exactly between two answers. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "http/client_internal.h"

int hf_http_pool_new(struct hf_loop *loop, const struct hf_http_pool_config *config,
		     struct hf_http_pool **ret_pool, struct hf_err *err)
{
	HF_AUTO(hf_http_pool) pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return hf_err_nomem(err);
	pool->loop = loop;
	pool->config = *config;
	pool->addresses = calloc(config->addresses_len, sizeof(*pool->addresses));
	if (pool->addresses == NULL)
		return hf_err_nomem(err);
	memcpy(pool->addresses, config->addresses,
	       config->addresses_len * sizeof(*pool->addresses));
	*ret_pool = hf_take(pool);
	return 0;
}

void hf_http_pool_free(struct hf_http_pool *pool)
{
	if (pool == NULL)
		return;
	while (pool->idle != NULL) {
		struct hf_http_client *client = pool->idle;

		pool->idle = client->next;
		hf_http_client_free(client);
	}
	free(pool->addresses);
	free(pool);
}

size_t hf_http_pool_idle(const struct hf_http_pool *pool)
{
	return pool->idle_len;
}

void hf_http_pool_forget(struct hf_http_client *client)
{
	struct hf_http_pool *pool = client->pool;

	for (struct hf_http_client **at = &pool->idle; *at != NULL; at = &(*at)->next) {
		if (*at != client)
			continue;
		*at = client->next;
		client->next = NULL;
		pool->idle_len--;
		return;
	}
}

struct hf_http_client *hf_http_pool_take(struct hf_http_pool *pool, bool sure)
{
	while (pool->idle != NULL) {
		struct hf_http_client *client = pool->idle;

		pool->idle = client->next;
		pool->idle_len--;
		client->next = NULL;
		if (!sure || hf_conn_quiet(client->conn))
			return client;
		hf_http_client_free(client);
	}
	return NULL;
}

int hf_http_pool_connect(struct hf_http_pool *pool, size_t nth, struct hf_http_client **ret_client,
			 struct hf_err *err)
{
	struct hf_http_client *client = calloc(1, sizeof(*client));
	const struct hf_conn_options options = {
		.ops = &hf_http_client_conn_ops,
		.arg = client,
		.tls = pool->config.tls,
		.handshake_ms = pool->config.connect_ms,
		.out_cap = HF_CLIENT_OUT_CAP,
	};
	size_t head_cap = pool->config.limits.head_cap;
	int rc;

	assert(nth < pool->config.addresses_len);
	if (client == NULL)
		return hf_err_nomem(err);
	client->pool = pool;
	hf_buf_init(&client->early, HF_CLIENT_OUT_CAP);
	hf_buf_init(&client->trailers, HF_TRAILER_CAP);
	hf_buf_init(&client->bytes, (head_cap ? head_cap : HF_HTTP_HEAD_CAP) + HF_CLIENT_READ);
	rc = hf_conn_connect(pool->loop, &pool->addresses[nth], &options, &client->conn, err);
	if (rc < 0) {
		hf_http_client_free(client);
		return rc;
	}
	*ret_client = client;
	return 0;
}

/* The oldest goes when there are too many. */
static void trim(struct hf_http_pool *pool)
{
	struct hf_http_client **at = &pool->idle;

	if (pool->idle_len <= pool->config.keep_cap)
		return;
	while ((*at)->next != NULL)
		at = &(*at)->next;
	hf_http_client_free(*at);
	*at = NULL;
	pool->idle_len--;
}

void hf_http_pool_give(struct hf_http_client *client)
{
	struct hf_http_pool *pool = client->pool;

	assert(client->state == HF_CLIENT_DONE);
	client->state = HF_CLIENT_IDLE;
	client->ops = NULL;
	client->next = pool->idle;
	pool->idle = client;
	pool->idle_len++;
	hf_conn_hold_idle(client->conn, false);
	hf_conn_want_read(client->conn, true);
	hf_conn_set_idle(client->conn, pool->config.keep_ms);
	trim(pool);
}
