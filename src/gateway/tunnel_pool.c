/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of a tunnel.  Must never hand out a connection that was judged under another generation,
 * nor one whose server has closed it already. */
#include "gateway/tunnel_pool.h"

#include <stdlib.h>

#include "base/err.h"
#include "gateway/tunnel.h"

enum {
	LOOK_MS = 250, /* how often the old ones are looked for */
	AGAIN_MIN_MS = 50,
	AGAIN_MAX_MS = 30 * 1000,
	LIVED_MS = 1000, /* whatever lived so long had not been refused */
	EARLY_CAP = 64 * 1024,
};

/* One of them. */
struct spare {
	struct hf_tunnel_pool *pool;
	struct spare *next; /* younger */
	struct hf_conn *conn;
	struct hf_generation *generation; /* counted */
	uint64_t begun_ms;
	bool open, leaving;
	struct hf_buf early; /* what the server says first */
};

struct hf_tunnel_pool {
	struct hf_worker *worker;
	struct hf_timer *timer;
	struct spare *oldest;
	size_t len;	  /* without those that are leaving */
	size_t address;	  /* to try next */
	uint64_t wait_ms; /* after a failure; grows */
	uint64_t due_ms;  /* when to try again */
};

static uint64_t now_of(const struct hf_tunnel_pool *pool)
{
	return hf_loop_now_ms(pool->worker->loop);
}

static void unlink_spare(struct spare *spare)
{
	struct spare **at = &spare->pool->oldest;

	while (*at != spare)
		at = &(*at)->next;
	*at = spare->next;
	spare->pool->len -= !spare->leaving;
}

static void spare_free(struct spare *spare)
{
	unlink_spare(spare);
	hf_generation_unref(spare->generation);
	hf_buf_done(&spare->early);
	free(spare);
}

static void publish(struct hf_tunnel_pool *pool)
{
	uint64_t open = 0;

	for (const struct spare *spare = pool->oldest; spare != NULL; spare = spare->next)
		open += spare->open && !spare->leaving;
	hf_count_set(&pool->worker->mine->spare, open);
}

/* With a proper goodbye; on_end does the rest. */
static void leave(struct spare *spare)
{
	if (spare->leaving)
		return;
	spare->leaving = true;
	spare->pool->len--;
	hf_conn_close(spare->conn);
}

/* --- making them --- */

static void back_off(struct hf_tunnel_pool *pool)
{
	const struct hf_origin_config *origin = &pool->worker->config->origin;

	pool->address = (pool->address + 1) % origin->addresses_len;
	pool->wait_ms =
	    HF_MIN(HF_MAX(2 * pool->wait_ms, (uint64_t)AGAIN_MIN_MS), (uint64_t)AGAIN_MAX_MS);
	pool->due_ms = now_of(pool) + pool->wait_ms;
}

static void on_ready(struct hf_conn *conn, void *arg)
{
	struct spare *spare = arg;

	(void)conn;
	spare->open = true;
	hf_count(&spare->pool->worker->mine->handshakes, 1);
	publish(spare->pool);
}

/* Under TLS 1.3 a refusal comes after the handshake; and some servers speak first. */
static void on_readable(struct hf_conn *conn, void *arg)
{
	static char in[EARLY_CAP];
	struct spare *spare = arg;
	size_t len = 0;

	switch (hf_conn_read(conn, in, sizeof(in), &len)) {
	case HF_CONN_DATA:
		if (hf_buf_append(&spare->early, in, len) < 0)
			leave(spare);
		break;
	case HF_CONN_EOF:
		leave(spare);
		break;
	case HF_CONN_WAIT:
	case HF_CONN_OVER:
		break;
	}
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct spare *spare = arg;
	struct hf_tunnel_pool *pool = spare->pool;
	struct hf_worker *worker = pool->worker;
	struct hf_link link = { .worker = worker,
				.generation = spare->generation,
				.bound = worker->ports[0].bound,
				.in_session = spare->open };

	hf_worker_record_end(&link, conn, end);
	if (end->kind == HF_CONN_END_REFUSED || now_of(pool) - spare->begun_ms < LIVED_MS)
		back_off(pool);
	else
		pool->wait_ms = 0;
	spare_free(spare);
	publish(pool);
}

static const struct hf_conn_ops spare_ops = { .on_ready = on_ready,
					      .on_readable = on_readable,
					      .on_end = on_end };

/* false: not now. */
static bool make(struct hf_tunnel_pool *pool)
{
	struct hf_worker *worker = pool->worker;
	struct spare *spare = calloc(1, sizeof(*spare)), **at = &pool->oldest;
	const struct hf_conn_options options = {
		.ops = &spare_ops,
		.arg = spare,
		.tls = worker->generation->fronts[0],
		.handshake_ms = worker->config->handshake_ms,
		.out_cap = HF_TUNNEL_OUT_CAP,
		.via = worker->config->origin.via,
	};

	if (spare == NULL ||
	    hf_conn_connect(worker->loop, &worker->config->origin.addresses[pool->address],
			    &options, &spare->conn, NULL) < 0) {
		free(spare);
		back_off(pool);
		return false;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = spare;
	pool->len++;
	spare->pool = pool;
	spare->generation = hf_generation_ref(worker->generation);
	spare->begun_ms = now_of(pool);
	hf_buf_init(&spare->early, EARLY_CAP);
	return true;
}

static void fill(struct hf_tunnel_pool *pool)
{
	while (pool->len < pool->worker->config->origin.spare_len && now_of(pool) >= pool->due_ms)
		if (!make(pool))
			return;
}

/* --- keeping them --- */

static void on_look(void *arg)
{
	struct hf_tunnel_pool *pool = arg;
	uint64_t now = now_of(pool), age = pool->worker->config->origin.spare_age_ms;

	for (struct spare *spare = pool->oldest; spare != NULL; spare = spare->next)
		if (now - spare->begun_ms >= age || spare->generation != pool->worker->generation)
			leave(spare);
	fill(pool);
	publish(pool);
}

struct hf_conn *hf_tunnel_pool_take(struct hf_tunnel_pool *pool, struct hf_buf *early)
{
	struct hf_conn *conn = NULL;
	struct spare *next;

	for (struct spare *spare = pool ? pool->oldest : NULL; spare != NULL && conn == NULL;
	     spare = next) {
		next = spare->next;
		if (!spare->open || spare->leaving)
			continue;
		if (spare->generation != pool->worker->generation || !hf_conn_quiet(spare->conn)) {
			leave(spare);
			continue;
		}
		conn = spare->conn;
		(void)hf_buf_append(early, spare->early.data, spare->early.len);
		pool->wait_ms = 0;
		spare_free(spare);
	}
	if (pool != NULL) {
		fill(pool);
		publish(pool);
	}
	return conn;
}

int hf_tunnel_pool_new(struct hf_worker *worker, struct hf_tunnel_pool **ret_pool,
		       struct hf_err *err)
{
	struct hf_tunnel_pool *pool;
	int rc;

	*ret_pool = NULL;
	if (worker->config->origin.spare_len == 0)
		return 0;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return hf_err_nomem(err);
	pool->worker = worker;
	rc = hf_timer_new(worker->loop, on_look, pool, &pool->timer, err);
	if (rc < 0) {
		free(pool);
		return rc;
	}
	hf_timer_start(pool->timer, 0, LOOK_MS);
	*ret_pool = pool;
	return 0;
}

void hf_tunnel_pool_free(struct hf_tunnel_pool *pool)
{
	if (pool == NULL)
		return;
	while (pool->oldest != NULL) {
		struct spare *spare = pool->oldest;

		hf_conn_discard(spare->conn);
		spare_free(spare);
	}
	publish(pool);
	hf_timer_free(pool->timer);
	free(pool);
}
