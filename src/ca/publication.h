/* SPDX-License-Identifier: Apache-2.0 */
/* What a leaf says of its own revocation, by the policy: where the list is (RFC 5280 4.2.1.13), who
 * answers OCSP (4.2.2.1), or that there is none, for it lives too short (RFC 9608). */
#ifndef HF_CA_PUBLICATION_H
#define HF_CA_PUBLICATION_H

#include "ca/issue.h"

/* Adds the extensions to an order whose validity is settled; what an extension file says already
 * stays, and what the certificate before said only where the policy names no place of its own. */
int hf_order_publish(struct hf_authority *a, struct hf_order *order, int64_t now,
		     struct hf_err *err);

#endif
