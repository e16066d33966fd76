/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table with a list by last use.  Must never free what it holds. */
#include "gateway/ocsp/keytable.h"

#include <string.h>

static struct hf_keyed **slot_of(struct hf_keytable *table, const uint8_t key[HF_SHA256_LEN])
{
	size_t index = (size_t)key[0] | (size_t)key[1] << 8;
	struct hf_keyed **slot = &table->buckets[index & (HF_KEYTABLE_BUCKETS - 1)];

	while (*slot && memcmp((*slot)->key, key, HF_SHA256_LEN) != 0)
		slot = &(*slot)->next;
	return slot;
}

static void unlink_use(struct hf_keytable *table, struct hf_keyed *item)
{
	*(item->newer ? &item->newer->older : &table->newest) = item->older;
	*(item->older ? &item->older->newer : &table->oldest) = item->newer;
}

static void link_newest(struct hf_keytable *table, struct hf_keyed *item)
{
	item->newer = NULL;
	item->older = table->newest;
	*(table->newest ? &table->newest->newer : &table->oldest) = item;
	table->newest = item;
}

struct hf_keyed *hf_keytable_find(struct hf_keytable *table, const uint8_t key[HF_SHA256_LEN])
{
	struct hf_keyed *item = *slot_of(table, key);

	if (item && item != table->newest) {
		unlink_use(table, item);
		link_newest(table, item);
	}
	return item;
}

void hf_keytable_add(struct hf_keytable *table, struct hf_keyed *item)
{
	struct hf_keyed **slot = slot_of(table, item->key);

	item->next = *slot;
	*slot = item;
	link_newest(table, item);
	table->len++;
}

void hf_keytable_remove(struct hf_keytable *table, struct hf_keyed *item)
{
	*slot_of(table, item->key) = item->next;
	unlink_use(table, item);
	table->len--;
}
