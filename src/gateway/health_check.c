/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at services: one look at a time for each, the next when the last is over.  Must never
 * look twice at once, nor keep a service in the air with bytes it does not want to end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "gateway/counters.h"
#include "gateway/forwarder.h"
#include "util/clock.h"

enum { BODY_CAP = 64 * 1024, LINE_CAP = 4096 };

/* Of one service. */
struct look {
	struct hf_forwarder *forwarder;
	struct hf_backend *backend;
	const char *route, *upstream; /* for records; borrowed of the configuration */
	struct hf_health how;
	struct hf_health_row *row;
	struct hf_timer *timer; /* for the next look, or the end of this one */
	struct hf_http_client *client;
	struct hf_conn *conn; /* when connecting is enough */
	bool going;
	size_t tried;	    /* addresses */
	uint64_t body;	    /* bytes of the answer so far */
	int status;	    /* 0: no head yet */
	unsigned good, bad; /* in a row */
};

struct hf_health_checks {
	size_t len;
	struct look looks[];
};

/* --- the outcome --- */

/* So that the looks of many gateways do not come in step: a tenth more or less. */
static uint64_t next_ms(const struct look *look)
{
	uint64_t interval = look->how.interval_ms, tenth = interval / 10;
	uint32_t random = 0;

	if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
		return interval;
	return interval - tenth + random % (2 * tenth + 1);
}

static void write_turn(const struct look *look, bool out)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(LINE_CAP);
	char why[HF_HEALTH_WHY_CAP];
	struct hf_json j;

	hf_health_why((enum hf_health_why)look->row->why, look->row->detail, why);
	hf_json_init(&j, &line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", look->row->since);
	hf_json_string(&j, "event", "upstream-health");
	hf_json_string(&j, "upstream", look->upstream);
	hf_json_string(&j, "route", look->route);
	hf_json_string(&j, "state", out ? "out" : "in");
	hf_json_string(&j, "why", why[0] ? why : NULL);
	hf_json_int(&j, "checks", out ? look->bad : look->good);
	hf_json_object_end(&j);
	if (!hf_buf_failed(&line))
		hf_log_line(STDERR_FILENO, line.data, line.len);
}

static void turn(struct look *look, bool out)
{
	look->row->since = look->row->looked_at;
	look->row->out = out;
	write_turn(look, out);
}

static void let_go(struct look *look)
{
	hf_http_client_drop(look->client);
	look->client = NULL;
	hf_conn_discard(look->conn);
	look->conn = NULL;
}

static void over(struct look *look, enum hf_health_why why, int detail)
{
	const struct hf_health *how = &look->how;
	struct hf_health_row *row = look->row;
	bool first = row->looked_at == 0, fine = why == HF_HEALTH_FINE;

	let_go(look);
	look->going = false;
	look->good = fine ? look->good + 1 : 0;
	look->bad = fine ? 0 : look->bad + 1;
	row->why = (int)why;
	row->detail = detail;
	row->looked_at = hf_clock_now();
	hf_count(&row->looks, 1);
	hf_count(&row->failures, !fine);
	/* The first look decides alone: nobody knows anything else of the service. */
	if (!row->out && look->bad >= (first ? 1 : how->fall))
		turn(look, true);
	else if (row->out && look->good >= how->rise)
		turn(look, false);
	hf_timer_start(look->timer, next_ms(look), 0);
}

static void answered(struct look *look)
{
	bool fine = hf_health_expects(&look->how, look->status);

	over(look, fine ? HF_HEALTH_FINE : HF_HEALTH_STATUS, fine ? 0 : look->status);
}

/* --- one look --- */

static void try_next(struct look *look);

/* No connection to one address says nothing of the others. */
static void unconnected(struct look *look, int errnum)
{
	struct hf_backend *backend = look->backend;

	look->client = NULL;
	look->conn = NULL;
	backend->good = (backend->good + 1) % backend->target.addresses_len;
	if (++look->tried < backend->target.addresses_len)
		try_next(look);
	else
		over(look, HF_HEALTH_NO_CONNECTION, errnum);
}

static void on_interim(const struct hf_http_head *head, void *arg)
{
	(void)head;
	(void)arg;
}

static void on_head(const struct hf_http_head *head, enum hf_http_body_kind kind, void *arg)
{
	struct look *look = arg;

	(void)kind;
	look->status = head->status_code;
	if (head->status_code == 101) /* nobody asked for that */
		over(look, HF_HEALTH_NO_ANSWER, 0);
}

static void on_body(struct hf_slice piece, void *arg)
{
	struct look *look = arg;

	look->body += piece.len;
	if (look->body > BODY_CAP)
		answered(look);
}

static void on_done(bool reusable, void *arg)
{
	(void)reusable;
	answered(arg);
}

static void on_nothing(void *arg)
{
	(void)arg;
}

static void on_failed(const struct hf_http_failure *failure, void *arg)
{
	struct look *look = arg;

	look->client = NULL;
	if (failure->trouble == HF_TROUBLE_CONNECT)
		unconnected(look, failure->sys_errno);
	else
		over(look,
		     failure->trouble == HF_TROUBLE_TIMEOUT ? HF_HEALTH_TIMEOUT
							    : HF_HEALTH_NO_ANSWER,
		     0);
}

static const struct hf_http_client_ops client_ops = {
	.on_interim = on_interim,
	.on_head = on_head,
	.on_body = on_body,
	.on_done = on_done,
	.on_writable = on_nothing,
	.on_told = on_nothing,
	.on_failed = on_failed,
};

static int ask(struct look *look)
{
	HF_AUTO_DONE(hf_buf) head = HF_BUF_INIT(LINE_CAP);
	int rc =
	    hf_http_pool_connect(look->backend->pool, look->backend->good, &look->client, NULL);

	if (rc < 0)
		return rc;
	hf_buf_printf(&head,
		      "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: handfast-health\r\n"
		      "Accept: */*\r\nConnection: close\r\n\r\n",
		      look->how.path, look->backend->target.authority);
	/* A failure to send comes as on_failed, from the loop. */
	(void)hf_http_client_ask(look->client, &client_ops, look, HF_METHOD_GET, head.data,
				 head.len);
	return 0;
}

static void on_connected(struct hf_conn *conn, void *arg)
{
	(void)conn;
	over(arg, HF_HEALTH_FINE, 0);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	unconnected(arg, end->sys_errno);
}

static const struct hf_conn_ops conn_ops = { .on_ready = on_connected,
					     .on_readable = on_readable,
					     .on_end = on_end };

static int knock(struct look *look)
{
	const struct hf_target *target = &look->backend->target;
	const struct hf_conn_options options = { .ops = &conn_ops,
						 .arg = look,
						 .handshake_ms = look->how.timeout_ms };

	return hf_conn_connect(look->forwarder->loop, &target->addresses[look->backend->good],
			       &options, &look->conn, NULL);
}

static void try_next(struct look *look)
{
	int rc = look->how.path[0] != '\0' ? ask(look) : knock(look);

	if (rc < 0)
		unconnected(look, 0);
}

static void on_timer(void *arg)
{
	struct look *look = arg;

	if (look->going) {
		over(look, HF_HEALTH_TIMEOUT, 0);
		return;
	}
	look->going = true;
	look->tried = 0;
	look->body = 0;
	look->status = 0;
	hf_timer_start(look->timer, look->how.timeout_ms, 0);
	try_next(look);
}

/* --- all of them --- */

static int open_look(struct hf_health_checks *checks, struct hf_forwarder *forwarder,
		     struct hf_backend *backend, struct hf_err *err)
{
	struct look *look = &checks->looks[checks->len];
	int rc;

	look->forwarder = forwarder;
	look->backend = backend;
	look->row = backend->health;
	rc = hf_timer_new(forwarder->loop, on_timer, look, &look->timer, err);
	if (rc == 0)
		checks->len++;
	return rc;
}

int hf_health_checks_new(struct hf_forwarder *forwarder, struct hf_health_checks **ret_checks,
			 struct hf_err *err)
{
	struct hf_health_checks *checks =
	    calloc(1, sizeof(*checks) + forwarder->backends_len * sizeof(checks->looks[0]));
	int rc = 0;

	if (checks == NULL)
		return hf_err_nomem(err);
	*ret_checks = checks;
	for (size_t g = 0; g < forwarder->groups_len; g++)
		for (size_t i = 0; rc == 0 && i < forwarder->groups[g].len; i++)
			rc = open_look(checks, forwarder, &forwarder->groups[g].backends[i], err);
	return rc;
}

/* Nobody looks any more: what was known says nothing from now on. */
static void forget(struct look *look)
{
	hf_timer_stop(look->timer);
	look->row->out = false;
	look->row->looked_at = look->row->since = 0;
}

static bool same(const struct hf_health *a, const struct hf_health *b)
{
	/* Both began as zeros. */
	return memcmp(a, b, sizeof(*a)) == 0;
}

void hf_health_checks_follow(struct hf_health_checks *checks, const struct hf_gateway_parts *parts)
{
	for (size_t i = 0; checks != NULL && i < checks->len; i++) {
		struct look *look = &checks->looks[i];
		struct hf_health_place place;

		if (!hf_health_place(look->forwarder->config, parts, i, &place))
			continue;
		look->route = place.route;
		look->upstream = place.upstream;
		if (same(&look->how, place.health))
			continue;
		let_go(look);
		look->going = false;
		look->good = look->bad = 0;
		look->how = *place.health;
		if (look->how.interval_ms == 0)
			forget(look);
		else
			hf_timer_start(look->timer, 0, 0);
	}
}

void hf_health_checks_free(struct hf_health_checks *checks)
{
	if (checks == NULL)
		return;
	for (size_t i = 0; i < checks->len; i++) {
		let_go(&checks->looks[i]);
		hf_timer_free(checks->looks[i].timer);
	}
	free(checks);
}
