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

static int hex_value(char c)
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
		hi = hex_value(s[0]);
		lo = hi < 0 ? -1 : hex_value(s[1]);
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

/* Of either alphabet.  Lists are long: no search for each character. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The bits left over at the end must be zero, or two texts would mean the same bytes. */
int hf_base64_decode(const char *s, size_t len, struct hf_buf *out)
{
	uint32_t acc = 0;
	unsigned bits = 0, pad = 0;
	char some[512] = ""; /* appended together */
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int v;

		if (is_space(s[i]))
			continue;
		if (s[i] == '=' && ++pad <= 2)
			continue;
		v = pad ? -1 : base64_value(s[i]);
		if (v < 0)
			return -HF_E_PARSE;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		some[n++] = (char)(acc >> bits & 255);
		if (n == sizeof(some) && hf_buf_append(out, some, n) < 0)
			return -HF_E_LIMIT;
		n %= sizeof(some);
	}
	if (hf_buf_append(out, some, n) < 0)
		return -HF_E_LIMIT;
	return bits >= 6 || (acc & ((1U << bits) - 1)) != 0 ? -HF_E_PARSE : 0;
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
