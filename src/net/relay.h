/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between two connections, both ways, whatever they mean.
 *
 * Contract: the relay takes both connections over (their callbacks are its own from now on).  The
 * end of one direction is passed on as such, the other goes on; each side is read only as fast as
 * the other takes it.  A side that breaks breaks the other.  on_end comes once, when both are over,
 * and the relay is gone. */
#ifndef HF_NET_RELAY_H
#define HF_NET_RELAY_H

#include "net/conn.h"

struct hf_relay;

enum hf_relay_why {
	HF_RELAY_FINISHED, /* both sides said all they had to say */
	HF_RELAY_IDLE,	   /* no byte for too long */
	HF_RELAY_A_BROKE,
	HF_RELAY_B_BROKE,
	HF_RELAY_CUT, /* hf_relay_cut */
};

struct hf_relay_ops {
	/* The side that was accepted (a) is over: its last call; it can be asked inside. */
	void (*on_a_end)(struct hf_conn *a, const struct hf_conn_end *end, void *arg);
	/* The same of the side that we connected; NULL: not wanted. */
	void (*on_b_end)(struct hf_conn *b, const struct hf_conn_end *end, void *arg);
	void (*on_end)(enum hf_relay_why why, void *arg);
};

/* idle_ms: without a byte either way; 0: never.  Both connections are open.  What had come already
 * goes first (may be empty).  On failure both stay the caller's. */
struct hf_relay_start {
	struct hf_conn *a, *b;
	const char *from_a, *from_b;
	size_t from_a_len, from_b_len;
	uint64_t idle_ms;
	/* What goes to b for bytes of a, appended to out; data NULL: a has ended.  NULL: as they
	 * are.
	 */
	void (*rewrite_a)(const char *data, size_t len, struct hf_buf *out, void *arg);
	bool b_says_end; /* an end of b without close_notify is a break: it may be a forger's */
	const struct hf_relay_ops *ops;
	void *arg;
};
int hf_relay_new(const struct hf_relay_start *start, struct hf_relay **ret_relay,
		 struct hf_err *err);
/* Handed on so far. */
void hf_relay_bytes(const struct hf_relay *relay, uint64_t *ret_a_to_b, uint64_t *ret_b_to_a);
void hf_relay_cut(struct hf_relay *relay); /* on_end follows */

#endif
