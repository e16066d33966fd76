/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL's matcher of name constraints overlooks: malformed constraints, malformed names of a
 * constrained type, and wildcards that reach into an excluded subtree (CVE-2025-61727, openssl
 * issue #30706).  Must never be more lenient than NAME_CONSTRAINTS_check, which is always asked
 * too. */
#include "verify/constraints.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static bool mask_is_contiguous(const uint8_t *mask, size_t len)
{
	bool ended = false;

	for (size_t i = 0; i < len * 8; i++) {
		bool bit = mask[i / 8] >> (7 - i % 8) & 1;

		if (bit && ended)
			return false;
		ended = ended || !bit;
	}
	return true;
}

static const char *fault_of_dns(const char *s, size_t len)
{
	if (memchr(s, '*', len))
		return "a DNS constraint with a wildcard";
	if (len > 0 && s[0] == '.')
		return "a DNS constraint with a leading period";
	if (len > 0 && !hf_dns_name_valid(s, len, false))
		return "a DNS constraint that is no domain name";
	return NULL;
}

static const char *fault_of_email(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);
	size_t host = 0;

	if (at && memchr(at + 1, '@', len - (size_t)(at + 1 - s)))
		return "an e-mail constraint with two '@'";
	if (at)
		host = (size_t)(at + 1 - s);
	else if (len > 0 && s[0] == '.')
		host = 1;
	if (!hf_dns_name_valid(s + host, len - host, false))
		return "an e-mail constraint without a host name";
	return NULL;
}

static const char *fault_of_base(const GENERAL_NAME *base)
{
	const ASN1_STRING *s = NULL;
	size_t len;

	if (base->type != GEN_DNS && base->type != GEN_EMAIL && base->type != GEN_IPADD)
		return NULL;
	s = base->type == GEN_IPADD ? base->d.iPAddress : base->d.ia5;
	len = (size_t)ASN1_STRING_length(s);
	if (base->type == GEN_DNS)
		return fault_of_dns((const char *)ASN1_STRING_get0_data(s), len);
	if (base->type == GEN_EMAIL)
		return fault_of_email((const char *)ASN1_STRING_get0_data(s), len);
	if (len != 8 && len != 32)
		return "an IP constraint that is no address and mask";
	if (!mask_is_contiguous(ASN1_STRING_get0_data(s) + len / 2, len / 2))
		return "an IP constraint whose mask has holes";
	return NULL;
}

static const char *fault_of_subtrees(STACK_OF(GENERAL_SUBTREE) *trees)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(trees, i);
		const char *fault = fault_of_base(t->base);

		if (fault)
			return fault;
		if (t->maximum || (t->minimum && !ASN1_STRING_length(t->minimum)) ||
		    (t->minimum && ASN1_INTEGER_get(t->minimum) != 0))
			return "a subtree with minimum or maximum";
	}
	return NULL;
}

bool hf_constraints_well_formed(const NAME_CONSTRAINTS *nc, char *have, size_t cap)
{
	const char *fault = NULL;

	if (sk_GENERAL_SUBTREE_num(nc->permittedSubtrees) <= 0 &&
	    sk_GENERAL_SUBTREE_num(nc->excludedSubtrees) <= 0)
		fault = "neither permitted nor excluded subtrees";
	if (!fault)
		fault = fault_of_subtrees(nc->permittedSubtrees);
	if (!fault)
		fault = fault_of_subtrees(nc->excludedSubtrees);
	if (fault)
		(void)snprintf(have, cap, "%s", fault);
	return !fault;
}

static int general_type(enum hf_san_kind kind)
{
	static const int types[] = {
		[HF_SAN_DNS] = GEN_DNS,	    [HF_SAN_IP] = GEN_IPADD,	    [HF_SAN_URI] = GEN_URI,
		[HF_SAN_EMAIL] = GEN_EMAIL, [HF_SAN_DIRNAME] = GEN_DIRNAME, [HF_SAN_OTHER] = -1,
	};

	return types[kind];
}

static bool has_type(STACK_OF(GENERAL_SUBTREE) *trees, int type)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		if (sk_GENERAL_SUBTREE_value(trees, i)->base->type == type)
			return true;
	}
	return false;
}

/* "*.B" stands for every X.B; one of them is excluded when the excluded base is X.B itself. */
static bool wildcard_covers(const struct hf_san *san, const ASN1_STRING *base)
{
	const char *parent, *name = (const char *)ASN1_STRING_get0_data(base);
	size_t parent_len, len = (size_t)ASN1_STRING_length(base);
	const char *dot;

	if (san->len < 3 || san->value[0] != '*' || san->value[1] != '.')
		return false;
	if (len > 0 && name[0] == '.') {
		name++;
		len--;
	}
	parent = san->value + 2;
	parent_len = san->len - 2;
	dot = memchr(name, '.', len);
	if (!dot)
		return false;
	len -= (size_t)(dot + 1 - name);
	return len == parent_len && hf_mem_case_eq(dot + 1, parent, len);
}

static bool escapes(const NAME_CONSTRAINTS *nc, const struct hf_san *san)
{
	int type = general_type(san->kind);

	if (san->malformed)
		return has_type(nc->permittedSubtrees, type) ||
		       has_type(nc->excludedSubtrees, type);
	if (san->kind != HF_SAN_DNS)
		return false;
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(nc->excludedSubtrees); i++) {
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(nc->excludedSubtrees, i)->base;

		if (base->type == GEN_DNS && wildcard_covers(san, base->d.dNSName))
			return true;
	}
	return false;
}

const struct hf_san *hf_constraints_escape(const NAME_CONSTRAINTS *nc, const struct hf_cert *cert)
{
	for (size_t i = 0; i < cert->sans.len; i++) {
		if (escapes(nc, &cert->sans.items[i]))
			return &cert->sans.items[i];
	}
	return NULL;
}

bool hf_constraints_have_kind(const NAME_CONSTRAINTS *nc, int type)
{
	return has_type(nc->permittedSubtrees, type) || has_type(nc->excludedSubtrees, type);
}

static bool is_usual(int type)
{
	return type == GEN_DNS || type == GEN_IPADD || type == GEN_EMAIL;
}

/* A list that becomes empty is taken away: an empty one permits nothing more. */
static void drop_rare(STACK_OF(GENERAL_SUBTREE) **trees)
{
	for (int i = sk_GENERAL_SUBTREE_num(*trees) - 1; i >= 0; i--) {
		if (!is_usual(sk_GENERAL_SUBTREE_value(*trees, i)->base->type))
			GENERAL_SUBTREE_free(sk_GENERAL_SUBTREE_delete(*trees, i));
	}
	if (*trees && sk_GENERAL_SUBTREE_num(*trees) == 0) {
		sk_GENERAL_SUBTREE_free(*trees);
		*trees = NULL;
	}
}

NAME_CONSTRAINTS *hf_constraints_of_usual_kinds(const NAME_CONSTRAINTS *nc)
{
	NAME_CONSTRAINTS *usual = ASN1_item_dup(ASN1_ITEM_rptr(NAME_CONSTRAINTS), nc);

	if (!usual)
		return NULL;
	drop_rare(&usual->permittedSubtrees);
	drop_rare(&usual->excludedSubtrees);
	return usual;
}
