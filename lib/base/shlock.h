/* SPDX-License-Identifier: Apache-2.0 */
/* A lock in memory that processes share, of which any may die at any time, also while it holds it,
 * and any may write there whatever it likes.  So it is a number and nothing else: a robust mutex of
 * pthreads has pointers in it, which the next to use it would follow.  Who waits for HF_SHLOCK_MS
 * in vain while the same turn lasts takes the lock over, and finds things as they were left: what
 * it guards must be fit for that.
 *
 * For moments, not for anything that can wait.  Zeroed memory is an open lock. */
#ifndef HF_BASE_SHLOCK_H
#define HF_BASE_SHLOCK_H

#include <stdatomic.h>
#include <stdint.h>

enum { HF_SHLOCK_MS = 500 };

struct hf_shlock {
	_Atomic uint64_t turn; /* odd while somebody has it */
};

/* The turn, for giving it back. */
uint64_t hf_shlock_take(struct hf_shlock *lock);
/* Nothing, when another has taken it over. */
void hf_shlock_give(struct hf_shlock *lock, uint64_t turn);

#endif
