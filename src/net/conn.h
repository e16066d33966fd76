/* SPDX-License-Identifier: Apache-2.0 */
/* A connection on the loop, TLS or plain, accepted or made by us.
 *
 *   connecting → handshake → open → flushing → lingering → gone
 *
 * Contract: callbacks come from the loop only, never from inside a hf_conn_* call.  on_end is
 * called exactly once and is the last; inside it the connection can still be asked (verdict, info,
 * failure), afterwards the pointer must not be used.  What is left to do after on_end (half-close,
 * reading on for up to a second so that an alert or the last answer is not lost in a reset,
 * closing) the connection does alone and then frees itself. Reading is by pull: nothing is read
 * from the socket unless the application asks, so back-pressure is not asking. */
#ifndef HF_NET_CONN_H
#define HF_NET_CONN_H

#include "net/address.h"
#include "net/loop.h"
#include "net/via.h"
#include "tls/conn.h"

struct hf_conn;

enum hf_conn_end_kind {
	HF_CONN_END_CLOSED,  /* hf_conn_close was asked for and everything written has gone out */
	HF_CONN_END_REFUSED, /* TLS failed, refused by either side: hf_conn_failure() */
	HF_CONN_END_LOST, /* reset, EPIPE, the peer went away in the handshake: hf_conn_failure() if
			     TLS */
	HF_CONN_END_CONNECT, /* connect failed: end.sys_errno */
	HF_CONN_END_HANDSHAKE_TIMEOUT,
	HF_CONN_END_VIA,     /* the proxy on the way does not lead there: hf_conn_via_why() */
	HF_CONN_END_PREFACE, /* no PROXY protocol header where one is due */
	HF_CONN_END_IDLE_TIMEOUT,
	HF_CONN_END_ABORTED, /* hf_conn_abort */
};

struct hf_conn_end {
	enum hf_conn_end_kind kind;
	int sys_errno;
	bool unsent; /* bytes handed to hf_conn_write did not all reach the kernel */
};

struct hf_conn_ops {
	/* Open: handshake done (at once for plain ones).  The verdict is there; in REPORT it may be
	 * a refusal. */
	void (*on_ready)(struct hf_conn *conn, void *arg);
	/* hf_conn_read has something to say.  Called again while unread data is there and reading
	 * is on. */
	void (*on_readable)(struct hf_conn *conn, void *arg);
	/* Everything handed to hf_conn_write is with the kernel (after it was not). */
	void (*on_writable)(struct hf_conn *conn, void *arg);
	void (*on_end)(struct hf_conn *conn, const struct hf_conn_end *end, void *arg);
	/* A PROXY protocol header has told another address, which hf_conn_peer is from now on: may
	 * it go on?  false: closed without another byte.  NULL: it may. */
	bool (*on_told)(struct hf_conn *conn, void *arg);
};

struct hf_conn_options {
	const struct hf_conn_ops *ops; /* static; on_writable may be NULL */
	void *arg;
	struct hf_tls_context *tls;  /* NULL: plain */
	uint64_t handshake_ms;	     /* 0: 10 s; covers connecting too */
	uint64_t idle_ms;	     /* 0: none; see hf_conn_set_idle */
	size_t out_cap;		     /* most bytes waiting to be sent; 0: 1 MiB */
	const struct hf_via *via; /* made by us: the address is that of this proxy, which is asked
				     for the server; must live as long.  NULL: straight */
	bool preface; /* accepted ones: a PROXY protocol header comes first; hf_conn_peer is what it
			 says */
	struct hf_conn_count *count; /* NULL or kept up to date */
};

/* How many connections there are, lingering ones included: for limits, drain and metrics.  The
 * caller's. */
struct hf_conn_count {
	size_t handshaking, open, lingering;
	void (*on_change)(struct hf_conn_count *count,
			  void *arg); /* NULL or called when one is gone */
	void *arg;
};

/* Takes fd over, also on failure. */
int hf_conn_accept(struct hf_loop *loop, int fd, const struct hf_address *peer,
		   const struct hf_conn_options *options, struct hf_conn **ret_conn,
		   struct hf_err *err);
int hf_conn_connect(struct hf_loop *loop, const struct hf_address *to,
		    const struct hf_conn_options *options, struct hf_conn **ret_conn,
		    struct hf_err *err);
/* Goes on with other callbacks (an idle upstream connection of a pool, a finished request). */
void hf_conn_set_ops(struct hf_conn *conn, const struct hf_conn_ops *ops, void *arg);

enum hf_conn_read {
	HF_CONN_DATA = 0, /* *ret_len > 0 bytes */
	HF_CONN_WAIT,	  /* nothing now; on_readable follows */
	HF_CONN_EOF,	  /* the peer closed its direction; ours still works */
	HF_CONN_OVER,	  /* not open any more; on_end follows */
};
enum hf_conn_read hf_conn_read(struct hf_conn *conn, void *data, size_t cap, size_t *ret_len);
/* on_readable is wanted (the default after on_ready) or not. */
void hf_conn_want_read(struct hf_conn *conn, bool want);
/* Sends or keeps all of it; 0, -HF_E_LIMIT when more than out_cap would wait (nothing taken),
 * -HF_E_CLOSED. */
int hf_conn_write(struct hf_conn *conn, const void *data, size_t len);
/* What is written next is secret: should it have to wait, its copy is cleansed once it is out. */
void hf_conn_keep_no_copy(struct hf_conn *conn);
size_t hf_conn_unsent(const struct hf_conn *conn);
/* The handshake is held for a word about the peer's certificate (hf_tls_conn_awaited), and there is
 * news: it looks again.  Its time limit rests meanwhile: whoever owns the source of status answers
 * within a limit of its own. */
void hf_conn_go_on(struct hf_conn *conn);
/* Sends what waits, then close_notify and FIN, reads on for up to a second, closes.  on_end comes
 * when the rest has been sent. */
void hf_conn_close(struct hf_conn *conn);
/* Sends what waits and our end of stream, goes on reading (half-close of a tunnelled stream). */
void hf_conn_finish_writing(struct hf_conn *conn);
/* Closes without another byte; on_end comes soon. */
void hf_conn_abort(struct hf_conn *conn);
/* Closes without another byte, and nobody hears of it any more: the callbacks are not called.
 * NULL-safe. */
void hf_conn_discard(struct hf_conn *conn);
/* As hf_conn_abort with a reset, for a stream that was cut: many TLS stacks take a bare end for a
 * proper one (Python sets SSL_OP_IGNORE_UNEXPECTED_EOF). */
void hf_conn_reset(struct hf_conn *conn);
/* From now on: over when nothing was read or sent for so long (0: never). */
void hf_conn_set_idle(struct hf_conn *conn, uint64_t idle_ms);
/* The idle limit rests (somebody else is being waited for) or counts again, from now on. */
void hf_conn_hold_idle(struct hf_conn *conn, bool hold);

const struct hf_verdict *hf_conn_verdict(const struct hf_conn *conn); /* NULL for plain ones */
const struct hf_tls_failure *hf_conn_failure(const struct hf_conn *conn);
/* Why the proxy did not lead there, NULL when that is not the trouble; *ret_final: asking again
 * makes no sense. */
const char *hf_conn_via_why(const struct hf_conn *conn, bool *ret_final);
void hf_conn_info(const struct hf_conn *conn,
		  struct hf_tls_info *ret_info);	     /* zeroed for plain ones */
/* Two of them, cheap enough to ask for with each request; NULL, 0 before the handshake is done and
 * for plain ones. */
const char *hf_conn_sni(const struct hf_conn *conn);
enum hf_tls_version hf_conn_tls_version(const struct hf_conn *conn);
struct hf_tls_conn *hf_conn_tls(const struct hf_conn *conn); /* NULL for plain ones */
/* Whether a connection that has been idle still stands: one look at the socket, taking nothing.
 * false: the peer has closed it, or has sent what nobody asked for. */
bool hf_conn_quiet(const struct hf_conn *conn);
/* Our own end of it; zeroed when the kernel does not say. */
void hf_conn_local(const struct hf_conn *conn, struct hf_address *ret_address);
/* The connection that a hf_tls_conn belongs to (for hf_peers_sweep). */
struct hf_conn *hf_conn_of_tls(const struct hf_tls_conn *tls);
const struct hf_address *hf_conn_peer(const struct hf_conn *conn);
void *hf_conn_arg(const struct hf_conn *conn);
struct hf_loop *hf_conn_loop(const struct hf_conn *conn);

#endif
