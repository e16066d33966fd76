/* SPDX-License-Identifier: Apache-2.0 */
/* Where certificates say that their revocation is told: the `revocation` map of policy.yaml. */
#ifndef HF_CA_POLICY_POLICY_REVOCATION_H
#define HF_CA_POLICY_POLICY_REVOCATION_H

#include "base/buf.h"
#include "base/macros.h"
#include "util/yaml.h"

enum { HF_POLICY_SHARDS_MAX = 256 };

struct hf_policy_revocation {
	char *crl, *ocsp;   /* URLs; NULL: certificates name none */
	int64_t shards;	    /* how many lists new certificates are spread over; 0: one list */
	int64_t none_under; /* seconds: shorter lives are not revoked (RFC 9608); 0: all are */
};
void hf_policy_revocation_done(struct hf_policy_revocation *revocation);
int hf_policy_revocation_read(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			      struct hf_policy_revocation *revocation, struct hf_err *err);
/* Where a CA's list is: the URL with `ca` in place of {ca}, and the number of the shard in place of
 * {shard}.  NULL when there is no memory. */
char *hf_policy_crl_url(const struct hf_policy_revocation *revocation, const char *ca,
			int64_t shard);
/* Appends the map, when it says anything. */
void hf_policy_revocation_format(const struct hf_policy_revocation *revocation, struct hf_buf *out);

#endif
