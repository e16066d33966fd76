/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate profile of RFC 5280 where it leaves the issuer no choice: strict peers refuse
 * what breaks it, the openssl profile warns.  Must never hold anything against a certificate that
 * RFC 5280 allows. */
#include "pki/name.h"
#include "verify/constraints.h"
#include "verify/judge.h"

static void warn(struct hf_judgement *j, size_t depth, const char *rule, const char *want,
		 const char *have)
{
	size_t before = j->verdict->findings_len;

	hf_judge_warn(j, HF_REASON_V_STRICT_PROFILE, HF_STEP_CHAIN, (int)depth, want, have);
	if (j->verdict->findings_len > before)
		j->verdict->findings[before].rule = rule;
}

/* 1 critical, 0 not, -1 not there. */
static int criticality(const struct hf_cert *c, int nid)
{
	int i = X509_get_ext_by_NID(c->x509, nid, -1);

	return i < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(c->x509, i)) > 0;
}

/* Extensions whose criticality the profile prescribes. */
static const struct {
	int nid, refused;
	const char *want, *have, *rule;
} criticalities[] = {
	{ NID_authority_key_identifier, 1, "a non-critical authorityKeyIdentifier", "critical",
	  "RFC 5280 4.2.1.1" },
	{ NID_subject_key_identifier, 1, "a non-critical subjectKeyIdentifier", "critical",
	  "RFC 5280 4.2.1.2" },
	{ NID_policy_constraints, 0, "critical policyConstraints", "non-critical",
	  "RFC 5280 4.2.1.11" },
	{ NID_inhibit_any_policy, 0, "critical inhibitAnyPolicy", "non-critical",
	  "RFC 5280 4.2.1.14" },
};

static void check_names(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	bool no_subject = hf_name_is_empty(X509_get_subject_name(c->x509));

	if (hf_name_is_empty(X509_get_issuer_name(c->x509)))
		warn(j, depth, "RFC 5280 4.1.2.4", "an issuer name", "an empty one");
	if (no_subject && (c->flags & HF_CERT_CA))
		warn(j, depth, "RFC 5280 4.1.2.6", "a subject name for a CA", "an empty one");
	if (no_subject && (c->flags & HF_CERT_HAS_SAN) && !(c->flags & HF_CERT_SAN_CRITICAL))
		warn(j, depth, "RFC 5280 4.2.1.6",
		     "a critical subjectAltName, as the subject is empty", "a non-critical one");
	if ((c->flags & HF_CERT_HAS_SAN) && c->sans.len == 0)
		warn(j, depth, "RFC 5280 4.2.1.6", "a name in subjectAltName", "none");
	for (size_t i = 0; i < c->sans.len; i++) {
		if (c->sans.items[i].malformed) {
			warn(j, depth, "RFC 5280 4.2.1.6", "well-formed names in subjectAltName",
			     c->sans.items[i].value);
			break;
		}
	}
	if (depth == 0 && j->options->purpose != HF_PURPOSE_ANY && !(c->flags & HF_CERT_HAS_SAN))
		warn(j, depth, "RFC 9525 2", "a subjectAltName", "none");
}

static void check_basics(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	bool signs = (c->flags & HF_CERT_HAS_KU) && (c->ku & KU_KEY_CERT_SIGN);
	bool is_ca = c->flags & HF_CERT_CA;
	bool anchor = hf_judge_is_anchor(j, depth);

	if (c->version < 3)
		return; /* told by itself */
	if (is_ca && !anchor && !c->skid)
		warn(j, depth, "RFC 5280 4.2.1.2", "a subjectKeyIdentifier in a CA certificate",
		     "none");
	if (!anchor && !c->akid && !(c->flags & HF_CERT_SELF_ISSUED))
		warn(j, depth, "RFC 5280 4.2.1.1", "an authorityKeyIdentifier", "none");
	if (!is_ca && signs && depth == 0)
		warn(j, depth, "RFC 5280 4.2.1.9", "no keyCertSign without CA:TRUE", "keyCertSign");
	if (!is_ca && c->pathlen >= 0)
		warn(j, depth, "RFC 5280 4.2.1.9", "no path length without CA:TRUE",
		     "a path length");
	if (is_ca && depth == 0 && c->pathlen >= 0 && (c->flags & HF_CERT_HAS_KU) && !signs)
		warn(j, depth, "RFC 5280 4.2.1.9", "keyCertSign with a path length", "none");
	if (!is_ca && (c->flags & HF_CERT_HAS_NAME_CONSTRAINTS) && depth == 0)
		warn(j, depth, "RFC 5280 4.2.1.10", "nameConstraints in CA certificates only",
		     "nameConstraints in an end-entity certificate");
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
		warn(j, depth, "RFC 5280 4.2.1.10", "well-formed nameConstraints", have);
}

void hf_check_profile(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];

	for (size_t i = 0; i < HF_ARRAY_LEN(criticalities); i++) {
		if (criticality(c, criticalities[i].nid) == criticalities[i].refused)
			warn(j, depth, criticalities[i].rule, criticalities[i].want,
			     criticalities[i].have);
	}
	check_names(j, depth, c);
	check_basics(j, depth, c);
	check_constraint_syntax(j, depth, c);
}
