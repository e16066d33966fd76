/* SPDX-License-Identifier: Apache-2.0 */
/* What a chain is worth on its own merits, whoever trusts it: dates, uses, signatures, constraints;
 * and how far up it leads with the CA certificates that are known here. */
#ifndef HF_PROBE_STANDING_H
#define HF_PROBE_STANDING_H

#include "explain/explain.h"
#include "trust/trust.h"
#include "verify/verify.h"

/* CA certificates known here, and the file each came from. */
struct hf_known {
	struct hf_certs certs;
	struct hf_strv paths;
};
void hf_known_done(struct hf_known *known);
HF_DEFINE_AUTO_DONE(hf_known, struct hf_known, hf_known_done);
void hf_known_add(struct hf_known *known, struct hf_cert *cert, const char *path);
void hf_known_add_list(struct hf_known *known, const struct hf_certs *certs, const char *path);
/* The CA certificates of a file, quietly; of every certificate file beside it too with `around`. */
void hf_known_add_file(struct hf_known *known, const char *path, bool around);

struct hf_standing {
	struct hf_verdict *verdict;
	struct hf_certs *path; /* leaf and upwards, as far as it is known */
	/* cap bytes: the file of the first CA certificate that was not sent */
	char *bridge;
	size_t bridge_cap;
};
/* Only the path (what was sent first, then what is known here) and the bridge; chain is not empty.
 * 0 or negative (memory). */
int hf_standing_climb(const struct hf_certs *chain, const struct hf_known *known,
		      struct hf_standing *ret, struct hf_err *err);
/* 0 or negative (memory). */
int hf_standing_judge(const struct hf_certs *chain, const struct hf_known *known,
		      const struct hf_crls *crls, const struct hf_verify_options *options,
		      struct hf_standing *ret, struct hf_err *err);

#endif
