/* SPDX-License-Identifier: Apache-2.0 */
/* Who signed a revocation list, and may they (RFC 5280 6.3.3 (f), (g)).  Must never take a
 * signature of somebody who has no path to the anchor of the certificate in question. */
#include <string.h>

#include "pki/name.h"
#include "verify/crl.h"
#include "verify/weak.h"

static const char no_signer[] = "no certificate of its signer is at hand";
static const char no_crl_sign[] = "its signer's keyUsage lacks cRLSign";
static const char bad_signature[] = "its signature does not verify under its issuer's key";
static const char no_path[] = "its signer has no good path to the same root";

static bool key_id_differs(const struct hf_crl *crl, const struct hf_cert *c)
{
	return crl->akid && c->skid &&
	       (crl->akid_len != c->skid_len || memcmp(crl->akid, c->skid, c->skid_len) != 0);
}

static bool signed_by(const struct hf_judgement *j, const struct hf_crl *crl,
		      const struct hf_cert *c, const char **ret_why)
{
	if (key_id_differs(crl, c) ||
	    !hf_name_equal(hf_crl_issuer(crl), X509_get_subject_name(c->x509)))
		return false;
	if (!hf_trust_crl_signed_by(j->trust, crl, c)) {
		*ret_why = bad_signature;
		return false;
	}
	if ((c->flags & HF_CERT_HAS_KU) && !(c->ku & KU_CRL_SIGN)) {
		*ret_why = no_crl_sign;
		return false;
	}
	return true;
}

struct signer_path {
	struct hf_judgement *outer;
	bool good;
};

static bool same_anchor(const struct hf_cert *a, const struct hf_cert *b)
{
	return memcmp(a->spki_sha256, b->spki_sha256, HF_SHA256_LEN) == 0 &&
	       hf_name_equal(X509_get_subject_name(a->x509), X509_get_subject_name(b->x509));
}

static bool path_is_good(struct hf_judgement *j)
{
	for (size_t i = 0; i < j->path->len; i++) {
		hf_check_form(j, i);
		hf_check_time(j, i);
		hf_check_strength(j, i);
		if (i > 0)
			hf_check_issuer(j, i);
	}
	hf_check_constraints(j);
	for (size_t i = 0; i + 1 < j->path->len && !j->no_memory; i++)
		(void)hf_crl_check_cert(j, i, true);
	return !j->no_memory && hf_findings_weight(j->verdict) == 0;
}

static bool found(void *arg, const struct hf_path *path)
{
	struct signer_path *sp = arg;
	const struct hf_path *outer = sp->outer->path;
	struct hf_verify_options options = *sp->outer->options;
	HF_AUTO_DONE(hf_verdict) verdict;
	struct hf_judgement inner = *sp->outer;

	hf_verdict_init(&verdict);
	if (!same_anchor(path->certs[path->len - 1], outer->certs[outer->len - 1]))
		return false;
	options.purpose = HF_PURPOSE_ANY;
	inner.options = &options;
	inner.path = path;
	inner.verdict = &verdict;
	sp->good = path_is_good(&inner);
	if (inner.no_memory)
		sp->outer->no_memory = true;
	else if (sp->good && inner.valid_until < sp->outer->valid_until)
		sp->outer->valid_until = inner.valid_until;
	return sp->good || inner.no_memory;
}

static bool has_own_path(struct hf_judgement *j, struct hf_cert *signer)
{
	struct signer_path sp = { .outer = j };
	struct hf_search search = {
		.sent = j->sent,
		.trust = j->trust,
		.at = j->options->at,
		.found = found,
		.arg = &sp,
	};

	(void)hf_search_run(&search, signer);
	j->no_memory |= search.no_memory;
	return sp.good;
}

static struct hf_cert *in_list(const struct hf_judgement *j, const struct hf_crl *crl,
			       const struct hf_certs *list, const char **ret_why)
{
	for (size_t i = 0; i < list->len; i++) {
		if (signed_by(j, crl, list->items[i], ret_why))
			return list->items[i];
	}
	return NULL;
}

/* What a peer sends must not make us hash a large list over and over. */
static struct hf_cert *in_sent(struct hf_judgement *j, const struct hf_crl *crl,
			       const char **ret_why)
{
	for (size_t i = 1; i < j->sent->len; i++) {
		struct hf_cert *c = j->sent->items[i];

		if (!hf_name_equal(hf_crl_issuer(crl), X509_get_subject_name(c->x509)) ||
		    key_id_differs(crl, c))
			continue;
		if (j->list_checks++ >= HF_LIST_CHECKS_CAP)
			return NULL;
		if (signed_by(j, crl, c, ret_why))
			return c;
	}
	return NULL;
}

static struct hf_cert *beside_path(struct hf_judgement *j, const struct hf_crl *crl,
				   const char **ret_why)
{
	struct hf_cert *c = in_list(j, crl, hf_trust_anchors(j->trust), ret_why);

	if (!c)
		c = in_list(j, crl, hf_trust_intermediates(j->trust), ret_why);
	return c ? c : in_sent(j, crl, ret_why);
}

const struct hf_cert *hf_crl_signer(struct hf_judgement *j, const struct hf_crl *crl, bool nested,
				    const char **ret_why)
{
	struct hf_cert *c;

	*ret_why = no_signer;
	for (size_t i = 1; i < j->path->len; i++) {
		if (signed_by(j, crl, j->path->certs[i], ret_why))
			return j->path->certs[i];
	}
	/* The signer of a list may be on the list it signs where the scope says so: a CA with
	 * several keys, or an indirect issuer that the certificate's own distribution point names
	 * (PKITS 4.5.6, 4.14.30). */
	if (nested)
		return signed_by(j, crl, j->path->certs[0], ret_why) ? j->path->certs[0] : NULL;
	c = beside_path(j, crl, ret_why);
	if (!c)
		return NULL;
	if (has_own_path(j, c))
		return c;
	*ret_why = no_path;
	return NULL;
}

static int critical(const struct hf_crl *crl, int nid)
{
	int i = X509_CRL_get_ext_by_NID(crl->head, nid, -1);

	return i >= 0 && X509_EXTENSION_get_critical(X509_CRL_get_ext(crl->head, i)) > 0;
}

enum hf_reason hf_crl_fault(const struct hf_judgement *j, const struct hf_crl *crl,
			    const char **ret_why)
{
	bool strict = j->options->profile == HF_PROFILE_STRICT;

	*ret_why = NULL;
	if (crl->bad)
		*ret_why = "it does not follow RFC 5280 section 5";
	else if (crl->unknown_critical)
		*ret_why = "it has a critical extension that is not known here";
	else if (hf_digest_is_weak(crl->sig_md_nid))
		*ret_why = "it is signed with a digest that is broken";
	else if (strict && !crl->number)
		*ret_why = "it has no cRLNumber (RFC 5280 5.2.3)";
	else if (strict && critical(crl, NID_crl_number))
		*ret_why = "its cRLNumber is critical (RFC 5280 5.2.3)";
	if (*ret_why)
		return HF_REASON_V_CRL_INVALID;
	if (j->options->at > hf_trust_list_until(j->trust, crl))
		return HF_REASON_V_CRL_EXPIRED;
	return j->options->at < crl->this_update ? HF_REASON_V_CRL_NOT_YET : HF_REASON_NONE;
}
