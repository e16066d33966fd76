/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines.  Must never block a worker for long nor print unescaped foreign bytes. */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/str.h"

void hf_log_line(int fd, const char *line, size_t len)
{
	char newline[] = "\n";
	/* writev does not write through iov_base */
	struct iovec parts[] = { { .iov_base = (void *)(uintptr_t)line, .iov_len = len },
				 { .iov_base = newline, .iov_len = 1 } };

	if (writev(fd, parts, 2) < 0)
		return; /* nobody left to tell */
}

void hf_log_say(const char *fmt, ...)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(16384);
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)hf_buf_puts(&safe, "handfast: ");
	(void)hf_str_escape(&safe, text, strlen(text));
	hf_log_line(STDERR_FILENO, hf_buf_str(&safe), safe.len);
}

void hf_log_bucket_init(struct hf_log_bucket *b, int64_t burst, int64_t per_second)
{
	*b = (struct hf_log_bucket){ .burst = burst,
				     .per_second = per_second,
				     .tokens_ms = burst * 1000 };
}

bool hf_log_bucket_take(struct hf_log_bucket *b, int64_t now_ms)
{
	int64_t passed = b->at_ms ? now_ms - b->at_ms : 0;

	if (passed > 0)
		b->tokens_ms = HF_MIN(b->burst * 1000, b->tokens_ms + passed * b->per_second);
	b->at_ms = now_ms;
	if (b->tokens_ms < 1000) {
		b->suppressed++;
		return false;
	}
	b->tokens_ms -= 1000;
	return true;
}
