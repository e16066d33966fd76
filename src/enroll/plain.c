/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners and connections of a plain door.  Must never open on an address that others reach
 * unless told. */
#include "enroll/plain.h"

#include <stdlib.h>

#include "base/err.h"

static void on_accept(int fd, const struct hf_address *peer, void *arg)
{
	struct hf_plain *plain = arg;

	(void)hf_http_accept(plain->http, fd, peer, NULL, plain->count);
}

static const struct hf_listener_ops listener_ops = { .on_accept = on_accept };

/* --- start and end --- */

static int check_places(const struct hf_plain *plain, const struct hf_plain_options *o,
			struct hf_err *err)
{
	char text[HF_ADDRESS_TEXT_CAP];

	for (size_t i = 0; i < plain->bound.len; i++) {
		const struct hf_address *address = &plain->bound.items[i].address;

		if (o->anywhere || hf_address_is_loopback(address))
			continue;
		hf_address_format(address, text);
		(void)hf_err_set(err, HF_E_INVALID, "%s %s: plain HTTP on loopback only", o->option,
				 text);
		return o->hint ? hf_err_hint(err, "%s", o->hint) : -HF_E_INVALID;
	}
	return 0;
}

static int listen_all(struct hf_plain *plain, struct hf_err *err)
{
	int rc = 0;

	plain->listeners = calloc(plain->bound.len, sizeof(*plain->listeners));
	if (!plain->listeners)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < plain->bound.len; i++)
		rc = hf_listener_new(plain->loop, hf_bound_fd(&plain->bound.items[i], 0),
				     &listener_ops, plain, &plain->listeners[i], err);
	return rc;
}

int hf_plain_open(struct hf_plain *plain, struct hf_loop *loop, struct hf_conn_count *count,
		  const struct hf_plain_options *o, struct hf_err *err)
{
	const struct hf_http_server_config http = { .idle_ms = HF_HTTP_IDLE_MS,
						    .header_ms = HF_HTTP_HEADER_MS,
						    .body_ms = HF_HTTP_HEADER_MS,
						    .body_cap = o->body_cap };
	int rc = 0;

	plain->loop = loop;
	plain->count = count;
	if (!o->places || o->places->len == 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < o->places->len; i++)
		rc = hf_bound_open(&plain->bound, o->places->items[i], 1, err);
	if (rc == 0)
		rc = check_places(plain, o, err);
	if (rc == 0)
		rc = hf_http_server_new(loop, &http, o->ops, o->arg, &plain->http, err);
	return rc < 0 ? rc : listen_all(plain, err);
}

void hf_plain_close(struct hf_plain *plain)
{
	for (size_t i = 0; plain->listeners && i < plain->bound.len; i++) {
		hf_listener_free(plain->listeners[i]);
		plain->listeners[i] = NULL;
	}
	if (plain->http)
		hf_http_server_drain(plain->http);
}

void hf_plain_stop(struct hf_plain *plain)
{
	hf_plain_close(plain);
	hf_http_server_stop(plain->http);
}

void hf_plain_done(struct hf_plain *plain)
{
	free(plain->listeners);
	plain->listeners = NULL;
	hf_bound_list_done(&plain->bound);
	hf_http_server_free(plain->http);
	plain->http = NULL;
}
