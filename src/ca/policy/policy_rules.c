/* SPDX-License-Identifier: Apache-2.0 */
/* Applying a policy to an order, rule by rule.  Must never lengthen, add or widen: what an order
 * leaves here with is at most what it came with. */
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/issue.h"
#include "ca/policy/policy.h"

struct rule_check {
	const struct hf_policy *policy;
	const struct hf_policy_profile *pp;
	struct hf_order *order;
	const char *requester;
	struct hf_err *err;
};

static int say(const struct rule_check *c, enum hf_policy_key key, const char *text)
{
	if (hf_policy_say(c->policy, &c->order->rulings, HF_RULING_ADMITS, c->pp->lines[key], "%s",
			  text) < 0)
		return hf_err_nomem(c->err);
	return 0;
}

static int check_profile(const struct rule_check *c)
{
	const struct hf_ca_profile *profile = c->pp->profile;

	if (!c->pp->allow)
		return hf_policy_refuse(c->policy, &c->order->rulings,
					c->pp->lines[HF_POLICY_ALLOW], c->err,
					"certificates of the profile '%s' are not made here",
					profile->name);
	return say(c, HF_POLICY_ALLOW, "the profile is allowed");
}

static int check_requester(const struct rule_check *c)
{
	const char *who = c->requester ? c->requester : "";

	if (!c->pp->lines[HF_POLICY_REQUESTERS])
		return 0;
	if (!hf_strv_has(&c->pp->requesters, who))
		return hf_policy_refuse(c->policy, &c->order->rulings,
					c->pp->lines[HF_POLICY_REQUESTERS], c->err,
					"'%s' may not ask for the profile '%s'", who,
					c->pp->profile->name);
	return say(c, HF_POLICY_REQUESTERS, "the requester is allowed");
}

/* All but RSA, which comes in lengths. */
static const struct {
	enum hf_key_type from;
	enum hf_policy_key_type to;
} key_types[] = {
	{ HF_KEY_P256, HF_POLICY_P256 },
	{ HF_KEY_P384, HF_POLICY_P384 },
	{ HF_KEY_ED25519, HF_POLICY_ED25519 },
};

static enum hf_policy_key_type key_type(const EVP_PKEY *key, bool *ret_known)
{
	enum hf_key_type type = hf_key_type_of(key);

	*ret_known = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	for (size_t i = 0; i < HF_ARRAY_LEN(key_types); i++) {
		if (key_types[i].from != type)
			continue;
		*ret_known = true;
		return key_types[i].to;
	}
	return HF_POLICY_RSA;
}

enum hf_key_type hf_policy_own_key_type(const struct hf_policy_profile *pp)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(key_types); i++) {
		if (!pp || pp->key_types & 1U << key_types[i].to)
			return key_types[i].from;
	}
	return pp->rsa_bits <= 2048   ? HF_KEY_RSA2048
	       : pp->rsa_bits <= 3072 ? HF_KEY_RSA3072
				      : HF_KEY_RSA4096;
}

static int check_key(const struct rule_check *c)
{
	bool known = false;
	enum hf_policy_key_type type = key_type(c->order->key, &known);
	int bits = EVP_PKEY_get_bits(c->order->key);
	char words[96];

	hf_key_describe(c->order->key, words, sizeof(words));
	if (!known || !(c->pp->key_types & 1U << type))
		return hf_policy_refuse(c->policy, &c->order->rulings,
					c->pp->lines[HF_POLICY_KEY_TYPES], c->err,
					"a key of this kind is not allowed: %s", words);
	if (type == HF_POLICY_RSA && bits < c->pp->rsa_bits)
		return hf_policy_refuse(c->policy, &c->order->rulings,
					c->pp->lines[HF_POLICY_RSA_BITS], c->err,
					"the key is too short: %s, at least %lld are asked for",
					words, (long long)c->pp->rsa_bits);
	if (hf_policy_say(c->policy, &c->order->rulings, HF_RULING_ADMITS,
			  c->pp->lines[HF_POLICY_KEY_TYPES], "the key is one of those allowed: %s",
			  words) < 0)
		return hf_err_nomem(c->err);
	return 0;
}

static int check_name(const struct rule_check *c, const struct hf_san *san)
{
	const struct hf_pattern *pattern = hf_policy_pattern_for(&c->pp->names, san);
	const char *kind = hf_san_kind_name(san->kind);
	int rc;

	if (pattern)
		return hf_policy_say(c->policy, &c->order->rulings, HF_RULING_ADMITS, pattern->line,
				     "the name %s:%s is like '%s'", kind, san->value,
				     pattern->text);
	rc = hf_policy_refuse(c->policy, &c->order->rulings, c->pp->lines[HF_POLICY_NAMES], c->err,
			      "the name %s:%s is none of those that the profile '%s' may have",
			      kind, san->value, c->pp->profile->name);
	if (c->order->rulings.refusals <= 1 && san->kind == HF_SAN_DNS && san->value[0] == '*' &&
	    !c->pp->names.wildcards)
		(void)hf_err_hint(c->err, "wildcards need 'wildcards: yes' under 'names'");
	return rc;
}

/* A common name that looks like a host name is one to some clients. */
static int check_names(const struct rule_check *c)
{
	const struct hf_sans *sans = &c->order->sans;
	int rc = 0;

	if (c->order->own_name && sans->len == 1 && !c->pp->names.any &&
	    !hf_policy_pattern_for(&c->pp->names, &sans->items[0])) {
		hf_sans_done(&c->order->sans); /* it was a courtesy */
		hf_strv_done(&c->order->added);
	}
	/* that servers need one is the floor's to say (issue.c) */
	if (c->pp->require_names && sans->len == 0 && !c->pp->profile->names_hosts)
		return hf_policy_refuse(c->policy, &c->order->rulings,
					c->pp->lines[HF_POLICY_REQUIRE_NAMES], c->err,
					"a %s needs a name besides its subject (--san)",
					c->pp->profile->words);
	if (c->pp->names.any)
		return sans->len ? say(c, HF_POLICY_NAMES, "any name is allowed") : 0;
	for (size_t i = 0; rc == 0 && i < sans->len; i++)
		rc = check_name(c, &sans->items[i]);
	return rc;
}

static int settle_lifetime(const struct rule_check *c)
{
	const struct hf_policy_profile *pp = c->pp;
	bool by_default = c->order->lifetime == 0;
	int64_t wanted = by_default ? pp->days : c->order->lifetime;
	HF_AUTO(cstr) note = NULL;
	char words[64], limit[64];

	c->order->lifetime = HF_MIN(wanted, pp->max_days);
	hf_duration_words(c->order->lifetime, words, sizeof(words));
	if (wanted <= pp->max_days)
		return hf_policy_say(c->policy, &c->order->rulings, HF_RULING_ADMITS,
				     pp->lines[by_default ? HF_POLICY_DAYS : HF_POLICY_MAX_DAYS],
				     "it may be valid for %s", words);
	hf_duration_words(wanted, limit, sizeof(limit));
	note = hf_str_printf("valid for %s only, not %s: the policy allows no more", words, limit);
	if (!note || hf_strv_add(&c->order->notes, note) < 0)
		return hf_err_nomem(c->err);
	return hf_policy_say(c->policy, &c->order->rulings, HF_RULING_CHANGES,
			     pp->lines[HF_POLICY_MAX_DAYS], "cut to %s from %s", words, limit);
}

int hf_policy_apply(const struct hf_policy *policy, struct hf_order *order, const X509_NAME *issuer,
		    const char *requester, struct hf_err *err)
{
	const struct hf_policy_profile *pp = hf_policy_profile(policy, order->profile);
	const struct rule_check c = { policy, pp, order, requester, err };
	int rc;

	if (!pp)
		return 0;
	rc = check_profile(&c);
	if (rc == 0)
		rc = check_requester(&c);
	if (rc == 0)
		rc = check_key(&c);
	if (rc == 0)
		rc = hf_policy_apply_subject(policy, pp, order, issuer, err);
	if (rc == 0)
		rc = check_names(&c);
	return rc < 0 ? rc : settle_lifetime(&c);
}
