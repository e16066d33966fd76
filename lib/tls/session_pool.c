/* SPDX-License-Identifier: Apache-2.0 */
/* Slots behind one lock, held for a copy of two kilobytes.  Must never give out a slot that a
 * process died in the middle of writing, nor trust a length that another wrote. */
#include "tls/session_pool.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "base/shlock.h"

enum { BUCKETS = 1024, WAYS = 4 };

struct slot {
	_Atomic bool whole; /* false: empty, or half written */
	struct hf_pooled_session session;
};

struct hf_session_pool {
	struct hf_shlock lock;
	struct slot slots[BUCKETS][WAYS];
};

int hf_session_pool_map(struct hf_session_pool **ret_pool, struct hf_err *err)
{
	struct hf_session_pool *pool =
	    mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (pool == MAP_FAILED)
		return hf_err_nomem(err);
	(void)madvise(pool, sizeof(*pool), MADV_DONTDUMP); /* there are secrets in it */
	*ret_pool = pool;
	return 0;
}

void hf_session_pool_unmap(struct hf_session_pool *pool)
{
	if (pool)
		(void)munmap(pool, sizeof(*pool));
}

/* Ids are ours, and random: their first bytes spread well. */
static struct slot *bucket_of(struct hf_session_pool *pool, const uint8_t *id)
{
	return pool->slots[(id[0] | id[1] << 8) & (BUCKETS - 1)];
}

static struct slot *slot_of(struct hf_session_pool *pool, const uint8_t *id)
{
	struct slot *bucket = bucket_of(pool, id);

	for (size_t i = 0; i < WAYS; i++)
		if (bucket[i].whole && memcmp(bucket[i].session.id, id, HF_POOLED_ID_LEN) == 0)
			return &bucket[i];
	return NULL;
}

/* An empty one, else that of the oldest session. */
static struct slot *room_for(struct hf_session_pool *pool, const uint8_t *id)
{
	struct slot *bucket = bucket_of(pool, id), *best = &bucket[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (!bucket[i].whole)
			return &bucket[i];
		if (bucket[i].session.since < best->session.since)
			best = &bucket[i];
	}
	return best;
}

/* All but what of `der` is not used.  The length is read once: other processes write here. */
static bool copy(struct hf_pooled_session *to, const struct hf_pooled_session *from)
{
	size_t len = *(const volatile size_t *)&from->len;

	if (len > HF_POOLED_DER_CAP)
		return false;
	memcpy(to, from, offsetof(struct hf_pooled_session, der) + len);
	to->len = len;
	return true;
}

void hf_session_pool_put(struct hf_session_pool *pool, const struct hf_pooled_session *session)
{
	uint64_t turn = hf_shlock_take(&pool->lock);
	struct slot *slot;

	slot = slot_of(pool, session->id);
	if (!slot)
		slot = room_for(pool, session->id);
	slot->whole = false;
	OPENSSL_cleanse(&slot->session, sizeof(slot->session));
	slot->whole = copy(&slot->session, session);
	hf_shlock_give(&pool->lock, turn);
}

bool hf_session_pool_get(struct hf_session_pool *pool, const uint8_t id[HF_POOLED_ID_LEN],
			 struct hf_pooled_session *ret_session)
{
	uint64_t turn = hf_shlock_take(&pool->lock);
	const struct slot *slot;
	bool found;

	slot = slot_of(pool, id);
	found = slot && copy(ret_session, &slot->session);
	hf_shlock_give(&pool->lock, turn);
	return found;
}
