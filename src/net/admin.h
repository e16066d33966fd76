/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket: how a running service is asked and told things on its own machine.
 *
 * The protocol: a unix stream socket, mode 0600.  The client sends one JSON object on one line, the
 * service answers with one JSON object on one line and closes.  {"command": "status"};
 * {"command": "revoke-now", "fingerprint": HEX}.  A failure is {"error": {"code", "message",
 * "hint"}}.
 *
 * Contract: whoever is not root and not the user of the service is turned away by the kernel's word
 * (SO_PEERCRED, unix(7)).  One descriptor stands for everything (hf_admin_fd): poll it, in
 * poll(2) or on a loop, and call hf_admin_run when it is readable, and once a second.  Nothing here
 * ever waits. */
#ifndef HF_NET_ADMIN_H
#define HF_NET_ADMIN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/macros.h"

enum {
	HF_ADMIN_LINE_CAP = 4096,	       /* of a question */
	HF_ADMIN_ANSWER_CAP = 64 * 1024 * 1024,
	HF_ADMIN_FINGERPRINT_LEN = 32,	       /* SHA-256 */
	HF_ADMIN_ROWS = 1000,		       /* of connections, when nothing is said */
	HF_ADMIN_ROWS_CAP = 100000,
};

enum hf_admin_verb {
	HF_ADMIN_STATUS,
	HF_ADMIN_RELOAD,
	HF_ADMIN_CONNECTIONS,
	HF_ADMIN_TOP,
	HF_ADMIN_DRAIN,
	HF_ADMIN_REVOKE_NOW,
};
const char *hf_admin_verb_name(enum hf_admin_verb verb);

struct hf_admin_request {
	enum hf_admin_verb verb;
	uint8_t fingerprint[HF_ADMIN_FINGERPRINT_LEN]; /* revoke-now */
	int64_t deadline_s;			       /* drain; -1: as configured */
	size_t limit;				       /* connections, top: rows at most */
};
/* One line as it came, without its end.  Failures say what is wrong, with the nearest word. */
int hf_admin_request_parse(const char *line, size_t len, struct hf_admin_request *ret_request,
			   struct hf_err *err);
/* As it is sent, with its end. */
int hf_admin_request_format(const struct hf_admin_request *request, struct hf_buf *out);
/* "AB:CD…" or "abcd…", 64 digits. */
int hf_admin_fingerprint_parse(const char *text, uint8_t out[HF_ADMIN_FINGERPRINT_LEN],
			       struct hf_err *err);

/* --- the service's side --- */

struct hf_admin;
struct hf_admin_call; /* a question that has no answer yet */

/* To be answered by hf_admin_answer or hf_admin_refuse, at once or later. */
typedef void (*hf_admin_asked)(struct hf_admin_call *call, const struct hf_admin_request *request,
			       void *arg);

/* spec: "unix:PATH"; replaces a dead socket file, never a living one or another kind of file. */
int hf_admin_open(const char *spec, hf_admin_asked asked, void *arg, struct hf_admin **ret_admin,
		  struct hf_err *err);
/* Ends open calls without an answer, removes the socket file. */
void hf_admin_free(struct hf_admin *admin);
HF_DEFINE_AUTO(hf_admin, struct hf_admin, hf_admin_free);
/* In a forked child: gives up everything but the file. */
void hf_admin_forget(struct hf_admin *admin);
int hf_admin_fd(const struct hf_admin *admin);
void hf_admin_run(struct hf_admin *admin);
/* Sends what waits for its readers for up to a second, before the service ends. */
void hf_admin_finish(struct hf_admin *admin);

/* An answer as it is written: an object that stays open in `j`, in `line` of at most `cap` bytes;
 * and its end, which sends it.  The call is gone. */
void hf_admin_answer_begin(struct hf_json *j, struct hf_buf *line, size_t cap);
void hf_admin_answer_end(struct hf_admin_call *call, struct hf_json *j, struct hf_buf *line);
/* line: one JSON object and a newline; taken over.  The call is gone after either. */
void hf_admin_answer(struct hf_admin_call *call, struct hf_buf *line);
void hf_admin_refuse(struct hf_admin_call *call, const struct hf_err *err);

/* --- the client's side --- */

/* Asks and waits for the whole answer (up to wait_s seconds without a byte). */
int hf_admin_ask(const char *path, const struct hf_admin_request *request, int wait_s,
		 struct hf_buf *answer, struct hf_err *err);

/* --- where the sockets are --- */

/* $XDG_RUNTIME_DIR/handfast, else /run/handfast for root; false: nowhere. */
bool hf_admin_dir(char out[PATH_MAX]);
/* The one a service takes when nothing is said: DIR/COMMAND-PID.sock; makes the directory (0700).
 */
int hf_admin_default_path(const char *command, char out[PATH_MAX], struct hf_err *err);

#endif
