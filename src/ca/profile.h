/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what kinds of certificate the authority makes.  Key usage, extended key usage and
 * basicConstraints come from here and from nowhere else. */
#ifndef HF_CA_PROFILE_H
#define HF_CA_PROFILE_H

#include "verify/verify.h"

enum { HF_PROFILE_EKUS = 3, HF_PROFILE_PURPOSES = 2 };

struct hf_ca_profile {
	const char *name;
	const char *words;	   /* for people: "server certificate" */
	unsigned ku;		   /* KU_* bits for every key */
	unsigned ku_rsa;	   /* and these for an RSA key */
	int ekus[HF_PROFILE_EKUS]; /* NIDs, ended by 0 */
	bool is_ca;
	bool has_pathlen; /* pathlen:0 */
	bool names_hosts; /* its name is a host name, which must stand in the SAN */
	int64_t days;	  /* validity when nothing is said */
	enum hf_purpose purposes[HF_PROFILE_PURPOSES]; /* what the judge must accept it for */
	size_t purposes_len;
};

/* NULL when unknown. */
const struct hf_ca_profile *hf_ca_profile_find(const char *name);
/* One that an authority makes for itself (root, single, issuing). */
bool hf_ca_profile_is_own(const struct hf_ca_profile *profile);
/* The KU_* bits of a certificate for this key. */
unsigned hf_ca_profile_usage(const struct hf_ca_profile *profile, const EVP_PKEY *key);
/* Whether this is one of its extended key usages. */
bool hf_ca_profile_has_eku(const struct hf_ca_profile *profile, int nid);
/* The words that `sign --profile` takes, NULL-terminated. */
const char *const *hf_ca_profile_names(void);

#endif
