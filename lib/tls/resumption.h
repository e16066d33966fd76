/* SPDX-License-Identifier: Apache-2.0 */
/* What a client keeps of a connection so that a later one may resume it (RFC 8446 2.2, RFC 5246
 * 7.3).  It holds secrets of that connection: keep it in memory, and not for longer than needed. */
#ifndef HF_TLS_RESUMPTION_H
#define HF_TLS_RESUMPTION_H

#include "tls/conn.h"

struct hf_tls_resumption;

/* Whatever the server gave by now; in TLS 1.3 its ticket comes only after the handshake, with what
 * is read then.  NULL: nothing to resume, or no memory.  Owned by the caller. */
struct hf_tls_resumption *hf_tls_resumption_of(const struct hf_tls_conn *conn);
void hf_tls_resumption_free(struct hf_tls_resumption *resumption); /* NULL-safe */
HF_DEFINE_AUTO(hf_tls_resumption, struct hf_tls_resumption, hf_tls_resumption_free);

#endif
