/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate profile of RFC 5280 where it leaves the issuer no choice: strict peers refuse
 * what breaks it, the openssl profile warns.  Must never hold anything against a certificate that
 * RFC 5280 allows. */
#include "pki/name.h"
#include "verify/constraints.h"
#include "verify/judge.h"

/* 1 critical, 0 not, -1 not there. */
static int criticality(const struct hf_cert *c, int nid)
{
	int i = X509_get_ext_by_NID(c->x509, nid, -1);

	return i < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(c->x509, i)) > 0;
}

/* Extensions whose criticality the profile prescribes. */
static const struct {
	int nid, refused;
	enum hf_quirk quirk;
	const char *want, *have;
} criticalities[] = {
	{ NID_authority_key_identifier, 1, HF_QUIRK_AKI_CRITICAL,
	  "a non-critical authorityKeyIdentifier", "critical" },
	{ NID_subject_key_identifier, 1, HF_QUIRK_SKI_CRITICAL,
	  "a non-critical subjectKeyIdentifier", "critical" },
	{ NID_policy_constraints, 0, HF_QUIRK_PC_PLAIN, "critical policyConstraints",
	  "non-critical" },
	{ NID_inhibit_any_policy, 0, HF_QUIRK_IAP_PLAIN, "critical inhibitAnyPolicy",
	  "non-critical" },
};

/* The quirk of a name in subjectAltName that its type does not allow. */
static enum hf_quirk malformed_quirk(const struct hf_san *san)
{
	if (san->kind == HF_SAN_URI)
		return HF_QUIRK_SAN_URI_MALFORMED;
	return san->len == 0 ? HF_QUIRK_SAN_NOTHING : HF_QUIRK_SAN_MALFORMED;
}

static void check_alt_names(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	bool hosts = false, told = false;

	for (size_t i = 0; i < c->sans.len; i++) {
		const struct hf_san *san = &c->sans.items[i];

		hosts = hosts || san->kind == HF_SAN_DNS || san->kind == HF_SAN_IP;
		if (san->malformed && !told)
			hf_judge_quirk(j, malformed_quirk(san), (int)depth,
				       "well-formed names in subjectAltName",
				       san->len ? san->value : "an empty one");
		told = told || san->malformed;
	}
	if (depth > 0 || j->options->purpose == HF_PURPOSE_ANY)
		return;
	if (!(c->flags & HF_CERT_HAS_SAN))
		hf_judge_quirk(j, HF_QUIRK_NO_SAN, 0, "a subjectAltName", "none");
	else if (!hosts)
		hf_judge_quirk(j, HF_QUIRK_NO_HOST_SAN, 0, "a DNS name or address", "none");
}

static void check_names(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	bool no_subject = hf_name_is_empty(X509_get_subject_name(c->x509));

	if (hf_name_is_empty(X509_get_issuer_name(c->x509)))
		hf_judge_quirk(j, HF_QUIRK_NO_ISSUER_NAME, (int)depth, "an issuer name",
			       "an empty one");
	if (no_subject && (c->flags & HF_CERT_CA))
		hf_judge_quirk(j, HF_QUIRK_CA_NO_NAME, (int)depth, "a subject name for a CA",
			       "an empty one");
	if (no_subject && (c->flags & HF_CERT_HAS_SAN) && !(c->flags & HF_CERT_SAN_CRITICAL))
		hf_judge_quirk(j, HF_QUIRK_SAN_PLAIN, (int)depth,
			       "a critical subjectAltName, as the subject is empty",
			       "a non-critical one");
	if ((c->flags & HF_CERT_HAS_SAN) && c->sans.len == 0)
		hf_judge_quirk(j, HF_QUIRK_SAN_EMPTY, (int)depth, "a name in subjectAltName",
			       "none");
	check_alt_names(j, depth, c);
}

static void check_ca(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	bool anchor = hf_judge_is_anchor(j, depth);
	bool signs = (c->flags & HF_CERT_HAS_KU) && (c->ku & KU_KEY_CERT_SIGN);

	if (!c->skid)
		hf_judge_quirk(j, anchor ? HF_QUIRK_ROOT_NO_SKI : HF_QUIRK_CA_NO_SKI, (int)depth,
			       "a subjectKeyIdentifier in a CA certificate", "none");
	if (!(c->flags & HF_CERT_BC_CRITICAL))
		hf_judge_quirk(j, HF_QUIRK_BC_PLAIN, (int)depth, "critical basicConstraints",
			       "non-critical");
	if (!(c->flags & HF_CERT_HAS_KU))
		hf_judge_quirk(j, HF_QUIRK_CA_NO_KU, (int)depth, "a keyUsage in a CA certificate",
			       "none");
	else if (depth == 0 && c->pathlen >= 0 && !signs)
		hf_judge_quirk(j, HF_QUIRK_PATHLEN_NO_CERTSIGN, 0, "keyCertSign with a path length",
			       "none");
}

static void check_leaf(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	if (depth == 0 && (c->flags & HF_CERT_HAS_KU) && (c->ku & KU_KEY_CERT_SIGN))
		hf_judge_quirk(j, HF_QUIRK_LEAF_CERTSIGN, 0, "no keyCertSign without CA:TRUE",
			       "keyCertSign");
	if (c->pathlen >= 0)
		hf_judge_quirk(j, HF_QUIRK_LEAF_PATHLEN, (int)depth,
			       "no path length without CA:TRUE", "a path length");
	if (depth == 0 && (c->flags & HF_CERT_HAS_NAME_CONSTRAINTS))
		hf_judge_quirk(j, HF_QUIRK_LEAF_CONSTRAINTS, 0,
			       "nameConstraints in CA certificates only",
			       "nameConstraints in an end-entity certificate");
}

static void check_basics(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	if (c->version < 3)
		return; /* told by itself */
	if (!hf_judge_is_anchor(j, depth) && !c->akid && !(c->flags & HF_CERT_SELF_ISSUED))
		hf_judge_quirk(j, HF_QUIRK_NO_AKI, (int)depth, "an authorityKeyIdentifier", "none");
	if (c->flags & HF_CERT_CA)
		check_ca(j, depth, c);
	else
		check_leaf(j, depth, c);
}

static void check_constraint_syntax(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	HF_AUTO(NAME_CONSTRAINTS) nc = NULL;
	char have[128];

	if (!(c->flags & HF_CERT_HAS_NAME_CONSTRAINTS))
		return;
	nc = X509_get_ext_d2i(c->x509, NID_name_constraints, NULL, NULL);
	if (!nc)
		return; /* told as a bad extension */
	if (!hf_constraints_well_formed(nc, have, sizeof(have)))
		hf_judge_quirk(j, HF_QUIRK_CONSTRAINT_FORM, (int)depth,
			       "well-formed nameConstraints", have);
}

void hf_check_profile(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];

	for (size_t i = 0; i < HF_ARRAY_LEN(criticalities); i++) {
		if (criticality(c, criticalities[i].nid) == criticalities[i].refused)
			hf_judge_quirk(j, criticalities[i].quirk, (int)depth, criticalities[i].want,
				       criticalities[i].have);
	}
	check_names(j, depth, c);
	check_basics(j, depth, c);
	check_constraint_syntax(j, depth, c);
}
