/* SPDX-License-Identifier: Apache-2.0 */
/* A generation: what a worker judges and answers with, made in full before it is used, then never
 * changed, counted by the connections that began under it. */
#ifndef HF_GATEWAY_GENERATION_H
#define HF_GATEWAY_GENERATION_H

#include "gateway/gateway.h"

/* A policy in force; its place among them is the tag of its contexts. */
struct hf_policy {
	const struct hf_policy_parts *parts;
	struct hf_trust *trust; /* that of the parts, with the lists that came over the network */
	struct hf_tls_context *tls; /* for its server names, and for what we say of it */
	struct hf_ocsp_view ocsp;
	struct hf_ocsp_own own;
	char trust_digest[2 * HF_SHA256_LEN + 1];
	char ca_names_digest[2 * HF_SHA256_LEN + 1];
};

struct hf_generation {
	int refs;
	uint64_t number;
	int64_t loaded_at;
	struct hf_gateway_parts parts;
	struct hf_generation *base; /* whose parts these are, but for the lists; NULL: our own */
	struct hf_policy *policies; /* of parts, in the same order */
	size_t policies_len; /* of its own: parts may be taken away */
	struct hf_tls_context **fronts; /* what clients meet at each of config->listen */
	size_t fronts_len;
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
/* Does one of the first `before` policies hold this revocation list? */
bool hf_parts_have_list(const struct hf_gateway_parts *parts, size_t before,
			const struct hf_crl *list);
/* The same parts with the lists that are up now, and the peer table of `old`. */
int hf_generation_relist(const struct hf_gateway_config *config, struct hf_generation *old,
			 struct hf_generation **ret_generation, struct hf_err *err);
/* Borrowed; the table that all its contexts share. */
struct hf_peers *hf_generation_peers(const struct hf_generation *generation);
/* When the first of our certificates ends. */
int64_t hf_generation_not_after(const struct hf_generation *generation);
struct hf_generation *hf_generation_ref(struct hf_generation *generation);
void hf_generation_unref(struct hf_generation *generation);
HF_DEFINE_AUTO(hf_generation, struct hf_generation, hf_generation_unref);

#endif
