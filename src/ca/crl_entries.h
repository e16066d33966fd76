/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a revocation list (RFC 5280 section 5.1.2.6).  There is no object model of them:
 * that costs 7 us an entry, the bytes a tenth. */
#ifndef HF_CA_CRL_ENTRIES_H
#define HF_CA_CRL_ENTRIES_H

#include "ca/store/store.h"

/* Appends the entries of a list of the issuer's, one after the other, and how many.  Only inside a
 * hf_crl_build_fn. */
int hf_crl_entries(struct hf_store *store, const struct hf_revoked_scope *scope,
		   struct hf_buf *out, int64_t *ret_len, struct hf_err *err);

/* Whether the encoded entries that the ledger keeps, of all shards, are those of its
 * certificates.  Changes nothing. */
int hf_crl_entries_hold(struct hf_store *store, int64_t issuer, bool *ret_hold, struct hf_err *err);

#endif
