/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing revocation lists. */
#ifndef HF_CA_CRL_H
#define HF_CA_CRL_H

#include "ca/authority.h"

enum {
	HF_CRL_DAYS = 30, /* of the CA that issues leaves */
	HF_ROOT_CRL_DAYS =
	    365, /* of a root with an issuing CA below it: its key is seldom at hand */
};

struct hf_crl_published {
	struct hf_crl *crl; /* of a list over 64 KiB its facts only: crl->head is NULL */
	char path[PATH_MAX];
	int64_t shard; /* HF_CRL_COMPLETE: it names all */
};
struct hf_crl_wish {
	int64_t shard;	  /* HF_CRL_COMPLETE: all of it */
	int64_t lifetime; /* seconds; 0: the default */
	const char *copy; /* NULL: none */
};
/* Signs the complete list of the CA, after those of its shards that lack a revocation, and writes
 * it to its place in the authority's directory, and to `copy` when that is not NULL; a copy
 * replaces an older list, and nothing else.  lifetime in seconds, 0: the default.  Needs the CA's
 * key. */
int hf_authority_publish_crl(struct hf_authority *a, struct hf_ca *ca, int64_t lifetime,
			     const char *copy, int64_t now, struct hf_crl_published *ret_published,
			     struct hf_err *err);
/* The same for one list alone; a shard's goes to its place (shards.h). */
int hf_authority_publish_list(struct hf_authority *a, struct hf_ca *ca,
			      const struct hf_crl_wish *wish, int64_t now,
			      struct hf_crl_published *ret_published, struct hf_err *err);
/* Signs a list for the given span and keeps it in the ledger; writes no file.  For lists that are
 * signed ahead of time (root.h). */
int hf_authority_sign_crl(struct hf_authority *a, struct hf_ca *ca, int64_t this_update,
			  int64_t until, struct hf_crl **ret_crl, struct hf_err *err);
void hf_crl_published_done(struct hf_crl_published *p);
HF_DEFINE_AUTO_DONE(hf_crl_published, struct hf_crl_published, hf_crl_published_done);

#endif
