/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints beyond what OpenSSL's NAME_CONSTRAINTS_check looks at; for lib/verify only. */
#ifndef HF_VERIFY_CONSTRAINTS_H
#define HF_VERIFY_CONSTRAINTS_H

#include "pki/cert.h"

/* RFC 5280 4.2.1.10: not both lists empty; DNS names without wildcard and leading period; one '@'
 * at most; 8 or 32 bytes of address and mask, the mask contiguous.  Says what is wrong in `have`.
 */
bool hf_constraints_well_formed(const NAME_CONSTRAINTS *nc, char *have, size_t cap);
/* The first SAN of cert that these constraints should have judged but cannot or would not:
 * malformed while its type is constrained, or a wildcard that covers an excluded name; NULL when
 * there is none. */
const struct hf_san *hf_constraints_escape(const NAME_CONSTRAINTS *nc, const struct hf_cert *cert);

/* Is there a subtree of this kind (GEN_URI …), permitted or excluded? */
bool hf_constraints_have_kind(const NAME_CONSTRAINTS *nc, int type);
/* A copy with the DNS, IP and e-mail subtrees only; the caller frees it, NULL without memory. */
NAME_CONSTRAINTS *hf_constraints_of_usual_kinds(const NAME_CONSTRAINTS *nc);

#endif
