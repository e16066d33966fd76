/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges of the gateway's processes: see util/sandbox.h for what is taken away. */
#ifndef HF_GATEWAY_GUARD_H
#define HF_GATEWAY_GUARD_H

#include "gateway/gateway.h"

/* In a worker, before it reads anything: another user, when there is to be one. */
int hf_guard_drop(const struct hf_gateway_config *config, struct hf_err *err);
/* In a worker that has everything it needs, before it serves. */
int hf_guard_lock(const struct hf_gateway_config *config, struct hf_err *err);

/* In a follower that has not yet begun to fetch: threads of later are bound by it, not those
 * before.
 */
int hf_guard_lock_follower(const struct hf_gateway_config *config, struct hf_err *err);

/* What will be missing here, in a sentence; false: nothing.  What is missing and was required is a
 * failure of hf_guard_check. */
bool hf_guard_missing(const struct hf_gateway_config *config, char *out, size_t cap);
int hf_guard_check(const struct hf_gateway_config *config, struct hf_err *err);

#endif
