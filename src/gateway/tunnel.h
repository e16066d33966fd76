/* SPDX-License-Identifier: Apache-2.0 */
/* The originating side: a local plaintext connection is carried to a server over mutual TLS, byte
 * for byte.  Half-closed streams stay half-closed. */
#ifndef HF_GATEWAY_TUNNEL_H
#define HF_GATEWAY_TUNNEL_H

#include "gateway/worker.h"

enum { HF_TUNNEL_OUT_CAP = 4 * 1024 * 1024 }; /* bytes that wait for a server */

/* Takes the local connection over, from on_ready on, and the link. */
void hf_tunnel(struct hf_worker *worker, struct hf_conn *local, struct hf_link *link);

/* Whether the process at the other end of an accepted socket may use the tunnel: its uid is asked
 * of the kernel (SO_PEERCRED, unix(7)). */
bool hf_tunnel_may_use(const struct hf_origin_config *origin, int fd);

#endif
