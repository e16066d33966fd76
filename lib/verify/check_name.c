/* SPDX-License-Identifier: Apache-2.0 */
/* Is the leaf valid for the name asked for (RFC 9525): SAN only, each kind with its own rules. Must
 * never compare a name of one kind with an entry of another, nor take a common name unless asked
 * to. */
#include <string.h>

#include "base/str.h"
#include "pki/name.h"
#include "verify/wildcard.h"
#include "verify/judge.h"

enum { NAME_CAP = 256 };

/* What is looked for. */
struct wanted {
	enum hf_san_kind kind; /* DNS, IP or EMAIL */
	const char *text;      /* as the user wrote it */
	char dns[NAME_CAP];    /* without the final dot */
	size_t dns_len;
	uint8_t ip[16];
	size_t ip_len;
};

static bool wanted_parse(const char *name, struct wanted *w)
{
	size_t len = strlen(name);

	memset(w, 0, sizeof(*w));
	w->text = name;
	if (hf_ip_parse(name, w->ip, &w->ip_len)) {
		w->kind = HF_SAN_IP;
		return true;
	}
	w->kind = strchr(name, '@') ? HF_SAN_EMAIL : HF_SAN_DNS;
	if (w->kind == HF_SAN_EMAIL)
		return true;
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len >= sizeof(w->dns) || !hf_dns_name_valid(name, len, false))
		return false;
	memcpy(w->dns, name, len);
	w->dns[len] = '\0';
	w->dns_len = len;
	return true;
}

/* RFC 9525 6.3: "*" is the whole leftmost label and stands for exactly one label.  Below a single
 * label it would be every host of a top-level domain: OpenSSL and curl refuse that too. */
static bool dns_matches(const char *pattern, size_t len, const struct wanted *w)
{
	const char *dot;

	if (len > 0 && pattern[len - 1] == '.')
		len--;
	if (!hf_dns_name_valid(pattern, len, true))
		return false;
	if (len == w->dns_len && hf_mem_case_eq(pattern, w->dns, len))
		return true;
	if (len < 3 || pattern[0] != '*' || pattern[1] != '.' || !memchr(pattern + 2, '.', len - 2))
		return false;
	dot = strchr(w->dns, '.');
	return dot && dot > w->dns && strlen(dot) == len - 1 &&
	       hf_mem_case_eq(dot, pattern + 1, len - 1);
}

/* Would it match if "*" stood for no label, or for several? */
static bool wildcard_nearly(const char *pattern, size_t len, const struct wanted *w)
{
	size_t base = len - 1; /* ".example.com" */

	if (len < 3 || pattern[0] != '*' || pattern[1] != '.')
		return false;
	if (w->dns_len == base - 1)
		return hf_mem_case_eq(w->dns, pattern + 2, base - 1);
	return w->dns_len > base && hf_mem_case_eq(w->dns + w->dns_len - base, pattern + 1, base);
}

/* The host part without regard to case, the local part exactly (RFC 5280 7.5). */
static bool email_matches(const struct hf_san *san, const struct wanted *w)
{
	const char *at = strrchr(w->text, '@');
	size_t local = (size_t)(at - w->text);

	return strlen(w->text) == san->len && memcmp(san->value, w->text, local) == 0 &&
	       hf_mem_case_eq(san->value + local, at, san->len - local);
}

static bool ends_with_dot(const struct hf_san *san)
{
	return san->len > 0 && san->value[san->len - 1] == '.';
}

/* The quirk of a name that only some take for the wanted one; HF_QUIRK_COUNT: nobody does. */
static enum hf_quirk quirk_of_dns(const struct hf_san *san, const struct wanted *w)
{
	if (san->kind != HF_SAN_DNS || w->kind != HF_SAN_DNS || strlen(san->value) != san->len)
		return HF_QUIRK_COUNT;
	if (ends_with_dot(san) && dns_matches(san->value, san->len, w))
		return HF_QUIRK_DOT_AT_END;
	switch (hf_wildcard_match(san->value, w->dns)) {
	case HF_WILDCARD_TOP:
		return HF_QUIRK_WILDCARD_TOP;
	case HF_WILDCARD_BARE:
		return HF_QUIRK_WILDCARD_BARE;
	case HF_WILDCARD_PREFIX:
		return HF_QUIRK_WILDCARD_PREFIX;
	case HF_WILDCARD_SUFFIX:
		return HF_QUIRK_WILDCARD_SUFFIX;
	case HF_WILDCARD_MIDDLE:
		return HF_QUIRK_WILDCARD_MIDDLE;
	case HF_WILDCARD_NO:
		break;
	}
	return HF_QUIRK_COUNT;
}

static bool san_matches(const struct hf_san *san, const struct wanted *w)
{
	if (san->kind != w->kind || san->malformed)
		return false;
	if (w->kind == HF_SAN_DNS)
		return dns_matches(san->value, san->len, w);
	if (w->kind == HF_SAN_EMAIL)
		return email_matches(san, w);
	return san->raw_len == w->ip_len && memcmp(san->raw, w->ip, w->ip_len) == 0;
}

static bool cn_matches(const struct hf_cert *c, const struct wanted *w)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	bool found = false;
	uint8_t ip[16];
	size_t ip_len;

	if (hf_name_values(X509_get_subject_name(c->x509), NID_commonName, &values, &len, NULL) < 0)
		return false;
	for (size_t i = 0; i < len && !found; i++) {
		if (strlen(values[i].utf8) != values[i].len)
			continue; /* a NUL inside */
		if (w->kind == HF_SAN_DNS)
			found = dns_matches(values[i].utf8, values[i].len, w);
		else if (w->kind == HF_SAN_IP)
			found = hf_ip_parse(values[i].utf8, ip, &ip_len) && ip_len == w->ip_len &&
				memcmp(ip, w->ip, ip_len) == 0;
	}
	hf_name_values_free(values, len);
	return found;
}

static bool has_host_san(const struct hf_cert *c)
{
	for (size_t i = 0; i < c->sans.len; i++) {
		if (c->sans.items[i].kind == HF_SAN_DNS || c->sans.items[i].kind == HF_SAN_IP)
			return true;
	}
	return false;
}

static bool address_is_dns_entry(const struct hf_cert *c, const struct wanted *w)
{
	for (size_t i = 0; i < c->sans.len; i++) {
		const struct hf_san *san = &c->sans.items[i];
		uint8_t ip[16];
		size_t ip_len;

		if (san->kind == HF_SAN_DNS && strlen(san->value) == san->len &&
		    hf_ip_parse(san->value, ip, &ip_len) && ip_len == w->ip_len &&
		    memcmp(ip, w->ip, ip_len) == 0)
			return true;
	}
	return false;
}

static bool any_nearly(const struct hf_cert *c, const struct wanted *w)
{
	for (size_t i = 0; i < c->sans.len; i++) {
		const struct hf_san *san = &c->sans.items[i];

		if (san->kind == HF_SAN_DNS && wildcard_nearly(san->value, san->len, w))
			return true;
	}
	return false;
}

static enum hf_reason mismatch(const struct hf_cert *c, const struct wanted *w)
{
	if (w->kind == HF_SAN_IP)
		return address_is_dns_entry(c, w) ? HF_REASON_V_IP_AS_DNS : HF_REASON_V_IP_SAN;
	return w->kind == HF_SAN_DNS && any_nearly(c, w) ? HF_REASON_V_WILDCARD
							 : HF_REASON_V_NAME_MISMATCH;
}

/* What is there, for people. */
static void describe(const struct hf_cert *c, struct hf_buf *have)
{
	if (c->sans.len > 0)
		(void)hf_sans_format(&c->sans, have);
	else
		(void)hf_buf_printf(have, "no subjectAltName, CN=%s",
				    c->common_name ? c->common_name : "(none)");
}

static void report_quirk(struct hf_judgement *j, enum hf_quirk quirk)
{
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(65536), safe = HF_BUF_INIT(4096);

	describe(j->path->certs[0], &have);
	(void)hf_str_escape(&safe, j->options->name, strlen(j->options->name));
	hf_judge_quirk(j, quirk, 0, hf_buf_str(&safe), hf_buf_str(&have));
}

static void report(struct hf_judgement *j, enum hf_reason reason)
{
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(65536), safe = HF_BUF_INIT(4096);

	describe(j->path->certs[0], &have);
	(void)hf_str_escape(&safe, j->options->name, strlen(j->options->name));
	hf_judge_find(j, reason, HF_STEP_NAME, 0, hf_buf_str(&safe), hf_buf_str(&have));
}

/* The name is there; is it one that everybody can ask for? */
static void check_asked(struct hf_judgement *j, const struct wanted *w)
{
	if (w->kind == HF_SAN_DNS && strchr(w->dns, '_'))
		report_quirk(j, HF_QUIRK_UNDERSCORE);
}

static enum hf_quirk cn_quirk(const struct hf_judgement *j, const struct wanted *w)
{
	if (j->options->compat_cn)
		return HF_QUIRK_CN_ONLY_COMPAT;
	return w->kind == HF_SAN_IP ? HF_QUIRK_CN_ONLY_ADDRESS : HF_QUIRK_CN_ONLY;
}

static void check_unmatched(struct hf_judgement *j, const struct hf_cert *c, const struct wanted *w)
{
	for (size_t i = 0; i < c->sans.len; i++) {
		enum hf_quirk quirk = quirk_of_dns(&c->sans.items[i], w);

		if (quirk != HF_QUIRK_COUNT) {
			report_quirk(j, quirk);
			return;
		}
	}
	if (!has_host_san(c) && cn_matches(c, w))
		report_quirk(j, cn_quirk(j, w));
	else
		report(j, mismatch(c, w));
}

void hf_check_name(struct hf_judgement *j)
{
	const struct hf_cert *c = j->path->certs[0];
	struct wanted w;

	if (!j->options->name)
		return;
	if (!wanted_parse(j->options->name, &w)) {
		report(j, HF_REASON_V_NAME_MISMATCH);
		return;
	}
	for (size_t i = 0; i < c->sans.len; i++) {
		if (san_matches(&c->sans.items[i], &w)) {
			check_asked(j, &w);
			return;
		}
	}
	check_unmatched(j, c, &w);
}
