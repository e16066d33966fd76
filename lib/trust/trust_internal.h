/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a trust; for lib/trust only. */
#ifndef HF_TRUST_TRUST_INTERNAL_H
#define HF_TRUST_TRUST_INTERNAL_H

#include "base/str.h"
#include "trust/trust.h"

struct hf_trust {
	atomic_int refs;
	uint64_t generation;
	bool frozen;
	enum hf_crl_mode crl_mode;
	struct hf_certs anchors;
	struct hf_strv labels;      /* one for each anchor, "" when it has none */
	struct hf_certs intermediates;
	struct hf_crls crls;
	/* the same for OpenSSL's own verification; made by hf_trust_freeze */
	X509_STORE *store;
	uint8_t digest[HF_SHA256_LEN];
};

#endif
