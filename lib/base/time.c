/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar arithmetic without libc's locale and time zone.  Must never read a clock. */
#include "base/time.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

/* Days since 1970-01-01 of a Gregorian date; years counted from March so that leap days end them.
 */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int64_t hf_time_from_civil(int year, int month, int day, int hour, int minute, int second)
{
	return days_from_civil(year, month, day) * HF_DAY_SECONDS + hour * 3600 + minute * 60 +
	       second;
}

void hf_time_to_civil(int64_t at, struct tm *ret_tm)
{
	int64_t days = at / HF_DAY_SECONDS, rest = at % HF_DAY_SECONDS;
	int64_t z, era, doe, yoe, doy, mp;

	if (rest < 0) {
		rest += HF_DAY_SECONDS;
		days--;
	}
	z = days + 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	memset(ret_tm, 0, sizeof(*ret_tm));
	ret_tm->tm_mday = (int)(doy - (153 * mp + 2) / 5 + 1);
	ret_tm->tm_mon = (int)(mp < 10 ? mp + 2 : mp - 10);
	ret_tm->tm_year = (int)(yoe + era * 400 + (ret_tm->tm_mon <= 1) - 1900);
	ret_tm->tm_hour = (int)(rest / 3600);
	ret_tm->tm_min = (int)(rest / 60 % 60);
	ret_tm->tm_sec = (int)(rest % 60);
	ret_tm->tm_wday = (int)(((days + 4) % 7 + 7) % 7);
	ret_tm->tm_yday = (int)(days - days_from_civil(ret_tm->tm_year + 1900, 1, 1));
}

/* Decimal with leading zeros; the value is known to fit. */
static char *put_number(char *out, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

static char *put_text(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

static char *put_clock(char *out, const struct tm *tm)
{
	out = put_text(put_number(out, tm->tm_hour, 2), ":", 1);
	out = put_text(put_number(out, tm->tm_min, 2), ":", 1);
	return put_number(out, tm->tm_sec, 2);
}

/* Four digits of year are all that the texts have room for. */
static void to_civil_text(int64_t at, struct tm *ret_tm)
{
	hf_time_to_civil(HF_MAX(HF_TIME_MIN, HF_MIN(at, HF_TIME_MAX)), ret_tm);
}

void hf_time_format(int64_t at, char *out)
{
	struct tm tm;

	to_civil_text(at, &tm);
	out = put_text(put_number(out, tm.tm_year + 1900, 4), "-", 1);
	out = put_text(put_number(out, tm.tm_mon + 1, 2), "-", 1);
	out = put_text(put_number(out, tm.tm_mday, 2), "T", 1);
	(void)put_text(put_clock(out, &tm), "Z", 2);
}

void hf_time_format_http(int64_t at, char *out)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	to_civil_text(at, &tm);
	out = put_text(put_text(out, days + 3 * tm.tm_wday, 3), ", ", 2);
	out = put_text(put_number(out, tm.tm_mday, 2), " ", 1);
	out = put_text(put_text(out, months + 3 * tm.tm_mon, 3), " ", 1);
	out = put_text(put_number(out, tm.tm_year + 1900, 4), " ", 1);
	(void)put_text(put_clock(out, &tm), " GMT", 5);
}

static bool read_number(const char **s, size_t digits, int max, int *ret_value)
{
	int v = 0;

	for (size_t i = 0; i < digits; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*s += digits;
	*ret_value = v;
	return v <= max;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool read_char(const char **s, const char *one_of)
{
	if (!**s || !strchr(one_of, **s))
		return false;
	(*s)++;
	return true;
}

static bool parse_civil(const char *s, int64_t *ret_at)
{
	int year, month, day, hour = 0, minute = 0, second = 0;

	if (!read_number(&s, 4, 9999, &year) || !read_char(&s, "-") ||
	    !read_number(&s, 2, 12, &month) || month < 1 || !read_char(&s, "-") ||
	    !read_number(&s, 2, month_days(year, month), &day) || day < 1)
		return false;
	if (*s) {
		if (!read_char(&s, "T ") || !read_number(&s, 2, 23, &hour) || !read_char(&s, ":") ||
		    !read_number(&s, 2, 59, &minute))
			return false;
		if (read_char(&s, ":") && !read_number(&s, 2, 59, &second))
			return false;
		(void)read_char(&s, "Zz");
	}
	*ret_at = hf_time_from_civil(year, month, day, hour, minute, second);
	return *s == '\0';
}

bool hf_time_parse(const char *s, int64_t *ret_at)
{
	int64_t at;

	if (*s == '@' ? !hf_str_i64(s + 1, &at) : !parse_civil(s, &at))
		return false;
	*ret_at = at;
	return true;
}

static int64_t unit_seconds(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return HF_DAY_SECONDS;
	case 'w':
		return 7 * HF_DAY_SECONDS;
	case 'y':
		return 365 * HF_DAY_SECONDS;
	default:
		return 0;
	}
}

bool hf_duration_parse(const char *s, int64_t unit, int64_t *ret_seconds)
{
	char number[16];
	size_t len = strlen(s);
	uint64_t v;

	if (len == 0 || len >= sizeof(number))
		return false;
	(void)hf_str_copy(number, sizeof(number), s);
	if (unit_seconds(s[len - 1]) > 0) {
		unit = unit_seconds(s[len - 1]);
		number[len - 1] = '\0';
	}
	if (!hf_str_u64(number, (uint64_t)(HF_TIME_MAX / unit), &v))
		return false;
	*ret_seconds = (int64_t)v * unit;
	return true;
}

void hf_duration_words(int64_t seconds, char *out, size_t cap)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 365 * HF_DAY_SECONDS, "year" },
		      { HF_DAY_SECONDS, "day" },
		      { 3600, "hour" },
		      { 60, "minute" },
		      { 1, "second" } };
	int64_t abs = seconds < 0 ? -seconds : seconds;

	for (size_t i = 0; i < HF_ARRAY_LEN(units); i++) {
		int64_t n = abs / units[i].seconds;

		/* "2 years" and "400 days" say enough, "1 year" does not */
		if (n < 2 && units[i].seconds > 1)
			continue;
		(void)snprintf(out, cap, "%lld %s%s", (long long)n, units[i].name,
			       n == 1 ? "" : "s");
		return;
	}
}
