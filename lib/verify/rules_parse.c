/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a rule into terms.  Must never take a mistyped term for a narrower or wider rule than
 * was meant: what is not understood is an error. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"
#include "verify/rules_internal.h"

enum { RULE_CAP = 4096, TERMS_CAP = 16 };

static const char *const kind_words[] = {
	[HF_TERM_ANY] = "any",	     [HF_TERM_CN] = "cn",
	[HF_TERM_O] = "o",	     [HF_TERM_OU] = "ou",
	[HF_TERM_DNS] = "dns",	     [HF_TERM_URI] = "uri",
	[HF_TERM_EMAIL] = "email",   [HF_TERM_IP] = "ip",
	[HF_TERM_SHA256] = "sha256", [HF_TERM_SPKI] = "spki",
	[HF_TERM_SERIAL] = "serial", [HF_TERM_ISSUER] = "issuer",
	[HF_TERM_POLICY] = "policy", NULL,
};

/* Length of "word:" at s, or of a final "any"; 0 when s does not begin a term. */
static size_t term_head(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
	       (s[n] >= '0' && s[n] <= '9'))
		n++;
	if (n > 0 && s[n] == ':')
		return n + 1;
	return n == 3 && memcmp(s, "any", 3) == 0 && (s[3] == '\0' || s[3] == '+') ? 3 : 0;
}

/* One term: up to a '+' that begins another or ends the rule, "\+" being a plus of its own. Returns
 * what follows. */
static const char *cut_term(const char *s, struct hf_buf *out)
{
	for (; *s; s++) {
		if (s[0] == '\\' && (s[1] == '+' || s[1] == '\\'))
			s++;
		else if (s[0] == '+' && (!s[1] || term_head(s + 1) > 0))
			return s + 1;
		(void)hf_buf_putc(out, *s);
	}
	return NULL;
}

static int bad_value(struct hf_err *err, const char *kind, const char *value, const char *hint)
{
	hf_err_set(err, HF_MISTAKE_RULE_VALUE, "'%s' is no value for '%s:'", value, kind);
	return hf_err_hint(err, "%s", hint);
}

static int keep_text(struct hf_term *t, const char *value, struct hf_err *err)
{
	t->text = hf_str_dup(value);
	return t->text ? 0 : hf_err_nomem(err);
}

static int parse_plain(struct hf_term *t, const char *value, struct hf_err *err)
{
	return keep_text(t, value, err);
}

static int parse_dns(struct hf_term *t, const char *value, struct hf_err *err)
{
	t->wildcard = hf_str_starts(value, "*.");
	if (t->wildcard)
		value += 2;
	if (!hf_dns_name_valid(value, strlen(value), false))
		return bad_value(err, "dns", value,
				 "write dns:host.example.com or dns:*.example.com");
	return keep_text(t, value, err);
}

static int parse_uri(struct hf_term *t, const char *value, struct hf_err *err)
{
	size_t len = strlen(value);
	const char *scheme = strstr(value, "://");
	const char *star = strchr(value, '*');
	const char *path = scheme ? strchr(scheme + 3, '/') : NULL;

	t->wildcard = len > 2 && strcmp(value + len - 2, "/*") == 0;
	/* A wildcard stands below a whole authority: "spiffe:" and star would be every trust
	 * domain. */
	if (!strchr(value, ':') || (star && (!t->wildcard || star != value + len - 1)) ||
	    (t->wildcard && (!path || path == scheme + 3)))
		return bad_value(
		    err, "uri", value,
		    "write uri:spiffe://trust.domain/path, or uri:spiffe://trust.domain/path/* for all below");
	if (keep_text(t, value, err) < 0)
		return -HF_E_NOMEM;
	if (t->wildcard)
		t->text[len - 1] = '\0'; /* the slash stays */
	return 0;
}

static int parse_email(struct hf_term *t, const char *value, struct hf_err *err)
{
	const char *at = strrchr(value, '@');

	if (!at || at == value || !at[1] || strchr(value, '*'))
		return bad_value(err, "email", value, "write email:name@example.com");
	return keep_text(t, value, err);
}

static bool host_bits_clear(const struct hf_term *t)
{
	for (unsigned i = t->prefix; i < t->bytes_len * 8; i++) {
		if (t->bytes[i / 8] >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static int parse_ip(struct hf_term *t, const char *value, struct hf_err *err)
{
	HF_AUTO(cstr) address = hf_str_dup(value);
	char *slash = address ? strchr(address, '/') : NULL;
	uint64_t bits = 0;

	if (!address)
		return hf_err_nomem(err);
	if (slash)
		*slash = '\0';
	if (!hf_ip_parse(address, t->bytes, &t->bytes_len) ||
	    (slash && !hf_str_u64(slash + 1, t->bytes_len * 8, &bits)))
		return bad_value(err, "ip", value,
				 "write ip:192.0.2.7, ip:10.0.0.0/8 or ip:2001:db8::/32");
	t->prefix = (unsigned)(slash ? bits : t->bytes_len * 8);
	if (!host_bits_clear(t))
		return bad_value(err, "ip", value, "the bits after the prefix must be zero");
	return 0;
}

static int parse_digest(struct hf_term *t, const char *value, struct hf_err *err)
{
	if (!hf_hex_decode(value, t->bytes, sizeof(t->bytes), &t->bytes_len) ||
	    t->bytes_len != HF_SHA256_LEN)
		return bad_value(err, kind_words[t->kind], value,
				 "a SHA-256 digest has 64 hexadecimal digits");
	return 0;
}

/* Lower case, no colons, no leading zeros: as hf_cert writes serials. */
static char *normal_serial(const char *s, size_t len)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(256);

	for (size_t i = 0; i < len; i++) {
		if (s[i] == ':' && i > 0 && i + 1 < len)
			continue;
		if (!strchr("0123456789abcdefABCDEF", s[i]))
			return NULL;
		if (s[i] != '0' || out.len > 0)
			(void)hf_buf_putc(&out, hf_ascii_lower(s[i]));
	}
	if (len > 0 && out.len == 0)
		(void)hf_buf_putc(&out, '0');
	return hf_buf_steal(&out);
}

static int parse_serial(struct hf_term *t, const char *value, struct hf_err *err)
{
	static const char hint[] =
	    "write serial:HEX@SHA256-OF-THE-ISSUER: a serial alone is not unique";
	const char *at = strchr(value, '@');

	if (!at || at == value ||
	    !hf_hex_decode(at + 1, t->bytes, sizeof(t->bytes), &t->bytes_len) ||
	    t->bytes_len != HF_SHA256_LEN)
		return bad_value(err, "serial", value, hint);
	t->text = normal_serial(value, (size_t)(at - value));
	return t->text ? 0 : bad_value(err, "serial", value, hint);
}

/* anyPolicy stands for every policy in a certificate, and for none in particular in a rule. */
static int parse_policy(struct hf_term *t, const char *value, struct hf_err *err)
{
	HF_AUTO(ASN1_OBJECT) oid = hf_oid_parse(value);

	if (!oid)
		return bad_value(err, "policy", value,
				 "write the policy's OID: policy:1.3.6.1.4.1.1");
	if (OBJ_obj2nid(oid) == NID_any_policy)
		return bad_value(
		    err, "policy", value,
		    "anyPolicy names no policy: leave the term out, or name the one that counts");
	return keep_text(t, value, err);
}

static int (*const parsers[])(struct hf_term *t, const char *value, struct hf_err *err) = {
	[HF_TERM_CN] = parse_plain,	[HF_TERM_O] = parse_plain,
	[HF_TERM_OU] = parse_plain,	[HF_TERM_DNS] = parse_dns,
	[HF_TERM_URI] = parse_uri,	[HF_TERM_EMAIL] = parse_email,
	[HF_TERM_IP] = parse_ip,	[HF_TERM_SHA256] = parse_digest,
	[HF_TERM_SPKI] = parse_digest,	[HF_TERM_SERIAL] = parse_serial,
	[HF_TERM_ISSUER] = parse_plain, [HF_TERM_POLICY] = parse_policy,
};

static int unknown_term(struct hf_err *err, const char *term, const char *word)
{
	const char *nearest = hf_str_nearest(word, kind_words);

	hf_err_set(err, HF_MISTAKE_RULE_TERM, "the rule term '%s' is not known", term);
	if (nearest)
		return hf_err_hint(err, "did you mean '%s%s'?", nearest,
				   strcmp(nearest, "any") == 0 ? "" : ":");
	return hf_err_hint(
	    err,
	    "terms are any, cn:, o:, ou:, dns:, uri:, email:, ip:, sha256:, spki:, serial:, issuer:, policy:");
}

static int nothing_after_plus(struct hf_err *err)
{
	hf_err_set(err, HF_MISTAKE_RULE, "the rule ends with '+'");
	return hf_err_hint(
	    err, "add the term that must match too, or write '\\+' for a plus in the value");
}

static int parse_term(struct hf_term *t, const char *text, struct hf_err *err)
{
	size_t head = term_head(text);
	HF_AUTO(cstr) word =
	    hf_str_ndup(text, head > 0 && text[head - 1] == ':' ? head - 1 : strlen(text));

	if (!word)
		return hf_err_nomem(err);
	if (!text[0])
		return nothing_after_plus(err);
	if (strcmp(text, "any") == 0) {
		t->kind = HF_TERM_ANY;
		return 0;
	}
	for (size_t i = HF_TERM_CN; head > 0 && text[head - 1] == ':' && kind_words[i]; i++) {
		if (strcmp(word, kind_words[i]) != 0)
			continue;
		t->kind = (enum hf_term_kind)i;
		if (!text[head])
			return hf_err_set(err, HF_MISTAKE_RULE_VALUE, "'%s' needs a value", text);
		return parsers[i](t, text + head, err);
	}
	return unknown_term(err, text, word);
}

void hf_rule_done(struct hf_rule *rule)
{
	for (size_t i = 0; i < rule->terms_len; i++)
		free(rule->terms[i].text);
	free(rule->terms);
	free(rule->text);
	memset(rule, 0, sizeof(*rule));
}
HF_DEFINE_AUTO_DONE(hf_rule, struct hf_rule, hf_rule_done);

/* Underlines what is wrong of the term from start to end: its word, its value, or all of it. */
static int place_term(struct hf_err *err, const char *rule, const char *start, const char *end)
{
	size_t head = term_head(start), len = (size_t)(end - start);

	if (!err || err->code == HF_E_NOMEM)
		return -HF_E_NOMEM;
	if (len == 0) /* nothing behind the last '+', which may be all there is */
		return hf_err_at(err, rule, start > rule ? (size_t)(start - rule) - 1 : 0, 1);
	if (head == 0 || head > len)
		return hf_err_at(err, rule, (size_t)(start - rule), len);
	if (hf_str_eq(err->id, hf_mistake_info(HF_MISTAKE_RULE_TERM)->id))
		return hf_err_at(err, rule, (size_t)(start - rule), head - 1);
	return hf_err_at(err, rule, (size_t)(start - rule) + (head < len ? head : 0),
			 head < len ? len - head : len);
}

static int parse_terms(struct hf_rule *rule, const char *text, struct hf_err *err)
{
	const char *whole = text;

	HF_AUTO_DONE(hf_buf) term = HF_BUF_INIT(RULE_CAP);

	rule->terms = calloc(TERMS_CAP, sizeof(*rule->terms));
	if (!rule->terms)
		return hf_err_nomem(err);
	while (text) {
		if (rule->terms_len == TERMS_CAP)
			return hf_err_set(err, HF_E_LIMIT, "a rule may have %d terms at most",
					  TERMS_CAP);
		const char *start = text;

		hf_buf_clear(&term);
		text = cut_term(text, &term);
		int rc = parse_term(&rule->terms[rule->terms_len++], hf_buf_str(&term), err);

		if (rc < 0) {
			(void)place_term(err, whole, start,
					 text ? text - 1 : start + strlen(start));
			return rc;
		}
	}
	return 0;
}

/* It goes to logs and terminals as it is. */
static bool has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

int hf_rule_parse(bool allow, const char *text, struct hf_rule *ret_rule, struct hf_err *err)
{
	HF_AUTO_DONE(hf_rule) rule = { .allow = allow };
	int rc;

	if (!text[0])
		return hf_err_set(err, HF_MISTAKE_RULE,
				  "an empty rule says nothing; write 'any' for everybody");
	if (strlen(text) >= RULE_CAP)
		return hf_err_set(err, HF_E_LIMIT, "the rule is longer than %d bytes", RULE_CAP);
	if (has_control(text))
		return hf_err_set(err, HF_MISTAKE_RULE, "the rule holds a control byte");
	rc = parse_terms(&rule, text, err);
	if (rc < 0)
		return hf_err_context(err, rc, "%s rule", allow ? "allow" : "deny");
	rule.text = hf_str_printf("%s %s", allow ? "allow" : "deny", text);
	if (!rule.text)
		return hf_err_nomem(err);
	*ret_rule = rule;
	memset(&rule, 0, sizeof(rule));
	return 0;
}
