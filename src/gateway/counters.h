/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in memory that supervisor and workers share: each worker writes its own, anybody adds
 * them up. */
#ifndef HF_GATEWAY_COUNTERS_H
#define HF_GATEWAY_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "gateway/pages.h"
#include "util/metrics.h"

enum {
	HF_CAUSES_CAP = 96,
	HF_CAUSE_NAME_CAP = 32,
	HF_COUNTED_LISTENERS = 32, /* those beyond are not told apart */
	HF_COUNTED_GENERATIONS = 4,
};

struct hf_cause_count {
	char name[HF_CAUSE_NAME_CAP];
	_Atomic uint64_t by_server, by_client, by_nobody;
};

/* Of one listener, by its place in config->listen. */
struct hf_listener_count {
	_Atomic uint64_t accepted, handshakes, refused;
};

/* Connections by the generation they began under; number 0: all that are older than the others. */
struct hf_generation_count {
	_Atomic uint64_t number, live;
};

/* One writer, who has it on a row of pages (pages.h); plain loads and stores of atomics are enough.
 * Of what another process writes nothing is believed but numbers. */
struct hf_counters {
	_Alignas(HF_PAGES_ROW) _Atomic uint64_t accepted;
	_Atomic uint64_t handshakes, refused, requests, bad_requests, bytes_sent;
	_Atomic uint64_t answers[6]; /* by hundreds: [2] is 2xx */
	_Atomic uint64_t handshaking, open, lingering;
	_Atomic uint64_t peers, peer_hits, peer_misses;
	_Atomic uint64_t generation, reloads, reloads_failed, restarts;
	_Atomic uint64_t feed_up, feed_lost;
	_Atomic int64_t feed_event, lists_good_until; /* of the follower */
	_Atomic int64_t lists_count_until;	      /* of it too; grace included */
	_Atomic uint64_t limited_requests, limited_connections, limited_addresses;
	_Atomic uint64_t spare; /* connections of a tunnel, made in advance */
	_Atomic uint64_t suppressed; /* refusal records */
	/* answers of responders; looks that an answer at hand sufficed for; judgements that let in
	 * without a good answer (--ocsp soft) */
	_Atomic uint64_t ocsp_good, ocsp_revoked, ocsp_unknown, ocsp_failed, ocsp_cached, ocsp_soft;
	_Atomic int64_t certificate_not_after, staple_until;
	struct hf_listener_count listeners[HF_COUNTED_LISTENERS];
	struct hf_generation_count generations[HF_COUNTED_GENERATIONS];
	struct hf_histogram handshake_time, request_time, ocsp_time;
	_Atomic size_t causes_len;
	struct hf_cause_count causes[HF_CAUSES_CAP];
};

/* The rows behind those of the workers. */
static inline size_t hf_counters_supervisor(size_t workers)
{
	return workers;
}
static inline size_t hf_counters_follower(size_t workers)
{
	return workers + 1;
}
static inline size_t hf_counters_rows(size_t workers)
{
	return workers + 2;
}

static inline struct hf_listener_count *hf_count_listener(struct hf_counters *counters, size_t spec)
{
	return &counters->listeners[spec < HF_COUNTED_LISTENERS ? spec : HF_COUNTED_LISTENERS - 1];
}

enum hf_count_side { HF_COUNT_SERVER, HF_COUNT_CLIENT, HF_COUNT_NOBODY };
/* Is a refusal for this cause the fault of whoever runs the gateway, never of the client? */
bool hf_cause_is_ours(const char *cause);
void hf_count_cause(struct hf_counters *counters, const char *cause, enum hf_count_side side);

/* "totals": {…} and "refusals": [{"cause", "refused_by", "count"}], summed over all workers. */
void hf_counters_to_json(const struct hf_counters *all, size_t workers, struct hf_json *j);
/* Everything summed over all workers, in Prometheus' text format 0.0.4. */
void hf_counters_write(const struct hf_counters *all, size_t workers, struct hf_buf *out);

#endif
