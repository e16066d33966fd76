/* SPDX-License-Identifier: Apache-2.0 */
/* The clock. */
#include "util/clock.h"

#include <time.h>

static int64_t microseconds(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t milliseconds(clockid_t id)
{
	return microseconds(id) / 1000;
}

int64_t hf_clock_now(void)
{
	return milliseconds(CLOCK_REALTIME) / 1000;
}

int64_t hf_clock_now_ms(void)
{
	return milliseconds(CLOCK_REALTIME);
}

int64_t hf_clock_monotonic_ms(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

int64_t hf_clock_monotonic_us(void)
{
	return microseconds(CLOCK_MONOTONIC);
}

int64_t hf_clock_for_tls(void *unused)
{
	(void)unused;
	return hf_clock_now();
}
