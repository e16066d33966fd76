/* SPDX-License-Identifier: Apache-2.0 */
/* The table of serial numbers.  Must never call two numbers the same that differ in a single octet:
 * the hash only says where to look. */
#include "pki/crl_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static size_t bucket_of(const struct hf_crl_index *index, struct hf_der_walk serial)
{
	uint64_t hash = index->seed ^ serial.len;

	for (size_t at = 0; at < serial.len; at += sizeof(uint64_t)) {
		uint64_t part = 0;

		memcpy(&part, serial.at + at, HF_MIN(sizeof(part), serial.len - at));
		hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (size_t)(hash & (index->buckets - 1));
}

/* Counted first, then placed: starts[b + 1] goes through bucket b while it is filled, and so ends
 * where it ends. */
static void fill(struct hf_crl_index *index)
{
	struct hf_der_walk left = index->entries;
	struct hf_crl_entry entry;

	while (hf_crl_entry_next(&left, &entry))
		index->starts[bucket_of(index, entry.serial) + 2]++;
	for (size_t b = 2; b < index->buckets + 2; b++)
		index->starts[b] += index->starts[b - 1];
	left = index->entries;
	while (hf_crl_entry_next(&left, &entry))
		index->slots[index->starts[bucket_of(index, entry.serial) + 1]++] =
		    (uint32_t)(entry.der.at - index->entries.at);
}

int hf_crl_index_build(struct hf_crl_index *index, struct hf_der_walk entries, size_t count,
		       uint64_t seed, struct hf_err *err)
{
	assert(entries.len <= UINT32_MAX);
	*index = (struct hf_crl_index){ .entries = entries, .seed = seed };
	if (count == 0)
		return 0;
	for (index->buckets = 1; index->buckets < count / 2;)
		index->buckets *= 2;
	index->starts = calloc(index->buckets + 2, sizeof(*index->starts));
	index->slots = malloc(count * sizeof(*index->slots));
	if (!index->starts || !index->slots)
		return hf_err_nomem(err);
	fill(index);
	return 0;
}

void hf_crl_index_done(struct hf_crl_index *index)
{
	free(index->starts);
	free(index->slots);
	*index = (struct hf_crl_index){ .buckets = 0 };
}

struct hf_crl_entry hf_crl_index_entry(const struct hf_crl_index *index, uint32_t offset)
{
	struct hf_der_walk left = { index->entries.at + offset, index->entries.len - offset };
	struct hf_crl_entry entry = { .is_der = false };
	bool found = hf_crl_entry_next(&left, &entry);

	assert(found);
	(void)found;
	return entry;
}

struct hf_crl_matches hf_crl_matches(const struct hf_crl_index *index, struct hf_der_walk serial)
{
	size_t bucket = index->buckets > 0 ? bucket_of(index, serial) : 0;

	return (struct hf_crl_matches){
		.index = index,
		.serial = serial,
		.at = index->buckets > 0 ? index->starts[bucket] : 0,
		.end = index->buckets > 0 ? index->starts[bucket + 1] : 0,
	};
}

bool hf_crl_matches_next(struct hf_crl_matches *matches, uint32_t *ret_offset,
			 struct hf_crl_entry *ret_entry)
{
	while (matches->at < matches->end) {
		uint32_t offset = matches->index->slots[matches->at++];
		struct hf_crl_entry entry = hf_crl_index_entry(matches->index, offset);

		if (entry.serial.len != matches->serial.len ||
		    memcmp(entry.serial.at, matches->serial.at, entry.serial.len) != 0)
			continue;
		*ret_offset = offset;
		*ret_entry = entry;
		return true;
	}
	return false;
}
