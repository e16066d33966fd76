/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping the roster.  Must never hold its lock over anything that can wait, nor follow what a
 * process that died in the middle has left half done: places are indexes, and each is checked. */
#include "gateway/roster.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/rand.h>

#include "base/shlock.h"
#include "gateway/supervisor.h"
#include "util/clock.h"

enum { BUCKETS = 4096, CANDIDATES = 64 };

struct entry {
	uint64_t key; /* of the whole name */
	int64_t seen_at;
	_Atomic int64_t due_us; /* when a steady stream of its requests would be through */
	_Atomic uint64_t requests;
	uint32_t next; /* of the bucket; places from 1 */
	uint32_t anchor;
	char name[HF_ROSTER_NAME_CAP];
};

struct anchor {
	uint8_t sha256[HF_SHA256_LEN];
	char name[HF_ROSTER_NAME_CAP];
	bool trusted;
	_Atomic uint32_t live[HF_WORKERS_CAP];
};

struct hf_roster {
	struct hf_shlock lock;
	size_t bytes, workers;
	struct hf_gateway_limits limits;
	uint64_t seed;
	uint32_t len, hand, anchors_len;
	uint32_t buckets[BUCKETS];
	struct anchor anchors[HF_ROSTER_ANCHORS_CAP];
	struct hf_throttle failures;
	struct entry entries[HF_ROSTER_CAP];
	_Atomic uint32_t live[]; /* of entry i in worker w: i * workers + w */
};

/* --- beginning and end --- */

/* So many at once, and as many in each minute. */
static bool make_throttle(struct hf_roster *roster)
{
	uint32_t failures = roster->limits.failures_per_address;

	return failures == 0 || hf_throttle_init(&roster->failures, failures,
						 HF_MAX(60000 / failures, 1U), NULL) == 0;
}

struct hf_roster *hf_roster_map(size_t workers, const struct hf_gateway_limits *limits)
{
	size_t bytes = sizeof(struct hf_roster) + HF_ROSTER_CAP * workers * sizeof(uint32_t);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hf_roster *roster = memory;

	if (memory == MAP_FAILED)
		return NULL;
	roster->bytes = bytes;
	roster->workers = workers;
	roster->limits = *limits;
	if (RAND_bytes((unsigned char *)&roster->seed, sizeof(roster->seed)) == 1 &&
	    hf_shlock_init(&roster->lock) && make_throttle(roster))
		return roster;
	(void)munmap(memory, bytes);
	return NULL;
}

void hf_roster_unmap(struct hf_roster *roster)
{
	if (roster != NULL)
		(void)munmap(roster, roster->bytes);
}

/* --- anchors --- */

/* Its place from 1; 0: unknown. */
static uint32_t find_anchor(const struct hf_roster *roster, const uint8_t sha256[HF_SHA256_LEN])
{
	for (uint32_t i = 0; i < roster->anchors_len; i++)
		if (memcmp(roster->anchors[i].sha256, sha256, HF_SHA256_LEN) == 0)
			return i + 1;
	return 0;
}

static void copy_cut(char *out, const char *text)
{
	size_t len = HF_MIN(strlen(text), (size_t)HF_ROSTER_NAME_CAP - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static void add_anchor(struct hf_roster *roster, const struct hf_trust *trust,
		       const struct hf_cert *cert)
{
	uint32_t place = find_anchor(roster, cert->sha256);
	const char *label = hf_trust_label(trust, cert);

	if (place == 0 && roster->anchors_len == HF_ROSTER_ANCHORS_CAP)
		return;
	if (place == 0) {
		place = ++roster->anchors_len;
		memcpy(roster->anchors[place - 1].sha256, cert->sha256, HF_SHA256_LEN);
	}
	roster->anchors[place - 1].trusted = true;
	copy_cut(roster->anchors[place - 1].name, label != NULL ? label : cert->subject);
}

void hf_roster_set_anchors(struct hf_roster *roster, const struct hf_gateway_parts *parts)
{
	hf_shlock_take(&roster->lock);
	for (uint32_t i = 0; i < roster->anchors_len; i++)
		roster->anchors[i].trusted = false;
	for (size_t p = 0; p < parts->policies_len; p++) {
		const struct hf_trust *trust = parts->policies[p].trust;
		const struct hf_certs *anchors = hf_trust_anchors(trust);

		for (size_t i = 0; i < anchors->len; i++)
			add_anchor(roster, trust, anchors->items[i]);
	}
	hf_shlock_give(&roster->lock);
}

/* --- identities --- */

static _Atomic uint32_t *live_of(struct hf_roster *roster, uint32_t place, size_t worker)
{
	return &roster->live[(size_t)(place - 1) * roster->workers + worker];
}

static uint32_t live_sum(struct hf_roster *roster, uint32_t place)
{
	uint32_t sum = 0;

	for (size_t w = 0; w < roster->workers; w++)
		sum += atomic_load_explicit(live_of(roster, place, w), memory_order_relaxed);
	return sum;
}

static uint64_t key_of(const struct hf_roster *roster, const char *name)
{
	uint64_t hash = roster->seed ^ UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	hash ^= hash >> 29;
	return hash * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint32_t *bucket_of(struct hf_roster *roster, uint64_t key)
{
	return &roster->buckets[(key >> 40) % BUCKETS];
}

/* No chain is longer than all entries, whatever a dead process has left. */
static uint32_t find(struct hf_roster *roster, uint64_t key)
{
	uint32_t place = *bucket_of(roster, key);

	for (size_t i = 0; place != 0 && place <= roster->len && i < HF_ROSTER_CAP; i++) {
		if (roster->entries[place - 1].key == key)
			return place;
		place = roster->entries[place - 1].next;
	}
	return 0;
}

static void unchain(struct hf_roster *roster, uint32_t place)
{
	uint32_t *at = bucket_of(roster, roster->entries[place - 1].key);

	for (size_t i = 0; *at != 0 && *at <= roster->len && i < HF_ROSTER_CAP; i++) {
		if (*at == place) {
			*at = roster->entries[place - 1].next;
			return;
		}
		at = &roster->entries[*at - 1].next;
	}
}

/* The one of the next few that is away for longest; 0: all of them are connected. */
static uint32_t take_place(struct hf_roster *roster)
{
	uint32_t best = 0;

	if (roster->len < HF_ROSTER_CAP)
		return ++roster->len;
	for (size_t i = 0; i < CANDIDATES; i++) {
		uint32_t place = roster->hand + 1;

		roster->hand = (roster->hand + 1) % HF_ROSTER_CAP;
		if (live_sum(roster, place) == 0 &&
		    (best == 0 ||
		     roster->entries[place - 1].seen_at < roster->entries[best - 1].seen_at))
			best = place;
	}
	if (best != 0)
		unchain(roster, best);
	return best;
}

static uint32_t find_or_add(struct hf_roster *roster, const char *name)
{
	uint64_t key = key_of(roster, name);
	uint32_t place = find(roster, key), *bucket = bucket_of(roster, key);
	struct entry *entry;

	if (place != 0)
		return place;
	place = take_place(roster);
	if (place == 0)
		return 0;
	entry = &roster->entries[place - 1];
	memset(entry, 0, sizeof(*entry));
	entry->key = key;
	copy_cut(entry->name, name);
	entry->next = *bucket;
	*bucket = place;
	return place;
}

void hf_roster_enter(struct hf_roster *roster, size_t worker, const struct hf_verdict *verdict,
		     int64_t now, struct hf_seat *ret_seat, uint32_t *ret_live)
{
	struct hf_seat seat = { 0 };

	*ret_live = 0;
	*ret_seat = seat;
	if (verdict == NULL || !verdict->accepted || verdict->identity == NULL ||
	    verdict->chain.len == 0)
		return;
	hf_shlock_take(&roster->lock);
	seat.identity = find_or_add(roster, verdict->identity->name);
	seat.anchor = find_anchor(roster, verdict->chain.items[verdict->chain.len - 1]->sha256);
	if (seat.identity != 0) {
		struct entry *entry = &roster->entries[seat.identity - 1];

		entry->seen_at = now;
		entry->anchor = seat.anchor;
		(*live_of(roster, seat.identity, worker))++;
		*ret_live = live_sum(roster, seat.identity);
	}
	if (seat.anchor != 0)
		roster->anchors[seat.anchor - 1].live[worker]++;
	hf_shlock_give(&roster->lock);
	*ret_seat = seat;
}

void hf_roster_leave(struct hf_roster *roster, size_t worker, const struct hf_seat *seat)
{
	if (seat->identity == 0 && seat->anchor == 0)
		return;
	hf_shlock_take(&roster->lock);
	if (seat->identity != 0) {
		(*live_of(roster, seat->identity, worker))--;
		roster->entries[seat->identity - 1].seen_at = hf_clock_now();
	}
	if (seat->anchor != 0)
		roster->anchors[seat->anchor - 1].live[worker]--;
	hf_shlock_give(&roster->lock);
}

void hf_roster_forget_worker(struct hf_roster *roster, size_t worker)
{
	hf_shlock_take(&roster->lock);
	for (uint32_t place = 1; place <= roster->len; place++)
		*live_of(roster, place, worker) = 0;
	for (uint32_t i = 0; i < roster->anchors_len; i++)
		roster->anchors[i].live[worker] = 0;
	hf_shlock_give(&roster->lock);
}

/* --- limits --- */

/* The generic cell rate algorithm (ITU-T I.371): one number says all, and one exchange of it, so
 * that workers need no lock for a request. */
static uint64_t take_turn(struct entry *entry, int64_t rate)
{
	const int64_t step_us = INT64_C(1000000) / rate;
	int64_t now_us = hf_clock_monotonic_ms() * 1000;
	int64_t due = atomic_load_explicit(&entry->due_us, memory_order_relaxed), next;

	do {
		int64_t ahead = due > now_us ? due - now_us : 0;

		if (ahead > (rate - 1) * step_us)
			return (uint64_t)(ahead - (rate - 1) * step_us + 999) / 1000;
		next = now_us + ahead + step_us;
	} while (!atomic_compare_exchange_weak(&entry->due_us, &due, next));
	return 0;
}

uint64_t hf_roster_request(struct hf_roster *roster, const struct hf_seat *seat)
{
	struct entry *entry;

	if (seat->identity == 0)
		return 0;
	entry = &roster->entries[seat->identity - 1];
	atomic_fetch_add_explicit(&entry->requests, 1, memory_order_relaxed);
	return roster->limits.requests_per_second > 0
		   ? take_turn(entry, roster->limits.requests_per_second)
		   : 0;
}

void hf_roster_failed(struct hf_roster *roster, const struct hf_address *address)
{
	if (roster->limits.failures_per_address == 0 || address->sa.ss_family == AF_UNIX)
		return;
	hf_shlock_take(&roster->lock);
	hf_throttle_failed(&roster->failures, address, (uint64_t)hf_clock_monotonic_ms());
	hf_shlock_give(&roster->lock);
}

uint64_t hf_roster_wait_ms(struct hf_roster *roster, const struct hf_address *address)
{
	uint64_t wait;

	if (roster->limits.failures_per_address == 0 || address->sa.ss_family == AF_UNIX)
		return 0;
	hf_shlock_take(&roster->lock);
	wait = hf_throttle_wait_ms(&roster->failures, address, (uint64_t)hf_clock_monotonic_ms());
	hf_shlock_give(&roster->lock);
	return wait;
}

/* --- what is told --- */

static void count_recent(struct hf_roster *roster, int64_t now,
			 struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP])
{
	for (uint32_t place = 1; place <= roster->len; place++) {
		const struct entry *entry = &roster->entries[place - 1];

		if (entry->anchor == 0 || entry->anchor > roster->anchors_len)
			continue;
		if (entry->seen_at + HF_ROSTER_RECENT_S >= now || live_sum(roster, place) > 0)
			anchors[entry->anchor - 1].recent++;
	}
}

size_t hf_roster_anchors(struct hf_roster *roster, int64_t now,
			 struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP])
{
	size_t len;

	hf_shlock_take(&roster->lock);
	len = roster->anchors_len;
	for (size_t i = 0; i < len; i++) {
		const struct anchor *anchor = &roster->anchors[i];

		anchors[i] = (struct hf_anchor_count){ .trusted = anchor->trusted };
		memcpy(anchors[i].name, anchor->name, sizeof(anchor->name));
		hf_hex_encode(anchor->sha256, HF_SHA256_LEN, anchors[i].sha256);
		for (size_t w = 0; w < roster->workers; w++)
			anchors[i].live += anchor->live[w];
	}
	count_recent(roster, now, anchors);
	hf_shlock_give(&roster->lock);
	return len;
}

struct row {
	uint32_t live;
	uint64_t requests;
	int64_t seen_at;
	char name[HF_ROSTER_NAME_CAP];
};

/* Most connections first, then most requests. */
static int by_weight(const void *a, const void *b)
{
	const struct row *one = a, *other = b;

	if (one->live != other->live)
		return one->live < other->live ? 1 : -1;
	return one->requests < other->requests ? 1 : one->requests > other->requests ? -1 : 0;
}

/* A copy, so that the lock is not held while it is sorted and written. */
static struct row *copy_rows(struct hf_roster *roster, size_t *ret_len)
{
	struct row *rows;

	hf_shlock_take(&roster->lock);
	rows = calloc((size_t)roster->len + 1, sizeof(*rows));
	*ret_len = rows != NULL ? roster->len : 0;
	for (uint32_t i = 0; rows != NULL && i < roster->len; i++) {
		const struct entry *entry = &roster->entries[i];

		rows[i] = (struct row){ .live = live_sum(roster, i + 1),
					.requests = entry->requests,
					.seen_at = entry->seen_at };
		memcpy(rows[i].name, entry->name, sizeof(entry->name));
	}
	hf_shlock_give(&roster->lock);
	return rows;
}

void hf_roster_to_json(struct hf_roster *roster, size_t rows, struct hf_json *j)
{
	size_t len = 0, connected = 0;
	struct row *all = copy_rows(roster, &len);

	if (all != NULL)
		qsort(all, len, sizeof(*all), by_weight);
	while (connected < len && all[connected].live > 0)
		connected++;
	hf_json_int(j, "identities_known", (int64_t)len);
	hf_json_int(j, "identities_connected", (int64_t)connected);
	hf_json_array_begin(j, "identities");
	for (size_t i = 0; i < len && i < rows; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "identity", all[i].name);
		hf_json_int(j, "connections", all[i].live);
		hf_json_int(j, "requests", (int64_t)all[i].requests);
		hf_json_time(j, "seen", all[i].seen_at);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
	free(all);
}
