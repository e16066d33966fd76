/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/net share and nobody else sees. */
#ifndef HF_NET_INTERNAL_H
#define HF_NET_INTERNAL_H

#include "base/buf.h"
#include "net/conn.h"
#include "net/loop.h"

/* Work for the next round of the loop, so that callbacks never nest. */
struct hf_deferred {
	void (*run)(struct hf_deferred *self);
	struct hf_deferred *next;
	bool queued;
};
void hf_loop_defer(struct hf_loop *loop, struct hf_deferred *work); /* once, however often asked */

/* Objects that live on their own (lingering connections); hf_loop_free ends what is left. */
struct hf_owned {
	struct hf_owned *prev, *next;
	void (*destroy)(struct hf_owned *self);
};
void hf_loop_own(struct hf_loop *loop, struct hf_owned *object);
void hf_loop_disown(struct hf_loop *loop, struct hf_owned *object);

enum hf_conn_state {
	HF_CONN_CONNECTING,
	HF_CONN_VIA,	 /* connected to a proxy that is being asked */
	HF_CONN_PREFACE, /* a PROXY protocol header is due */
	HF_CONN_HANDSHAKE,
	HF_CONN_OPEN,
	HF_CONN_FLUSHING,  /* hf_conn_close was called: only sending */
	HF_CONN_LINGERING, /* our half is closed: only reading away */
	HF_CONN_DEAD,
};

struct hf_conn {
	struct hf_owned owned; /* first: the loop's list leads back here */
	struct hf_deferred soon;
	struct hf_loop *loop;
	uv_poll_t poll;
	uv_timer_t timer;
	int open_handles; /* of the two above */
	int fd;
	int events; /* what poll watches now */
	enum hf_conn_state state;
	const struct hf_conn_ops *ops;
	void *arg;
	struct hf_tls_conn *tls; /* NULL: plain, or gone while lingering */
	struct hf_conn_count *count;
	struct hf_via_dialog *via; /* NULL: none, or done with */
	struct hf_address peer;
	struct hf_buf out;
	size_t out_sent; /* bytes at the front of out that are sent already */
	size_t lingered;
	uint64_t deadline_ms; /* handshake, flush, linger; 0 none */
	uint64_t active_ms;   /* last byte in or out */
	uint64_t idle_ms, handshake_ms;
	const char *sni; /* kept from the handshake: asked for with each request */
	enum hf_tls_version version;
	bool accepted; /* we are the server of it */
	bool idle_held;
	bool peer_told; /* by a PROXY protocol header */
	bool want_read, eof;
	bool read_wants_write; /* TLS must send before it can go on reading */
	bool step_wants_write; /* handshake */
	bool fin_asked, end_said, fin_sent; /* end_said: close_notify, or FIN for plain ones */
	bool through;			    /* a proxy is in between */
	bool step_waits; /* handshake: for somebody's word, not for the socket */
	bool ready_due, end_due, read_due, step_due, blocked; /* blocked: on_writable is owed */
	bool keeps_no_copy; /* `out` may hold a secret */
	bool end_told;
	struct hf_conn_end end;
};

/* conn_end.c */
void hf_conn_state_set(struct hf_conn *conn, enum hf_conn_state state);
void hf_conn_timer_arm(struct hf_conn *conn);
void hf_conn_deadline(struct hf_conn *conn, uint64_t after_ms); /* 0: none */
void hf_conn_destroy(struct hf_conn *conn);
void hf_conn_destroy_owned(struct hf_owned *owned);
void hf_conn_end_with(struct hf_conn *conn, enum hf_conn_end_kind kind, int errnum, bool linger);
void hf_conn_linger_over(struct hf_conn *conn);
void hf_conn_tls_failed(struct hf_conn *conn);
/* conn_events.c */
void hf_conn_watch(struct hf_conn *conn);
void hf_conn_run_soon(struct hf_deferred *work);
void hf_conn_soon(struct hf_conn *conn);
/* conn_preface.c: true when the header is there and the handshake may begin. */
bool hf_conn_preface_read(struct hf_conn *conn);
/* conn_via.c: says the first words; false: it is over.  Reads; true when the way is open.  Forgets
 * it. */
bool hf_conn_via_begin(struct hf_conn *conn);
bool hf_conn_via_read(struct hf_conn *conn);
void hf_conn_via_free(struct hf_conn *conn);
/* conn_io.c: sends what waits; ends the connection on failure, finishes a close when all is out. */
void hf_conn_flush(struct hf_conn *conn);
void hf_conn_linger_read(struct hf_conn *conn);
void hf_socket_no_delay(int fd, int family);
/* Acknowledges at once what has come (tcp(7) TCP_QUICKACK), instead of with our next bytes. */
void hf_socket_quick_ack(int fd, int family);

#endif
