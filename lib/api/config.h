/* SPDX-License-Identifier: Apache-2.0 */
/* What a config holds: read by endpoint.c. */
#ifndef HF_API_CONFIG_H
#define HF_API_CONFIG_H

#include <handfast/config.h>

#include "base/str.h"
#include "pki/credential.h"
#include "trust/trust.h"
#include "verify/rules.h"
#include "verify/verify.h"

/* Paths are kept and read when an endpoint is made, so that a new endpoint sees renewed files. */
struct hf_config {
	struct hf_credential *credential; /* NULL when none was set */
	struct hf_strv ca_paths;
	struct hf_strv crl_paths;
	struct hf_rules *rules;           /* NULL while no rule was added */
	bool strict;
	bool compat_cn;
	int64_t crl_grace; /* seconds */
};

struct hf_judgement {
	struct hf_verdict verdict;
};

/* Reads the CA files and revocation lists named so far into a frozen trust. */
int hf_config_load_trust(const struct hf_config *config, struct hf_trust **ret_trust,
			 struct hf_err *err);

#endif
