/* SPDX-License-Identifier: Apache-2.0 */
/* Byte streams: a client that was let in is joined with a service, whatever they speak (databases,
 * gRPC, mail).  Half-closed streams stay half-closed. */
#ifndef HF_GATEWAY_PASSTHROUGH_H
#define HF_GATEWAY_PASSTHROUGH_H

#include "gateway/forwarder.h"

/* Takes the client's connection over, from on_ready on.  The hook `ended` of the forwarder is
 * called once it is over. */
void hf_passthrough(struct hf_forwarder *forwarder, struct hf_conn *client, void *session_arg);

#endif
