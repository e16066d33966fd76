/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a hard cap.
 *
 * Contract: cap is the most bytes the buffer may ever hold; an append that would pass it, or that
 * fails to allocate, changes nothing and sets `failed` for good, so that a writer may append many
 * times and check once (hf_buf_failed).  data is always followed by a NUL byte that is not counted.
 * hf_buf_done cleanses the bytes, so a buffer may hold secrets. */
#ifndef HF_BASE_BUF_H
#define HF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct hf_buf {
	char *data;      /* NULL while nothing was appended */
	size_t len;
	size_t alloc;
	size_t cap;
	bool failed;
};

#define HF_BUF_INIT(cap_) { NULL, 0, 0, (cap_), false }

void hf_buf_init(struct hf_buf *b, size_t cap);
void hf_buf_done(struct hf_buf *b);
void hf_buf_clear(struct hf_buf *b);                    /* empties, keeps the memory, un-fails */
/* 0 or -HF_E_NOMEM/-HF_E_LIMIT */
int hf_buf_append(struct hf_buf *b, const void *data, size_t len);
int hf_buf_puts(struct hf_buf *b, const char *s);
int hf_buf_putc(struct hf_buf *b, char c);
int hf_buf_put_int(struct hf_buf *b, int64_t value);    /* decimal */
int hf_buf_printf(struct hf_buf *b, const char *fmt, ...) HF_PRINTF(2, 3);
int hf_buf_reserve(struct hf_buf *b, size_t more);      /* room for `more` bytes at data + len */
void hf_buf_consume(struct hf_buf *b, size_t n);        /* drops the first n bytes */
void hf_buf_truncate(struct hf_buf *b, size_t len);
const char *hf_buf_str(const struct hf_buf *b);         /* "" when empty; valid until next change */
/* the NUL-terminated data, owned; NULL when failed or no memory */
char *hf_buf_steal(struct hf_buf *b);
static inline bool hf_buf_failed(const struct hf_buf *b)
{
	return b->failed;
}

HF_DEFINE_AUTO_DONE(hf_buf, struct hf_buf, hf_buf_done);

#endif
