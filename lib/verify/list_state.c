/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a list by its dates and its neighbours.  Must never be asked whether a certificate
 * is revoked: whose list it is, and whether it is signed, is the judge's matter (check_crl.c). */
#include "verify/list_state.h"

#include "verify/crl.h"

const char *hf_list_state_name(enum hf_list_state state)
{
	static const char *const names[] = {
		[HF_LIST_CURRENT] = "current",
		[HF_LIST_REPLACED] = "replaced",
		[HF_LIST_IN_GRACE] = "in-grace",
		[HF_LIST_OVER] = "over",
	};

	return names[state];
}

static bool is_replaced(const struct hf_trust *trust, const struct hf_crl *crl)
{
	const struct hf_crls *crls = hf_trust_crls(trust);

	for (size_t i = 0; i < crls->len; i++) {
		const struct hf_crl *other = crls->items[i];

		if (!other->base_number == !crl->base_number && hf_crl_is_newer(other, crl) &&
		    hf_crl_same_scope(other, crl))
			return true;
	}
	return false;
}

enum hf_list_state hf_list_state(const struct hf_trust *trust, const struct hf_crl *crl, int64_t at)
{
	if (at <= crl->next_update)
		return HF_LIST_CURRENT;
	if (is_replaced(trust, crl))
		return HF_LIST_REPLACED;
	return at <= hf_trust_list_until(trust, crl) ? HF_LIST_IN_GRACE : HF_LIST_OVER;
}
