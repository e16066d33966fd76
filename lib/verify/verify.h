/* SPDX-License-Identifier: Apache-2.0 */
/* The judge.  Pure: certificates, trust, options and a time in; a verdict out.  Path building is
 * our own bounded search over candidate issuers; signatures and extension syntax are OpenSSL's. */
#ifndef HF_VERIFY_VERIFY_H
#define HF_VERIFY_VERIFY_H

#include "trust/trust.h"
#include "verify/verdict.h"

enum hf_purpose { HF_PURPOSE_ANY, HF_PURPOSE_SERVER, HF_PURPOSE_CLIENT };
/* Whose judgement.  The first two are ours, for connections; the others tell what another world's
 * programs would say (verify/world.h).  The order is that of the cells in quirks.def. */
enum hf_profile {
	HF_PROFILE_OPENSSL,    /* as tolerant as OpenSSL's own peers, where that is safe */
	HF_PROFILE_STRICT,
	HF_PROFILE_AS_OPENSSL,
	HF_PROFILE_AS_PYTHON,
	HF_PROFILE_AS_GNUTLS,
	HF_PROFILE_AS_GO,
	HF_PROFILE_AS_JAVA,
	HF_PROFILE_AS_BROWSER,
	HF_PROFILE_COUNT
};

struct hf_verify_options {
	enum hf_purpose purpose;
	enum hf_profile profile;
	int64_t at;                   /* Unix seconds: the moment to judge at */
	/* host name or address the leaf must be valid for; NULL: not checked */
	const char *name;
	/* a name that stands only in the CN counts when there is no DNS/IP SAN */
	bool compat_cn;
	int max_depth;                /* intermediates; 0: the default of 8; negative: none */
	const char *const *policies;  /* acceptable policy OIDs, NULL-terminated; NULL: any */
	bool require_explicit_policy, inhibit_policy_mapping, inhibit_any_policy;
	/* fill ossl[] and node_reason by asking OpenSSL too (always done when refused) */
	bool second_opinion;
};

/* Judges chain->items[0] (the leaf); the rest are candidates in any order, never identities.  An
 * empty chain is N-NONE.  Returns 0 with the verdict filled, negative only when no judgement was
 * possible (memory).  Thread-safe: trust is frozen. */
int hf_verify(const struct hf_certs *chain, const struct hf_trust *trust,
	      const struct hf_verify_options *options, struct hf_verdict *verdict,
	      struct hf_err *err);

/* Is the verdict still good at `at` under `trust` (same generation): expiry only.  For cached
 * verdicts. */
bool hf_verdict_still_good(const struct hf_verdict *v, int64_t at);

#endif
