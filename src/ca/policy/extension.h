/* SPDX-License-Identifier: Apache-2.0 */
/* Which extensions may be put into a certificate besides those that its profile makes, and what
 * they may say.  This is the floor under extension files and requests alike. */
#ifndef HF_CA_POLICY_EXTENSION_H
#define HF_CA_POLICY_EXTENSION_H

#include "ca/profile.h"

enum hf_extension_source {
	HF_EXTENSION_OF_REQUEST = 1,  /* a CSR may ask for it, when the policy copies it */
	HF_EXTENSION_OF_OPERATOR = 2, /* an extension file may hold it */
};
/* 0: nobody may. */
unsigned hf_extension_sources(int nid);
/* NULL when it may stand in a certificate of this profile, else why not. */
const char *hf_extension_check(const X509_EXTENSION *extension,
			       const struct hf_ca_profile *profile);
/* OpenSSL's short name, or the dotted number. */
void hf_extension_word(const X509_EXTENSION *extension, char *out, size_t cap);
/* The short names of those that a CSR may ask for, NULL-terminated. */
const char *const *hf_extension_copyable(void);

#endif
