/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints.  Must never let through what the judge, which looks at the finished
 * certificate, would refuse: this is only the earlier and clearer word. */
#include "ca/permit.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/name.h"

enum { TEXT_CAP = 4096, IP_BYTES_CAP = 16, BASE_CAP = 300 };

/* --- reading --- */

static const struct kind {
	const char *word;
	enum hf_san_kind kind;
	int gen;
} kinds[] = {
	{ "dns", HF_SAN_DNS, GEN_DNS },
	{ "ip", HF_SAN_IP, GEN_IPADD },
	{ "uri", HF_SAN_URI, GEN_URI },
	{ "email", HF_SAN_EMAIL, GEN_EMAIL },
};

static const struct kind *kind_of_gen(int gen)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		if (kinds[i].gen == gen)
			return &kinds[i];
	}
	return NULL;
}

static int bad(const char *part, const char *why, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_PERMIT, "--permit: '%s': %s", part, why);
	(void)hf_err_at_text(err, part);
	return hf_err_hint(err, "as in dns:abc.com,ip:10.0.0.0/8,uri:.abc.com,email:abc.com");
}

/* A domain, perhaps with a leading '.' (subdomains only: for uri and email). */
static bool is_domain(const char *text, bool leading_dot)
{
	if (leading_dot && *text == '.')
		text++;
	return hf_dns_name_valid(text, strlen(text), false);
}

/* "10.0.0.0/8" to address and mask, as the extension holds them. */
static bool read_network(const char *text, uint8_t out[2 * IP_BYTES_CAP], size_t *ret_len)
{
	char address[64] = "";
	const char *slash = strchr(text, '/');
	uint64_t bits;
	uint8_t *mask;
	size_t len;

	if (slash && (size_t)(slash - text) < sizeof(address))
		memcpy(address, text, (size_t)(slash - text));
	else if (!slash)
		(void)hf_str_copy(address, sizeof(address), text);
	if (!hf_ip_parse(address, out, &len))
		return false;
	bits = 8 * len;
	if (slash && !hf_str_u64(slash + 1, 8 * len, &bits))
		return false;
	mask = out + len;
	for (size_t i = 0; i < len; i++) {
		unsigned in_byte = (unsigned)HF_MIN(bits, 8);

		mask[i] = (uint8_t)(0xff00U >> in_byte);
		bits -= in_byte;
		if (out[i] & (uint8_t)~mask[i])
			return false; /* bits beyond the mask: a typing mistake */
	}
	*ret_len = 2 * len;
	return true;
}

/* What stands in the extension for one part of --permit; NULL when it is wrong, with why. */
static const char *base_of(const struct kind *k, const char *value, uint8_t base[BASE_CAP],
			   size_t *ret_len)
{
	const char *at = strchr(value, '@');
	const char *scheme = strstr(value, "://");

	if (k->kind == HF_SAN_IP)
		return read_network(value, base, ret_len) ? NULL
							  : "not a network such as 10.0.0.0/8";
	if (k->kind == HF_SAN_URI && scheme)
		value = scheme + 3; /* constraints on URIs are constraints on their host */
	if (k->kind == HF_SAN_DNS && *value == '.')
		value++; /* RFC 5280 4.2.1.10: a domain covers its subdomains without that */
	if (k->kind == HF_SAN_EMAIL && at ? !is_domain(at + 1, false) || at == value
					  : !is_domain(value, k->kind != HF_SAN_DNS))
		return "not a domain name";
	*ret_len = strlen(value);
	if (*ret_len > BASE_CAP)
		return "too long";
	memcpy(base, value, *ret_len);
	return NULL;
}

static int add_subtree(NAME_CONSTRAINTS *nc, int gen, const uint8_t *base, size_t len,
		       struct hf_err *err)
{
	ASN1_STRING *string = gen == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();

	if (!nc->permittedSubtrees)
		nc->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
	if (!string || !tree || !nc->permittedSubtrees ||
	    !ASN1_STRING_set(string, base, (int)len)) {
		ASN1_STRING_free(string);
		GENERAL_SUBTREE_free(tree);
		return hf_err_nomem(err);
	}
	GENERAL_NAME_set0_value(tree->base, gen, string);
	if (!sk_GENERAL_SUBTREE_push(nc->permittedSubtrees, tree)) {
		GENERAL_SUBTREE_free(tree);
		return hf_err_nomem(err);
	}
	return 0;
}

static int add_part(NAME_CONSTRAINTS *nc, const char *part, struct hf_err *err)
{
	const char *colon = strchr(part, ':');

	for (size_t i = 0; colon && i < HF_ARRAY_LEN(kinds); i++) {
		uint8_t base[BASE_CAP];
		const char *why;
		size_t len = 0;

		if (strlen(kinds[i].word) != (size_t)(colon - part) ||
		    strncmp(part, kinds[i].word, (size_t)(colon - part)) != 0)
			continue;
		why = base_of(&kinds[i], colon + 1, base, &len);
		return why ? bad(part, why, err) : add_subtree(nc, kinds[i].gen, base, len, err);
	}
	return bad(part, "a part starts with dns:, ip:, uri: or email:", err);
}

int hf_permit_parse(const char *list, NAME_CONSTRAINTS **nc, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) parts = HF_STRV_INIT;

	if (!*nc)
		*nc = NAME_CONSTRAINTS_new();
	if (!*nc || hf_strv_split(&parts, list, ',') < 0)
		return hf_err_nomem(err);
	for (size_t i = 0; i < parts.len; i++) {
		int rc = add_part(*nc, parts.items[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- in words --- */

static size_t mask_bits(const uint8_t *mask, size_t len)
{
	size_t bits = 0;

	while (bits < 8 * len && (mask[bits / 8] & (0x80U >> bits % 8)))
		bits++;
	return bits;
}

static void format_base(const GENERAL_NAME *name, struct hf_buf *out)
{
	int gen = GEN_OTHERNAME;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &gen);
	const struct kind *k = kind_of_gen(gen);
	char address[64];

	if (!k) {
		(void)hf_buf_puts(out, "names of another kind");
		return;
	}
	(void)hf_buf_printf(out, "%s:", k->word);
	if (gen == GEN_IPADD) {
		const uint8_t *bytes = ASN1_STRING_get0_data(value);
		size_t len = (size_t)ASN1_STRING_length(value) / 2;

		hf_ip_format(bytes, len, address, sizeof(address));
		(void)hf_buf_printf(out, "%s/%zu", address, mask_bits(bytes + len, len));
	} else {
		(void)hf_str_escape(out, (const char *)ASN1_STRING_get0_data(value),
				    (size_t)ASN1_STRING_length(value));
	}
}

int hf_permit_format(const NAME_CONSTRAINTS *nc, struct hf_buf *out)
{
	STACK_OF(GENERAL_SUBTREE) *const lists[] = { nc->permittedSubtrees, nc->excludedSubtrees };
	bool first = true;

	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++) {
		for (int i = 0; i < sk_GENERAL_SUBTREE_num(lists[l]); i++) {
			(void)hf_buf_puts(out, first ? "" : ", ");
			(void)hf_buf_puts(out, l ? "!" : "");
			format_base(sk_GENERAL_SUBTREE_value(lists[l], i)->base, out);
			first = false;
		}
	}
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}

/* --- keeping them --- */

static bool ends_with(const char *name, size_t len, const char *tail, size_t tail_len)
{
	return len >= tail_len && hf_mem_case_eq(name + len - tail_len, tail, tail_len);
}

static bool dns_inside(const char *name, size_t len, const char *base, size_t base_len)
{
	if (base_len == 0)
		return true;
	if (!ends_with(name, len, base, base_len))
		return false;
	return len == base_len || base[0] == '.' || name[len - base_len - 1] == '.';
}

/* RFC 5280 4.2.1.10 for URIs and mailboxes: with a leading '.' any host below, without it that
 * host. */
static bool host_inside(const char *host, size_t len, const char *base, size_t base_len)
{
	if (base_len > 0 && base[0] == '.')
		return len > base_len && ends_with(host, len, base, base_len);
	return len == base_len && hf_mem_case_eq(host, base, len);
}

static bool email_inside(const char *name, size_t len, const char *base, size_t base_len)
{
	const char *at = memchr(name, '@', len);
	size_t local = at ? (size_t)(at - name) : 0;

	if (!at)
		return false;
	if (memchr(base, '@', base_len))
		return len == base_len && memcmp(name, base, local) == 0 &&
		       hf_mem_case_eq(name, base, len);
	return host_inside(at + 1, len - local - 1, base, base_len);
}

static bool uri_inside(const char *name, const char *base, size_t base_len)
{
	const char *host = strstr(name, "://");
	const char *at;
	size_t len;

	if (!host)
		return false;
	host += 3;
	len = strcspn(host, "/?#");
	at = memchr(host, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	return host_inside(host, strcspn(host, ":") < len ? strcspn(host, ":") : len, base,
			   base_len);
}

static bool ip_inside(const uint8_t *address, size_t len, const uint8_t *base, size_t base_len)
{
	if (base_len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((address[i] & base[len + i]) != base[i])
			return false;
	}
	return true;
}

static bool inside(const struct hf_san *san, const ASN1_STRING *value)
{
	const uint8_t *bytes = ASN1_STRING_get0_data(value);
	const char *base = (const char *)bytes;
	size_t len = (size_t)ASN1_STRING_length(value);

	switch (san->kind) {
	case HF_SAN_DNS:
		return dns_inside(san->value, san->len, base, len);
	case HF_SAN_IP:
		return ip_inside(san->raw, san->raw_len, bytes, len);
	case HF_SAN_URI:
		return uri_inside(san->value, base, len);
	case HF_SAN_EMAIL:
		return email_inside(san->value, san->len, base, len);
	case HF_SAN_DIRNAME:
	case HF_SAN_OTHER:
		break;
	}
	return false;
}

enum { NONE_OF_KIND, NO_MATCH, MATCH };

static int match_list(const struct hf_san *san, const STACK_OF(GENERAL_SUBTREE) *list)
{
	int answer = NONE_OF_KIND;

	for (int i = 0; i < sk_GENERAL_SUBTREE_num(list); i++) {
		int gen = GEN_OTHERNAME;
		const ASN1_STRING *value =
		    GENERAL_NAME_get0_value(sk_GENERAL_SUBTREE_value(list, i)->base, &gen);
		const struct kind *k = kind_of_gen(gen);

		if (!k || k->kind != san->kind)
			continue;
		if (inside(san, value))
			return MATCH;
		answer = NO_MATCH;
	}
	return answer;
}

static int check_one(const NAME_CONSTRAINTS *nc, const struct hf_san *san, const char *who,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) allowed = HF_BUF_INIT(TEXT_CAP);

	if (match_list(san, nc->permittedSubtrees) != NO_MATCH &&
	    match_list(san, nc->excludedSubtrees) != MATCH)
		return 0;
	(void)hf_permit_format(nc, &allowed);
	(void)hf_err_set(err, HF_E_POLICY, "the name constraints of '%s' do not allow %s:%s", who,
			 hf_san_kind_name(san->kind), san->value);
	return hf_err_hint(
	    err,
	    "it may certify %s only; choose such a name, or make an authority with another --permit",
	    hf_buf_str(&allowed));
}

/* OpenSSL takes a common name with a dot in it for a host name when there is no DNS SAN. */
static int check_common_names(const NAME_CONSTRAINTS *nc, const struct hf_sans *sans,
			      const X509_NAME *subject, const char *who, struct hf_err *err)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	int rc;

	for (size_t i = 0; i < sans->len; i++) {
		if (sans->items[i].kind == HF_SAN_DNS)
			return 0;
	}
	rc = hf_name_values(subject, NID_commonName, &values, &len, err);
	for (size_t i = 0; rc >= 0 && i < len; i++) {
		struct hf_san as_dns = { .kind = HF_SAN_DNS,
					 .value = values[i].utf8,
					 .len = values[i].len };

		if (strchr(values[i].utf8, '.') &&
		    hf_dns_name_valid(values[i].utf8, values[i].len, true))
			rc = check_one(nc, &as_dns, who, err);
	}
	hf_name_values_free(values, len);
	return rc < 0 ? rc : 0;
}

int hf_permit_check(const NAME_CONSTRAINTS *nc, const struct hf_sans *sans,
		    const X509_NAME *subject, const char *who, struct hf_err *err)
{
	for (size_t i = 0; i < sans->len; i++) {
		int rc = check_one(nc, &sans->items[i], who, err);

		if (rc < 0)
			return rc;
	}
	return check_common_names(nc, sans, subject, who, err);
}

/* A name that is inside a subtree of names only, to ask whether all of it is. */
static char *sample(int gen, const char *base, size_t len)
{
	const char *dot = len > 0 && base[0] == '.' ? "x" : "";

	if (gen == GEN_URI)
		return hf_str_printf("x://%s%.*s", dot, (int)len, base);
	if (gen == GEN_EMAIL && !memchr(base, '@', len))
		return hf_str_printf("x@%s%.*s", dot, (int)len, base);
	return hf_str_ndup(base, len);
}

/* All of a network is inside another one when its first and its last address are. */
static int check_network(const NAME_CONSTRAINTS *outer, const uint8_t *base, size_t len,
			 struct hf_err *err)
{
	char text[64];
	struct hf_san ends[2] = { { .kind = HF_SAN_IP, .value = text, .raw_len = len / 2 },
				  { .kind = HF_SAN_IP, .value = text, .raw_len = len / 2 } };

	if (len != 8 && len != 32)
		return hf_err_set(err, HF_E_INVALID, "a network of %zu bytes", len);
	for (size_t i = 0; i < len / 2; i++) {
		ends[0].raw[i] = base[i];
		ends[1].raw[i] = (uint8_t)(base[i] | (uint8_t)~base[len / 2 + i]);
	}
	for (size_t e = 0; e < HF_ARRAY_LEN(ends); e++) {
		int rc;

		hf_ip_format(ends[e].raw, len / 2, text, sizeof(text));
		rc = check_one(outer, &ends[e], "this authority", err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_subtree(const NAME_CONSTRAINTS *outer, const GENERAL_NAME *base,
			 struct hf_err *err)
{
	int gen = GEN_OTHERNAME;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(base, &gen);
	const uint8_t *bytes = ASN1_STRING_get0_data(value);
	size_t len = (size_t)ASN1_STRING_length(value);
	const struct kind *k = kind_of_gen(gen);
	struct hf_san san = { .kind = k ? k->kind : HF_SAN_OTHER };
	HF_AUTO(cstr) text = NULL;

	if (gen == GEN_IPADD)
		return check_network(outer, bytes, len, err);
	text = sample(gen, (const char *)bytes, len);
	if (!text)
		return hf_err_nomem(err);
	san.value = text;
	san.len = strlen(text);
	return check_one(outer, &san, "this authority", err);
}

static bool limits_kind(const STACK_OF(GENERAL_SUBTREE) *list, int gen)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(list); i++) {
		int other = GEN_OTHERNAME;

		(void)GENERAL_NAME_get0_value(sk_GENERAL_SUBTREE_value(list, i)->base, &other);
		if (other == gen)
			return true;
	}
	return false;
}

int hf_permit_narrow(const NAME_CONSTRAINTS *outer, NAME_CONSTRAINTS **inner, struct hf_err *err)
{
	STACK_OF(GENERAL_SUBTREE) *asked = NULL;
	size_t kinds_asked = 0; /* one bit each: what --permit limits itself */
	int rc = 0;

	if (!*inner)
		*inner = NAME_CONSTRAINTS_new();
	if (!*inner)
		return hf_err_nomem(err);
	asked = (*inner)->permittedSubtrees;
	for (int i = 0; rc == 0 && i < sk_GENERAL_SUBTREE_num(asked); i++)
		rc = check_subtree(outer, sk_GENERAL_SUBTREE_value(asked, i)->base, err);
	for (size_t k = 0; k < HF_ARRAY_LEN(kinds); k++)
		kinds_asked |= (size_t)limits_kind(asked, kinds[k].gen) << k;
	for (int i = 0; rc == 0 && i < sk_GENERAL_SUBTREE_num(outer->permittedSubtrees); i++) {
		int gen = GEN_OTHERNAME;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(
		    sk_GENERAL_SUBTREE_value(outer->permittedSubtrees, i)->base, &gen);
		const struct kind *k = kind_of_gen(gen);

		if (k && !(kinds_asked & (size_t)1 << (k - kinds)))
			rc = add_subtree(*inner, gen, ASN1_STRING_get0_data(value),
					 (size_t)ASN1_STRING_length(value), err);
	}
	return rc;
}
