/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that may be resumed, kept here and not in tickets, so that each can be taken back.
 *
 * A session is resumed only while its peer is in the peer table under the policy in force and its
 * verdict still good at that moment; for the same server name on the same listener; and at most
 * HF_TLS_SESSION_SECONDS (or less, as configured) after the full handshake it comes from, however
 * often it was resumed since.  Anything else is a full handshake, where the peer is judged.  One
 * thread; each process has its own table, and looks into the pool that several share, if any, for
 * what it has not (tls/session_pool.h): the peer must still be known to itself. */
#ifndef HF_TLS_SESSIONS_H
#define HF_TLS_SESSIONS_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/macros.h"

enum { HF_TLS_SESSION_SECONDS = 3600, HF_TLS_SESSIONS_CAP = 4096 };

struct hf_sessions;

int hf_sessions_new(struct hf_sessions **ret_sessions, struct hf_err *err);
void hf_sessions_free(struct hf_sessions *sessions);
HF_DEFINE_AUTO(hf_sessions, struct hf_sessions, hf_sessions_free);

/* Seconds that a session lives: as asked, never more than HF_TLS_SESSION_SECONDS; 0: that. */
int64_t hf_sessions_lifetime(int64_t asked);
/* Makes a server's SSL_CTX keep and resume sessions, in the table of the connection's context. */
int hf_sessions_apply(SSL_CTX *ssl, int64_t seconds, struct hf_err *err);

#endif
