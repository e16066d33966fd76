/* SPDX-License-Identifier: Apache-2.0 */
/* The bar of `sign`.  Must never write to anything but a terminal. */
#include "cli/sign_progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

enum { BAR = 30, FEW = 256 };

static int64_t now_ms(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void write_line(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return; /* a bar that cannot be seen is no reason to stop */
}

void hf_progress_begin(struct hf_progress *p, const struct hf_out *out, size_t total)
{
	*p = (struct hf_progress){
		.total = total,
		.started_ms = now_ms(),
		.wanted = total > FEW && !out->quiet && !out->json_mode && isatty(STDERR_FILENO),
	};
}

void hf_progress_show(struct hf_progress *p, size_t done)
{
	int64_t took = now_ms() - p->started_ms;
	size_t full = p->total ? done * BAR / p->total : 0;
	char bar[BAR + 1], line[128];

	if (!p->wanted || done >= p->total)
		return;
	memset(bar, '.', BAR);
	memset(bar, '#', HF_MIN(full, (size_t)BAR));
	bar[BAR] = '\0';
	(void)snprintf(line, sizeof(line), "\r[%s] %zu of %zu, %lld a second\033[K", bar, done,
		       p->total, took > 0 ? (long long)done * 1000 / took : 0LL);
	write_line(line);
	p->shown = true;
}

void hf_progress_clear(struct hf_progress *p)
{
	if (p->shown)
		write_line("\r\033[K");
	p->shown = false;
}
