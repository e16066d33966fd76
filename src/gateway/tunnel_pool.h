/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a tunnel that are made before anybody asks for one: judged, kept a short while,
 * and handed out once.  One pool for each worker. */
#ifndef HF_GATEWAY_TUNNEL_POOL_H
#define HF_GATEWAY_TUNNEL_POOL_H

#include "gateway/worker.h"

struct hf_tunnel_pool;

/* Begins to fill it; *ret_pool is NULL when config->origin asks for none. */
int hf_tunnel_pool_new(struct hf_worker *worker, struct hf_tunnel_pool **ret_pool,
		       struct hf_err *err);
/* Drops all; before the loop is freed, and when the worker drains; NULL-safe. */
void hf_tunnel_pool_free(struct hf_tunnel_pool *pool);
/* An open connection of the generation in force, or NULL: there is none, or pool is NULL.  The
 * caller's from now on; what the server has said already is appended to early. */
struct hf_conn *hf_tunnel_pool_take(struct hf_tunnel_pool *pool, struct hf_buf *early);

#endif
