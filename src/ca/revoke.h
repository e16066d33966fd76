/* SPDX-License-Identifier: Apache-2.0 */
/* Taking certificates back. */
#ifndef HF_CA_REVOKE_H
#define HF_CA_REVOKE_H

#include "ca/authority.h"

/* The reasons that may be given, NULL-terminated: no holding on and off again, which is for smart
 * cards; a key that was out of hand does not come back. */
extern const char *const hf_revoke_reasons[];
/* CRLReason of the word; -HF_E_INVALID with the nearest word. */
int hf_revoke_reason(const char *word, int *ret_reason, struct hf_err *err);

/* The records with that name, else with that serial ("0A:1B" too); none is no failure. */
int hf_revoke_find(struct hf_authority *a, const char *what, struct hf_records *found,
		   struct hf_err *err);
bool hf_revoke_is_live(const struct hf_record *record, int64_t now);
/* Why nothing is to be done about one that is not live: -HF_E_POLICY. */
int hf_revoke_not_live(const char *what, const struct hf_record *record, struct hf_err *err);

/* This authority's issuing CA: every certificate that it issued goes with it. */
bool hf_revoke_is_own(const struct hf_authority *a, const struct hf_record *record);

/* Notes it in the ledger; the list is the caller's to publish.  Nothing is noted that no list could
 * tell of: -HF_E_POLICY for a root, -HF_E_NOENT when its issuer or the key is not here. */
int hf_revoke(struct hf_authority *a, const struct hf_record *record, int reason, int64_t now,
	      struct hf_err *err);

#endif
