/* SPDX-License-Identifier: Apache-2.0 */
/* Who failed too often waits: a few failures at once for each address, then one in a while.  A
 * table of fixed size, so that many addresses cost no memory. */
#ifndef HF_ENROLL_THROTTLE_H
#define HF_ENROLL_THROTTLE_H

#include "net/address.h"

enum {
	HF_THROTTLE_SLOTS = 1024,
	HF_THROTTLE_BURST = 20,	   /* failures at once */
	HF_THROTTLE_REFILL_MS = 6000, /* for each further one */
};

struct hf_throttle {
	uint64_t seed;
	struct hf_throttle_slot {
		uint8_t address[16];
		uint64_t at_ms;
		uint32_t failures;
	} slots[HF_THROTTLE_SLOTS];
};
int hf_throttle_init(struct hf_throttle *throttle, struct hf_err *err);
/* Milliseconds until this address may try again; 0: now. */
uint64_t hf_throttle_wait_ms(struct hf_throttle *throttle, const struct hf_address *address,
			     uint64_t now_ms);
void hf_throttle_failed(struct hf_throttle *throttle, const struct hf_address *address,
			uint64_t now_ms);

#endif
