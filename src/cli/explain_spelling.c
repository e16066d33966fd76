/* SPDX-License-Identifier: Apache-2.0 */
/* Names and serial numbers in other programs' spelling.  Must never take two names for one that
 * differ in more than order, case and escapes. */
#include "cli/explain_spelling.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>

#include "base/str.h"

enum { NAME_CAP = 512, PARTS = 24, SERIAL_CAP = 64 };

struct parts {
	char text[NAME_CAP];
	const char *items[PARTS];
	size_t len;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* OpenSSL writes capitals; a small letter behind a backslash is the name's own. */
static int hex_digit(char c)
{
	return islower((unsigned char)c) ? -1 : hf_hex_value(c);
}

/* One character of a name, which programs escape each in their way: "\\,", "\\C3\\BC", "\\xC3",
 * with the backslash twice in Apache's log.  Returns what follows it. */
static const char *one_char(const char *at, char *ret, bool *ret_escaped)
{
	*ret_escaped = *at == '\\';
	while (*at == '\\')
		at++;
	if (*ret_escaped && *at == 'x' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0)
		at++;
	if (*ret_escaped && hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0) {
		*ret = (char)(hex_digit(at[0]) * 16 + hex_digit(at[1]));
		return at + 2;
	}
	*ret = *at;
	return *at ? at + 1 : at;
}

/* One part up to its end, which may stand inside quotes ('O = "Weir, Ltd"'). */
static const char *one_part(struct parts *p, const char *at, char end, size_t *n)
{
	bool quoted = false, escaped;
	const char *next;
	char c;

	while (*at) {
		next = one_char(at, &c, &escaped);
		if (!escaped && c == end && !quoted)
			return next;
		at = next;
		if (!escaped && c == '"')
			quoted = !quoted;
		else if (*n + 2 < sizeof(p->text) &&
			 !(c == ' ' && (*at == '=' || (*n > 0 && p->text[*n - 1] == '='))))
			p->text[(*n)++] = c;
	}
	return at;
}

/* "/O=Zoo/CN=x", "O = Zoo, CN = x", "CN=x,O=Zoo": the parts, without blanks at the sign, sorted,
 * since programs differ in their order. */
static void split_name(const char *name, struct parts *p)
{
	char end = name[0] == '/' ? '/' : ',';
	size_t n = 0;

	p->len = 0;
	for (const char *at = name; *at && p->len < PARTS && n + 2 < sizeof(p->text);) {
		const char *begin = p->text + n;

		at = one_part(p, at + strspn(at, " "), end, &n);
		p->text[n++] = '\0';
		if (*begin)
			p->items[p->len++] = begin;
	}
	qsort(p->items, p->len, sizeof(p->items[0]), by_text);
}

bool explain_same_name(const char *a, const char *b)
{
	struct parts x, y;

	split_name(a, &x);
	split_name(b, &y);
	if (x.len != y.len || x.len == 0)
		return false;
	for (size_t i = 0; i < x.len; i++) {
		if (!hf_str_case_eq(x.items[i], y.items[i]))
			return false;
	}
	return true;
}

bool explain_same_house(const char *a, const char *b)
{
	struct parts x, y;

	split_name(a, &x);
	split_name(b, &y);
	for (size_t i = 0; i < x.len; i++) {
		for (size_t k = 0; k < y.len && hf_str_starts(x.items[i], "O="); k++) {
			if (hf_str_case_eq(x.items[i], y.items[k]))
				return true;
		}
	}
	return false;
}

ASN1_INTEGER *explain_serial(const char *text)
{
	char hex[SERIAL_CAP + 1];
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial = NULL;
	size_t n = 0;

	for (; *text && n < SERIAL_CAP; text++) {
		if (isxdigit((unsigned char)*text))
			hex[n++] = *text;
		else if (*text != ':')
			return NULL;
	}
	hex[n] = '\0';
	if (n > 0 && !*text && BN_hex2bn(&number, hex) > 0)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	ERR_clear_error();
	return serial;
}
