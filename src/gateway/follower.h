/* SPDX-License-Identifier: Apache-2.0 */
/* The follower: a process beside the workers that fetches what changes elsewhere while the gateway
 * runs, so that neither the supervisor nor a worker ever waits for somebody else's server.
 *
 * It puts lists up on the notice, tells the supervisor (HF_CONTROL_LISTS), and hears when every
 * worker has taken them (HF_CONTROL_APPLIED): only then does it confirm them to the authority. */
#ifndef HF_GATEWAY_FOLLOWER_H
#define HF_GATEWAY_FOLLOWER_H

#include "gateway/counters.h"
#include "gateway/gateway.h"
#include "gateway/revocations.h"
#include "http/fetch.h"
#include "net/loop.h"

struct hf_follower_start {
	const struct hf_gateway_config *config;
	const struct hf_gateway_parts *parts; /* credential and trust to ask with */
	struct hf_revocations *revocations;
	struct hf_counters *counters; /* the supervisor's row */
	int control;
};
/* Runs until the supervisor is gone; the exit status. */
int hf_follower_run(const struct hf_follower_start *start);

/* --- the inside, for follow*.c --- */

enum {
	HF_FOLLOW_AGAIN_MIN_MS = 250,
	HF_FOLLOW_AGAIN_MAX_MS = 15 * 1000,
	HF_FOLLOW_AT_ONCE = 8, /* lists of --crl URL that are fetched at the same time */
	/* how long whoever starts waits for the first attempts: a host that takes connections and
	 * does not answer would hold it up for minutes, and each list after it in the queue */
	HF_FOLLOW_FIRST_MS = 15 * 1000,
};

struct hf_follower;
struct hf_follow_ocsp;

struct hf_follow_feed {
	struct hf_follower *follower;
	struct hf_fetch *fetch;
	struct hf_timer *again;
	int64_t event, next_event; /* in force, and being fetched */
	char names[HF_FEED_LISTS][32];
	size_t names_len, at;
	uint64_t asked_ms, wait_ms, lost_ms;
	bool lost, reported;
};

/* A list that is fetched from its URL now and then (follow_list.c). */
struct hf_follow_list {
	struct hf_follower *follower;
	const char *text;
	struct hf_url url;
	struct hf_tls_context *tls; /* NULL: plain HTTP */
	char key[HF_FOLLOW_KEY_CAP], etag[128];
	struct hf_fetch *fetch;
	struct hf_timer *again;
	uint64_t wait_ms;
	bool lost, reported;
	bool waits; /* for its turn: HF_FOLLOW_AT_ONCE */
	bool late; /* it was not there when the start could wait no longer */
};

struct hf_follower {
	const struct hf_follower_start *start;
	struct hf_loop *loop;
	struct hf_watch *control;
	struct hf_tls_context *tls;
	struct hf_timer *tell_again, *first_over;
	struct hf_followed lists[HF_FOLLOWED_LISTS];
	size_t lists_len;
	bool telling; /* the workers are at it */
	bool told_feed;		 /* and what they take is all that the feed has told */
	bool again, again_feed;	 /* more came meanwhile */
	struct hf_follow_list *followed;
	size_t followed_len, fetching, unreported;
	bool late; /* HF_FOLLOW_FIRST_MS are over */
	bool said_ready;
	struct hf_follow_feed feed;
	struct hf_follow_ocsp *ocsp; /* NULL: no worker asks */
};

/* Starts asking the feed. */
int hf_follow_feed_start(struct hf_follower *follower, struct hf_err *err);
void hf_follow_feed_stop(struct hf_follower *follower);
/* The start waits no longer: what is missing is told of. */
void hf_follow_feed_late(struct hf_follower *follower);
/* Every worker has what was told. */
void hf_follow_feed_applied(struct hf_follower *follower);

/* follow_list.c */
int hf_follow_lists_start(struct hf_follower *follower, struct hf_err *err);
void hf_follow_lists_stop(struct hf_follower *follower);
void hf_follow_lists_late(struct hf_follower *follower);

/* follow_ocsp.c: asks responders for the workers. */
int hf_follow_ocsp_start(struct hf_follower *follower, struct hf_err *err);
void hf_follow_ocsp_stop(struct hf_follower *follower);

/* What is said beside why a server was refused that was asked with an authority's label. */
#define HF_FOLLOW_BY_NAME                                                                          \
	"; a label does not choose the certificate, a name does: of several authorities in one "   \
	"service, ask by a name of the one that is meant"

/* Something could not be fetched: perhaps because of what this process may no longer read. */
void hf_follower_lost(struct hf_follower *follower);

/* Takes a list that was fetched, DER or PEM, when it is signed by somebody that is trusted and no
 * older than the one at hand.  chain: who gave it, judged; NULL: by plain HTTP, where a CA that is
 * not known here yet may have signed it too (the judge looks at each signature again).  0; 1 when
 * it is not taken, and err tells why. */
int hf_follower_take(struct hf_follower *follower, const char *key, const struct hf_buf *body,
		     const struct hf_certs *chain, struct hf_err *err);
/* Puts everything up on the notice and tells the supervisor; feed: it is all of the next event. */
void hf_follower_tell(struct hf_follower *follower, bool feed);
/* A first attempt is over: after the last one, whoever waits for it may begin. */
void hf_follower_report(struct hf_follower *follower);
const struct hf_crl *hf_follower_list(const struct hf_follower *follower, const char *key);

#endif
