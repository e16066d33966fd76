/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a trust; for lib/trust only. */
#ifndef HF_TRUST_TRUST_INTERNAL_H
#define HF_TRUST_TRUST_INTERNAL_H

#include <pthread.h>

#include "base/str.h"
#include "trust/trust.h"

enum { HF_CRL_MEMO_CAP = 256, HF_CA_MEMO_CAP = 64 };

/* The one thing in a trust that changes: what it has worked out.  Judgements are the same without
 * it. */
struct hf_trust_memo {
	pthread_mutex_t lock;
	struct {
		const struct hf_crl *crl;
		uint8_t spki_sha256[HF_SHA256_LEN];
	} items[HF_CRL_MEMO_CAP];
	size_t len, next;
	struct {
		uint8_t sha256[HF_SHA256_LEN];      /* of the CA's certificate */
		uint8_t spki_sha256[HF_SHA256_LEN]; /* of the key that signed it */
	} cas[HF_CA_MEMO_CAP];
	size_t cas_len, cas_next;
};

struct hf_trust {
	atomic_int refs;
	uint64_t generation;
	bool frozen;
	enum hf_crl_mode crl_mode;
	int64_t crl_grace;          /* seconds */
	struct hf_certs anchors;
	struct hf_strv labels;      /* one for each anchor, "" when it has none */
	struct hf_certs intermediates;
	struct hf_crls crls;
	const struct hf_crls *at_hand; /* while it is filled: trust.h */
	/* the anchors for OpenSSL's own verification; made by hf_trust_freeze */
	X509_STORE *store;
	struct hf_trust_memo *memo; /* owned */
	uint8_t digest[HF_SHA256_LEN];
};

#endif
