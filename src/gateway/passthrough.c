/* SPDX-License-Identifier: Apache-2.0 */
/* Byte streams to a service: connect, say who comes (PROXY protocol), relay.  Must never let a byte
 * of the client's reach a service before the client was judged, nor lose one after. */
#include "gateway/passthrough.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "net/proxy_header.h"
#include "util/clock.h"

struct passage {
	struct hf_forwarder *forwarder;
	struct hf_backend *backend;
	struct hf_conn *client;	 /* NULL: gone */
	struct hf_conn *service; /* NULL: none now */
	struct hf_relay *relay;
	void *session_arg;
	int64_t at;
	uint64_t begun_ms, service_ms;
	unsigned tries;
	char reference[HF_REFERENCE_CAP];
	const char *trouble;
};

static void connect_next(struct passage *passage);

/* --- the end --- */

static void log_it(struct passage *passage, struct hf_conn *client)
{
	struct hf_forwarder *forwarder = passage->forwarder;
	struct hf_access_entry entry = {
		.conn = client,
		.session_arg = passage->session_arg,
		.at = passage->at,
		.taken_ms = hf_loop_now_ms(forwarder->loop) - passage->begun_ms,
		.number = 1,
		.upstream = passage->backend != NULL ? passage->backend->target.text : NULL,
		.upstream_ms =
		    passage->service_ms ? (int64_t)(passage->service_ms - passage->begun_ms) : -1,
		.reference = passage->reference[0] ? passage->reference : NULL,
		.trouble = passage->trouble,
	};

	if (passage->relay != NULL)
		hf_relay_bytes(passage->relay, &entry.bytes_in, &entry.bytes);
	forwarder->hooks.answered(&entry, forwarder->hooks.arg);
}

static void client_over(struct passage *passage, struct hf_conn *client,
			const struct hf_conn_end *end)
{
	const struct hf_forwarder_hooks *hooks = &passage->forwarder->hooks;

	log_it(passage, client);
	hooks->ended(client, passage->session_arg, end, hooks->arg);
	passage->client = NULL;
}

static void passage_free(struct passage *passage)
{
	if (passage->backend != NULL)
		passage->backend->active--;
	free(passage);
}

static void on_relay_client_end(struct hf_conn *client, const struct hf_conn_end *end, void *arg)
{
	client_over(arg, client, end);
}

static void on_relay_end(enum hf_relay_why why, void *arg)
{
	(void)why;
	passage_free(arg);
}

static const struct hf_relay_ops relay_ops = { .on_a_end = on_relay_client_end,
					       .on_end = on_relay_end };

/* --- failure --- */

static void record(struct passage *passage, const char *trouble, const char *text)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(8 * 1024);
	struct hf_forwarder *forwarder = passage->forwarder;
	char peer[HF_ADDRESS_TEXT_CAP];
	struct hf_json j;

	hf_forwarder_reference(forwarder, passage->reference);
	passage->trouble = trouble;
	if (!hf_log_bucket_take(&forwarder->bucket, hf_clock_monotonic_ms()))
		return;
	hf_address_format(hf_conn_peer(passage->client), peer);
	hf_json_init(&j, &line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", hf_clock_now());
	hf_json_string(&j, "event", "upstream-failure");
	hf_json_string(&j, "reference", passage->reference);
	hf_json_string(&j, "upstream",
		       passage->backend != NULL ? passage->backend->target.text : NULL);
	hf_json_string(&j, "trouble", passage->trouble);
	hf_json_string(&j, "text", text);
	hf_json_string(&j, "peer", peer);
	hf_json_int(&j, "tries", passage->tries);
	hf_json_object_end(&j);
	hf_log_line(STDERR_FILENO, line.data, line.len);
}

/* --- while connecting --- */

static void nothing(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

static void on_waiting_readable(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_waiting_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct passage *passage = arg;

	hf_conn_discard(passage->service);
	client_over(passage, conn, end);
	passage_free(passage);
}

/* The client waits: nothing of it is read before there is somebody to hand it to. */
static const struct hf_conn_ops waiting_ops = { .on_ready = nothing,
						.on_readable = on_waiting_readable,
						.on_end = on_waiting_end };

static uint32_t verify_number(const struct hf_verdict *verdict)
{
	const struct hf_finding *root = verdict != NULL ? hf_verdict_root(verdict) : NULL;
	int number = root != NULL ? hf_reason_info(root->reason)->verify_error : 0;

	if (verdict != NULL && verdict->accepted)
		return 0;
	return number > 0 ? (uint32_t)number : 1;
}

static int put_proxy_header(struct passage *passage, struct hf_buf *out)
{
	struct hf_conn *client = passage->client;
	const struct hf_verdict *verdict = hf_conn_verdict(client);
	const struct hf_certs *sent = hf_tls_conn_peer_chain(hf_conn_tls(client));
	struct hf_address local;
	struct hf_tls_info info;
	struct hf_proxy_facts facts = {
		.source = hf_conn_peer(client),
		.destination = &local,
		.tls = true,
		.cert = sent != NULL && sent->len > 0,
		.verify = verify_number(verdict),
	};

	hf_conn_local(client, &local);
	hf_conn_info(client, &info);
	facts.alpn = info.alpn;
	facts.sni = info.sni;
	facts.cipher = info.cipher;
	facts.group = info.group;
	facts.version = info.version == HF_TLS_1_3 ? "TLSv1.3" : "TLSv1.2";
	/* Whom we do not vouch for has no name. */
	if (facts.verify == 0 && verdict->chain.len > 0) {
		facts.common_name = verdict->chain.items[0]->common_name;
		facts.der = verdict->chain.items[0]->der;
		facts.der_len = verdict->chain.items[0]->der_len;
	}
	return hf_proxy_header_write(out, &facts);
}

static void on_service_ready(struct hf_conn *service, void *arg)
{
	HF_AUTO_DONE(hf_buf) header = HF_BUF_INIT(128 * 1024);
	struct passage *passage = arg;
	const struct hf_upstream_config *config = &passage->forwarder->config->upstream;
	const struct hf_relay_start start = {
		.a = passage->client,
		.b = service,
		.from_a = NULL,
		.idle_ms = config->tunnel_ms,
		.ops = &relay_ops,
		.arg = passage,
	};

	passage->service_ms = hf_loop_now_ms(passage->forwarder->loop);
	if ((config->proxy_header && (put_proxy_header(passage, &header) < 0 ||
				      hf_conn_write(service, header.data, header.len) < 0)) ||
	    hf_relay_new(&start, &passage->relay, NULL) < 0)
		hf_conn_abort(passage->client); /* on_waiting_end does the rest */
}

static void on_service_end(struct hf_conn *service, const struct hf_conn_end *end, void *arg)
{
	struct passage *passage = arg;
	struct hf_backend *backend = passage->backend;

	(void)service;
	passage->service = NULL;
	backend->good = (backend->good + 1) % backend->target.addresses_len;
	if (!passage->forwarder->closing &&
	    passage->tries < passage->forwarder->groups->len + backend->target.addresses_len - 1) {
		connect_next(passage);
		return;
	}
	hf_backend_failed(passage->forwarder, backend);
	record(passage, "connect", strerror(end->sys_errno));
	hf_conn_close(passage->client);
}

static const struct hf_conn_ops service_ops = { .on_ready = on_service_ready,
						.on_readable = on_waiting_readable,
						.on_end = on_service_end };

static void move_on(struct passage *passage)
{
	struct hf_backend *next;

	if (passage->tries % passage->backend->target.addresses_len != 0)
		return;
	hf_backend_failed(passage->forwarder, passage->backend);
	next = hf_forwarder_choose(passage->forwarder, passage->forwarder->groups);
	if (next == NULL)
		return;
	passage->backend->active--;
	passage->backend = next;
	passage->backend->active++;
}

static void connect_next(struct passage *passage)
{
	struct hf_forwarder *forwarder = passage->forwarder;
	const struct hf_conn_options options = {
		.ops = &service_ops,
		.arg = passage,
		.handshake_ms = forwarder->config->upstream.connect_ms,
		.out_cap = 4 * 1024 * 1024,
	};
	struct hf_err err = HF_ERR_INIT;
	int errnum = ECONNREFUSED;

	while (passage->tries <
	       forwarder->groups->len + passage->backend->target.addresses_len - 1) {
		const struct hf_target *target;

		if (passage->tries > 0)
			move_on(passage);
		target = &passage->backend->target;
		passage->tries++;
		if (hf_conn_connect(forwarder->loop, &target->addresses[passage->backend->good],
				    &options, &passage->service, &err) == 0)
			return;
		errnum = errno;
		passage->backend->good = (passage->backend->good + 1) % target->addresses_len;
	}
	record(passage, "connect", strerror(errnum));
	hf_conn_close(passage->client);
}

void hf_passthrough(struct hf_forwarder *forwarder, struct hf_conn *client, void *session_arg)
{
	struct passage *passage = calloc(1, sizeof(*passage));

	if (passage == NULL) {
		hf_conn_abort(client);
		return;
	}
	passage->forwarder = forwarder;
	passage->client = client;
	passage->session_arg = session_arg;
	passage->at = hf_clock_now();
	passage->begun_ms = hf_loop_now_ms(forwarder->loop);
	hf_conn_set_ops(client, &waiting_ops, passage);
	hf_conn_want_read(client, false);
	passage->backend = hf_forwarder_choose(forwarder, forwarder->groups);
	if (passage->backend == NULL) {
		record(passage, "health", HF_ALL_OUT_TEXT);
		hf_conn_close(client);
		return;
	}
	passage->backend->active++;
	connect_next(passage);
}
