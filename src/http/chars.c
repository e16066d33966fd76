/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes of HTTP and pieces of text.  Never looks at a locale, never copies. */
#include "http/chars.h"

#include <string.h>

#include "base/str.h"

#define T HF_CHAR_TOKEN
#define V HF_CHAR_VALUE
#define R HF_CHAR_TARGET
#define H HF_CHAR_HOST
#define ALPHA (T | V | R | H)
#define HEX (ALPHA | HF_CHAR_HEX)
#define DIGIT (HEX | HF_CHAR_DIGIT)

/* Request targets: RFC 3986 allows fewer, but browsers leave []{}|^` bare in queries (WHATWG URL
 * 1.3); none of these changes where a request ends.  '#', '"', '<', '>', '\\' and everything
 * outside of visible ASCII are refused. */
const uint8_t hf_http_chars[128] = {
	['\t'] = V,
	[' '] = V,
	['!'] = T | V | R | H,
	['"'] = V,
	['#'] = T | V,
	['$'] = T | V | R | H,
	['%'] = T | V | R | H,
	['&'] = T | V | R | H,
	['\''] = T | V | R | H,
	['('] = V | R | H,
	[')'] = V | R | H,
	['*'] = T | V | R | H,
	['+'] = T | V | R | H,
	[','] = V | R | H,
	['-'] = T | V | R | H,
	['.'] = T | V | R | H,
	['/'] = V | R,
	['0'] = DIGIT,
	['1'] = DIGIT,
	['2'] = DIGIT,
	['3'] = DIGIT,
	['4'] = DIGIT,
	['5'] = DIGIT,
	['6'] = DIGIT,
	['7'] = DIGIT,
	['8'] = DIGIT,
	['9'] = DIGIT,
	[':'] = V | R,
	[';'] = V | R | H,
	['<'] = V,
	['='] = V | R | H,
	['>'] = V,
	['?'] = V | R,
	['@'] = V | R,
	['A'] = HEX,
	['B'] = HEX,
	['C'] = HEX,
	['D'] = HEX,
	['E'] = HEX,
	['F'] = HEX,
	['G'] = ALPHA,
	['H'] = ALPHA,
	['I'] = ALPHA,
	['J'] = ALPHA,
	['K'] = ALPHA,
	['L'] = ALPHA,
	['M'] = ALPHA,
	['N'] = ALPHA,
	['O'] = ALPHA,
	['P'] = ALPHA,
	['Q'] = ALPHA,
	['R'] = ALPHA,
	['S'] = ALPHA,
	['T'] = ALPHA,
	['U'] = ALPHA,
	['V'] = ALPHA,
	['W'] = ALPHA,
	['X'] = ALPHA,
	['Y'] = ALPHA,
	['Z'] = ALPHA,
	['['] = V | R,
	['\\'] = V,
	[']'] = V | R,
	['^'] = T | V | R,
	['_'] = T | V | R | H,
	['`'] = T | V | R,
	['a'] = HEX,
	['b'] = HEX,
	['c'] = HEX,
	['d'] = HEX,
	['e'] = HEX,
	['f'] = HEX,
	['g'] = ALPHA,
	['h'] = ALPHA,
	['i'] = ALPHA,
	['j'] = ALPHA,
	['k'] = ALPHA,
	['l'] = ALPHA,
	['m'] = ALPHA,
	['n'] = ALPHA,
	['o'] = ALPHA,
	['p'] = ALPHA,
	['q'] = ALPHA,
	['r'] = ALPHA,
	['s'] = ALPHA,
	['t'] = ALPHA,
	['u'] = ALPHA,
	['v'] = ALPHA,
	['w'] = ALPHA,
	['x'] = ALPHA,
	['y'] = ALPHA,
	['z'] = ALPHA,
	['{'] = V | R,
	['|'] = T | V | R,
	['}'] = V | R,
	['~'] = T | V | R | H,
};

bool hf_http_all(const char *s, size_t len, unsigned kinds)
{
	for (size_t i = 0; i < len; i++)
		if (!hf_http_is(s[i], kinds))
			return false;
	return true;
}

bool hf_http_percent_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '%')
			continue;
		if (len - i < 3 || !hf_http_all(s + i + 1, 2, HF_CHAR_HEX))
			return false;
	}
	return true;
}

bool hf_slice_is(struct hf_slice s, const char *text)
{
	size_t len = strlen(text);

	return s.len == len && memcmp(s.data, text, len) == 0;
}

bool hf_slice_case_is(struct hf_slice s, const char *text)
{
	size_t len = strlen(text);

	return s.len == len && hf_mem_case_eq(s.data, text, len);
}

bool hf_slice_starts(struct hf_slice s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && memcmp(s.data, prefix, len) == 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

struct hf_slice hf_slice_trim(struct hf_slice s)
{
	while (s.len > 0 && blank(s.data[0])) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

bool hf_slice_next(struct hf_slice *rest, char sep, struct hf_slice *ret_part)
{
	const char *end;
	size_t len;

	if (rest->data == NULL)
		return false;
	end = rest->len > 0 ? memchr(rest->data, sep, rest->len) : NULL;
	len = end != NULL ? (size_t)(end - rest->data) : rest->len;
	*ret_part = hf_slice_trim((struct hf_slice){ rest->data, len });
	if (end == NULL)
		*rest = (struct hf_slice){ NULL, 0 };
	else
		*rest = (struct hf_slice){ end + 1, rest->len - len - 1 };
	return true;
}
