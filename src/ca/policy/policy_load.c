/* SPDX-License-Identifier: Apache-2.0 */
/* Reads policy.yaml.  Must never guess: a word that is not known is a mistake with its place, since
 * a rule that is not read is a rule that does not hold. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/policy/extension.h"
#include "ca/policy/policy.h"
#include "util/yaml.h"

struct loader {
	const struct hf_yaml *yaml;
	struct hf_err *err;
};

static int read_words(const struct loader *l, const struct hf_yaml_node *node, struct hf_strv *out)
{
	HF_AUTO_DONE(hf_strv) list = HF_STRV_INIT;
	const struct hf_yaml_node *item = NULL;

	if (node->kind == HF_YAML_MAP)
		return hf_yaml_need(l->yaml, node, HF_YAML_LIST, l->err);
	while ((item = hf_yaml_each(node, item))) {
		const char *text = NULL;
		int rc = hf_yaml_string(l->yaml, item, &text, l->err);

		if (rc < 0)
			return rc;
		if (hf_strv_add(&list, text) < 0)
			return hf_err_nomem(l->err);
	}
	hf_strv_done(out);
	*out = list;
	list = (struct hf_strv)HF_STRV_INIT;
	return 0;
}

/* --- subject --- */

static int read_field_map(const struct loader *l, const struct hf_yaml_node *node,
			  struct hf_policy_field *field)
{
	static const char *const known[] = { "is", "like", NULL };
	const struct hf_yaml_node *is, *like;
	int which = HF_MATCH_SUPPLIED;
	int rc = hf_yaml_check_keys(l->yaml, node, known, l->err);

	is = hf_yaml_get(node, "is");
	like = hf_yaml_get(node, "like");
	if (rc == 0 && is)
		rc = hf_yaml_word(l->yaml, is, hf_match_words, &which, l->err);
	if (rc == 0 && like)
		rc = read_words(l, like, &field->like);
	if (rc == 0 && like && field->like.len == 0)
		rc = hf_yaml_error(l->yaml, like, true, l->err, "an empty list fits nothing");
	field->is = (enum hf_match)which;
	return rc;
}

static int read_field(const struct loader *l, const struct hf_yaml_node *node,
		      struct hf_policy_subject *subject)
{
	int nid = OBJ_txt2nid(node->key);
	struct hf_policy_field *grown;
	int which = 0, rc;

	if (nid == NID_undef) {
		(void)hf_yaml_error(l->yaml, node, true, l->err,
				    "'%s' is no attribute of a subject", node->key);
		return hf_err_hint(
		    l->err, "as in openssl.cnf: countryName, organizationName, commonName …, "
			    "or others: keep, drop or refuse");
	}
	for (size_t i = 0; i < subject->len; i++) {
		if (subject->fields[i].nid == nid)
			return hf_yaml_error(l->yaml, node, true, l->err,
					     "%s has a rule already, in line %u", OBJ_nid2ln(nid),
					     subject->fields[i].line);
	}
	grown = reallocarray(subject->fields, subject->len + 1, sizeof(*grown));
	if (!grown)
		return hf_err_nomem(l->err);
	subject->fields = grown;
	grown += subject->len++;
	*grown = (struct hf_policy_field){ .nid = nid, .line = node->key_line };
	if (node->kind == HF_YAML_MAP)
		return read_field_map(l, node, grown);
	rc = hf_yaml_word(l->yaml, node, hf_match_words, &which, l->err);
	grown->is = (enum hf_match)which;
	return rc;
}

static int read_subject(const struct loader *l, const struct hf_yaml_node *node,
			struct hf_policy_profile *pp)
{
	int rc = hf_yaml_need(l->yaml, node, HF_YAML_MAP, l->err);

	hf_policy_subject_done(&pp->subject);
	for (const struct hf_yaml_node *n = node->child; rc == 0 && n; n = n->next) {
		int which = 0;

		if (!hf_yaml_key_is(n, "others")) {
			rc = read_field(l, n, &pp->subject);
			continue;
		}
		rc = hf_yaml_word(l->yaml, n, hf_others_words, &which, l->err);
		pp->subject.others = (enum hf_others)which;
		pp->subject.others_line = n->key_line;
	}
	return rc;
}

/* --- names --- */

static int add_pattern(const struct loader *l, const struct hf_yaml_node *item,
		       enum hf_san_kind kind, struct hf_policy_names *names)
{
	struct hf_pattern pattern = { .kind = kind };
	struct hf_pattern *grown;
	const char *text = NULL, *why;
	int rc = hf_yaml_string(l->yaml, item, &text, l->err);

	if (rc < 0)
		return rc;
	why = hf_pattern_parse(kind, text, &pattern);
	if (why)
		return *why ? hf_yaml_error(l->yaml, item, false, l->err, "'%s': %s", text, why)
			    : hf_err_nomem(l->err);
	pattern.line = item->line;
	grown = reallocarray(names->items, names->len + 1, sizeof(*grown));
	if (!grown) {
		hf_pattern_done(&pattern);
		return hf_err_nomem(l->err);
	}
	names->items = grown;
	names->items[names->len++] = pattern;
	return 0;
}

static int read_names(const struct loader *l, const struct hf_yaml_node *node,
		      struct hf_policy_profile *pp)
{
	static const char *const words[] = { "none", "any", NULL };
	static const char *const known[] = { "dns", "ip", "uri", "email", "wildcards", NULL };
	const struct hf_yaml_node *wildcards;
	int which = 0, rc;

	hf_policy_names_done(&pp->names);
	if (node->kind == HF_YAML_SCALAR) {
		rc = hf_yaml_word(l->yaml, node, words, &which, l->err);
		pp->names.any = which;
		return rc;
	}
	rc = hf_yaml_check_keys(l->yaml, node, known, l->err);
	wildcards = hf_yaml_get(node, "wildcards");
	if (rc == 0 && wildcards)
		rc = hf_yaml_bool(l->yaml, wildcards, &pp->names.wildcards, l->err);
	for (int kind = HF_SAN_DNS; rc == 0 && kind <= HF_SAN_EMAIL; kind++) {
		const struct hf_yaml_node *list = hf_yaml_get(node, known[kind]);
		const struct hf_yaml_node *item = NULL;

		while (rc == 0 && list && (item = hf_yaml_each(list, item)))
			rc = add_pattern(l, item, (enum hf_san_kind)kind, &pp->names);
	}
	return rc;
}

/* --- the other keys --- */

static int read_allow(const struct loader *l, const struct hf_yaml_node *node,
		      struct hf_policy_profile *pp)
{
	return hf_yaml_bool(l->yaml, node, &pp->allow, l->err);
}

static int read_life(const struct loader *l, const struct hf_yaml_node *node, int64_t *ret)
{
	return hf_yaml_duration(l->yaml, node, HF_DAY_SECONDS, 60, INT64_C(36500) * HF_DAY_SECONDS,
				ret, l->err);
}

static int read_days(const struct loader *l, const struct hf_yaml_node *node,
		     struct hf_policy_profile *pp)
{
	return read_life(l, node, &pp->days);
}

static int read_max_days(const struct loader *l, const struct hf_yaml_node *node,
			 struct hf_policy_profile *pp)
{
	return read_life(l, node, &pp->max_days);
}

static int read_key_types(const struct loader *l, const struct hf_yaml_node *node,
			  struct hf_policy_profile *pp)
{
	const struct hf_yaml_node *item = NULL;

	pp->key_types = 0;
	while ((item = hf_yaml_each(node, item))) {
		int which = 0;
		int rc = hf_yaml_word(l->yaml, item, hf_policy_key_words, &which, l->err);

		if (rc < 0)
			return rc;
		pp->key_types |= 1U << which;
	}
	if (!pp->key_types)
		return hf_yaml_error(l->yaml, node, true, l->err, "an empty list allows no key");
	return 0;
}

static int read_rsa_bits(const struct loader *l, const struct hf_yaml_node *node,
			 struct hf_policy_profile *pp)
{
	return hf_yaml_int(l->yaml, node, 2048, 8192, &pp->rsa_bits, l->err);
}

static int read_require_names(const struct loader *l, const struct hf_yaml_node *node,
			      struct hf_policy_profile *pp)
{
	int rc = hf_yaml_bool(l->yaml, node, &pp->require_names, l->err);

	if (rc == 0 && !pp->require_names && pp->profile->names_hosts)
		return hf_yaml_error(l->yaml, node, true, l->err,
				     "a certificate of the profile '%s' always needs a name: "
				     "clients look nowhere else",
				     pp->profile->name);
	return rc;
}

static int read_requesters(const struct loader *l, const struct hf_yaml_node *node,
			   struct hf_policy_profile *pp)
{
	return read_words(l, node, &pp->requesters);
}

static int read_renew_grace(const struct loader *l, const struct hf_yaml_node *node,
			    struct hf_policy_profile *pp)
{
	return hf_yaml_duration(l->yaml, node, HF_DAY_SECONDS, 0, INT64_C(366) * HF_DAY_SECONDS,
				&pp->renew_grace, l->err);
}

static int read_approval(const struct loader *l, const struct hf_yaml_node *node,
			 struct hf_policy_profile *pp)
{
	return hf_yaml_bool(l->yaml, node, &pp->approval, l->err);
}

static int read_serverkeygen(const struct loader *l, const struct hf_yaml_node *node,
			     struct hf_policy_profile *pp)
{
	return hf_yaml_bool(l->yaml, node, &pp->serverkeygen, l->err);
}

/* --- what requests ask for --- */

static int read_answer(const struct loader *l, const struct hf_yaml_node *node, bool may_copy,
		       enum hf_answer *ret)
{
	static const char *const two[] = { "strip", "refuse", NULL };
	int which = 0;
	int rc = hf_yaml_word(l->yaml, node, may_copy ? hf_answer_words : two, &which, l->err);

	if (rc == 0)
		*ret = (enum hf_answer)which;
	return rc;
}

static int read_copy(const struct loader *l, const struct hf_yaml_node *node,
		     struct hf_policy_profile *pp)
{
	const struct hf_yaml_node *item = NULL;
	HF_AUTO_DONE(hf_strv) list = HF_STRV_INIT;

	while ((item = hf_yaml_each(node, item))) {
		const char *text = NULL;
		int rc = hf_yaml_string(l->yaml, item, &text, l->err);
		int nid = rc < 0 ? NID_undef : OBJ_txt2nid(text);
		const char *nearest;

		if (rc < 0)
			return rc;
		if (!(hf_extension_sources(nid) & HF_EXTENSION_OF_REQUEST)) {
			nearest = hf_str_nearest(text, hf_extension_copyable());
			(void)hf_yaml_error(l->yaml, item, false, l->err,
					    "'%s' is never taken from a request", text);
			return hf_err_hint(l->err,
					   nearest ? "did you mean '%s'?"
						   : "those that can be: keyUsage, "
						     "extendedKeyUsage, certificatePolicies, "
						     "tlsfeature, nsComment, nsCertType%s",
					   nearest ? nearest : "");
		}
		if (hf_strv_add(&list, OBJ_nid2sn(nid)) < 0)
			return hf_err_nomem(l->err);
	}
	hf_strv_done(&pp->copy);
	pp->copy = list;
	list = (struct hf_strv)HF_STRV_INIT;
	return 0;
}

/* Without the list nothing would be copied, and nobody would be told. */
static int check_copy(const struct loader *l, const struct hf_yaml_node *node,
		      const struct hf_policy_profile *pp)
{
	const struct hf_yaml_node *said = hf_yaml_get(node, "extensions");

	if (!said || pp->extensions != HF_ANSWER_COPY || pp->copy.len > 0)
		return 0;
	(void)hf_yaml_error(l->yaml, said, false, l->err,
			    "'extensions: copy' copies nothing without a list: which ones?");
	return hf_err_hint(l->err, "beside it: copy: [keyUsage, extendedKeyUsage], say");
}

static int read_request(const struct loader *l, const struct hf_yaml_node *node,
			struct hf_policy_profile *pp)
{
	static const char *const known[] = {
		"ca", "names", "critical", "extensions", "copy", NULL
	};
	enum hf_answer *const answers[] = { &pp->ca, &pp->foreign_names, &pp->critical,
					    &pp->extensions };
	const struct hf_yaml_node *copy = hf_yaml_get(node, "copy");
	int rc = hf_yaml_check_keys(l->yaml, node, known, l->err);

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(answers); i++) {
		const struct hf_yaml_node *n = hf_yaml_get(node, known[i]);

		if (!n)
			continue;
		rc = read_answer(l, n, i == 1 || i == 3, answers[i]);
		pp->lines[HF_POLICY_REQUEST_CA + i] = n->key_line;
	}
	if (rc == 0 && copy) {
		pp->lines[HF_POLICY_REQUEST_COPY] = copy->key_line;
		rc = read_copy(l, copy, pp);
	}
	return rc < 0 ? rc : check_copy(l, node, pp);
}

/* --- a profile --- */

static const struct {
	const char *word;
	enum hf_policy_key key;
	int (*read)(const struct loader *l, const struct hf_yaml_node *node,
		    struct hf_policy_profile *pp);
} keys[] = {
	{ "allow", HF_POLICY_ALLOW, read_allow },
	{ "days", HF_POLICY_DAYS, read_days },
	{ "max_days", HF_POLICY_MAX_DAYS, read_max_days },
	{ "key_types", HF_POLICY_KEY_TYPES, read_key_types },
	{ "rsa_bits", HF_POLICY_RSA_BITS, read_rsa_bits },
	{ "subject", HF_POLICY_SUBJECT, read_subject },
	{ "names", HF_POLICY_NAMES, read_names },
	{ "require_names", HF_POLICY_REQUIRE_NAMES, read_require_names },
	{ "requesters", HF_POLICY_REQUESTERS, read_requesters },
	{ "renew_grace", HF_POLICY_RENEW_GRACE, read_renew_grace },
	{ "approval", HF_POLICY_APPROVAL, read_approval },
	{ "serverkeygen", HF_POLICY_SERVERKEYGEN, read_serverkeygen },
	{ "request", HF_POLICY_KEYS, read_request },
};

static int read_profile(const struct loader *l, const struct hf_yaml_node *node,
			struct hf_policy_profile *pp)
{
	const char *known[HF_ARRAY_LEN(keys) + 1];
	int rc;

	for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++)
		known[i] = keys[i].word;
	known[HF_ARRAY_LEN(keys)] = NULL;
	rc = hf_yaml_check_keys(l->yaml, node, known, l->err);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(keys); i++) {
		const struct hf_yaml_node *n = hf_yaml_get(node, keys[i].word);

		if (!n)
			continue;
		if (keys[i].key < HF_POLICY_KEYS)
			pp->lines[keys[i].key] = n->key_line;
		rc = keys[i].read(l, n, pp);
	}
	return rc;
}

/* `defaults` says for all what they do not say themselves; a server needs a name in any case. */
static int read_defaults(const struct loader *l, const struct hf_yaml_node *node,
			 struct hf_policy *policy)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_POLICY_PROFILES; i++) {
		struct hf_policy_profile *pp = &policy->profiles[i];
		const struct hf_ca_profile *profile = pp->profile;
		struct hf_ca_profile lenient = *profile;

		lenient.names_hosts = false;
		pp->profile = &lenient;
		rc = read_profile(l, node, pp);
		pp->profile = profile;
		pp->require_names = pp->require_names || profile->names_hosts;
	}
	return rc;
}

static int read_profiles(const struct loader *l, const struct hf_yaml_node *node,
			 struct hf_policy *policy)
{
	int rc = hf_yaml_check_keys(l->yaml, node, hf_ca_profile_names(), l->err);

	for (size_t i = 0; rc == 0 && i < HF_POLICY_PROFILES; i++) {
		struct hf_policy_profile *pp = &policy->profiles[i];
		const struct hf_yaml_node *n = hf_yaml_get(node, pp->profile->name);

		if (n)
			rc = read_profile(l, n, pp);
		if (rc == 0 && n && pp->days > pp->max_days && !pp->lines[HF_POLICY_DAYS])
			pp->days = pp->max_days;
		if (rc == 0 && n && pp->days > pp->max_days)
			return hf_yaml_error(l->yaml, n, true, l->err,
					     "days is more than max_days");
	}
	return rc;
}

static int read_policy(const struct loader *l, struct hf_policy *policy)
{
	static const char *const known[] = { "unique_subject", "revocation", "defaults", "profiles",
					     NULL };
	const struct hf_yaml_node *root = l->yaml->root;
	const struct hf_yaml_node *n;
	int rc = root ? hf_yaml_check_keys(l->yaml, root, known, l->err) : 0;

	n = hf_yaml_get(root, "unique_subject");
	if (rc == 0 && n) {
		policy->unique_line = n->key_line;
		rc = hf_yaml_bool(l->yaml, n, &policy->unique_subject, l->err);
	}
	n = hf_yaml_get(root, "revocation");
	if (rc == 0 && n)
		rc = hf_policy_revocation_read(l->yaml, n, &policy->revocation, l->err);
	n = hf_yaml_get(root, "defaults");
	if (rc == 0 && n)
		rc = read_defaults(l, n, policy);
	n = hf_yaml_get(root, "profiles");
	if (rc == 0 && n)
		rc = read_profiles(l, n, policy);
	for (size_t i = 0; i < HF_POLICY_PROFILES; i++) {
		struct hf_policy_profile *pp = &policy->profiles[i];

		pp->days = HF_MIN(pp->days, pp->max_days);
	}
	return rc;
}

static int from_yaml(const struct hf_yaml *yaml, struct hf_policy **ret_policy, struct hf_err *err)
{
	const struct loader l = { yaml, err };
	HF_AUTO(hf_policy) policy = NULL;
	int rc = hf_policy_new(&policy, err);

	if (rc < 0)
		return rc;
	policy->name = hf_str_dup(yaml->name);
	if (!policy->name)
		return hf_err_nomem(err);
	rc = read_policy(&l, policy);
	if (rc == 0)
		*ret_policy = hf_take(policy);
	return rc;
}

int hf_policy_parse(const char *data, size_t len, const char *name, struct hf_policy **ret_policy,
		    struct hf_err *err)
{
	HF_AUTO(hf_yaml) yaml = NULL;
	int rc = hf_yaml_parse(data, len, name, &yaml, err);

	return rc < 0 ? rc : from_yaml(yaml, ret_policy, err);
}

int hf_policy_load(const char *path, struct hf_policy **ret_policy, struct hf_err *err)
{
	HF_AUTO(hf_yaml) yaml = NULL;
	int rc = hf_yaml_load(path, &yaml, err);

	return rc < 0 ? rc : from_yaml(yaml, ret_policy, err);
}
