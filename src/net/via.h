/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy on the way out: HTTP CONNECT (RFC 9110 9.3.6) or SOCKS5 (RFC 1928, RFC 1929).  The proxy
 * resolves the server's name; what is said through it is TLS, judged as without it.
 *
 * Contract: the dialog takes bytes as they come, in any split, and never one behind the proxy's
 * last word.  User name and password are in no message and no log. */
#ifndef HF_NET_VIA_H
#define HF_NET_VIA_H

#include "base/buf.h"
#include "net/address.h"

enum hf_via_kind { HF_VIA_NONE, HF_VIA_HTTP, HF_VIA_SOCKS5 };

enum { HF_VIA_LOGIN_CAP = 256, HF_VIA_WHY_CAP = 160 };

struct hf_via {
	enum hf_via_kind kind;
	char host[HF_HOST_CAP]; /* of the proxy */
	int port;
	char text[HF_HOST_CAP + 32]; /* "http://proxy:3128": for messages */
	char user[HF_VIA_LOGIN_CAP], password[HF_VIA_LOGIN_CAP]; /* "": none */
	char to_host[HF_HOST_CAP];				 /* the server */
	int to_port;
};

/* "http://HOST:PORT" or "socks5://HOST:PORT" (socks5h is the same); the port may be left out (3128,
 * 1080).  A user name in it is -HF_E_INVALID: everybody on the machine reads command lines. */
int hf_via_parse(const char *text, struct hf_via *ret_via, struct hf_err *err);
/* "user:password". */
int hf_via_login(struct hf_via *via, const char *line, struct hf_err *err);
/* Where to, through it. */
int hf_via_to(struct hf_via *via, const char *host, int port, struct hf_err *err);
void hf_via_done(struct hf_via *via); /* cleanses; NULL-safe */

/* --- what is said to it --- */

enum hf_via_step {
	HF_VIA_MORE,	/* it has not said all */
	HF_VIA_SAY,	/* something was appended to out: send it, then take more */
	HF_VIA_OPEN,	/* what follows is the server's */
	HF_VIA_REFUSED, /* why tells */
};

struct hf_via_dialog {
	const struct hf_via *via;
	struct hf_buf got;
	int step;
	bool final;		 /* REFUSED: asking again makes no sense */
	char why[HF_VIA_WHY_CAP]; /* "it wants a user name and a password (…)" */
};

/* Appends the first words to out.  `via` must outlive the dialog. */
int hf_via_begin(struct hf_via_dialog *dialog, const struct hf_via *via, struct hf_buf *out);
/* Takes from data; MORE takes all of it.  *ret_used: how many bytes were the proxy's. */
enum hf_via_step hf_via_take(struct hf_via_dialog *dialog, const char *data, size_t len,
			     size_t *ret_used, struct hf_buf *out);
void hf_via_dialog_done(struct hf_via_dialog *dialog); /* NULL-safe */

#endif
