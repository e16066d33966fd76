/* SPDX-License-Identifier: Apache-2.0 */
/* Time as int64_t Unix seconds, UTC only.  Nothing here reads a clock. */
#ifndef HF_BASE_TIME_H
#define HF_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HF_TIME_TEXT_CAP 32
#define HF_DAY_SECONDS 86400
/* 9999-12-31T23:59:59Z: "no well-defined expiration date" (RFC 5280 4.1.2.5). */
#define HF_TIME_MAX INT64_C(253402300799)
/* 0000-01-01T00:00:00Z, the earliest that four digits of year can say. */
#define HF_TIME_MIN INT64_C(-62167219200)

/* "2026-11-21T06:39:31Z" into out (cap >= HF_TIME_TEXT_CAP); years outside 0-9999 are clamped. */
void hf_time_format(int64_t at, char *out);
/* "Sat, 21 Nov 2026 06:39:31 GMT" (RFC 9110 5.6.7). */
void hf_time_format_http(int64_t at, char *out);
/* Accepts "2026-11-21", "2026-11-21T06:39:31Z", "2026-11-21 06:39:31[Z]", "@1763707171", all UTC.
 */
bool hf_time_parse(const char *s, int64_t *ret_at);
/* Civil calendar both ways (proleptic Gregorian), fields of struct tm as in timegm(3). */
int64_t hf_time_from_civil(int year, int month, int day, int hour, int minute, int second);
void hf_time_to_civil(int64_t at, struct tm *ret_tm);
/* "90s", "15m", "12h", "30d", "4w", "1y" (365 days); a bare number is `unit` seconds each. */
bool hf_duration_parse(const char *s, int64_t unit, int64_t *ret_seconds);
/* "3 days", "5 hours", "2 years": the largest unit that says enough; for people. */
void hf_duration_words(int64_t seconds, char *out, size_t cap);

#endif
