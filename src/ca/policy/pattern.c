/* SPDX-License-Identifier: Apache-2.0 */
/* Matching names against what a policy allows.  Must never let a pattern reach further than it
 * reads: no prefix of a host name, no ".." out of a path, no NUL, no '*' where a name was meant. */
#include "ca/policy/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { PATTERN_CAP = 1024, ADDRESS_CAP = 64 };

void hf_pattern_done(struct hf_pattern *pattern)
{
	free(pattern->text);
	pattern->text = NULL;
}

/* --- DNS --- */

/* The last label: its start. */
static size_t last_label(const char *s, size_t len)
{
	while (len > 0 && s[len - 1] != '.')
		len--;
	return len;
}

static bool label_matches(const char *glob, size_t glob_len, const char *label, size_t len,
			  bool wildcards)
{
	if (len == 1 && label[0] == '*')
		return wildcards && glob_len == 1 && glob[0] == '*';
	return len > 0 && hf_glob_matches(glob, glob_len, label, len);
}

/* From the right, label by label: a pattern is always anchored at its domain. */
static bool host_matches(const char *glob, const char *host, size_t len, bool wildcards)
{
	bool any_depth = hf_str_starts(glob, "**.");
	size_t glob_len = strlen(glob);
	size_t glob_start = any_depth ? 3 : 0;

	while (glob_len > glob_start) {
		size_t g = last_label(glob, glob_len);
		size_t h = last_label(host, len);

		if (len == 0 ||
		    !label_matches(glob + g, glob_len - g, host + h, len - h, wildcards))
			return false;
		glob_len = g ? g - 1 : 0;
		len = h ? h - 1 : 0;
	}
	if (!any_depth)
		return len == 0;
	return len > 0 && (host[0] != '*' || wildcards);
}

static bool is_host_pattern(const char *text)
{
	HF_AUTO(cstr) plain = hf_str_dup(hf_str_starts(text, "**.") ? text + 3 : text);
	char *dot;

	for (char *p = plain; p && *p; p++) {
		if (*p == '*')
			*p = 'x';
	}
	if (!plain || !hf_dns_name_valid(plain, strlen(plain), false))
		return false;
	/* "*.com" would be half of the world: the last label is always spelled out */
	dot = strrchr(text, '.');
	return !strchr(dot ? dot : text, '*');
}

static const char *parse_dns(struct hf_pattern *p)
{
	if (hf_is_ip(p->text))
		return "an address belongs under 'ip'";
	return is_host_pattern(p->text)
		   ? NULL
		   : "not a host name such as web.abc.com, *.abc.com or **.abc.com";
}

/* --- addresses --- */

static bool read_prefix(struct hf_pattern *p, const char *bits_text)
{
	uint64_t bits = 0;

	if (!hf_str_u64(bits_text, 8 * p->raw_len, &bits))
		return false;
	for (size_t i = 0; i < p->raw_len; i++) {
		unsigned in_byte = (unsigned)HF_MIN(bits, 8);
		uint8_t mask = (uint8_t)(0xff00U >> in_byte);

		bits -= in_byte;
		if (p->first[i] & (uint8_t)~mask)
			return false; /* bits beyond the mask: a typing mistake */
		p->last[i] = (uint8_t)(p->first[i] | (uint8_t)~mask);
	}
	return true;
}

static const char *parse_ip(struct hf_pattern *p)
{
	static const char why[] = "not an address, a network (10.0.0.0/8) or a range (first-last)";
	char first[ADDRESS_CAP];
	size_t at = strcspn(p->text, "/-");
	size_t len = 0;

	if (at >= sizeof(first))
		return why;
	memcpy(first, p->text, at);
	first[at] = '\0';
	if (!hf_ip_parse(first, p->first, &p->raw_len))
		return why;
	memcpy(p->last, p->first, sizeof(p->last));
	if (!p->text[at])
		return NULL;
	if (p->text[at] == '/')
		return read_prefix(p, p->text + at + 1) ? NULL : why;
	if (!hf_ip_parse(p->text + at + 1, p->last, &len) || len != p->raw_len ||
	    memcmp(p->first, p->last, len) > 0)
		return why;
	return NULL;
}

static bool ip_matches(const struct hf_pattern *p, const struct hf_san *san)
{
	return san->raw_len == p->raw_len && memcmp(san->raw, p->first, p->raw_len) >= 0 &&
	       memcmp(san->raw, p->last, p->raw_len) <= 0;
}

/* --- URIs --- */

static const char *parse_uri(struct hf_pattern *p)
{
	const char *star = strchr(p->text, '*');
	const char *colon = strchr(p->text, ':');
	const char *authority = strstr(p->text, "://");

	if (!colon || colon == p->text)
		return "not a URI: it has no scheme";
	if (!star)
		return NULL;
	if (star[1])
		return "a '*' stands at the end only";
	if (authority ? !memchr(authority + 3, '/', (size_t)(star - authority - 3))
		      : star[-1] != ':' && star[-1] != '/')
		return "the '*' must come after a '/' behind the host, or every host that begins "
		       "so would be allowed";
	return NULL;
}

/* ".." or one of its encodings: a reader that resolves it would leave the prefix. */
static bool climbs(const char *path)
{
	for (const char *p = path; *p; p++) {
		if (p[0] == '.' && p[1] == '.')
			return true;
		if (p[0] == '%' && p[1] == '2' && (p[2] == 'e' || p[2] == 'E'))
			return true;
	}
	return false;
}

static bool uri_matches(const struct hf_pattern *p, const struct hf_san *san)
{
	size_t len = strlen(p->text);

	if (p->text[len - 1] != '*')
		return strcmp(p->text, san->value) == 0;
	return san->len >= len && strncmp(p->text, san->value, len - 1) == 0 &&
	       !climbs(san->value + len - 1);
}

/* --- mailboxes --- */

static const char *parse_email(struct hf_pattern *p)
{
	const char *at = strrchr(p->text, '@');

	if (!at || at == p->text || !is_host_pattern(at + 1))
		return "not a mailbox such as ops@abc.com or *@abc.com";
	return NULL;
}

/* The local part is the host's business: compared byte by byte (RFC 5280 7.5). */
static bool email_matches(const struct hf_pattern *p, const struct hf_san *san)
{
	const char *pattern_at = strrchr(p->text, '@');
	const char *at = strrchr(san->value, '@');
	size_t local = (size_t)(pattern_at - p->text);

	if (!at || at == san->value)
		return false;
	if (!(local == 1 && p->text[0] == '*') &&
	    ((size_t)(at - san->value) != local || memcmp(p->text, san->value, local) != 0))
		return false;
	return host_matches(pattern_at + 1, at + 1, strlen(at + 1), false);
}

/* --- both --- */

const char *hf_pattern_parse(enum hf_san_kind kind, const char *text, struct hf_pattern *ret)
{
	static const char *(*const parsers[])(struct hf_pattern *) = {
		[HF_SAN_DNS] = parse_dns,
		[HF_SAN_IP] = parse_ip,
		[HF_SAN_URI] = parse_uri,
		[HF_SAN_EMAIL] = parse_email,
	};
	struct hf_pattern p = { .kind = kind };
	const char *why;

	if (strlen(text) > PATTERN_CAP)
		return "longer than any name";
	p.text = hf_str_dup(text);
	if (!p.text)
		return "";
	why = parsers[kind](&p);
	if (why)
		hf_pattern_done(&p);
	else
		*ret = p;
	return why;
}

bool hf_pattern_matches(const struct hf_pattern *p, const struct hf_san *san, bool wildcards)
{
	if (san->kind != p->kind || san->malformed || strlen(san->value) != san->len)
		return false;
	switch (p->kind) {
	case HF_SAN_DNS:
		return host_matches(p->text, san->value, san->len, wildcards);
	case HF_SAN_IP:
		return ip_matches(p, san);
	case HF_SAN_URI:
		return uri_matches(p, san);
	case HF_SAN_EMAIL:
		return email_matches(p, san);
	case HF_SAN_DIRNAME:
	case HF_SAN_OTHER:
		break;
	}
	return false;
}
