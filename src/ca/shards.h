/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists in shards (policy.yaml: revocation.shards).
 *
 * A leaf is given to one of the shards when it is issued and names that one's place, so whoever
 * looks there fetches a fraction of what is revoked.  The complete list goes on beside them: for
 * gateways, for leaves from before, for everybody who has it in a file.  A shard has a list as long
 * as the policy has its number or a certificate that has not ended names it, so that their count
 * may change at any time. */
#ifndef HF_CA_SHARDS_H
#define HF_CA_SHARDS_H

#include "ca/crl.h"

enum { HF_CA_KEY_NAME_CAP = 2 * 8 + 1 };
/* What {ca} stands for: half of a fingerprint of its key, which is the CA's for ever, whatever
 * replaces it. */
void hf_ca_key_name(const struct hf_ca *ca, char ret_name[HF_CA_KEY_NAME_CAP]);
/* The file of a list: the CA's own, or shards/KEY-NUMBER.pem in the authority's folder. */
int hf_ca_list_path(const struct hf_authority *a, const struct hf_ca *ca, int64_t shard,
		    char ret_path[PATH_MAX], struct hf_err *err);
/* Where a list of the CA is looked for, by the policy; NULL when it says nothing of it, or there is
 * no memory. */
char *hf_ca_list_url(const struct hf_authority *a, const struct hf_ca *ca, int64_t shard);

/* The shard of a certificate for that key: the same each time, so that what is tried first
 * (--dry-run) is what comes out.  0 when the policy has none. */
int hf_shard_of(const struct hf_authority *a, const EVP_PKEY *key, int64_t *ret_shard,
		struct hf_err *err);

/* Shards of the CA that have, or should have, a list now: by number. */
int hf_shards_alive(struct hf_authority *a, struct hf_ca *ca, int64_t now, hf_shard_fn each,
		    void *arg, struct hf_err *err);

enum hf_shards_which {
	HF_SHARDS_STALE, /* that lack a revocation or a place */
	HF_SHARDS_DUE,	 /* these, and those of which a third of their time is left */
	HF_SHARDS_ALL,
};
struct hf_shards_round {
	enum hf_shards_which which;
	int64_t lifetime; /* of a list, seconds; 0: the default */
	/* is told of each new list; NULL: nobody.  A return other than 0 ends the round. */
	int (*told)(void *arg, const struct hf_crl_published *published);
	void *arg;
	int64_t due_at; /* filled in: when the next one is due; 0: there is none */
};
/* Signs lists of the CA's shards.  Needs the CA's key when there is something to sign. */
int hf_shards_keep(struct hf_authority *a, struct hf_ca *ca, struct hf_shards_round *round,
		   int64_t now, struct hf_err *err);
/* Moves the files of its lists into `dir`, as crl-NUMBER.pem: for a CA that has ended. */
int hf_shards_put_away(const struct hf_authority *a, const struct hf_ca *ca, const char *dir,
		       struct hf_err *err);
/* Before a certificate of the CA may name a list: the place is noted, and all shards that the
 * policy has are, and have their lists. */
int hf_shards_prepare(struct hf_authority *a, struct hf_ca *ca, int64_t now, struct hf_err *err);

#endif
