/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets.  The supervisor binds (hf_bound_open, before fork, one socket for each worker
 * and family), a worker watches its own (hf_listener_new).  Unix sockets are one for all workers.
 */
#ifndef HF_NET_LISTENER_H
#define HF_NET_LISTENER_H

#include "base/json.h"
#include "net/address.h"
#include "net/loop.h"

/* One address that was bound: its sockets, one for each worker. */
struct hf_bound {
	struct hf_address address; /* with the real port */
	int *fds;		   /* `copies` descriptors, listening, non-blocking, CLOEXEC */
	size_t copies;
	size_t spec;	   /* the caller's: of which specification it came */
	char *unlink_path; /* unix: the socket file, removed by hf_bound_list_done */
};

struct hf_bound_list {
	struct hf_bound *items;
	size_t len;
};
#define HF_BOUND_LIST_INIT \
	{                  \
		NULL, 0    \
	}

/* Binds and listens; appends to list.  Port 0 takes any; "localhost" takes 127.0.0.1 and ::1 with
 * the same port; "systemd" are the sockets
 * that systemd passed, one for all workers; "unix:PATH" replaces a dead socket file, never a living
 * one or another kind of file.  An address that another program listens on is -HF_E_EXIST
 * ("127.0.0.1:3000 is in use by another program"). */
int hf_bound_open(struct hf_bound_list *list, const char *spec, size_t copies, struct hf_err *err);
/* Closes all sockets and removes no file: while a copy is open anywhere, the kernel lets peers into
 * its queue. */
void hf_bound_list_shut(struct hf_bound_list *list);
void hf_bound_list_done(struct hf_bound_list *list); /* closes all, removes socket files */
void hf_bound_list_close(struct hf_bound_list *list,
			 size_t keep); /* worker: closes all copies but `keep` */
HF_DEFINE_AUTO_DONE(hf_bound_list, struct hf_bound_list, hf_bound_list_done);
/* The descriptor worker number `worker` listens on (the single one of a unix socket). */
int hf_bound_fd(const struct hf_bound *bound, size_t worker);
/* "https://127.0.0.1:43211": the text of the ready line; "https+unix:/run/x.sock" becomes
 * "unix:/run/x.sock". */
void hf_bound_url(const struct hf_bound *bound, const char *scheme, char *out, size_t cap);
/* "key": [those texts]. */
void hf_bound_list_to_json(const struct hf_bound_list *list, const char *scheme, const char *key,
			   struct hf_json *j);
/* Prints "handfast: listening on URL" on stderr for each, in one write a line. */
void hf_bound_list_announce(const struct hf_bound_list *list, const char *scheme);

struct hf_listener;
struct hf_listener_ops {
	/* Takes fd over (non-blocking, CLOEXEC, TCP_NODELAY set). */
	void (*on_accept)(int fd, const struct hf_address *peer, void *arg);
};
/* fd stays the caller's and must outlive the listener.  When descriptors or memory run out it
 * pauses, says so in the log, once a second at most, and goes on by itself. */
int hf_listener_new(struct hf_loop *loop, int fd, const struct hf_listener_ops *ops, void *arg,
		    struct hf_listener **ret_listener, struct hf_err *err);
void hf_listener_pause(struct hf_listener *listener, bool pause); /* for a limit on connections */
void hf_listener_free(struct hf_listener *listener);
HF_DEFINE_AUTO(hf_listener, struct hf_listener, hf_listener_free);

#endif
