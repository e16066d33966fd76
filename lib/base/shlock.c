/* SPDX-License-Identifier: Apache-2.0 */
/* The shared lock.  Must never stay locked because its holder died, nor follow anything that
 * another process wrote. */
#include "base/shlock.h"

#include <sched.h>
#include <stdbool.h>
#include <time.h>

enum { YIELDS = 100 };

static bool change(struct hf_shlock *lock, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(&lock->turn, &from, to, memory_order_acq_rel,
						       memory_order_relaxed);
}

/* A little first, since it is held for a moment only. */
static void wait_a_while(unsigned round)
{
	const struct timespec nap = { .tv_nsec = 1000 * 1000 };

	if (round < YIELDS)
		(void)sched_yield();
	else
		(void)nanosleep(&nap, NULL);
}

uint64_t hf_shlock_take(struct hf_shlock *lock)
{
	uint64_t seen = 0;

	for (unsigned round = 0;; round++) {
		uint64_t turn = atomic_load_explicit(&lock->turn, memory_order_relaxed);

		if ((turn & 1) == 0 && change(lock, turn, turn + 1))
			return turn + 1;
		if (turn != seen) { /* it goes from hand to hand */
			seen = turn;
			round = 0;
		}
		if (round >= YIELDS + HF_SHLOCK_MS && change(lock, turn, turn + 2))
			return turn + 2;
		wait_a_while(round);
	}
}

void hf_shlock_give(struct hf_shlock *lock, uint64_t turn)
{
	(void)change(lock, turn, turn + 1);
}
