/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded strings, numbers, distance.  Must never depend on the locale. */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool hf_str_copy(char *dst, size_t cap, const char *src)
{
	size_t len = strlen(src);
	size_t n = len < cap ? len : cap - 1;

	memmove(dst, src, n);
	dst[n] = '\0';
	return n == len;
}

char hf_ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool hf_str_eq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool hf_mem_case_eq(const void *a, const void *b, size_t len)
{
	const char *x = a, *y = b;

	for (size_t i = 0; i < len; i++) {
		if (hf_ascii_lower(x[i]) != hf_ascii_lower(y[i]))
			return false;
	}
	return true;
}

bool hf_str_case_find(const char *s, const char *text)
{
	size_t n = strlen(text), len = strlen(s);

	for (size_t i = 0; i + n <= len; i++) {
		if (hf_mem_case_eq(s + i, text, n))
			return true;
	}
	return false;
}

bool hf_str_case_eq(const char *a, const char *b)
{
	size_t len;

	if (!a || !b)
		return a == b;
	len = strlen(a);
	return len == strlen(b) && hf_mem_case_eq(a, b, len);
}

bool hf_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool hf_str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

char *hf_str_ndup(const char *s, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *hf_str_dup(const char *s)
{
	return hf_str_ndup(s, strlen(s));
}

char *hf_str_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

void hf_cstr_free(char *s)
{
	free(s);
}

bool hf_str_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		uint64_t d = (uint64_t)(unsigned char)*s - '0';

		if (*s < '0' || *s > '9' || d > max || v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret_value = v;
	return true;
}

bool hf_str_i64(const char *s, int64_t *ret_value)
{
	bool negative = *s == '-';
	uint64_t v;

	if (!hf_str_u64(s + negative, INT64_MAX, &v))
		return false;
	*ret_value = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

enum { WORD_CAP = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
	return HF_MIN(a, HF_MIN(b, c));
}

bool hf_glob_matches(const char *glob, size_t glob_len, const char *text, size_t len)
{
	size_t g = 0, t = 0;
	size_t star = SIZE_MAX, retry = 0; /* the last '*', and where its run ends so far */

	while (t < len) {
		if (g < glob_len && glob[g] == '*') {
			star = g++;
			retry = t;
		} else if (g < glob_len && hf_ascii_lower(glob[g]) == hf_ascii_lower(text[t])) {
			g++;
			t++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (g < glob_len && glob[g] == '*')
		g++;
	return g == glob_len;
}

size_t hf_str_columns(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

size_t hf_str_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_CAP + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_CAP || m > WORD_CAP)
		return HF_MAX(n, m);
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *cur = rows[i % 3], *prev = rows[(i - 1) % 3];
		const size_t *before = rows[(i + 1) % 3];

		cur[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cur[j] = HF_MIN(cur[j], before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *hf_str_nearest(const char *word, const char *const *words)
{
	size_t best = HF_MAX(strlen(word) / 3, 1) + 1;
	const char *nearest = NULL;

	for (; *words; words++) {
		size_t d = hf_str_distance(word, *words);

		if (d < best) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}

int hf_strv_addn(struct hf_strv *v, const char *s, size_t len)
{
	char *copy;

	if (v->len + 2 > v->alloc) {
		size_t alloc = v->alloc ? 2 * v->alloc : 8;
		char **items = realloc(v->items, alloc * sizeof(*items));

		if (!items)
			return -HF_E_NOMEM;
		v->items = items;
		v->alloc = alloc;
	}
	copy = hf_str_ndup(s, len);
	if (!copy)
		return -HF_E_NOMEM;
	v->items[v->len++] = copy;
	v->items[v->len] = NULL;
	return 0;
}

int hf_strv_add(struct hf_strv *v, const char *s)
{
	return hf_strv_addn(v, s, strlen(s));
}

int hf_strv_split(struct hf_strv *v, const char *s, char sep)
{
	for (;;) {
		const char *end = strchr(s, sep);
		size_t len = end ? (size_t)(end - s) : strlen(s);
		int rc = hf_strv_addn(v, s, len);

		if (rc < 0 || !end)
			return rc;
		s = end + 1;
	}
}

bool hf_strv_has(const struct hf_strv *v, const char *s)
{
	for (size_t i = 0; i < v->len; i++) {
		if (strcmp(v->items[i], s) == 0)
			return true;
	}
	return false;
}

void hf_strv_done(struct hf_strv *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct hf_strv)HF_STRV_INIT;
}
