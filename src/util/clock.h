/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the program reads the clock. */
#ifndef HF_UTIL_CLOCK_H
#define HF_UTIL_CLOCK_H

#include <stdint.h>

int64_t hf_clock_now(void);            /* Unix seconds */
int64_t hf_clock_now_ms(void);         /* Unix milliseconds */
int64_t hf_clock_monotonic_ms(void);
int64_t hf_clock_monotonic_us(void);
int64_t hf_clock_for_tls(void *unused); /* hf_clock_now in the shape that lib/tls wants */

#endif
