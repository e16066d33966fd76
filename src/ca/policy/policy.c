/* SPDX-License-Identifier: Apache-2.0 */
/* The policy object and what its rules say.  Must never make anything wider than the floor: a
 * policy only takes away. */
#include "ca/policy/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"

enum { TEXT_CAP = 2048 };

#define LIFETIME_CAP (INT64_C(36500) * HF_DAY_SECONDS)

const char *const hf_match_words[] = { "optional", "supplied", "match", NULL };
const char *const hf_others_words[] = { "keep", "drop", "refuse", NULL };
const char *const hf_answer_words[] = { "strip", "refuse", "copy", NULL };
const char *const hf_policy_key_words[] = { "p256", "p384", "ed25519", "rsa", NULL };

int hf_policy_new(struct hf_policy **ret_policy, struct hf_err *err)
{
	struct hf_policy *policy = calloc(1, sizeof(*policy));
	const char *const *words = hf_ca_profile_names();

	if (!policy)
		return hf_err_nomem(err);
	for (size_t i = 0; i < HF_POLICY_PROFILES && words[i]; i++) {
		const struct hf_ca_profile *profile = hf_ca_profile_find(words[i]);

		policy->profiles[i] = (struct hf_policy_profile){
			.profile = profile,
			.allow = true,
			.days = profile->days * HF_DAY_SECONDS,
			.max_days = LIFETIME_CAP,
			.key_types = 1U << HF_POLICY_P256 | 1U << HF_POLICY_P384 |
				     1U << HF_POLICY_ED25519 | 1U << HF_POLICY_RSA,
			.rsa_bits = 2048,
			.names.any = true,
			.require_names = profile->names_hosts,
		};
	}
	*ret_policy = policy;
	return 0;
}

void hf_policy_subject_done(struct hf_policy_subject *subject)
{
	for (size_t i = 0; i < subject->len; i++)
		hf_strv_done(&subject->fields[i].like);
	free(subject->fields);
	*subject = (struct hf_policy_subject){ .fields = NULL };
}

void hf_policy_names_done(struct hf_policy_names *names)
{
	for (size_t i = 0; i < names->len; i++)
		hf_pattern_done(&names->items[i]);
	free(names->items);
	*names = (struct hf_policy_names){ .any = false };
}

void hf_policy_free(struct hf_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < HF_POLICY_PROFILES; i++) {
		struct hf_policy_profile *pp = &policy->profiles[i];

		hf_policy_subject_done(&pp->subject);
		hf_policy_names_done(&pp->names);
		hf_strv_done(&pp->requesters);
		hf_strv_done(&pp->copy);
	}
	hf_policy_revocation_done(&policy->revocation);
	free(policy->name);
	free(policy);
}

const struct hf_policy_profile *hf_policy_profile(const struct hf_policy *policy,
						  const struct hf_ca_profile *profile)
{
	for (size_t i = 0; policy && i < HF_POLICY_PROFILES; i++) {
		if (policy->profiles[i].profile == profile)
			return &policy->profiles[i];
	}
	return NULL;
}

const struct hf_pattern *hf_policy_pattern_for(const struct hf_policy_names *names,
					       const struct hf_san *san)
{
	for (size_t i = 0; i < names->len; i++) {
		if (hf_pattern_matches(&names->items[i], san, names->wildcards))
			return &names->items[i];
	}
	return NULL;
}

bool hf_policy_says_no_names(const struct hf_policy *policy, const struct hf_ca_profile *profile)
{
	const struct hf_policy_profile *pp = hf_policy_profile(policy, profile);

	return pp && !pp->require_names && pp->lines[HF_POLICY_REQUIRE_NAMES];
}

bool hf_policy_makes_keys(const struct hf_policy *policy)
{
	for (size_t i = 0; policy && i < HF_POLICY_PROFILES; i++) {
		if (policy->profiles[i].serverkeygen)
			return true;
	}
	return false;
}

/* --- rulings --- */

const char *hf_ruling_word(enum hf_ruling_kind kind)
{
	static const char *const words[] = { "admits", "changes", "refuses" };

	return words[kind];
}

void hf_rulings_done(struct hf_rulings *rulings)
{
	for (size_t i = 0; i < rulings->len; i++) {
		free(rulings->items[i].where);
		free(rulings->items[i].text);
	}
	free(rulings->items);
	*rulings = (struct hf_rulings){ .wanted = false };
}

static char *where(const struct hf_policy *policy, unsigned line)
{
	if (!policy || !policy->name)
		return hf_str_dup("built-in policy");
	return line ? hf_str_printf("%s:%u", policy->name, line)
		    : hf_str_printf("%s (not said there)", policy->name);
}

int hf_rulings_add(struct hf_rulings *rulings, enum hf_ruling_kind kind, const char *place,
		   const char *text)
{
	struct hf_ruling *grown;

	if (!rulings || !rulings->wanted)
		return 0;
	grown = reallocarray(rulings->items, rulings->len + 1, sizeof(*grown));
	if (!grown)
		return -HF_E_NOMEM;
	rulings->items = grown;
	grown += rulings->len;
	*grown = (struct hf_ruling){ kind, hf_str_dup(place), hf_str_dup(text) };
	rulings->len++;
	return grown->where && grown->text ? 0 : -HF_E_NOMEM;
}

static int keep(const struct hf_policy *policy, struct hf_rulings *rulings,
		enum hf_ruling_kind kind, unsigned line, const char *text)
{
	HF_AUTO(cstr) place = NULL;

	if (!rulings || !rulings->wanted)
		return 0;
	place = where(policy, line);
	return place ? hf_rulings_add(rulings, kind, place, text) : -HF_E_NOMEM;
}

int hf_policy_say(const struct hf_policy *policy, struct hf_rulings *rulings,
		  enum hf_ruling_kind kind, unsigned line, const char *fmt, ...)
{
	char text[TEXT_CAP];
	va_list args;

	if (!rulings || !rulings->wanted)
		return 0;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return keep(policy, rulings, kind, line, text);
}

int hf_policy_refuse(const struct hf_policy *policy, struct hf_rulings *rulings, unsigned line,
		     struct hf_err *err, const char *fmt, ...)
{
	HF_AUTO(cstr) place = where(policy, line);
	char text[TEXT_CAP];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!place || keep(policy, rulings, HF_RULING_REFUSES, line, text) < 0)
		return hf_err_nomem(err);
	if (rulings && rulings->wanted && rulings->refusals++)
		return 0;
	if (policy && policy->name)
		(void)hf_err_set(err, HF_E_POLICY, "%s: %s", place, text);
	else
		(void)hf_err_set(err, HF_E_POLICY, "%s", text);
	return rulings && rulings->wanted ? 0 : -HF_E_POLICY;
}

int hf_rulings_end(const struct hf_rulings *rulings)
{
	return rulings->refusals ? -HF_E_POLICY : 0;
}
