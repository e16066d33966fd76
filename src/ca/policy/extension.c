/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of extensions.  Must never let anything make a CA out of a leaf, give it a purpose that
 * is another profile's, or let a requester say where its own revocation is looked up. */
#include "ca/policy/extension.h"

#include <string.h>

#include "base/err.h"
#include "base/ossl.h"
#include "base/str.h"

static const char *check_basic(const X509_EXTENSION *ext, const struct hf_ca_profile *profile)
{
	HF_AUTO(BASIC_CONSTRAINTS) bc = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)ext);

	if (!bc)
		return "it does not decode";
	if (!profile->is_ca)
		return bc->ca
			   ? "CA:TRUE is never put into a leaf; --profile intermediate makes a CA"
			   : NULL;
	if (!bc->ca || !bc->pathlen || ASN1_INTEGER_get(bc->pathlen) != 0)
		return "a CA below this authority is CA:TRUE, pathlen:0 and nothing else";
	return X509_EXTENSION_get_critical(ext) ? NULL
						: "it must be critical in a CA (RFC 5280 4.2.1.9)";
}

static const char *check_usage(const X509_EXTENSION *ext, const struct hf_ca_profile *profile)
{
	ASN1_BIT_STRING *bits = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)ext);
	unsigned usage = bits && bits->length > 0 ? bits->data[0] : 0;

	ASN1_BIT_STRING_free(bits);
	if (!usage)
		return "it names no usage";
	if (!profile->is_ca && usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
		return "keyCertSign and cRLSign are for CAs";
	if (profile->is_ca && (usage & profile->ku) != profile->ku)
		return "a CA needs keyCertSign and cRLSign";
	return NULL;
}

static const char *check_purposes(const X509_EXTENSION *ext, const struct hf_ca_profile *profile)
{
	HF_AUTO(EXTENDED_KEY_USAGE) eku = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)ext);
	size_t own = 0;

	if (!eku)
		return "it does not decode";
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i));

		if (nid == NID_anyExtendedKeyUsage)
			return "anyExtendedKeyUsage would be every purpose";
		if (nid == NID_OCSP_sign)
			return "OCSPSigning would let it answer for the CA";
		own += hf_ca_profile_has_eku(profile, nid);
		if (!profile->is_ca && !hf_ca_profile_has_eku(profile, nid) &&
		    (nid == NID_server_auth || nid == NID_client_auth))
			return "serverAuth and clientAuth come from the profile: server, client, "
			       "or peer for both";
	}
	if (!profile->is_ca && (!own || (profile->ekus[1] != NID_undef && own < 2)))
		return "it leaves out what the profile is for (serverAuth, clientAuth)";
	return NULL;
}

static const char *check_netscape_type(const X509_EXTENSION *ext,
				       const struct hf_ca_profile *profile)
{
	ASN1_BIT_STRING *bits = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)ext);
	unsigned type = bits && bits->length > 0 ? bits->data[0] : 0;

	ASN1_BIT_STRING_free(bits);
	if (!type)
		return "it names no type";
	/* sslCA, emailCA, objCA */
	return !profile->is_ca && type & 0x07 ? "the CA types are for CAs" : NULL;
}

static const char *check_decodes(const X509_EXTENSION *ext, const struct hf_ca_profile *profile)
{
	const X509V3_EXT_METHOD *method = X509V3_EXT_get((X509_EXTENSION *)(uintptr_t)ext);
	void *value = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)ext);

	(void)profile;
	if (!value)
		return "it does not decode";
	if (method && method->it)
		ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	else if (method && method->ext_free)
		method->ext_free(value);
	return NULL;
}

/* Critical extensions that peers do not know make them refuse the certificate. */
static const char *check_plain(const X509_EXTENSION *ext, const struct hf_ca_profile *profile)
{
	if (X509_EXTENSION_get_critical(ext))
		return "it must not be critical: peers that do not know it refuse the certificate";
	return check_decodes(ext, profile);
}

static const struct rule {
	int nid;
	unsigned sources;
	const char *(*check)(const X509_EXTENSION *ext, const struct hf_ca_profile *profile);
} rules[] = {
	{ NID_key_usage, HF_EXTENSION_OF_REQUEST | HF_EXTENSION_OF_OPERATOR, check_usage },
	{ NID_ext_key_usage, HF_EXTENSION_OF_REQUEST | HF_EXTENSION_OF_OPERATOR, check_purposes },
	{ NID_certificate_policies, HF_EXTENSION_OF_REQUEST | HF_EXTENSION_OF_OPERATOR,
	  check_decodes },
	{ NID_tlsfeature, HF_EXTENSION_OF_REQUEST | HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_comment, HF_EXTENSION_OF_REQUEST | HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_cert_type, HF_EXTENSION_OF_REQUEST | HF_EXTENSION_OF_OPERATOR,
	  check_netscape_type },
	{ NID_basic_constraints, HF_EXTENSION_OF_OPERATOR, check_basic },
	{ NID_subject_alt_name, HF_EXTENSION_OF_OPERATOR, check_decodes },
	{ NID_subject_key_identifier, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_authority_key_identifier, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_crl_distribution_points, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_freshest_crl, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_info_access, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_issuer_alt_name, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_base_url, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_revocation_url, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_ca_revocation_url, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_renewal_url, HF_EXTENSION_OF_OPERATOR, check_plain },
	{ NID_netscape_ca_policy_url, HF_EXTENSION_OF_OPERATOR, check_plain },
};

static const struct rule *rule_of(int nid)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(rules); i++) {
		if (rules[i].nid == nid)
			return &rules[i];
	}
	return NULL;
}

unsigned hf_extension_sources(int nid)
{
	const struct rule *rule = rule_of(nid);

	return rule ? rule->sources : 0;
}

const char *hf_extension_check(const X509_EXTENSION *ext, const struct hf_ca_profile *profile)
{
	const struct rule *rule =
	    rule_of(OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext)));

	return rule ? rule->check(ext, profile) : "it is none of those that are made here";
}

void hf_extension_word(const X509_EXTENSION *ext, char *out, size_t cap)
{
	const ASN1_OBJECT *kind = X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext);
	int nid = OBJ_obj2nid(kind);

	if (nid == NID_undef)
		(void)OBJ_obj2txt(out, (int)cap, kind, 1);
	else
		(void)hf_str_copy(out, cap, OBJ_nid2sn(nid));
}

const char *const *hf_extension_copyable(void)
{
	static const char *const words[] = {
		"keyUsage",   "extendedKeyUsage", "certificatePolicies",
		"tlsfeature", "nsComment",	  "nsCertType",
		NULL
	};

	return words;
}
