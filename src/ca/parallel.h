/* SPDX-License-Identifier: Apache-2.0 */
/* Work that falls into equal pieces, done by several threads. */
#ifndef HF_CA_PARALLEL_H
#define HF_CA_PARALLEL_H

#include <stddef.h>

enum { HF_PARALLEL_CAP = 64 };

typedef void (*hf_parallel_fn)(void *arg, size_t index);
/* Calls work(arg, 0) to work(arg, len - 1), each once, and returns when all are done.  `jobs`
 * threads at most, this one among them; 0 and 1 use no other. */
void hf_parallel(unsigned jobs, size_t len, hf_parallel_fn work, void *arg);

#endif
