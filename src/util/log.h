/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for logs: one write(2) a line, so that processes do not mix; a bucket against floods. */
#ifndef HF_UTIL_LOG_H
#define HF_UTIL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Writes len bytes and a newline with one write; false when the line is lost, because it could not
 * be written or because a pipe is so full that writing would wait for its reader. */
bool hf_log_line(int fd, const char *line, size_t len);
/* "handfast: …" on stderr, escaped. */
void hf_log_say(const char *fmt, ...) HF_PRINTF(1, 2);

/* So many at once, so many a second, the rest counted. */
struct hf_log_bucket {
	int64_t burst, per_second;
	int64_t tokens_ms;   /* thousandths of a token */
	int64_t at_ms;
	uint64_t suppressed; /* since the last that passed */
};
void hf_log_bucket_init(struct hf_log_bucket *b, int64_t burst, int64_t per_second);
bool hf_log_bucket_take(struct hf_log_bucket *b, int64_t now_ms);

#endif
