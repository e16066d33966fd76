/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that processes of one gateway share and each part of which one of them writes: rows, each
 * a file in memory of its own, mapped one behind the other.  Made before the fork; a child then
 * keeps what it writes and has of the rest a view that nothing in it can make writable again
 * (memfd_create(2): F_SEAL_FUTURE_WRITE; mmap(2) of a descriptor that is open for reading only).
 * A row is a file and not a part of one, since mremap(2) would make a part larger.
 *
 * Whoever reads a row of another process takes nothing in it for true: no length, no end of a
 * string. */
#ifndef HF_GATEWAY_PAGES_H
#define HF_GATEWAY_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
	HF_PAGES_ROW = 65536, /* rows are multiples of it: the largest page that kernels have */
	HF_PAGES_ROWS_CAP = 72,
};
#define HF_PAGES_NONE ((size_t)-1)

struct hf_pages {
	char *at; /* NULL: there are none */
	size_t rows, row_len;
	int fds[HF_PAGES_ROWS_CAP]; /* for reading; -1: given away */
};

/* errno, of memory that processes share. */
int hf_pages_failed(struct hf_err *err);
/* Zeroed rows of row_len bytes at multiples of HF_PAGES_ROW, all to be written by this process;
 * -HF_E_IO, -HF_E_NOMEM. */
int hf_pages_map(size_t rows, size_t row_len, struct hf_pages *ret_pages, struct hf_err *err);
/* In a child, for good: row `mine` stays to be written (HF_PAGES_NONE: none), the others can be
 * read, at the same addresses. */
int hf_pages_keep(struct hf_pages *pages, size_t mine, struct hf_err *err);
void hf_pages_done(struct hf_pages *pages);

/* Seals a file in memory: its size stays as it is from now on if `fixed`, never becomes less if
 * not, and only mappings of before can write.  A descriptor for reading into *ret_fd, which the
 * caller closes; without /proc it is one that the seal alone keeps from writing. */
int hf_pages_seal(int fd, bool fixed, int *ret_fd, struct hf_err *err);

#endif
