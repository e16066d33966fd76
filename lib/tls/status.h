/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a server asks about a client's certificate once chain, lists and rules let it in (OCSP).
 * lib/tls connects to nobody: the source is the application's. */
#ifndef HF_TLS_STATUS_H
#define HF_TLS_STATUS_H

#include "verify/status.h"

struct hf_tls_status {
	/* What is known about the leaf of an accepted verdict; never waits.  NULL: nobody is asked.
	 * HF_STATUS_PENDING with a key: the handshake is held (HF_TLS_WANT_STATUS), and goes on
	 * with hf_tls_conn_handshake when the application has the answer to that key. */
	void (*look)(void *arg, const struct hf_verdict *verdict, struct hf_status *ret_status);
	void *arg;
	bool hard;	    /* without a good answer nobody is let in */
	const char *policy; /* in words whatever else changes the answers; NULL: nothing */
};

#endif
