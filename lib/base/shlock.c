/* SPDX-License-Identifier: Apache-2.0 */
/* The shared lock.  Must never stay locked because its holder died. */
#include "base/shlock.h"

#include <errno.h>

bool hf_shlock_init(struct hf_shlock *lock)
{
	pthread_mutexattr_t attr;
	bool ok;

	if (pthread_mutexattr_init(&attr) != 0)
		return false;
	ok = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
	     pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
	     pthread_mutex_init(&lock->mutex, &attr) == 0;
	(void)pthread_mutexattr_destroy(&attr);
	return ok;
}

void hf_shlock_take(struct hf_shlock *lock)
{
	if (pthread_mutex_lock(&lock->mutex) == EOWNERDEAD)
		(void)pthread_mutex_consistent(&lock->mutex);
}

void hf_shlock_give(struct hf_shlock *lock)
{
	(void)pthread_mutex_unlock(&lock->mutex);
}
