/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys the signer has, and who uses them.  Must never let go of a key that a worker may still
 * ask a signature of. */
#include "gateway/custody/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void entry_free(struct hf_keyring_entry *entry)
{
	if (!entry)
		return;
	hf_credential_free(entry->credential);
	free(entry->cert_path);
	free(entry->key_path);
	free(entry);
}
HF_DEFINE_AUTO(hf_keyring_entry, struct hf_keyring_entry, entry_free);

static bool is_of(const struct hf_keyring_entry *entry, const char *cert_path, const char *key_path)
{
	return hf_str_eq(entry->cert_path, cert_path) && hf_str_eq(entry->key_path, key_path);
}

static bool is_used(const struct hf_keyring_entry *entry)
{
	for (size_t i = 0; i < HF_KEYRING_USERS; i++) {
		if (entry->uses[i] > 0)
			return true;
	}
	return false;
}

static void remove_at(struct hf_keyring *ring, size_t at)
{
	entry_free(ring->items[at]);
	ring->items[at] = ring->items[--ring->len];
}

/* Of the same files there is a newer one, and nobody uses this one. */
static bool is_over(const struct hf_keyring *ring, const struct hf_keyring_entry *entry)
{
	for (size_t i = 0; i < ring->len; i++) {
		const struct hf_keyring_entry *other = ring->items[i];

		if (other->generation > entry->generation &&
		    is_of(other, entry->cert_path, entry->key_path))
			return !is_used(entry);
	}
	return false;
}

static void tidy(struct hf_keyring *ring)
{
	for (size_t i = ring->len; i-- > 0;) {
		if (is_over(ring, ring->items[i]))
			remove_at(ring, i);
	}
}

struct hf_keyring_entry *hf_keyring_find(const struct hf_keyring *ring, uint64_t generation,
					 const char *cert_path, const char *key_path)
{
	struct hf_keyring_entry *newest = NULL;

	for (size_t i = 0; i < ring->len; i++) {
		struct hf_keyring_entry *entry = ring->items[i];

		if (!is_of(entry, cert_path, key_path))
			continue;
		if (entry->generation == generation)
			return entry;
		if (!newest || newest->generation < entry->generation)
			newest = entry;
	}
	return newest;
}

/* A reload that failed elsewhere has loaded this generation before; nobody has taken it. */
static void replace(struct hf_keyring *ring, const struct hf_keyring_entry *by)
{
	for (size_t i = ring->len; i-- > 0;) {
		if (ring->items[i]->generation == by->generation &&
		    is_of(ring->items[i], by->cert_path, by->key_path) && !is_used(ring->items[i]))
			remove_at(ring, i);
	}
}

int hf_keyring_add(struct hf_keyring *ring, uint64_t generation, const char *cert_path,
		   const char *key_path, struct hf_credential *credential,
		   struct hf_keyring_entry **ret_entry, struct hf_err *err)
{
	HF_AUTO(hf_keyring_entry) entry = calloc(1, sizeof(*entry));
	int rc;

	if (!entry) {
		hf_credential_free(credential);
		return hf_err_nomem(err);
	}
	entry->credential = credential;
	entry->generation = generation;
	entry->cert_path = hf_str_dup(cert_path);
	entry->key_path = hf_str_dup(key_path);
	if (!entry->cert_path || !entry->key_path)
		return hf_err_nomem(err);
	rc = hf_key_spki_sha256(credential->key, entry->spki, err);
	if (rc < 0)
		return rc;
	replace(ring, entry);
	if (ring->len == HF_KEYRING_CAP)
		return hf_err_set(err, HF_E_LIMIT, "more than %d credentials are in use by workers",
				  HF_KEYRING_CAP);
	entry->number = ++ring->last_number;
	*ret_entry = ring->items[ring->len++] = hf_take(entry);
	tidy(ring);
	return 0;
}

EVP_PKEY *hf_keyring_key(const struct hf_keyring *ring, const uint8_t spki[HF_SHA256_LEN])
{
	for (size_t i = ring->len; i-- > 0;) {
		if (memcmp(ring->items[i]->spki, spki, HF_SHA256_LEN) == 0)
			return ring->items[i]->credential->key;
	}
	return NULL;
}

void hf_keyring_use(struct hf_keyring_entry *entry, size_t user)
{
	entry->uses[user]++;
}

void hf_keyring_drop(struct hf_keyring *ring, uint32_t number, size_t user)
{
	for (size_t i = 0; i < ring->len; i++) {
		if (ring->items[i]->number == number && ring->items[i]->uses[user] > 0)
			ring->items[i]->uses[user]--;
	}
	tidy(ring);
}

void hf_keyring_forget(struct hf_keyring *ring, size_t user)
{
	for (size_t i = 0; i < ring->len; i++)
		ring->items[i]->uses[user] = 0;
	tidy(ring);
}

void hf_keyring_done(struct hf_keyring *ring)
{
	for (size_t i = 0; i < ring->len; i++)
		entry_free(ring->items[i]);
	*ring = (struct hf_keyring){ .len = 0 };
}
