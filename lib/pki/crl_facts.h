/* SPDX-License-Identifier: Apache-2.0 */
/* What a revocation list says of itself, without an object for each entry: a list of a million
 * entries is looked through in milliseconds, and in no memory. */
#ifndef HF_PKI_CRL_FACTS_H
#define HF_PKI_CRL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HF_CRL_NUMBER_CAP = 48 };

struct hf_crl_facts {
	int64_t this_update, next_update; /* Unix seconds; next_update 0: not said */
	char number[HF_CRL_NUMBER_CAP];	  /* lower-case hex; "" when the extension is missing */
	size_t revoked;
};
/* false when this is no well-formed list (RFC 5280 5.1).  No signature is looked at. */
bool hf_crl_facts_read(const uint8_t *der, size_t len, struct hf_crl_facts *ret_facts);

#endif
