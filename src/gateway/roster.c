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

/* In memory that all of them write: no number in it is believed that leads anywhere. */
struct table {
	struct hf_shlock lock;
	uint32_t len, hand, anchors_len;
	uint32_t buckets[BUCKETS];
	struct anchor anchors[HF_ROSTER_ANCHORS_CAP];
	struct hf_throttle failures;
	struct entry entries[HF_ROSTER_CAP];
	_Atomic uint32_t live[]; /* of entry i in worker w: i * workers + w */
};

struct hf_roster {
	struct table *table;
	size_t bytes, workers;
	struct hf_gateway_limits limits;
	uint64_t seed;
};

/* --- beginning and end --- */

/* So many at once, and as many in each minute. */
static bool make_throttle(struct hf_roster *roster)
{
	uint32_t failures = roster->limits.failures_per_address;

	return failures == 0 || hf_throttle_init(&roster->table->failures, failures,
						 HF_MAX(60000 / failures, 1U), NULL) == 0;
}

struct hf_roster *hf_roster_map(size_t workers, const struct hf_gateway_limits *limits)
{
	struct hf_roster *roster = calloc(1, sizeof(*roster));
	void *memory;

	if (roster == NULL)
		return NULL;
	roster->bytes = sizeof(struct table) + HF_ROSTER_CAP * workers * sizeof(uint32_t);
	roster->workers = workers;
	roster->limits = *limits;
	memory =
	    mmap(NULL, roster->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	roster->table = memory == MAP_FAILED ? NULL : memory;
	if (roster->table != NULL &&
	    RAND_bytes((unsigned char *)&roster->seed, sizeof(roster->seed)) == 1 &&
	    make_throttle(roster))
		return roster;
	hf_roster_unmap(roster);
	return NULL;
}

void hf_roster_unmap(struct hf_roster *roster)
{
	if (roster == NULL)
		return;
	if (roster->table != NULL)
		(void)munmap(roster->table, roster->bytes);
	free(roster);
}

/* What others may have written, and may write while we look: at most `cap`. */
static uint32_t read_once(const uint32_t *number, uint32_t cap)
{
	uint32_t value = *(const volatile uint32_t *)number;

	return HF_MIN(value, cap);
}

static uint32_t anchors_of(const struct hf_roster *roster)
{
	return read_once(&roster->table->anchors_len, HF_ROSTER_ANCHORS_CAP);
}

static uint32_t entries_of(const struct hf_roster *roster)
{
	return read_once(&roster->table->len, HF_ROSTER_CAP);
}

/* --- anchors --- */

/* Its place from 1; 0: unknown. */
static uint32_t find_anchor(const struct hf_roster *roster, const uint8_t sha256[HF_SHA256_LEN])
{
	for (uint32_t i = 0; i < anchors_of(roster); i++)
		if (memcmp(roster->table->anchors[i].sha256, sha256, HF_SHA256_LEN) == 0)
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
	uint32_t place = find_anchor(roster, cert->sha256), len = anchors_of(roster);
	const char *label = hf_trust_label(trust, cert);
	struct anchor *anchor;

	if (place == 0 && len == HF_ROSTER_ANCHORS_CAP)
		return;
	anchor = &roster->table->anchors[place != 0 ? place - 1 : len];
	if (place == 0) {
		roster->table->anchors_len = len + 1;
		memcpy(anchor->sha256, cert->sha256, HF_SHA256_LEN);
	}
	anchor->trusted = true;
	copy_cut(anchor->name, label != NULL ? label : cert->subject);
}

void hf_roster_set_anchors(struct hf_roster *roster, const struct hf_gateway_parts *parts)
{
	uint64_t turn = hf_shlock_take(&roster->table->lock);

	for (uint32_t i = 0; i < anchors_of(roster); i++)
		roster->table->anchors[i].trusted = false;
	for (size_t p = 0; p < parts->policies_len; p++) {
		const struct hf_trust *trust = parts->policies[p].trust;
		const struct hf_certs *anchors = hf_trust_anchors(trust);

		for (size_t i = 0; i < anchors->len; i++)
			add_anchor(roster, trust, anchors->items[i]);
	}
	hf_shlock_give(&roster->table->lock, turn);
}

/* --- identities --- */

static _Atomic uint32_t *live_of(struct hf_roster *roster, uint32_t place, size_t worker)
{
	return &roster->table->live[(size_t)(place - 1) * roster->workers + worker];
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
	return &roster->table->buckets[(key >> 40) % BUCKETS];
}

static struct entry *entry_at(const struct hf_roster *roster, uint32_t place)
{
	return &roster->table->entries[place - 1];
}

/* A place in a chain, which has no more of them than there are entries, whatever a dead process has
 * left; 0: the chain ends. */
static uint32_t follow(const struct hf_roster *roster, const uint32_t *link, size_t i)
{
	uint32_t place = read_once(link, UINT32_MAX);

	return place <= entries_of(roster) && i < HF_ROSTER_CAP ? place : 0;
}

static uint32_t find(struct hf_roster *roster, uint64_t key)
{
	uint32_t place = follow(roster, bucket_of(roster, key), 0);

	for (size_t i = 1; place != 0 && entry_at(roster, place)->key != key; i++)
		place = follow(roster, &entry_at(roster, place)->next, i);
	return place;
}

static void unchain(struct hf_roster *roster, uint32_t place)
{
	uint32_t *link = bucket_of(roster, entry_at(roster, place)->key);
	uint32_t at = follow(roster, link, 0);

	for (size_t i = 1; at != 0 && at != place; i++) {
		link = &entry_at(roster, at)->next;
		at = follow(roster, link, i);
	}
	if (at != 0)
		*link = entry_at(roster, place)->next;
}

/* The one of the next few that is away for longest; 0: all of them are connected. */
static uint32_t take_place(struct hf_roster *roster)
{
	uint32_t best = 0, len = entries_of(roster);

	if (len < HF_ROSTER_CAP)
		return roster->table->len = len + 1;
	for (size_t i = 0; i < CANDIDATES; i++) {
		uint32_t place = read_once(&roster->table->hand, HF_ROSTER_CAP - 1) + 1;

		roster->table->hand = place % HF_ROSTER_CAP;
		if (live_sum(roster, place) == 0 &&
		    (best == 0 ||
		     entry_at(roster, place)->seen_at < entry_at(roster, best)->seen_at))
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
	entry = entry_at(roster, place);
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
	uint64_t turn;

	*ret_live = 0;
	*ret_seat = seat;
	if (verdict == NULL || !verdict->accepted || verdict->identity == NULL ||
	    verdict->chain.len == 0)
		return;
	turn = hf_shlock_take(&roster->table->lock);
	seat.identity = find_or_add(roster, verdict->identity->name);
	seat.anchor = find_anchor(roster, verdict->chain.items[verdict->chain.len - 1]->sha256);
	if (seat.identity != 0) {
		struct entry *entry = entry_at(roster, seat.identity);

		entry->seen_at = now;
		entry->anchor = seat.anchor;
		(*live_of(roster, seat.identity, worker))++;
		*ret_live = live_sum(roster, seat.identity);
	}
	if (seat.anchor != 0)
		roster->table->anchors[seat.anchor - 1].live[worker]++;
	hf_shlock_give(&roster->table->lock, turn);
	*ret_seat = seat;
}

void hf_roster_leave(struct hf_roster *roster, size_t worker, const struct hf_seat *seat)
{
	uint64_t turn;

	if (seat->identity == 0 && seat->anchor == 0)
		return;
	turn = hf_shlock_take(&roster->table->lock);
	if (seat->identity != 0) {
		(*live_of(roster, seat->identity, worker))--;
		entry_at(roster, seat->identity)->seen_at = hf_clock_now();
	}
	if (seat->anchor != 0)
		roster->table->anchors[seat->anchor - 1].live[worker]--;
	hf_shlock_give(&roster->table->lock, turn);
}

void hf_roster_forget_worker(struct hf_roster *roster, size_t worker)
{
	uint64_t turn = hf_shlock_take(&roster->table->lock);

	for (uint32_t place = 1; place <= entries_of(roster); place++)
		*live_of(roster, place, worker) = 0;
	for (uint32_t i = 0; i < anchors_of(roster); i++)
		roster->table->anchors[i].live[worker] = 0;
	hf_shlock_give(&roster->table->lock, turn);
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
	entry = entry_at(roster, seat->identity);
	atomic_fetch_add_explicit(&entry->requests, 1, memory_order_relaxed);
	return roster->limits.requests_per_second > 0
		   ? take_turn(entry, roster->limits.requests_per_second)
		   : 0;
}

void hf_roster_failed(struct hf_roster *roster, const struct hf_address *address)
{
	uint64_t turn;

	if (roster->limits.failures_per_address == 0 || address->sa.ss_family == AF_UNIX)
		return;
	turn = hf_shlock_take(&roster->table->lock);
	hf_throttle_failed(&roster->table->failures, address, (uint64_t)hf_clock_monotonic_ms());
	hf_shlock_give(&roster->table->lock, turn);
}

uint64_t hf_roster_wait_ms(struct hf_roster *roster, const struct hf_address *address)
{
	uint64_t turn, wait;

	if (roster->limits.failures_per_address == 0 || address->sa.ss_family == AF_UNIX)
		return 0;
	turn = hf_shlock_take(&roster->table->lock);
	wait = hf_throttle_wait_ms(&roster->table->failures, address,
				   (uint64_t)hf_clock_monotonic_ms());
	hf_shlock_give(&roster->table->lock, turn);
	return wait;
}

/* --- what is told --- */

static void copy_name(char out[HF_ROSTER_NAME_CAP], const char name[HF_ROSTER_NAME_CAP])
{
	memcpy(out, name, HF_ROSTER_NAME_CAP);
	out[HF_ROSTER_NAME_CAP - 1] = '\0';
}

static void count_recent(struct hf_roster *roster, int64_t now,
			 struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP])
{
	for (uint32_t place = 1; place <= entries_of(roster); place++) {
		const struct entry *entry = entry_at(roster, place);
		uint32_t anchor = read_once(&entry->anchor, UINT32_MAX);

		if (anchor == 0 || anchor > anchors_of(roster))
			continue;
		if (entry->seen_at + HF_ROSTER_RECENT_S >= now || live_sum(roster, place) > 0)
			anchors[anchor - 1].recent++;
	}
}

size_t hf_roster_anchors(struct hf_roster *roster, int64_t now,
			 struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP])
{
	uint64_t turn = hf_shlock_take(&roster->table->lock);
	size_t len = anchors_of(roster);

	for (size_t i = 0; i < len; i++) {
		const struct anchor *anchor = &roster->table->anchors[i];

		anchors[i] = (struct hf_anchor_count){ .trusted = anchor->trusted };
		copy_name(anchors[i].name, anchor->name);
		hf_hex_encode(anchor->sha256, HF_SHA256_LEN, anchors[i].sha256);
		for (size_t w = 0; w < roster->workers; w++)
			anchors[i].live += anchor->live[w];
	}
	count_recent(roster, now, anchors);
	hf_shlock_give(&roster->table->lock, turn);
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
	uint64_t turn = hf_shlock_take(&roster->table->lock);
	uint32_t len = entries_of(roster);
	struct row *rows = calloc((size_t)len + 1, sizeof(*rows));

	*ret_len = rows != NULL ? len : 0;
	for (uint32_t i = 0; rows != NULL && i < len; i++) {
		const struct entry *entry = entry_at(roster, i + 1);

		rows[i] = (struct row){ .live = live_sum(roster, i + 1),
					.requests = entry->requests,
					.seen_at = entry->seen_at };
		copy_name(rows[i].name, entry->name);
	}
	hf_shlock_give(&roster->table->lock, turn);
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
