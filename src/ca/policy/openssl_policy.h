/* SPDX-License-Identifier: Apache-2.0 */
/* The policy that an openssl.cnf means: default_days, the section that `policy` names,
 * copy_extensions, unique_subject, x509_extensions. */
#ifndef HF_CA_POLICY_OPENSSL_POLICY_H
#define HF_CA_POLICY_OPENSSL_POLICY_H

#include "ca/policy/openssl_file.h"
#include "ca/policy/policy.h"

/* `section`: as openssl ca -name; NULL: what [ca] default_ca says.  *ret_extensions is the section
 * that x509_extensions names, borrowed from the file; NULL when none. */
int hf_policy_from_openssl(const struct hf_openssl_file *file, const char *section,
			   struct hf_policy **ret_policy, const char **ret_extensions,
			   struct hf_err *err);

#endif
