/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists that come over the network while the gateway runs: a follower (a process of its
 * own) fetches them and puts them up on a notice; every worker takes them from there into a trust
 * of its own, at the start, at each reload and whenever the follower has news. */
#ifndef HF_GATEWAY_REVOCATIONS_H
#define HF_GATEWAY_REVOCATIONS_H

#include "gateway/notice.h"
#include "trust/trust.h"

enum {
	HF_REVOCATIONS_CAP = 1024 * 1024 * 1024,
	/* --crl URL: all shards that a policy of ours may have, and as many lists of CAs as there
	 * were before there were shards */
	HF_FOLLOWED_URLS = 256 + 64,
	HF_FEED_LISTS = 64, /* of the feed: one for each CA of its authority */
	HF_FOLLOWED_LISTS = HF_FOLLOWED_URLS + HF_FEED_LISTS,
	HF_FOLLOW_KEY_CAP = 64,
};

struct hf_revocations {
	struct hf_notice *notice;
	char instance[17]; /* of this gateway, for the authority's receipts */
	/* this process's copy of what is up */
	struct hf_crls lists;
	uint64_t version;
};
int hf_revocations_new(struct hf_revocations **ret_revocations, struct hf_err *err);
void hf_revocations_free(struct hf_revocations *revocations); /* NULL-safe */
HF_DEFINE_AUTO(hf_revocations, struct hf_revocations, hf_revocations_free);

/* `base` with the lists that are up; a new reference to base itself when revocations is NULL. */
int hf_revocations_trust(struct hf_revocations *revocations, struct hf_trust *base,
			 struct hf_trust **ret_trust, struct hf_err *err);

/* A list that is followed: what it is called here, and the last good one. */
struct hf_followed {
	char key[HF_FOLLOW_KEY_CAP];
	struct hf_crl *crl; /* owned */
};
/* For the follower: the lists as one text of the notice, and back (after another follower). */
int hf_revocations_put(struct hf_revocations *revocations, int64_t event,
		       const struct hf_followed *lists, size_t len, struct hf_err *err);
int hf_revocations_get(struct hf_revocations *revocations, int64_t *ret_event,
		       struct hf_followed lists[HF_FOLLOWED_LISTS], size_t *ret_len,
		       struct hf_err *err);

#endif
