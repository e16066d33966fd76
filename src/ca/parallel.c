/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for a moment.  Must never leave one running when it returns. */
#include "ca/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/macros.h"

struct crew {
	hf_parallel_fn work;
	void *arg;
	size_t len;
	atomic_size_t next; /* the first piece that nobody has taken */
};

static void *take_pieces(void *arg)
{
	struct crew *crew = arg;
	size_t i;

	while ((i = atomic_fetch_add(&crew->next, 1)) < crew->len)
		crew->work(crew->arg, i);
	return NULL;
}

void hf_parallel(unsigned jobs, size_t len, hf_parallel_fn work, void *arg)
{
	struct crew crew = { .work = work, .arg = arg, .len = len };
	pthread_t threads[HF_PARALLEL_CAP];
	size_t wanted = HF_MIN(HF_MIN((size_t)jobs, len), (size_t)HF_PARALLEL_CAP), running = 0;

	/* one fewer than asked for: this one works too; what cannot be started is done here */
	while (running + 1 < wanted &&
	       pthread_create(&threads[running], NULL, take_pieces, &crew) == 0)
		running++;
	(void)take_pieces(&crew);
	while (running > 0)
		(void)pthread_join(threads[--running], NULL);
}
