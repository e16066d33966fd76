/* SPDX-License-Identifier: Apache-2.0 */
/* Does a verified leaf match a rule.  Must never compare one kind of name with another (Envoy
 * CVE-2022-21656), nor stop at a NUL byte: values are compared with their lengths. */
#include <string.h>

#include "base/str.h"
#include "pki/der.h"
#include "pki/name.h"
#include "verify/rules_internal.h"

static bool equals(const char *a, size_t len, const char *b)
{
	return strlen(b) == len && memcmp(a, b, len) == 0;
}

/* The last CN is the most specific one and the one shown; an allow rule looks at no other, a deny
 * rule at all. */
static bool subject_has(const struct hf_cert *c, int nid, const char *text, bool last_only,
			bool doubt)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	bool found = false;

	if (hf_name_values(X509_get_subject_name(c->x509), nid, &values, &len, NULL) < 0)
		return doubt; /* no memory */
	for (size_t i = last_only && len > 0 ? len - 1 : 0; i < len && !found; i++)
		found = equals(values[i].utf8, values[i].len, text);
	hf_name_values_free(values, len);
	return found;
}

/* Some of the hosts that a wildcard certificate stands for are the one that the term means. */
static bool wildcard_meets(const struct hf_term *t, const char *value, size_t len)
{
	const char *parent = t->wildcard ? t->text : strchr(t->text, '.');

	if (len < 3 || value[0] != '*' || value[1] != '.' || !parent)
		return false;
	parent += !t->wildcard;
	return len - 2 == strlen(parent) && hf_mem_case_eq(value + 2, parent, len - 2);
}

static bool dns_matches(const struct hf_term *t, const struct hf_san *san, bool doubt)
{
	const char *value = san->value;
	size_t len = san->len;
	const char *dot;

	if (len > 0 && value[len - 1] == '.')
		len--;
	if (doubt && wildcard_meets(t, value, len))
		return true;
	if (t->wildcard) {
		dot = memchr(value, '.', len);
		if (!dot || dot == value || value[0] == '*')
			return false;
		len -= (size_t)(dot + 1 - value);
		value = dot + 1;
	}
	return len == strlen(t->text) && hf_mem_case_eq(value, t->text, len);
}

/* Bytes of scheme and authority. */
static size_t uri_head(const char *text, size_t len)
{
	const char *authority = strstr(text, "://");
	const char *path = authority ? strchr(authority + 3, '/') : strchr(text, ':');

	return path ? HF_MIN((size_t)(path - text), len) : authority ? len : 0;
}

/* Scheme and authority without regard to case (RFC 3986 6.2.2.1), the rest exactly. */
static bool uri_prefix(const char *value, const char *text, size_t len)
{
	size_t head = uri_head(text, len);

	return hf_mem_case_eq(value, text, head) &&
	       memcmp(value + head, text + head, len - head) == 0;
}

/* Below a prefix only plain segments: nothing that a reader could resolve to somewhere else. */
static bool plain_segments(const char *s, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		size_t n = i - start;

		if (i < len && memchr("?#%\\", s[i], 4))
			return false;
		if (i < len && s[i] != '/')
			continue;
		if (n == 0 || (n == 1 && s[start] == '.') ||
		    (n == 2 && s[start] == '.' && s[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}

/* A path that a reader may resolve to another one: escapes, dots, empty parts inside. */
static bool has_odd_segments(const char *s, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		size_t n = i - start;

		if (i < len && (s[i] == '%' || s[i] == '\\'))
			return true;
		if (i < len && s[i] != '/')
			continue;
		if ((n == 0 && i < len) || (n == 1 && s[start] == '.') ||
		    (n == 2 && s[start] == '.' && s[start + 1] == '.'))
			return true;
		start = i + 1;
	}
	return false;
}

/* Of the same authority, but where it leads is a matter of opinion. */
static bool uri_may_lead_there(const struct hf_term *t, const struct hf_san *san)
{
	size_t head = uri_head(t->text, strlen(t->text));

	return san->len > head && san->value[head] == '/' &&
	       hf_mem_case_eq(san->value, t->text, head) &&
	       has_odd_segments(san->value + head + 1, san->len - head - 1);
}

static bool uri_matches(const struct hf_term *t, const struct hf_san *san, bool doubt)
{
	size_t len = strlen(t->text);

	if (doubt && uri_may_lead_there(t, san))
		return true;
	if (!t->wildcard)
		return san->len == len && uri_prefix(san->value, t->text, len);
	return san->len > len && uri_prefix(san->value, t->text, len) &&
	       (doubt || plain_segments(san->value + len, san->len - len));
}

static bool email_matches(const struct hf_term *t, const struct hf_san *san, bool doubt)
{
	const char *at = strrchr(t->text, '@');
	size_t len = strlen(t->text), local = (size_t)(at - t->text);

	(void)doubt;
	return san->len == len && memcmp(san->value, t->text, local) == 0 &&
	       hf_mem_case_eq(san->value + local, t->text + local, len - local);
}

static bool ip_matches(const struct hf_term *t, const struct hf_san *san, bool doubt)
{
	(void)doubt;
	if (san->raw_len != t->bytes_len)
		return false;
	for (unsigned i = 0; i < t->prefix; i++) {
		if ((san->raw[i / 8] ^ t->bytes[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

/* doubt: of a deny rule, for which a name that may be meant is enough. */
static bool san_matches(const struct hf_term *t, const struct hf_cert *c, bool doubt)
{
	static const struct {
		enum hf_san_kind kind;
		bool (*matches)(const struct hf_term *t, const struct hf_san *san, bool doubt);
	} kinds[] = {
		[HF_TERM_DNS] = { HF_SAN_DNS, dns_matches },
		[HF_TERM_URI] = { HF_SAN_URI, uri_matches },
		[HF_TERM_EMAIL] = { HF_SAN_EMAIL, email_matches },
		[HF_TERM_IP] = { HF_SAN_IP, ip_matches },
	};

	for (size_t i = 0; i < c->sans.len; i++) {
		const struct hf_san *san = &c->sans.items[i];

		if (san->kind == kinds[t->kind].kind && (doubt || !san->malformed) &&
		    kinds[t->kind].matches(t, san, doubt))
			return true;
	}
	return false;
}

static bool issuer_cert_is(const struct hf_verdict *v, const uint8_t sha256[HF_SHA256_LEN])
{
	return v->chain.len > 1 && memcmp(v->chain.items[1]->sha256, sha256, HF_SHA256_LEN) == 0;
}

static bool label_is(const struct hf_trust *trust, const struct hf_verdict *v, const char *text)
{
	const char *label =
	    v->chain.len > 0 ? hf_trust_label(trust, v->chain.items[v->chain.len - 1]) : NULL;

	return label && strcmp(label, text) == 0;
}

static bool leaf_claims(const struct hf_cert *leaf, const char *text)
{
	HF_AUTO(CERTIFICATEPOLICIES)
	policies = X509_get_ext_d2i(leaf->x509, NID_certificate_policies, NULL, NULL);
	HF_AUTO(ASN1_OBJECT) oid = hf_oid_parse(text);

	for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
		if (oid && OBJ_cmp(sk_POLICYINFO_value(policies, i)->policyid, oid) == 0)
			return true;
	}
	return false;
}

/* What a certificate claims counts for it only as far as every CA above allows it, and against it
 * in any case. */
static bool policy_is_valid(const struct hf_verdict *v, const char *text, bool doubt)
{
	static const char any[] = "2.5.29.32.0";

	return hf_strv_has(&v->policies, text) || hf_strv_has(&v->policies, any) ||
	       (doubt && leaf_claims(v->identity->leaf, text));
}

static bool term_matches(const struct hf_term *t, bool allow, const struct hf_trust *trust,
			 const struct hf_verdict *v)
{
	const struct hf_cert *c = v->identity->leaf;

	switch (t->kind) {
	case HF_TERM_ANY:
		return true;
	case HF_TERM_CN:
		return subject_has(c, NID_commonName, t->text, allow, !allow);
	case HF_TERM_O:
		return subject_has(c, NID_organizationName, t->text, false, !allow);
	case HF_TERM_OU:
		return subject_has(c, NID_organizationalUnitName, t->text, false, !allow);
	case HF_TERM_DNS:
	case HF_TERM_URI:
	case HF_TERM_EMAIL:
	case HF_TERM_IP:
		return san_matches(t, c, !allow);
	case HF_TERM_SHA256:
		return memcmp(c->sha256, t->bytes, HF_SHA256_LEN) == 0;
	case HF_TERM_SPKI:
		return memcmp(c->spki_sha256, t->bytes, HF_SHA256_LEN) == 0;
	case HF_TERM_SERIAL:
		return strcmp(c->serial, t->text) == 0 && issuer_cert_is(v, t->bytes);
	case HF_TERM_ISSUER:
		return label_is(trust, v, t->text);
	case HF_TERM_POLICY:
		return policy_is_valid(v, t->text, !allow);
	}
	return false;
}

bool hf_rule_matches(const struct hf_rule *rule, const struct hf_trust *trust,
		     const struct hf_verdict *v)
{
	for (size_t i = 0; i < rule->terms_len; i++) {
		if (!term_matches(&rule->terms[i], rule->allow, trust, v))
			return false;
	}
	return true;
}
