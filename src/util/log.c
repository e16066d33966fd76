/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines.  Must never block a worker for long nor print unescaped foreign bytes. */
#include "util/log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/str.h"

/* Would writing wait for a reader?  A pipe that polls as writable takes PIPE_BUF bytes. */
static bool would_wait(int fd, size_t len)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int size = len > PIPE_BUF ? fcntl(fd, F_GETPIPE_SZ) : -1;
	int used = 0;

	if (poll(&ready, 1, 0) <= 0)
		return true;
	if (size <= 0)
		return false;
	/* A page may hold less than a page of it: half of the pipe is left for that. */
	return ioctl(fd, FIONREAD, &used) != 0 ||
	       (used > 0 && (size_t)used + len > (size_t)size / 2) || len > (size_t)size;
}

bool hf_log_line(int fd, const char *line, size_t len)
{
	char newline[] = "\n";
	/* writev does not write through iov_base */
	struct iovec parts[] = { { .iov_base = (void *)(uintptr_t)line, .iov_len = len },
				 { .iov_base = newline, .iov_len = 1 } };

	return !would_wait(fd, len + 1) && writev(fd, parts, 2) >= 0;
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
	(void)hf_log_line(STDERR_FILENO, hf_buf_str(&safe), safe.len); /* nobody left to tell */
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
