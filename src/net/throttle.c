/* SPDX-License-Identifier: Apache-2.0 */
/* Counting failures by address.  Must never let one address make another wait for long: a slot that
 * two share is taken over by the one that failed last. */
#include "net/throttle.h"

#include <netinet/in.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/err.h"
#include "base/macros.h"

int hf_throttle_init(struct hf_throttle *throttle, uint32_t burst, uint64_t refill_ms,
		     struct hf_err *err)
{
	memset(throttle, 0, sizeof(*throttle));
	throttle->burst = burst;
	throttle->refill_ms = refill_ms;
	/* nobody chooses whose slot to share */
	if (RAND_bytes((unsigned char *)&throttle->seed, sizeof(throttle->seed)) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "there are no random numbers");
	return 0;
}

/* One machine often has a whole /64 to itself. */
void hf_throttle_key(const struct hf_address *address, uint8_t key[HF_THROTTLE_KEY_LEN])
{
	memset(key, 0, 16);
	if (address->sa.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&address->sa;

		memcpy(key + 12, &in->sin_addr, 4);
	} else if (address->sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->sa;

		memcpy(key, &in6->sin6_addr, 8);
		key[15] = 1;
	}
}

static struct hf_throttle_slot *slot_of(struct hf_throttle *throttle, const uint8_t key[16])
{
	uint64_t hash = throttle->seed;

	for (size_t i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * UINT64_C(0x100000001b3);
	return &throttle->slots[(hash ^ (hash >> 32)) % HF_THROTTLE_SLOTS];
}

static void forgive(const struct hf_throttle *throttle, struct hf_throttle_slot *slot,
		    uint64_t now_ms)
{
	uint64_t refill_ms =
	    *(const volatile uint64_t *)&throttle->refill_ms; /* others may write */
	uint64_t forgiven = (now_ms - slot->at_ms) / HF_MAX(refill_ms, UINT64_C(1));

	if (forgiven >= slot->failures) {
		slot->failures = 0;
		slot->at_ms = now_ms;
		return;
	}
	slot->failures -= (uint32_t)forgiven;
	slot->at_ms += forgiven * refill_ms;
}

uint64_t hf_throttle_wait_key_ms(struct hf_throttle *throttle,
				 const uint8_t key[HF_THROTTLE_KEY_LEN], uint64_t now_ms)
{
	struct hf_throttle_slot *slot = slot_of(throttle, key);

	if (memcmp(slot->address, key, HF_THROTTLE_KEY_LEN) != 0)
		return 0;
	forgive(throttle, slot, now_ms);
	if (slot->failures < throttle->burst)
		return 0;
	return slot->at_ms + throttle->refill_ms - now_ms;
}

void hf_throttle_count_key(struct hf_throttle *throttle, const uint8_t key[HF_THROTTLE_KEY_LEN],
			   uint64_t now_ms)
{
	struct hf_throttle_slot *slot = slot_of(throttle, key);

	if (memcmp(slot->address, key, HF_THROTTLE_KEY_LEN) != 0) {
		*slot = (struct hf_throttle_slot){ .at_ms = now_ms };
		memcpy(slot->address, key, HF_THROTTLE_KEY_LEN);
	}
	forgive(throttle, slot, now_ms);
	if (slot->failures == 0)
		slot->at_ms = now_ms;
	slot->failures++;
}

uint64_t hf_throttle_wait_ms(struct hf_throttle *throttle, const struct hf_address *address,
			     uint64_t now_ms)
{
	uint8_t key[HF_THROTTLE_KEY_LEN];

	hf_throttle_key(address, key);
	return hf_throttle_wait_key_ms(throttle, key, now_ms);
}

void hf_throttle_failed(struct hf_throttle *throttle, const struct hf_address *address,
			uint64_t now_ms)
{
	uint8_t key[HF_THROTTLE_KEY_LEN];

	hf_throttle_key(address, key);
	hf_throttle_count_key(throttle, key, now_ms);
}
