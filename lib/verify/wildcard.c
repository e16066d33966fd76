/* SPDX-License-Identifier: Apache-2.0 */
/* Odd wildcards, told apart: one "*" somewhere, standing for part of a label or for a whole one.
 * Must never be what we ourselves match by: this only tells what others make of a name. */
#include "verify/wildcard.h"

#include <string.h>

#include "base/str.h"

/* "g*w" against "gateway": everything before and after the star is there. */
static bool label_matches(const char *pattern, size_t len, const char *label, size_t label_len)
{
	const char *star = memchr(pattern, '*', len);
	size_t head, tail;

	if (!star)
		return len == label_len && hf_mem_case_eq(pattern, label, len);
	head = (size_t)(star - pattern);
	tail = len - head - 1;
	return label_len >= len - 1 && label_len > 0 && hf_mem_case_eq(pattern, label, head) &&
	       hf_mem_case_eq(star + 1, label + label_len - tail, tail);
}

static bool matches(const char *pattern, const char *name)
{
	for (;;) {
		size_t p = strcspn(pattern, "."), n = strcspn(name, ".");

		if (!label_matches(pattern, p, name, n))
			return false;
		if (pattern[p] != name[n])
			return false; /* one has more labels than the other */
		if (pattern[p] == '\0')
			return true;
		pattern += p + 1;
		name += n + 1;
	}
}

/* Where the star stands, of a pattern that has just one. */
static enum hf_wildcard kind_of(const char *pattern, const char *star)
{
	size_t first = strcspn(pattern, ".");

	if ((size_t)(star - pattern) >= first)
		return HF_WILDCARD_MIDDLE;
	if (star != pattern)
		return HF_WILDCARD_PREFIX;
	if (first > 1)
		return HF_WILDCARD_SUFFIX;
	if (pattern[1] == '\0')
		return HF_WILDCARD_BARE;
	return strchr(pattern + 2, '.') ? HF_WILDCARD_NO : HF_WILDCARD_TOP;
}

enum hf_wildcard hf_wildcard_match(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');

	if (!star || strchr(star + 1, '*') || !matches(pattern, name))
		return HF_WILDCARD_NO;
	return kind_of(pattern, star);
}
