/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate policies over the path (RFC 5280 6.1), by OpenSSL's policy tree.  Must never pass an
 * empty set of acceptable policies where none was asked for: OpenSSL takes that for "no policy will
 * do". */
#include <openssl/err.h>

#include "pki/der.h"
#include "verify/judge.h"

/* X509_policy_check of OpenSSL 3.0 loses a few bytes of a certificate that has policyConstraints
 * and no certificatePolicies (github.com/openssl/openssl/pull/31678), and its tree where a policy
 * is required and there is none (issues/30435).  Whoever has a certificate of a trusted CA can
 * cause it, once for each entry of the peer table.  The leak checker of a sanitizer build does not
 * see which library lost them. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKS_OF_OPENSSL_BEGIN() __lsan_disable()
#define LEAKS_OF_OPENSSL_END() __lsan_enable()
#else
#define LEAKS_OF_OPENSSL_BEGIN() ((void)0)
#define LEAKS_OF_OPENSSL_END() ((void)0)
#endif

static bool has_policies(const struct hf_cert *c)
{
	static const int nids[] = { NID_certificate_policies, NID_policy_constraints,
				    NID_inhibit_any_policy, NID_policy_mappings };

	for (size_t i = 0; i < HF_ARRAY_LEN(nids); i++) {
		if (X509_get_ext_by_NID(c->x509, nids[i], -1) >= 0)
			return true;
	}
	return false;
}

static bool worth_checking(const struct hf_judgement *j)
{
	if (j->options->policies || j->options->require_explicit_policy)
		return true;
	for (size_t i = 0; i + 1 < j->path->len; i++) {
		if (has_policies(j->path->certs[i]))
			return true;
	}
	return false;
}

static void oids_free(STACK_OF(ASN1_OBJECT) *oids)
{
	sk_ASN1_OBJECT_pop_free(oids, ASN1_OBJECT_free);
}
HF_DEFINE_AUTO(oid_stack, STACK_OF(ASN1_OBJECT), oids_free);

static void certs_free(STACK_OF(X509) *certs)
{
	sk_X509_free(certs);
}
HF_DEFINE_AUTO(borrowed_certs, STACK_OF(X509), certs_free);

HF_DEFINE_AUTO(policy_tree, X509_POLICY_TREE, X509_policy_tree_free);

static bool add_oid(STACK_OF(ASN1_OBJECT) *oids, const char *text)
{
	ASN1_OBJECT *oid = hf_oid_parse(text);

	if (oid && sk_ASN1_OBJECT_push(oids, oid) > 0)
		return true;
	ASN1_OBJECT_free(oid);
	return false;
}

static STACK_OF(ASN1_OBJECT) *acceptable(const struct hf_verify_options *o)
{
	static const char *const any[] = { "2.5.29.32.0", NULL };
	const char *const *list = o->policies && o->policies[0] ? o->policies : any;
	HF_AUTO(oid_stack) oids = sk_ASN1_OBJECT_new_null();

	for (; oids && *list; list++) {
		if (!add_oid(oids, *list))
			return NULL;
	}
	return hf_take(oids);
}

static STACK_OF(X509) *borrow(const struct hf_path *path)
{
	HF_AUTO(borrowed_certs) certs = sk_X509_new_null();

	for (size_t i = 0; certs && i < path->len; i++) {
		if (sk_X509_push(certs, path->certs[i]->x509) <= 0)
			return NULL;
	}
	return hf_take(certs);
}

static unsigned flags_of(const struct hf_verify_options *o)
{
	return (o->require_explicit_policy ? X509_V_FLAG_EXPLICIT_POLICY : 0U) |
	       (o->inhibit_policy_mapping ? X509_V_FLAG_INHIBIT_MAP : 0U) |
	       (o->inhibit_any_policy ? X509_V_FLAG_INHIBIT_ANY : 0U);
}

static void report(struct hf_judgement *j, int result)
{
	if (result == X509_PCY_TREE_INVALID)
		hf_judge_find(j, HF_REASON_V_POLICY, HF_STEP_CHAIN, 0,
			      "consistent policy extensions along the chain",
			      "ones that contradict RFC 5280 4.2.1.4-4.2.1.14");
	else if (result ==
		 X509_PCY_TREE_INTERNAL) /* OpenSSL bounds the tree's nodes (CVE-2023-0464) */
		hf_judge_find(j, HF_REASON_V_POLICY, HF_STEP_CHAIN, 0,
			      "policies that can be worked out", "too many");
	else
		hf_judge_find(j, HF_REASON_V_POLICY, HF_STEP_CHAIN, 0,
			      "an acceptable policy in every certificate",
			      "none that all of them share");
}

/* For the rules; an OID longer than any that a rule can name is left out. */
static void keep_valid(struct hf_judgement *j, const X509_POLICY_TREE *tree)
{
	STACK_OF(X509_POLICY_NODE) *nodes = tree ? X509_policy_tree_get0_user_policies(tree) : NULL;

	for (int i = 0; i < sk_X509_POLICY_NODE_num(nodes); i++) {
		const ASN1_OBJECT *oid =
		    X509_policy_node_get0_policy(sk_X509_POLICY_NODE_value(nodes, i));
		char text[HF_OID_CAP];
		int len = OBJ_obj2txt(text, sizeof(text), oid, 1);

		if (len > 0 && (size_t)len < sizeof(text) &&
		    hf_strv_add(&j->verdict->policies, text) < 0)
			j->no_memory = true;
	}
}

void hf_check_policies(struct hf_judgement *j)
{
	HF_AUTO(oid_stack) oids = NULL;
	HF_AUTO(borrowed_certs) certs = NULL;
	HF_AUTO(policy_tree) tree = NULL;
	int explicit_policy = 0;
	int result;

	if (!worth_checking(j))
		return;
	oids = acceptable(j->options);
	certs = borrow(j->path);
	if (!oids || !certs) {
		j->no_memory = true;
		return;
	}
	LEAKS_OF_OPENSSL_BEGIN();
	result = X509_policy_check(&tree, &explicit_policy, certs, oids, flags_of(j->options));
	LEAKS_OF_OPENSSL_END();
	ERR_clear_error();
	if (result != X509_PCY_TREE_VALID)
		report(j, result);
	else if (!j->objections)
		keep_valid(j, tree);
}
