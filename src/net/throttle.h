/* SPDX-License-Identifier: Apache-2.0 */
/* Who failed too often waits: a few failures at once for each address, then one in a while.  A
 * table of fixed size, so that many addresses cost no memory.  No pointers: it may lie in memory
 * that processes share, under a lock of theirs. */
#ifndef HF_NET_THROTTLE_H
#define HF_NET_THROTTLE_H

#include "net/address.h"

enum { HF_THROTTLE_SLOTS = 1024 };

struct hf_throttle {
	uint64_t seed;
	uint32_t burst;	    /* failures at once */
	uint64_t refill_ms; /* for each further one */
	struct hf_throttle_slot {
		uint8_t address[16];
		uint64_t at_ms;
		uint32_t failures;
	} slots[HF_THROTTLE_SLOTS];
};
int hf_throttle_init(struct hf_throttle *throttle, uint32_t burst, uint64_t refill_ms,
		     struct hf_err *err);
/* Milliseconds until this address may try again; 0: now. */
uint64_t hf_throttle_wait_ms(struct hf_throttle *throttle, const struct hf_address *address,
			     uint64_t now_ms);
void hf_throttle_failed(struct hf_throttle *throttle, const struct hf_address *address,
			uint64_t now_ms);

/* The same for anything that 16 bytes tell from others: an address, or part of a hash. */
enum { HF_THROTTLE_KEY_LEN = 16 };
void hf_throttle_key(const struct hf_address *address, uint8_t ret_key[HF_THROTTLE_KEY_LEN]);
uint64_t hf_throttle_wait_key_ms(struct hf_throttle *throttle,
				 const uint8_t key[HF_THROTTLE_KEY_LEN], uint64_t now_ms);
void hf_throttle_count_key(struct hf_throttle *throttle, const uint8_t key[HF_THROTTLE_KEY_LEN],
			   uint64_t now_ms);

#endif
