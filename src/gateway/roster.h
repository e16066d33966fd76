/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: who is connected and who was here lately, in memory that supervisor and workers
 * share, so that limits for an identity hold over all workers and a dead worker takes nothing with
 * it.  Entries are identities by their chosen name, each with the anchor that its last handshake
 * led to; and addresses whose handshakes fail.
 *
 * Bounded: HF_ROSTER_CAP identities, of which the longest away make room; who finds none (all are
 * connected) has no seat, and no limit of an identity holds him.  A lock that survives
 * the death of its holder (pthread_mutexattr_setrobust(3)) guards all but the counts. */
#ifndef HF_GATEWAY_ROSTER_H
#define HF_GATEWAY_ROSTER_H

#include "base/json.h"
#include "gateway/gateway.h"
#include "net/throttle.h"

enum {
	HF_ROSTER_CAP = 16384,
	HF_ROSTER_NAME_CAP = 112, /* of a name for people; longer ones are cut there, not here */
	HF_ROSTER_ANCHORS_CAP = 32,
	HF_ROSTER_RECENT_S = 24 * 3600,
};

struct hf_roster;

/* NULL without memory or random numbers. */
struct hf_roster *hf_roster_map(size_t workers, const struct hf_gateway_limits *limits);
void hf_roster_unmap(struct hf_roster *roster);

/* --- the supervisor --- */

/* The anchors of all policies that are in force; those known before keep their counts. */
void hf_roster_set_anchors(struct hf_roster *roster, const struct hf_gateway_parts *parts);
/* A worker has ended: its connections are gone. */
void hf_roster_forget_worker(struct hf_roster *roster, size_t worker);

/* --- a worker --- */

/* Where a connection is counted; zero: nowhere. */
struct hf_seat {
	uint32_t identity, anchor; /* places, from 1 */
};
/* Takes a seat for the accepted peer of a connection. *ret_live: how many the identity has now over
 * all workers, this one included; 0 without a seat. */
void hf_roster_enter(struct hf_roster *roster, size_t worker, const struct hf_verdict *verdict,
		     int64_t now, struct hf_seat *ret_seat, uint32_t *ret_live);
void hf_roster_leave(struct hf_roster *roster, size_t worker, const struct hf_seat *seat);
/* One more request: 0, or the milliseconds until the identity may make one. */
uint64_t hf_roster_request(struct hf_roster *roster, const struct hf_seat *seat);
/* The address had a handshake that failed; milliseconds until it may connect again, 0: now. */
void hf_roster_failed(struct hf_roster *roster, const struct hf_address *address);
uint64_t hf_roster_wait_ms(struct hf_roster *roster, const struct hf_address *address);

/* --- anybody --- */

struct hf_anchor_count {
	char name[HF_ROSTER_NAME_CAP]; /* as our trust calls it */
	char sha256[2 * HF_SHA256_LEN + 1];
	bool trusted;  /* by the generation in use */
	uint64_t live; /* connections */
	/* identities seen within HF_ROSTER_RECENT_S whose last handshake led here */
	uint64_t recent;
};
/* At most HF_ROSTER_ANCHORS_CAP; how many there are. */
size_t hf_roster_anchors(struct hf_roster *roster, int64_t now,
			 struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP]);
/* "identities": [{"identity", "connections", "requests", "seen"}], those with most connections
 * first, at most `rows`; "identities_known", "identities_connected". */
void hf_roster_to_json(struct hf_roster *roster, size_t rows, struct hf_json *j);

#endif
