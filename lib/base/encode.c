/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (RFC 4648) and escaping for logs.  Must never read past len nor write past a cap. */
#include "base/str.h"

void hf_hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

int hf_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = hf_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hf_hex_decode(const char *s, void *out, size_t cap, size_t *ret_len)
{
	uint8_t *p = out;
	size_t n = 0;

	while (*s) {
		int hi, lo;

		if (n > 0 && (*s == ':' || *s == ' ')) {
			s++;
			if (!*s)
				return false;
		}
		hi = hf_hex_value(s[0]);
		lo = hi < 0 ? -1 : hf_hex_value(s[1]);
		if (lo < 0 || n == cap)
			return false;
		p[n++] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	*ret_len = n;
	return true;
}

static const char alphabet_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int base64_put(const uint8_t *p, size_t len, const char *alphabet, bool pad,
		      struct hf_buf *out)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t n = HF_MIN(len - i, 3);
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? (uint32_t)p[i + 2] : 0);

		for (size_t k = 0; k < 4; k++) {
			if (k <= n)
				(void)hf_buf_putc(out, alphabet[v >> (18 - 6 * k) & 63]);
			else if (pad)
				(void)hf_buf_putc(out, '=');
		}
	}
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

int hf_base64_encode(const void *data, size_t len, struct hf_buf *out)
{
	return base64_put(data, len, alphabet_std, true, out);
}

int hf_base64url_encode(const void *data, size_t len, struct hf_buf *out)
{
	return base64_put(data, len, alphabet_url, false, out);
}

enum {
	NO_VALUE = 64,	/* a bit that no value has: one test for four of them */
	BLOCK_CAP = 512 /* bytes that are appended together */
};

/* Of either alphabet, by the ASCII code of a character.  Lists are long: no search for each. */
/* clang-format off */
static const uint8_t base64_values[128] = {
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 62, 64, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64,
	64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63,
	64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
};
/* clang-format on */

static unsigned base64_value(char c)
{
	return (uint8_t)c < sizeof(base64_values) ? base64_values[(uint8_t)c] : NO_VALUE;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* As many whole blocks of four as stand at the start of s, up to the cap; ret_n: bytes made.  Stops
 * at whatever is no value, which is for the caller to look at. */
static size_t base64_blocks(const char *s, size_t len, char out[BLOCK_CAP], size_t *ret_n)
{
	size_t i = 0, n = 0;

	for (; len - i >= 4 && n + 3 <= BLOCK_CAP; i += 4, n += 3) {
		unsigned a = base64_value(s[i]), b = base64_value(s[i + 1]);
		unsigned c = base64_value(s[i + 2]), d = base64_value(s[i + 3]);
		uint32_t v = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) & NO_VALUE)
			break;
		out[n] = (char)(v >> 16);
		out[n + 1] = (char)(v >> 8 & 255);
		out[n + 2] = (char)(v & 255);
	}
	*ret_n = n;
	return i;
}

/* What was read of a block of four that is not whole. */
struct base64_rest {
	uint32_t acc;
	unsigned len; /* values, of four */
	unsigned pad; /* '=' */
};

/* One character beside the whole blocks: a space, padding, a value of a block that a line's end
 * cuts in two.  0; -HF_E_PARSE; -HF_E_LIMIT. */
static int base64_single(struct base64_rest *rest, char c, struct hf_buf *out)
{
	unsigned v = base64_value(c);
	char bytes[3];

	if (is_space(c) || (c == '=' && ++rest->pad <= 2))
		return 0;
	if (rest->pad > 0 || v == NO_VALUE)
		return -HF_E_PARSE;
	rest->acc = rest->acc << 6 | v;
	if (++rest->len < 4)
		return 0;
	bytes[0] = (char)(rest->acc >> 16 & 255);
	bytes[1] = (char)(rest->acc >> 8 & 255);
	bytes[2] = (char)(rest->acc & 255);
	*rest = (struct base64_rest){ .len = 0 };
	return hf_buf_append(out, bytes, sizeof(bytes)) < 0 ? -HF_E_LIMIT : 0;
}

/* The last block, of two or three values.  The bits left over must be zero, or two texts would mean
 * the same bytes. */
static int base64_end(const struct base64_rest *rest, struct hf_buf *out)
{
	unsigned bits = 6 * rest->len, bytes = bits / 8, over = bits % 8;
	char text[2];

	if (rest->len == 0)
		return 0;
	if (rest->len == 1 || (rest->acc & ((1U << over) - 1)) != 0)
		return -HF_E_PARSE;
	for (unsigned i = 0; i < bytes; i++)
		text[i] = (char)(rest->acc >> (bits - 8 * (i + 1)) & 255);
	return hf_buf_append(out, text, bytes) < 0 ? -HF_E_LIMIT : 0;
}

int hf_base64_decode(const char *s, size_t len, struct hf_buf *out)
{
	struct base64_rest rest = { .len = 0 };
	char some[BLOCK_CAP];
	size_t n;

	for (size_t i = 0; i < len;) {
		int rc;

		if (rest.len == 0 && rest.pad == 0) {
			i += base64_blocks(s + i, len - i, some, &n);
			if (n > 0 && hf_buf_append(out, some, n) < 0)
				return -HF_E_LIMIT;
			if (i == len)
				break;
		}
		rc = base64_single(&rest, s[i++], out);
		if (rc < 0)
			return rc;
	}
	return base64_end(&rest, out);
}

/* Length of the valid UTF-8 sequence at s (shortest form, no surrogates), 0 when invalid. */
static size_t utf8_next(const uint8_t *s, size_t len, uint32_t *ret_cp)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t min;
	} forms[] = { { 0x80, 0x00, 0 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (size_t n = 0; n < HF_ARRAY_LEN(forms); n++) {
		uint32_t cp = s[0] & (uint8_t)~forms[n].mask;

		if ((s[0] & forms[n].mask) != forms[n].lead)
			continue;
		if (n >= len)
			return 0;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			cp = cp << 6 | (s[i] & 0x3fU);
		}
		if (cp < forms[n].min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
			return 0;
		*ret_cp = cp;
		return n + 1;
	}
	return 0;
}

/* C0, DEL, C1, and what reorders or breaks a line on a terminal. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == '\\' || cp == 0x61c ||
	       (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

int hf_str_escape(struct hf_buf *out, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = utf8_next(p + i, len - i, &cp);

		if (n == 0 || (n == 1 && is_unsafe(cp)))
			(void)(n == 1 && cp == '\\' ? hf_buf_puts(out, "\\\\")
						    : hf_buf_printf(out, "\\x%02x", p[i]));
		else if (is_unsafe(cp))
			(void)hf_buf_printf(out, "\\u{%x}", cp);
		else
			(void)hf_buf_append(out, s + i, n);
		i += n ? n : 1;
	}
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

bool hf_str_is_printable(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = utf8_next(p + i, len - i, &cp);

		if (n == 0 || is_unsafe(cp))
			return false;
		i += n;
	}
	return true;
}
