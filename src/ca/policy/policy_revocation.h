/* SPDX-License-Identifier: Apache-2.0 */
/* Where certificates say that their revocation is told: the `revocation` map of policy.yaml. */
#ifndef HF_CA_POLICY_POLICY_REVOCATION_H
#define HF_CA_POLICY_POLICY_REVOCATION_H

#include "base/buf.h"
#include "base/macros.h"
#include "util/yaml.h"

struct hf_policy_revocation {
	char *crl, *ocsp;   /* URLs; NULL: certificates name none */
	int64_t none_under; /* seconds: shorter lives are not revoked (RFC 9608); 0: all are */
};
void hf_policy_revocation_done(struct hf_policy_revocation *revocation);
int hf_policy_revocation_read(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			      struct hf_policy_revocation *revocation, struct hf_err *err);
/* Appends the map, when it says anything. */
void hf_policy_revocation_format(const struct hf_policy_revocation *revocation, struct hf_buf *out);

#endif
