/* SPDX-License-Identifier: Apache-2.0 */
/* A lock in memory that processes share, of which any may die at any time, also while it holds it
 * (pthread_mutexattr_setrobust(3)).  The next to take it finds things as they were left: what it
 * guards must be fit for that. */
#ifndef HF_BASE_SHLOCK_H
#define HF_BASE_SHLOCK_H

#include <pthread.h>
#include <stdbool.h>

struct hf_shlock {
	pthread_mutex_t mutex;
};

bool hf_shlock_init(struct hf_shlock *lock); /* before the others are forked */
void hf_shlock_take(struct hf_shlock *lock);
void hf_shlock_give(struct hf_shlock *lock);

#endif
