/* SPDX-License-Identifier: Apache-2.0 */
/* How a revocation list of a trust stands at a moment, apart from any certificate: for warnings,
 * metrics and the preflight. */
#ifndef HF_VERIFY_LIST_STATE_H
#define HF_VERIFY_LIST_STATE_H

#include "trust/trust.h"

enum hf_list_state {
	HF_LIST_CURRENT,
	HF_LIST_REPLACED, /* out of date, and a later one of the same scope is there */
	HF_LIST_IN_GRACE, /* out of date, and still counts (hf_trust_set_crl_grace) */
	HF_LIST_OVER,     /* out of date, and counts no longer */
};
const char *hf_list_state_name(enum hf_list_state state); /* "current", "in-grace" … */

/* crl: a list of the trust.  at: Unix seconds. */
enum hf_list_state hf_list_state(const struct hf_trust *trust, const struct hf_crl *crl,
				 int64_t at);

#endif
