/* SPDX-License-Identifier: Apache-2.0 */
/* SANs as people write them.  Must never accept a name that other programs would read differently.
 */
#include "pki/san.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/san_internal.h"

enum { HOST_CAP = 253, LABEL_CAP = 63 };

bool hf_ip_parse(const char *text, uint8_t raw[16], size_t *ret_len)
{
	char copy[INET6_ADDRSTRLEN + 2];
	size_t len;
	bool brackets = text[0] == '[';

	if (!hf_str_copy(copy, sizeof(copy), text + brackets))
		return false;
	len = strlen(copy);
	if (brackets && (len == 0 || copy[len - 1] != ']'))
		return false;
	if (brackets)
		copy[len - 1] = '\0';
	if (!brackets && inet_pton(AF_INET, copy, raw) == 1) {
		*ret_len = 4;
		return true;
	}
	if (inet_pton(AF_INET6, copy, raw) != 1)
		return false;
	*ret_len = 16;
	return true;
}

bool hf_is_ip(const char *text)
{
	uint8_t raw[16];
	size_t len;

	return hf_ip_parse(text, raw, &len);
}

void hf_ip_format(const uint8_t *raw, size_t len, char *out, size_t cap)
{
	char text[INET6_ADDRSTRLEN];

	if ((len != 4 && len != 16) ||
	    !inet_ntop(len == 4 ? AF_INET : AF_INET6, raw, text, sizeof(text)))
		(void)hf_str_copy(text, sizeof(text), "?");
	(void)hf_str_copy(out, cap, text);
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (hf_ascii_lower(c) >= 'a' && hf_ascii_lower(c) <= 'z');
}

static bool label_valid(const char *s, size_t len)
{
	if (len == 0 || len > LABEL_CAP || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	}
	return true;
}

bool hf_dns_name_valid(const char *name, size_t len, bool allow_wildcard)
{
	size_t start = 0;

	if (len > HOST_CAP)
		return false;
	if (allow_wildcard && len > 2 && name[0] == '*' && name[1] == '.')
		start = 2;
	for (size_t i = start; i <= len; i++) {
		if (i < len && name[i] != '.')
			continue;
		if (!label_valid(name + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

bool hf_uri_valid(const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);

	if (!colon || colon == s || colon == s + len - 1 || !is_alnum(s[0]) ||
	    (s[0] >= '0' && s[0] <= '9'))
		return false;
	for (const char *p = s; p < colon; p++) {
		if (!is_alnum(*p) && !strchr("+-.", *p))
			return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] <= 0x20 || s[i] >= 0x7f || strchr("\"<>\\^`{|}", s[i]))
			return false;
	}
	/* RFC 3986 3.2.2: brackets hold an address, and nothing else has them */
	return !memchr(s, '[', len) == !memchr(s, ']', len);
}

/* atext of RFC 5322 3.2.3 and dots between; quoted local parts are not worth their trouble. */
bool hf_email_valid(const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	size_t local = at ? (size_t)(at - s) : 0;

	if (local == 0 || s[0] == '.' || s[local - 1] == '.')
		return false;
	for (size_t i = 0; i < local; i++) {
		bool dot = s[i] == '.' && s[i + 1] != '.';

		if (!s[i] || (!is_alnum(s[i]) && !strchr("!#$%&'*+-/=?^_`{|}~", s[i]) && !dot))
			return false;
	}
	return hf_dns_name_valid(at + 1, len - local - 1, false);
}

static int add_ip(struct hf_sans *sans, const char *value, struct hf_err *err)
{
	uint8_t raw[16] = { 0 };
	char text[INET6_ADDRSTRLEN];
	struct hf_san *san;
	size_t len;

	if (!hf_ip_parse(value, raw, &len)) {
		(void)hf_err_set(err, HF_MISTAKE_SAN, "'%s' is not an IP address", value);
		(void)hf_err_at_text(err, value);
		return hf_err_hint(err, "write ip:192.0.2.1 or ip:2001:db8::1");
	}
	hf_ip_format(raw, len, text, sizeof(text));
	san = hf_sans_push(sans, HF_SAN_IP, text, strlen(text));
	if (!san)
		return hf_err_nomem(err);
	memcpy(san->raw, raw, len);
	san->raw_len = len;
	return 0;
}

static bool dns_valid(const char *s, size_t len)
{
	return hf_dns_name_valid(s, len, true) && !hf_is_ip(s);
}

static const struct text_kind {
	enum hf_san_kind kind;
	bool (*valid)(const char *s, size_t len);
	const char *what, *hint;
} text_kinds[] = {
	{ HF_SAN_DNS, dns_valid, "a host name",
	  "letters, digits, '-' and '_' between dots, one '*.' in front at most; an address is written ip:…, "
	  "a name in other letters in its xn-- form" },
	{ HF_SAN_URI, hf_uri_valid, "an absolute URI",
	  "write scheme:rest, as in uri:spiffe://abc/mail" },
	{ HF_SAN_EMAIL, hf_email_valid, "an e-mail address", "write local@host" },
};

int hf_sans_add(struct hf_sans *sans, enum hf_san_kind kind, const char *value, struct hf_err *err)
{
	size_t len = strlen(value);

	if (kind == HF_SAN_IP)
		return add_ip(sans, value, err);
	for (size_t i = 0; i < HF_ARRAY_LEN(text_kinds); i++) {
		const struct text_kind *k = &text_kinds[i];

		if (k->kind != kind)
			continue;
		if (!k->valid(value, len)) {
			(void)hf_err_set(err, HF_MISTAKE_SAN, "'%s' is not %s", value, k->what);
			(void)hf_err_at_text(err, value);
			return hf_err_hint(err, "%s", k->hint);
		}
		return hf_sans_push(sans, kind, value, len) ? 0 : hf_err_nomem(err);
	}
	return hf_err_set(err, HF_E_UNSUPPORTED, "names of kind '%s' cannot be given as text",
			  hf_san_kind_name(kind));
}

static bool is_kind(const char *text, size_t len, const char *name)
{
	return len == strlen(name) && hf_mem_case_eq(text, name, len);
}

/* Guesses what a value without kind was meant to be, for the hint only. */
static const char *guess_kind(const char *text)
{
	if (hf_is_ip(text))
		return "ip";
	if (strstr(text, "://"))
		return "uri";
	return strchr(text, '@') ? "email" : "dns";
}

/* "dsn" was meant to be "dns"; what is a host with a port, or an IPv6 address, is near to none. */
static const char *nearest_kind(const char *text, size_t len, char word[16])
{
	static const char *const kinds[] = { "dns", "ip", "uri", "email", NULL };

	memcpy(word, text, len);
	word[len] = '\0';
	return hf_str_nearest(word, kinds);
}

int hf_sans_add_text(struct hf_sans *sans, const char *text, struct hf_err *err)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	const char *kind;
	char word[16];
	static const enum hf_san_kind kinds[] = { HF_SAN_DNS, HF_SAN_IP, HF_SAN_URI, HF_SAN_EMAIL };

	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		if (is_kind(text, len, hf_san_kind_name(kinds[i])))
			return hf_sans_add(sans, kinds[i], colon + 1, err);
	}
	kind = len > 0 && len < sizeof(word) ? nearest_kind(text, len, word) : NULL;
	(void)hf_err_set(err, HF_MISTAKE_SAN_KIND, "'%s' does not say which kind of name it is",
			 text);
	(void)hf_err_at(err, text, 0, kind ? len : strlen(text));
	if (kind)
		return hf_err_hint(err, "did you mean %s%s? (kinds: dns, ip, uri, email)", kind,
				   colon);
	return hf_err_hint(err, "write %s:%s (kinds: dns, ip, uri, email)", guess_kind(text), text);
}

/* The part of a list between two commas, without the spaces around it. */
static char *list_part(const char *s, size_t len)
{
	while (len > 0 && *s == ' ') {
		s++;
		len--;
	}
	while (len > 0 && s[len - 1] == ' ')
		len--;
	return hf_str_ndup(s, len);
}

static int empty_part(const char *whole, const char *at, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_SAN, "the list of names has an empty part");
	(void)hf_err_at(err, whole, (size_t)(at - whole), *at == ',' ? 1 : 0);
	return hf_err_hint(err, "names stand between commas: dns:a.abc.com,ip:10.0.0.1");
}

int hf_sans_add_list(struct hf_sans *sans, const char *list, struct hf_err *err)
{
	const char *whole = list;

	for (;;) {
		size_t len = strcspn(list, ",");
		HF_AUTO(cstr) part = list_part(list, len);
		int rc;

		if (!part)
			return hf_err_nomem(err);
		if (!*part)
			return empty_part(whole, list, err);
		rc = hf_sans_add_text(sans, part, err);
		if (rc < 0 || !list[len])
			return rc;
		list += len + 1;
	}
}

int hf_sans_add_host(struct hf_sans *sans, const char *host, struct hf_err *err)
{
	return hf_sans_add(sans, hf_is_ip(host) ? HF_SAN_IP : HF_SAN_DNS, host, err);
}
