/* SPDX-License-Identifier: Apache-2.0 */
/* A door of plain HTTP: addresses, and what is answered there (--publish, --metrics). */
#ifndef HF_ENROLL_PLAIN_H
#define HF_ENROLL_PLAIN_H

#include "http/server.h"
#include "net/listener.h"

struct hf_plain {
	struct hf_bound_list bound;
	struct hf_listener **listeners; /* one for each of bound */
	struct hf_http_server *http;	/* NULL: it was never opened */
	struct hf_loop *loop;
	struct hf_conn_count *count;
};

/* The addresses, before anybody is let in: `anywhere`, or loopback only, said with `why`. */
struct hf_plain_options {
	const struct hf_strv *places; /* NULL or empty: no door */
	const char *option;	      /* for messages: "--publish" */
	bool anywhere;
	const char *hint; /* when one is not on loopback; NULL: none */
	uint64_t body_cap;
	const struct hf_http_server_ops *ops;
	void *arg; /* of ops */
};
int hf_plain_open(struct hf_plain *plain, struct hf_loop *loop, struct hf_conn_count *count,
		  const struct hf_plain_options *options, struct hf_err *err);
void hf_plain_close(struct hf_plain *plain); /* takes no more */
/* Gives up what it has on the loop; call it before the loop is freed. */
void hf_plain_stop(struct hf_plain *plain);
void hf_plain_done(struct hf_plain *plain);

#endif
