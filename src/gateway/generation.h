/* SPDX-License-Identifier: Apache-2.0 */
/* A generation: what a worker judges and answers with, made in full before it is used, then never
 * changed, counted by the connections that began under it. */
#ifndef HF_GATEWAY_GENERATION_H
#define HF_GATEWAY_GENERATION_H

#include "gateway/gateway.h"

struct hf_generation {
	int refs;
	uint64_t number;
	int64_t loaded_at;
	struct hf_gateway_parts parts;
	struct hf_tls_context *tls;
	char trust_digest[2 * HF_SHA256_LEN + 1];
	char ca_names_digest[2 * HF_SHA256_LEN + 1];
};

/* The signature schemes we offer and ask for: no SHA-1, SHA-224, DSA. */
extern const char hf_gateway_sigalgs[];

/* peers: the table to go on with, NULL: a new one. */
int hf_generation_new(const struct hf_gateway_config *config, uint64_t number,
		      struct hf_peers *peers, struct hf_generation **ret_generation,
		      struct hf_err *err);
/* Of parts that were loaded before, and good; takes them over. */
int hf_generation_from(const struct hf_gateway_config *config, uint64_t number,
		       struct hf_gateway_parts *parts, struct hf_generation **ret_generation,
		       struct hf_err *err);
struct hf_generation *hf_generation_ref(struct hf_generation *generation);
void hf_generation_unref(struct hf_generation *generation);
HF_DEFINE_AUTO(hf_generation, struct hf_generation, hf_generation_unref);

#endif
