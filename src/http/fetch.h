/* SPDX-License-Identifier: Apache-2.0 */
/* One question to an HTTP service and its whole answer, on a connection of its own: what lists,
 * OCSP responses and feeds are fetched with.
 *
 * Contract: `done` is called exactly once, from the loop, unless the fetch is cancelled first; the
 * fetch is gone when it returns.  Nothing blocks: names are resolved in libuv's pool. */
#ifndef HF_HTTP_FETCH_H
#define HF_HTTP_FETCH_H

#include "base/buf.h"
#include "http/head.h"
#include "http/url.h"
#include "net/conn.h"

struct hf_fetch;

struct hf_fetch_request {
	const struct hf_url *url;   /* copied */
	struct hf_tls_context *tls; /* of https; a reference is taken */
	const char *fields;	    /* more header lines, each with CRLF; NULL: none; copied */
	const char *content_type;   /* POST with the body; NULL: GET */
	const void *body;	    /* copied */
	size_t body_len;
	bool foreign; /* somebody else chose the URL: special addresses are not connected to */
	size_t cap;		    /* most bytes of the answer's body */
	uint64_t connect_ms;	    /* with the TLS handshake */
	uint64_t answer_ms;	    /* until the head, and between two pieces of the body */
	uint64_t all_ms;	    /* for everything; 0: no limit */
};

enum { HF_FETCH_WHY_CAP = 400 };

struct hf_fetch_answer {
	int status; /* of HTTP; 0: there is no answer, and why tells */
	const struct hf_http_head *head; /* NULL with status 0 */
	const struct hf_buf *body;	 /* borrowed */
	const char *why;
	bool refused; /* TLS: one side refused the other */
	const struct hf_certs *chain; /* of https: who answered, judged, root included; else NULL */
};
typedef void (*hf_fetch_fn)(const struct hf_fetch_answer *answer, void *arg);

int hf_fetch_start(struct hf_loop *loop, const struct hf_fetch_request *request, hf_fetch_fn done,
		   void *arg, struct hf_fetch **ret_fetch, struct hf_err *err);
void hf_fetch_cancel(struct hf_fetch *fetch); /* NULL-safe; not from inside its `done` */

#endif
