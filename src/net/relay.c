/* SPDX-License-Identifier: Apache-2.0 */
/* The relay.  Must never read from one side what the other does not take, nor turn a broken stream
 * into one that seems to have ended well. */
#include "net/relay.h"

#include <stdlib.h>

#include "base/err.h"

enum { READ = 128 * 1024, UNSENT_CAP = 256 * 1024, REWRITTEN_CAP = 2 * 1024 * 1024 };

struct side {
	struct hf_relay *relay;
	struct hf_conn *conn; /* NULL: gone */
	struct side *other;
	uint64_t taken; /* bytes read from it */
	bool said_all;	/* its direction ended */
};

struct hf_relay {
	struct side a, b;
	struct hf_timer *idle;
	uint64_t idle_ms, active_ms;
	enum hf_relay_why why;
	bool decided; /* why is settled */
	bool b_says_end;
	void (*rewrite_a)(const char *data, size_t len, struct hf_buf *out, void *arg);
	struct hf_buf rewritten;
	const struct hf_relay_ops *ops;
	void *arg;
};

static void decide(struct hf_relay *relay, enum hf_relay_why why)
{
	if (!relay->decided)
		relay->why = why;
	relay->decided = true;
}

/* When both sides are gone; nothing may touch the relay afterwards. */
static void settle(struct hf_relay *relay)
{
	if (relay->a.conn != NULL || relay->b.conn != NULL)
		return;
	hf_timer_free(relay->idle);
	hf_buf_done(&relay->rewritten);
	relay->ops->on_end(relay->why, relay->arg);
	free(relay);
}

static void on_ready(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

/* A relay has a limit of its own, since each connection alone may rest. */
static void on_idle(void *arg)
{
	struct hf_relay *relay = arg;
	uint64_t now = hf_loop_now_ms(hf_conn_loop(relay->a.conn ? relay->a.conn : relay->b.conn));
	uint64_t end = relay->active_ms + relay->idle_ms;

	if (now < end) {
		hf_timer_start(relay->idle, end - now, 0);
		return;
	}
	decide(relay, HF_RELAY_IDLE);
	if (relay->a.conn != NULL)
		hf_conn_close(relay->a.conn);
	if (relay->b.conn != NULL)
		hf_conn_close(relay->b.conn);
}

static void balance(struct side *from)
{
	struct hf_conn *to = from->other->conn;

	hf_conn_want_read(from->conn, to != NULL && hf_conn_unsent(to) <= UNSENT_CAP);
}

static bool rewrite(struct side *from, const char *data, size_t len)
{
	struct hf_relay *relay = from->relay;
	struct hf_buf *out = &relay->rewritten;

	hf_buf_clear(out);
	relay->rewrite_a(data, len, out, relay->arg);
	return !hf_buf_failed(out) &&
	       (out->len == 0 || hf_conn_write(relay->b.conn, out->data, out->len) == 0);
}

/* false: there is nobody to hand it to. */
static bool hand_on(struct side *from, const char *data, size_t len)
{
	struct hf_conn *to = from->other->conn;

	from->taken += len;
	from->relay->active_ms = hf_loop_now_ms(hf_conn_loop(from->conn));
	if (to != NULL && from == &from->relay->a && from->relay->rewrite_a != NULL)
		return rewrite(from, data, len);
	return to != NULL && hf_conn_write(to, data, len) == 0;
}

/* A bare FIN is not protected by TLS: anybody on the way can send it (RFC 8446 6.1). */
static bool cut_off(const struct side *from)
{
	struct hf_tls_info info;

	if (from != &from->relay->b || !from->relay->b_says_end)
		return false;
	hf_conn_info(from->conn, &info);
	return info.truncated;
}

static void ended(struct side *from)
{
	from->said_all = true;
	if (cut_off(from)) {
		decide(from->relay, HF_RELAY_B_BROKE);
		hf_conn_abort(from->conn); /* on_end resets the other */
		return;
	}
	if (from->other->conn == NULL)
		return;
	if (from == &from->relay->a && from->relay->rewrite_a != NULL)
		(void)rewrite(from, NULL, 0);
	if (!from->other->said_all) {
		hf_conn_finish_writing(from->other->conn);
		return;
	}
	decide(from->relay, HF_RELAY_FINISHED);
	hf_conn_close(from->other->conn);
	hf_conn_close(from->conn);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	static char in[READ]; /* of the one that is being read, until it is handed on */
	struct side *from = arg;
	size_t len = 0;

	switch (hf_conn_read(conn, in, sizeof(in), &len)) {
	case HF_CONN_DATA:
		if (hand_on(from, in, len))
			balance(from);
		else
			hf_conn_want_read(conn, false);
		break;
	case HF_CONN_EOF:
		ended(from);
		break;
	case HF_CONN_WAIT:
	case HF_CONN_OVER:
		break;
	}
}

static void on_writable(struct hf_conn *conn, void *arg)
{
	struct side *to = arg;

	(void)conn;
	to->relay->active_ms = hf_loop_now_ms(hf_conn_loop(conn));
	if (to->other->conn != NULL && !to->other->said_all)
		balance(to->other);
}

static void on_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	struct side *side = arg;
	struct hf_relay *relay = side->relay;
	bool broke = end->kind != HF_CONN_END_CLOSED;

	side->conn = NULL;
	if (side == &relay->a)
		relay->ops->on_a_end(conn, end, relay->arg);
	else if (relay->ops->on_b_end != NULL)
		relay->ops->on_b_end(conn, end, relay->arg);
	decide(relay, side == &relay->a ? HF_RELAY_A_BROKE : HF_RELAY_B_BROKE);
	if (side->other->conn != NULL && broke && relay->why != HF_RELAY_FINISHED)
		hf_conn_reset(side->other->conn);
	else if (side->other->conn != NULL)
		hf_conn_close(side->other->conn);
	settle(relay);
}

static const struct hf_conn_ops side_ops = { .on_ready = on_ready,
					     .on_readable = on_readable,
					     .on_writable = on_writable,
					     .on_end = on_end };

static void adopt(struct side *side, const char *early, size_t early_len)
{
	hf_conn_set_ops(side->conn, &side_ops, side);
	hf_conn_set_idle(side->conn, 0);
	if (early_len > 0)
		(void)hand_on(side, early, early_len);
	balance(side);
}

int hf_relay_new(const struct hf_relay_start *start, struct hf_relay **ret_relay,
		 struct hf_err *err)
{
	struct hf_relay *relay = calloc(1, sizeof(*relay));
	int rc;

	if (relay == NULL)
		return hf_err_nomem(err);
	rc = hf_timer_new(hf_conn_loop(start->a), on_idle, relay, &relay->idle, err);
	if (rc < 0) {
		free(relay);
		return rc;
	}
	relay->a = (struct side){ .relay = relay, .conn = start->a, .other = &relay->b };
	relay->b = (struct side){ .relay = relay, .conn = start->b, .other = &relay->a };
	relay->idle_ms = start->idle_ms;
	relay->b_says_end = start->b_says_end;
	relay->rewrite_a = start->rewrite_a;
	hf_buf_init(&relay->rewritten, REWRITTEN_CAP);
	relay->ops = start->ops;
	relay->arg = start->arg;
	adopt(&relay->a, start->from_a, start->from_a_len);
	adopt(&relay->b, start->from_b, start->from_b_len);
	relay->active_ms = hf_loop_now_ms(hf_conn_loop(start->a));
	if (relay->idle_ms > 0)
		hf_timer_start(relay->idle, relay->idle_ms, 0);
	*ret_relay = relay;
	return 0;
}

void hf_relay_bytes(const struct hf_relay *relay, uint64_t *ret_a_to_b, uint64_t *ret_b_to_a)
{
	*ret_a_to_b = relay->a.taken;
	*ret_b_to_a = relay->b.taken;
}

void hf_relay_cut(struct hf_relay *relay)
{
	decide(relay, HF_RELAY_CUT);
	if (relay->a.conn != NULL)
		hf_conn_abort(relay->a.conn);
	if (relay->b.conn != NULL)
		hf_conn_abort(relay->b.conn);
}
