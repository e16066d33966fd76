/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in other letters in the form that certificates and DNS have (RFC 5890 A-labels,
 * RFC 3492 Punycode).  Must never change a name of ASCII, nor guess at what is not plain UTF-8 in
 * composed letters: two spellings of one name must not become two names. */
#include "base/alabel.h"

#include <stdint.h>
#include <string.h>

#include "base/macros.h"

/* RFC 3492 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };
enum { LABEL_MAX = 63, POINT_MAX = 0x10ffff };

struct label {
	uint32_t points[LABEL_MAX];
	size_t len;
	bool ascii;
};

/* One character of strict UTF-8 (RFC 3629); 0: there is none. */
static size_t utf8_next(const unsigned char *at, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = at[0] < 0x80	      ? 1
		     : (at[0] & 0xe0) == 0xc0 ? 2
		     : (at[0] & 0xf0) == 0xe0 ? 3
		     : (at[0] & 0xf8) == 0xf0 ? 4
					      : 0;
	uint32_t point = len == 1 ? at[0] : at[0] & (0xffU >> (len + 1));

	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3fU);
	}
	if (len == 0 || point < least[len] || point > POINT_MAX ||
	    (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return len;
}

/* Capitals of Latin, Greek and Cyrillic, which names are not told apart by (RFC 5895 2). */
static uint32_t small(uint32_t c)
{
	bool plus_32 = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
		       (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) || (c >= 0x410 && c <= 0x42f);

	if (plus_32)
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	/* pairs: the capital is even, but for two stretches */
	if ((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	return c;
}

/* Controls, blanks, two capitals with a small letter elsewhere, and marks that belong to the letter
 * before: "u" and U+0308 is "ü" elsewhere. */
static bool is_refused(uint32_t c)
{
	return (c >= 0x80 && c <= 0xa0) || c == 0xad || c == 0x130 || c == 0x178 ||
	       (c >= 0x300 && c <= 0x36f) || (c >= 0x2000 && c <= 0x206f) ||
	       (c >= 0xd800 && c <= 0xf8ff) || c >= 0xe0000 || c == 0xfeff ||
	       (c >= 0xff00 && c <= 0xffef);
}

/* Up to the next dot. */
static bool label_read(const char **at, struct label *label)
{
	*label = (struct label){ .ascii = true };
	while (**at && **at != '.') {
		uint32_t point = 0;
		size_t len = utf8_next((const unsigned char *)*at, &point);

		if (len == 0 || is_refused(point) || label->len == LABEL_MAX)
			return false;
		label->points[label->len++] = point;
		label->ascii &= point < 0x80;
		*at += len;
	}
	return true;
}

struct text {
	char *at;
	size_t len, cap;
};

static bool put(struct text *t, uint32_t c)
{
	if (t->len + 1 >= t->cap)
		return false;
	t->at[t->len++] = (char)c;
	t->at[t->len] = '\0';
	return true;
}

static uint32_t adapted(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > ((BASE - TMIN) * TMAX) / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static bool put_number(struct text *t, uint32_t q, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t least = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

		if (q < least)
			return put(t, (unsigned char)digits[q]);
		if (!put(t, (unsigned char)digits[least + (q - least) % (BASE - least)]))
			return false;
		q = (q - least) / (BASE - least);
	}
}

static uint32_t least_from(const struct label *label, uint32_t n)
{
	uint32_t least = POINT_MAX + 1;

	for (size_t i = 0; i < label->len; i++) {
		if (label->points[i] >= n)
			least = HF_MIN(least, label->points[i]);
	}
	return least;
}

/* RFC 3492 6.3; with 63 characters at most no number overflows. */
static bool put_punycode(struct text *t, const struct label *label)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, done = 0, plain = 0;

	for (size_t i = 0; i < label->len; i++) {
		if (label->points[i] >= 0x80)
			continue;
		if (!put(t, label->points[i]))
			return false;
		done++;
	}
	plain = done;
	if (plain && !put(t, '-'))
		return false;
	while (done < label->len) {
		uint32_t next = least_from(label, n);

		delta += (next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < label->len; i++) {
			delta += label->points[i] < n;
			if (label->points[i] != n)
				continue;
			if (!put_number(t, delta, bias))
				return false;
			bias = adapted(delta, done + 1, done == plain);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	return true;
}

static bool put_label(struct text *t, struct label *label)
{
	size_t begin = t->len;

	for (size_t i = 0; i < label->len; i++) {
		if (label->ascii && !put(t, label->points[i]))
			return false;
		label->points[i] = small(label->points[i]);
	}
	if (label->ascii)
		return true;
	if (!put(t, 'x') || !put(t, 'n') || !put(t, '-') || !put(t, '-'))
		return false;
	return put_punycode(t, label) && t->len - begin <= LABEL_MAX;
}

bool hf_alabel_encode(const char *name, char *ret, size_t cap)
{
	struct text t = { ret, 0, cap };
	struct label label;

	if (cap == 0)
		return false;
	ret[0] = '\0';
	for (const char *at = name;; at++) {
		if (!label_read(&at, &label) || !put_label(&t, &label))
			return false;
		if (!*at)
			return true;
		if (!put(&t, '.'))
			return false;
	}
}
