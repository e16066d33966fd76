/* SPDX-License-Identifier: Apache-2.0 */
/* What a request gets.  Must never take basicConstraints, key usage or a name constraint from it,
 * nor a name that nobody granted: whoever wrote the request may be an attacker. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/order.h"
#include "ca/permit.h"
#include "ca/policy/extension.h"
#include "pki/name.h"

enum { VALUE_CAP = 1024, TEXT_CAP = 8192 };

/* --- subject --- */

/* A NUL or a control byte in a name makes two programs read two names. */
static int check_entry(const X509_NAME_ENTRY *entry, struct hf_err *err)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	bool good = len >= 0 && hf_str_is_printable((const char *)utf8, (size_t)len);

	OPENSSL_free(utf8);
	if (good)
		return 0;
	return hf_err_set(err, HF_E_POLICY, "the request's subject holds %s",
			  len < 0 ? "text that does not decode" : "a control character");
}

static int take_subject(struct hf_order *order, const struct hf_csr *csr,
			const struct hf_sign_policy *policy, struct hf_err *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(csr->req);

	if (policy->subject)
		return hf_subject_for("NAME", policy->subject, &order->subject, err);
	for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
		int rc = check_entry(X509_NAME_get_entry(subject, i), err);

		if (rc < 0)
			return rc;
	}
	order->subject = X509_NAME_dup(subject);
	return order->subject ? 0 : hf_err_nomem(err);
}

/* The last common name; "" when there is none or it is too long to matter. */
static int common_name(const X509_NAME *subject, char out[VALUE_CAP], struct hf_err *err)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	int rc = hf_name_values(subject, NID_commonName, &values, &len, err);

	out[0] = '\0';
	if (rc >= 0 && len > 0 && !hf_str_copy(out, VALUE_CAP, values[len - 1].utf8))
		out[0] = '\0';
	hf_name_values_free(values, len);
	return rc < 0 ? rc : 0;
}

/* --- names --- */

/* One request, one order, and what decides about them. */
struct taking {
	struct hf_order *order;
	const struct hf_csr *csr;
	const struct hf_sign_policy *policy;
	const struct hf_policy *rules;	    /* NULL: none could be read, and nothing is issued */
	const struct hf_policy_profile *pp; /* NULL: no policy rules this profile */
	const char *cn;
	struct hf_err *err;
};

static int drop(struct hf_order *order, const char *what, struct hf_err *err)
{
	return hf_strv_add(&order->dropped, what) < 0 ? hf_err_nomem(err) : 0;
}

static int foreign_san(const struct taking *t, const struct hf_san *san)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	(void)hf_buf_printf(&text, "%s:", hf_san_kind_name(san->kind));
	(void)hf_str_escape(&text, san->value, san->len);
	if (t->pp && t->pp->foreign_names == HF_ANSWER_REFUSE)
		return hf_policy_refuse(t->rules, &t->order->rulings,
					t->pp->lines[HF_POLICY_REQUEST_NAMES], t->err,
					"the request asks for %s, which nobody granted",
					hf_buf_str(&text));
	if (t->pp && hf_policy_say(t->rules, &t->order->rulings, HF_RULING_CHANGES,
				   t->pp->lines[HF_POLICY_REQUEST_NAMES],
				   "%s is not granted: no --san, no pattern under names",
				   hf_buf_str(&text)) < 0)
		return hf_err_nomem(t->err);
	return drop(t->order, hf_buf_str(&text), t->err);
}

/* By the operator, by the policy's patterns, or because it is the subject's own name. */
static bool is_granted(const struct taking *t, const struct hf_san *san)
{
	if (san->malformed || san->kind == HF_SAN_DIRNAME || san->kind == HF_SAN_OTHER)
		return false;
	if (t->policy->copy_sans || hf_sans_has(t->policy->sans, san) ||
	    (t->pp && t->pp->foreign_names == HF_ANSWER_COPY))
		return true;
	if (t->pp && hf_policy_pattern_for(&t->pp->names, san))
		return true;
	if (t->pp && !t->pp->names.any)
		return false;
	return strlen(san->value) == san->len && hf_str_case_eq(san->value, t->cn);
}

static int add_host(struct hf_sans *sans, const char *cn, struct hf_err *err)
{
	if (!hf_is_ip(cn) && !hf_dns_name_valid(cn, strlen(cn), true))
		return 0;
	return hf_sans_add_host(sans, cn, err);
}

/* The subject's own name, where a host is meant; a policy that lists names must list it too. */
static int add_own_host(const struct taking *t)
{
	struct hf_san as_dns = { .kind = HF_SAN_DNS };

	if (t->pp && !t->pp->names.any) {
		HF_AUTO_DONE(hf_sans) own = HF_SANS_INIT;

		if (add_host(&own, t->cn, NULL) < 0 || own.len == 0)
			return 0;
		if (!hf_policy_pattern_for(&t->pp->names, &own.items[0])) {
			as_dns.value = own.items[0].value;
			as_dns.len = own.items[0].len;
			as_dns.kind = own.items[0].kind;
			return foreign_san(t, &as_dns);
		}
	}
	return add_host(&t->order->sans, t->cn, t->err);
}

/* Names that the request does not ask for, from number `from` of the order's on. */
static int note_added(const struct taking *t, size_t from, const char *why)
{
	for (size_t i = from; i < t->order->sans.len; i++) {
		if (!hf_sans_has(&t->csr->sans, &t->order->sans.items[i]))
			return hf_order_note_added(t->order, from, why, t->err);
	}
	return 0;
}

static int take_asked(const struct taking *t)
{
	struct hf_order *order = t->order;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->csr->sans.len; i++) {
		const struct hf_san *san = &t->csr->sans.items[i];

		if (!is_granted(t, san))
			rc = foreign_san(t, san);
		else if (!hf_sans_has(&order->sans, san))
			rc = hf_sans_add(&order->sans, san->kind, san->value, t->err);
	}
	return rc;
}

static int take_sans(const struct taking *t)
{
	static const char own_name[] = "its common name", by_operator[] = "given by the operator";
	struct hf_order *order = t->order;
	int rc = order->profile->names_hosts ? add_own_host(t) : 0;
	size_t from;

	if (rc == 0)
		rc = note_added(t, 0, own_name);
	if (rc == 0)
		rc = take_asked(t);
	from = order->sans.len;
	if (rc == 0)
		rc = hf_sans_join(&order->sans, t->policy->sans, t->err);
	if (rc == 0)
		rc = note_added(t, from, by_operator);
	/* strict peers want a SAN of a client too: its name, when nothing else was granted */
	if (rc == 0 && order->sans.len == 0 && !order->profile->is_ca) {
		rc = add_host(&order->sans, t->cn, t->err);
		order->own_name = !order->profile->names_hosts;
		if (rc == 0)
			rc = note_added(t, 0, own_name);
	}
	return rc;
}

/* --- everything else that it asks for --- */

/* What the profile gives anyway was not asked for in vain. */
static bool usage_is_given(const struct hf_order *order, const struct hf_csr *csr)
{
	unsigned granted = hf_ca_profile_usage(order->profile, order->key);
	ASN1_BIT_STRING *bits = X509V3_get_d2i(csr->extensions, NID_key_usage, NULL, NULL);
	unsigned asked = bits && bits->length > 0 ? bits->data[0] : 0;
	bool more = bits && bits->length > 1 && bits->data[1];

	ASN1_BIT_STRING_free(bits);
	return !more && !(asked & ~granted);
}

static bool extended_usage_is_given(const struct hf_order *order, const struct hf_csr *csr)
{
	HF_AUTO(EXTENDED_KEY_USAGE) asked =
	    X509V3_get_d2i(csr->extensions, NID_ext_key_usage, NULL, NULL);

	for (int i = 0; i < sk_ASN1_OBJECT_num(asked); i++) {
		if (!hf_ca_profile_has_eku(order->profile,
					   OBJ_obj2nid(sk_ASN1_OBJECT_value(asked, i))))
			return false;
	}
	return asked != NULL;
}

static bool is_given(const struct hf_order *order, const struct hf_csr *csr, int nid)
{
	if (order->extra && nid != NID_undef && nid != NID_basic_constraints &&
	    X509v3_get_ext_by_NID(order->extra, nid, -1) >= 0)
		return true; /* the operator gives it, as the operator means it */
	switch (nid) {
	case NID_subject_alt_name: /* told name by name */
	case NID_subject_key_identifier:
		return true;
	case NID_basic_constraints:
		return csr->asks_ca == order->profile->is_ca;
	case NID_key_usage:
		return usage_is_given(order, csr);
	case NID_ext_key_usage:
		return extended_usage_is_given(order, csr);
	default:
		return false;
	}
}

/* A bad value, and one that the certificate has already, is not taken. */
static int copy_extension(const struct taking *t, const X509_EXTENSION *ext, bool *ret_taken)
{
	struct hf_order *order = t->order;
	int rc;

	*ret_taken = false;
	if (hf_extension_check(ext, order->profile) ||
	    X509v3_get_ext_by_OBJ(order->extra,
				  X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext),
				  -1) >= 0)
		return 0;
	rc = hf_order_add_one(order, ext, t->err);
	*ret_taken = rc == 0;
	return rc;
}

static bool may_copy(const struct taking *t, const X509_EXTENSION *ext, const char *word)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext));

	return t->pp && t->pp->extensions == HF_ANSWER_COPY && hf_strv_has(&t->pp->copy, word) &&
	       hf_extension_sources(nid) & HF_EXTENSION_OF_REQUEST;
}

/* Which rule says what becomes of an extension that is not given. */
static enum hf_policy_key rule_for(const X509_EXTENSION *ext, int nid)
{
	if (nid == NID_basic_constraints)
		return HF_POLICY_REQUEST_CA;
	if (X509_EXTENSION_get_critical(ext) && !hf_extension_sources(nid))
		return HF_POLICY_REQUEST_CRITICAL;
	return HF_POLICY_REQUEST_EXTENSIONS;
}

static int answer_in_vain(const struct taking *t, const X509_EXTENSION *ext, int nid,
			  const char *word)
{
	enum hf_policy_key key = rule_for(ext, nid);
	const char *critical = X509_EXTENSION_get_critical(ext) ? "the critical extension " : "";
	const char *what = nid == NID_basic_constraints && t->csr->asks_ca ? " CA:TRUE" : "";
	enum hf_answer answer;

	if (!t->pp)
		return drop(t->order, word, t->err);
	answer = key == HF_POLICY_REQUEST_CA	     ? t->pp->ca
		 : key == HF_POLICY_REQUEST_CRITICAL ? t->pp->critical
						     : t->pp->extensions;
	if (answer == HF_ANSWER_REFUSE)
		return hf_policy_refuse(t->rules, &t->order->rulings, t->pp->lines[key], t->err,
					"the request asks for %s%s%s, which is not given to a %s",
					critical, word, what, t->order->profile->words);
	if (hf_policy_say(t->rules, &t->order->rulings, HF_RULING_CHANGES, t->pp->lines[key],
			  "%s%s of the request is left out", word, what) < 0)
		return hf_err_nomem(t->err);
	return drop(t->order, word, t->err);
}

static int take_extension(const struct taking *t, const X509_EXTENSION *ext)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext));
	bool taken = false;
	char word[128];
	int rc = 0;

	hf_extension_word(ext, word, sizeof(word));
	if (may_copy(t, ext, word))
		rc = copy_extension(t, ext, &taken);
	if (rc == 0 && taken)
		return hf_policy_say(t->rules, &t->order->rulings, HF_RULING_ADMITS,
				     t->pp->lines[HF_POLICY_REQUEST_COPY],
				     "%s is taken from the request", word);
	if (rc < 0 || is_given(t->order, t->csr, nid))
		return rc;
	return answer_in_vain(t, ext, nid, word);
}

static int take_extensions(const struct taking *t)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_EXTENSION_num(t->csr->extensions); i++)
		rc = take_extension(t, sk_X509_EXTENSION_value(t->csr->extensions, i));
	if (rc == 0 && t->csr->has_challenge_password)
		rc = drop(t->order, "challengePassword", t->err);
	return rc;
}

/* A CA below the root must not escape the limits that the issuing CA has. */
static int take_permit(struct hf_order *order, struct hf_authority *a,
		       const struct hf_sign_policy *policy, struct hf_err *err)
{
	const struct hf_cert *issuing = hf_authority_issuer(a)->cert;
	HF_AUTO(NAME_CONSTRAINTS) outer = NULL;

	if (!order->profile->is_ca)
		return 0;
	if (policy->permit) {
		/* there is no NAME_CONSTRAINTS_dup; the item's copy does the same */
		order->permit = ASN1_item_dup(ASN1_ITEM_rptr(NAME_CONSTRAINTS), policy->permit);
		if (!order->permit)
			return hf_err_nomem(err);
	}
	if (!(issuing->flags & HF_CERT_HAS_NAME_CONSTRAINTS))
		return 0;
	outer = X509_get_ext_d2i(issuing->x509, NID_name_constraints, NULL, NULL);
	return outer ? hf_permit_narrow(outer, &order->permit, err) : 0;
}

static int take_name(struct hf_order *order, const char *cn, const char *fallback,
		     struct hf_err *err)
{
	const char *name = cn;

	if (!*name && order->sans.len > 0)
		name = order->sans.items[0].value;
	if (!*name)
		name = fallback;
	if (!hf_str_copy(order->name, sizeof(order->name), name))
		return hf_err_set(err, HF_E_POLICY, "the request's name is longer than %d bytes",
				  (int)HF_ORDER_NAME_CAP - 1);
	return 0;
}

int hf_order_from_csr(struct hf_order *order, struct hf_authority *a, const struct hf_csr *csr,
		      const struct hf_sign_policy *policy, const char *fallback_name,
		      struct hf_err *err)
{
	char cn[VALUE_CAP] = "";
	const struct taking t = {
		order, csr, policy, a->policy, hf_policy_profile(a->policy, policy->profile),
		cn,    err
	};
	int rc = hf_csr_check_signature(csr, err);

	if (rc < 0)
		return rc;
	order->profile = policy->profile;
	order->lifetime = policy->lifetime;
	order->key = X509_REQ_get_pubkey(csr->req);
	if (!order->key)
		return hf_err_ossl(err, HF_E_PARSE, "the request's public key does not decode");
	rc = take_subject(order, csr, policy, err);
	if (rc == 0)
		rc = hf_order_add_extra(order, policy->extra, err);
	if (rc == 0)
		rc = common_name(order->subject, cn, err);
	if (rc == 0)
		rc = take_sans(&t);
	if (rc == 0)
		rc = take_permit(order, a, policy, err);
	if (rc == 0)
		rc = take_extensions(&t);
	return rc < 0 ? rc : take_name(order, cn, fallback_name, err);
}
