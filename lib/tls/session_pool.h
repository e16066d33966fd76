/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of several processes that serve the same sockets: whichever of them a client comes
 * back to may resume what another began.  In memory that they share, as libssl encodes a session,
 * with its secrets; what it may be used for is decided by each of them (tls/sessions.h).
 *
 * Bounded: the oldest session of a few candidates makes room, and one that is too large for a slot
 * stays with its process.  Any process may die at any time; at most the slot it wrote is lost. */
#ifndef HF_TLS_SESSION_POOL_H
#define HF_TLS_SESSION_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "pki/key.h"

enum {
	HF_POOLED_ID_LEN = 32,
	HF_POOLED_DER_CAP = 1920, /* a client certificate of RSA-4096 and some names */
};

struct hf_session_pool;

/* In the process that forks the others, before it does. */
int hf_session_pool_map(struct hf_session_pool **ret_pool, struct hf_err *err);
void hf_session_pool_unmap(struct hf_session_pool *pool); /* NULL-safe */

struct hf_pooled_session {
	uint8_t id[HF_POOLED_ID_LEN];
	uint8_t sni[HF_SHA256_LEN];  /* of listener and server name */
	uint8_t peer[HF_SHA256_LEN]; /* its key in the peer tables */
	int64_t since;		     /* when its full handshake was, Unix seconds */
	size_t len;
	uint8_t der[HF_POOLED_DER_CAP];
};

void hf_session_pool_put(struct hf_session_pool *pool, const struct hf_pooled_session *session);
/* Copies the session of this id; false: there is none.  The caller cleanses the copy. */
bool hf_session_pool_get(struct hf_session_pool *pool, const uint8_t id[HF_POOLED_ID_LEN],
			 struct hf_pooled_session *ret_session);

#endif
