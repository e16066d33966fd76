/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying a local connection to a server: connect, judge it, relay.  Must never send a byte of the
 * local side before the server was judged, nor let it take a refused stream for one that ended
 * well. */
#include "gateway/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "gateway/host_filter.h"
#include "gateway/tunnel_pool.h"
#include "net/relay.h"
#include "util/clock.h"

enum { AGAIN_MIN_MS = 50, AGAIN_MAX_MS = 1000 };

struct crossing {
	struct hf_worker *worker;
	struct hf_link *link;
	struct hf_conn *local;	/* NULL: gone */
	struct hf_conn *remote; /* NULL: none now */
	struct hf_relay *relay;
	struct hf_host_filter *hosts; /* NULL: bytes go as they are */
	struct hf_buf early;	      /* what the server said before we asked */
	struct hf_timer *again;
	size_t address; /* to try next */
	unsigned tries;
	uint64_t begun_ms, open_ms, wait_ms;
	int64_t at;
	const char *trouble;
};

static void connect_next(struct crossing *c);

bool hf_tunnel_may_use(const struct hf_origin_config *origin, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (origin->uids_len == 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || len != sizeof(who))
		return false;
	for (size_t i = 0; i < origin->uids_len; i++)
		if (origin->uids[i] == who.uid)
			return true;
	return false;
}

/* --- the end --- */

static void log_it(struct crossing *c, struct hf_conn *conn)
{
	struct hf_access_entry entry = {
		.conn = conn,
		.at = c->at,
		.taken_ms = hf_loop_now_ms(c->worker->loop) - c->begun_ms,
		.number = 1,
		.upstream = c->worker->config->origin.to,
		.upstream_ms = c->open_ms ? (int64_t)(c->open_ms - c->begun_ms) : -1,
		.trouble = c->trouble,
	};

	if (c->relay != NULL)
		hf_relay_bytes(c->relay, &entry.bytes_in, &entry.bytes);
	if (hf_conn_tls(conn) != NULL) {
		const struct hf_verdict *verdict = hf_conn_verdict(conn);
		struct hf_tls_info info;

		hf_conn_info(conn, &info);
		entry.cipher = info.cipher;
		entry.resumed = info.resumed;
		entry.rule = verdict != NULL ? verdict->rule : NULL;
	}
	entry.listener = c->worker->config->listen->items[c->link->bound->spec];
	hf_count(&c->worker->mine->bytes_sent, entry.bytes_in);
	hf_access_log_add(&c->worker->access, &entry);
}

static void crossing_free(struct crossing *c)
{
	hf_timer_free(c->again);
	hf_host_filter_free(c->hosts);
	hf_buf_done(&c->early);
	hf_link_free(c->link);
	free(c);
}

static void on_local_relayed(struct hf_conn *local, const struct hf_conn_end *end, void *arg)
{
	struct crossing *c = arg;

	(void)local;
	(void)end;
	c->local = NULL;
}

/* Under TLS 1.3 the server's refusal comes after our handshake: here. */
static void on_remote_relayed(struct hf_conn *remote, const struct hf_conn_end *end, void *arg)
{
	struct crossing *c = arg;

	struct hf_tls_info info;

	hf_conn_info(remote, &info);
	if (end->kind == HF_CONN_END_REFUSED)
		c->trouble = "refused";
	else if (info.truncated)
		c->trouble = "truncated";
	hf_worker_record_end(c->link, remote, end);
	log_it(c, remote);
	c->remote = c->link->conn = NULL;
}

static void on_relay_end(enum hf_relay_why why, void *arg)
{
	(void)why;
	crossing_free(arg);
}

static const struct hf_relay_ops relay_ops = { .on_a_end = on_local_relayed,
					       .on_b_end = on_remote_relayed,
					       .on_end = on_relay_end };

/* --- while connecting --- */

static void nothing(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

static void rest(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_waiting_end(struct hf_conn *local, const struct hf_conn_end *end, void *arg)
{
	struct crossing *c = arg;

	(void)end;
	hf_conn_discard(c->remote);
	log_it(c, local);
	crossing_free(c);
}

/* Nothing of the local side is read before there is a server to hand it to. */
static const struct hf_conn_ops waiting_ops = { .on_ready = nothing,
						.on_readable = rest,
						.on_end = on_waiting_end };

/* A reset, so that nobody takes it for an answer of no bytes. */
static void give_up(struct crossing *c, const char *trouble)
{
	c->trouble = trouble;
	hf_conn_reset(c->local);
}

static void on_again(void *arg)
{
	connect_next(arg);
}

static uint64_t waited(const struct crossing *c)
{
	return hf_loop_now_ms(c->worker->loop) - c->begun_ms;
}

/* The proxy, when there is one, is who said why. */
static void say_unreached(struct crossing *c, const char *why)
{
	const struct hf_origin_config *origin = &c->worker->config->origin;

	if (!hf_log_bucket_take(&c->worker->troubles, hf_clock_monotonic_ms()))
		return;
	if (origin->via != NULL)
		hf_log_say("%s cannot be reached through the proxy %s: %s (%u tries in %llu ms)",
			   origin->to, origin->via->text, why, c->tries,
			   (unsigned long long)waited(c));
	else
		hf_log_say("%s cannot be reached: %s (%u tries in %llu ms)", origin->to, why,
			   c->tries, (unsigned long long)waited(c));
}

/* Every address was tried: once more after a while, or it has taken too long. */
static void try_later(struct crossing *c, const char *why)
{
	const struct hf_origin_config *origin = &c->worker->config->origin;

	c->wait_ms = HF_MIN(HF_MAX(2 * c->wait_ms, (uint64_t)AGAIN_MIN_MS), (uint64_t)AGAIN_MAX_MS);
	if (waited(c) + c->wait_ms < origin->connect_ms && !c->worker->draining) {
		hf_timer_start(c->again, c->wait_ms, 0);
		return;
	}
	say_unreached(c, why);
	give_up(c, "connect");
}

static void next_address(struct crossing *c, const char *why)
{
	c->address = (c->address + 1) % c->worker->config->origin.addresses_len;
	if (c->address == 0)
		try_later(c, why);
	else
		connect_next(c);
}

static void on_remote_end(struct hf_conn *remote, const struct hf_conn_end *end, void *arg)
{
	struct crossing *c = arg;
	bool final = false;
	const char *why = hf_conn_via_why(remote, &final);

	if (why == NULL)
		why = end->kind == HF_CONN_END_CONNECT ? strerror(end->sys_errno)
						       : "it does not answer";
	c->remote = c->link->conn = NULL;
	hf_worker_record_end(c->link, remote, end);
	if (final) {
		say_unreached(c, why);
		give_up(c, "proxy");
	} else if (end->kind == HF_CONN_END_REFUSED) /* the next address would say the same */
		give_up(c, "refused");
	else if (end->kind == HF_CONN_END_ABORTED)
		give_up(c, "memory");
	else
		next_address(c, why);
}

static void rewrite(const char *data, size_t len, struct hf_buf *out, void *arg)
{
	struct crossing *c = arg;

	if (data != NULL)
		hf_host_filter_pass(c->hosts, data, len, out);
	else
		hf_host_filter_end(c->hosts, out);
}

static void join(struct crossing *c)
{
	struct hf_conn *remote = c->remote;
	const struct hf_relay_start start = {
		.a = c->local,
		.b = remote,
		.from_b = c->early.data,
		.from_b_len = c->early.len,
		.rewrite_a = c->hosts != NULL ? rewrite : NULL,
		.idle_ms = c->worker->config->origin.idle_ms,
		.b_says_end = true,
		.ops = &relay_ops,
		.arg = c,
	};

	c->link->in_session = true;
	c->link->conn = remote;
	c->open_ms = hf_loop_now_ms(c->worker->loop);
	if (hf_relay_new(&start, &c->relay, NULL) < 0)
		hf_conn_abort(remote); /* on_remote_end does the rest */
}

static void on_remote_ready(struct hf_conn *remote, void *arg)
{
	struct crossing *c = arg;

	(void)remote;
	hf_count(&c->worker->mine->handshakes, 1);
	join(c);
}

static const struct hf_conn_ops remote_ops = { .on_ready = on_remote_ready,
					       .on_readable = rest,
					       .on_end = on_remote_end };

static void connect_next(struct crossing *c)
{
	const struct hf_gateway_config *config = c->worker->config;
	const struct hf_conn_options options = {
		.ops = &remote_ops,
		.arg = c,
		.tls = c->link->generation->fronts[0],
		.handshake_ms = config->handshake_ms,
		.out_cap = HF_TUNNEL_OUT_CAP,
		.via = config->origin.via,
	};
	struct hf_err err = HF_ERR_INIT;

	c->tries++;
	if (hf_conn_connect(c->worker->loop, &config->origin.addresses[c->address], &options,
			    &c->remote, &err) < 0) {
		const char *why = strerror(errno);

		c->remote = NULL;
		next_address(c, why);
	}
}

static struct crossing *crossing_new(struct hf_worker *worker)
{
	const char *host = worker->config->origin.http_host;
	struct crossing *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	hf_buf_init(&c->early, HF_TUNNEL_OUT_CAP);
	if (hf_timer_new(worker->loop, on_again, c, &c->again, NULL) == 0 &&
	    (host == NULL || hf_host_filter_new(host, &c->hosts, NULL) == 0))
		return c;
	hf_timer_free(c->again);
	free(c);
	return NULL;
}

void hf_tunnel(struct hf_worker *worker, struct hf_conn *local, struct hf_link *link)
{
	struct crossing *c = crossing_new(worker);

	if (c == NULL) {
		hf_conn_abort(local);
		return;
	}
	link->conn = NULL; /* there is no TLS yet */
	c->worker = worker;
	c->link = link;
	c->local = local;
	c->at = hf_clock_now();
	c->begun_ms = hf_loop_now_ms(worker->loop);
	hf_conn_set_ops(local, &waiting_ops, c);
	hf_conn_want_read(local, false);
	c->remote = hf_tunnel_pool_take(worker->spares, &c->early);
	if (c->remote == NULL) {
		connect_next(c);
		return;
	}
	hf_conn_set_ops(c->remote, &remote_ops, c);
	join(c);
}
