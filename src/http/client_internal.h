/* SPDX-License-Identifier: Apache-2.0 */
/* What client.c and pool.c share. */
#ifndef HF_HTTP_CLIENT_INTERNAL_H
#define HF_HTTP_CLIENT_INTERNAL_H

#include "http/client.h"

enum {
	HF_CLIENT_READ = 128 * 1024,
	HF_CLIENT_INTERIMS_CAP = 32,
	HF_CLIENT_OUT_CAP = 4 * 1024 * 1024,
};

enum hf_client_state {
	HF_CLIENT_IDLE, /* in the pool, or not asked yet */
	HF_CLIENT_HEAD, /* asked */
	HF_CLIENT_BODY,
	HF_CLIENT_DONE, /* the answer is whole */
	HF_CLIENT_GONE, /* freed as soon as nobody is inside */
};

struct hf_http_client {
	struct hf_http_pool *pool;
	struct hf_conn *conn; /* NULL: left or gone */
	struct hf_http_client *next; /* in the pool's list of idle ones */
	const struct hf_http_client_ops *ops;
	void *arg;
	enum hf_client_state state;
	enum hf_http_method method;
	bool open, inside, began, sent;
	unsigned interims;
	uint64_t asked; /* requests so far */
	const struct hf_tls_failure *tls_failure; /* while on_failed runs */
	struct hf_buf early; /* what waits for the connection */
	struct hf_buf bytes; /* of a head that is not complete */
	const char *rest;    /* behind the head, while on_head runs */
	size_t rest_len;
	struct hf_http_head head;
	struct hf_http_body body;
	struct hf_buf trailers; /* of the body, when they are wanted */
};

struct hf_http_pool {
	struct hf_loop *loop;
	struct hf_http_pool_config config;
	struct hf_address *addresses;
	struct hf_http_client *idle; /* last used first */
	size_t idle_len;
	char in[HF_CLIENT_READ];
};

/* client.c */
extern const struct hf_conn_ops hf_http_client_conn_ops;
void hf_http_client_free(struct hf_http_client *client);

/* pool.c */
void hf_http_pool_forget(struct hf_http_client *client); /* out of the list of idle ones */

#endif
