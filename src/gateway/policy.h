/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy a connection or a request is under. */
#ifndef HF_GATEWAY_POLICY_H
#define HF_GATEWAY_POLICY_H

#include "gateway/generation.h"
#include "http/server.h"

/* The one that judged the peer of a connection; `generation` is what the connection began under.
 * Plain connections: the first. */
const struct hf_policy *hf_policy_of(const struct hf_generation *generation,
				     const struct hf_conn *conn);
/* The one that whoever asks for the same name at the same listener (its place in config->listen)
 * meets under this generation. */
const struct hf_policy *hf_policy_now(const struct hf_generation *generation, size_t listen,
				      const struct hf_conn *conn);

/* Without port and final dot. */
struct hf_slice hf_host_name(struct hf_slice host);
/* Whether the peer of a connection was judged under it, in whatever generation. */
bool hf_policy_is_of(const struct hf_policy *policy, const struct hf_conn *conn);
/* RFC 9110 7.4.  The host that a request names has another policy than the one its client was
 * judged under. */
bool hf_policy_crossed(const struct hf_generation *generation, size_t listen,
		       const struct hf_http_request *request);
/* Or it is another than the one the client asked for in its handshake: a service behind may keep
 * hosts apart that are one for us. */
extern const char hf_misdirected_text[];
bool hf_policy_misdirected(const struct hf_generation *generation, size_t listen,
			   const struct hf_http_request *request);

#endif
