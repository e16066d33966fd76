/* SPDX-License-Identifier: Apache-2.0 */
/* Why no path reaches an anchor: the precise cause, from what was sent and what is trusted.  Must
 * never blame a side on a guess alone: where two causes look alike from here, the remedy names
 * both. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/str.h"
#include "pki/name.h"
#include "verify/judge.h"

struct scene {
	struct hf_judgement *j;
	const struct hf_search *search;
	const struct hf_cert *top; /* the last certificate with a good signature below it */
	int depth;
};

/* Adds the finding about the top; remedy is taken over and may be NULL. */
static void say(const struct scene *s, enum hf_reason reason, int depth, const char *want,
		const char *have, char *remedy)
{
	struct hf_finding *f = hf_judge_find(s->j, reason, HF_STEP_CHAIN, depth, want, have);

	if (f)
		f->remedy = remedy;
	else
		free(remedy);
}

/* RSA shows whether the key is right even when the data are not: the padding comes out clean. */
static bool rsa_key_made_signature(const struct hf_cert *child, const struct hf_cert *issuer)
{
	HF_AUTO(EVP_PKEY_CTX) ctx = NULL;
	EVP_PKEY *key = hf_cert_key_get0(issuer);
	const ASN1_BIT_STRING *sig = NULL;
	const EVP_MD *md = EVP_get_digestbynid(child->sig_md_nid);
	uint8_t out[EVP_MAX_MD_SIZE];
	size_t len = sizeof(out);
	bool ok;

	X509_get0_signature(&sig, NULL, child->x509);
	if (!key || !md || issuer->key_nid != EVP_PKEY_RSA)
		return false;
	ctx = EVP_PKEY_CTX_new(key, NULL);
	ok = ctx && EVP_PKEY_verify_recover_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	     EVP_PKEY_verify_recover(ctx, out, &len, ASN1_STRING_get0_data(sig),
				     (size_t)ASN1_STRING_length(sig)) == 1;
	ERR_clear_error();
	return ok;
}

static bool is_trusted(const struct scene *s, const struct hf_cert *c)
{
	return hf_certs_has(hf_trust_anchors(s->j->trust), c);
}

/* A certificate of the issuer's name is there, but its key did not sign this one. */
static void explain_bad_signature(const struct scene *s)
{
	const struct hf_cert *child = s->search->bad_child, *issuer = s->search->bad_issuer;
	int ids = hf_cert_key_id_match(child, issuer);
	bool damaged =
	    ids > 0 ||
	    (ids == 0 && (rsa_key_made_signature(child, issuer) || !is_trusted(s, issuer)));

	if (!hf_cert_key_get0(issuer)) {
		say(s, HF_REASON_F_CRITICAL_LOAD, s->depth, "an issuer whose public key decodes",
		    issuer->subject, NULL);
	} else if (damaged) {
		say(s, HF_REASON_V_BAD_SIGNATURE, s->depth, "a signature by the key of the issuer",
		    issuer->subject, NULL);
	} else if (is_trusted(s, issuer)) {
		HF_AUTO(cstr) want = hf_str_printf("the %s that signed it", issuer->subject);
		HF_AUTO(cstr) have =
		    hf_str_printf("one of the same name with another key (serial %s)",
				  issuer->serial);

		say(s, HF_REASON_V_SAME_NAME_CA, s->depth, want, have, NULL);
	} else {
		HF_AUTO(cstr) have = hf_str_printf("a %s with another key", issuer->subject);

		say(s, HF_REASON_V_WRONG_INTERMEDIATE, s->depth,
		    "the CA certificate that signed it", have, NULL);
	}
}

/* The first intermediate that was sent, or NULL. */
static const struct hf_cert *sent_issuing_ca(const struct scene *s)
{
	for (size_t i = 1; i < s->j->sent->len; i++) {
		const struct hf_cert *c = s->j->sent->items[i];

		if ((c->flags & HF_CERT_CA) && !(c->flags & HF_CERT_SELF_ISSUED))
			return c;
	}
	return NULL;
}

/* Do the missing issuer and one of our roots look like one house? */
static bool looks_related(const struct scene *s)
{
	const struct hf_certs *anchors = hf_trust_anchors(s->j->trust);
	const X509_NAME *issuer = X509_get_issuer_name(s->top->x509);

	for (size_t i = 0; i < anchors->len; i++) {
		if (hf_name_related(issuer, X509_get_subject_name(anchors->items[i]->x509)))
			return true;
	}
	return false;
}

static void explain_missing_issuer(const struct scene *s)
{
	const char *issuer = s->top->issuer;
	HF_AUTO(cstr) want = hf_str_printf("the certificate of %s", issuer);
	const struct hf_cert *other = sent_issuing_ca(s);
	bool leaf = s->depth == 0;

	if (leaf && other) {
		say(s, HF_REASON_V_WRONG_INTERMEDIATE, 0, want, other->subject, NULL);
	} else if (leaf && (s->j->sent->len > 1 || looks_related(s))) {
		say(s, HF_REASON_V_NO_INTERMEDIATE, 0, want,
		    s->j->sent->len > 1 ? "certificates of other issuers" : "the leaf alone",
		    hf_str_printf(
			"append the certificate of %s to the certificate file, leaf first",
			issuer));
	} else {
		say(s, HF_REASON_V_UNKNOWN_CA, s->depth, "a chain up to a trusted root", issuer,
		    hf_str_printf(
			"trust the root of %s here, or use a certificate of a CA that is trusted%s",
			issuer,
			leaf ? "; if its root is trusted, send its certificate along" : ""));
	}
}

static void explain_self_issued(const struct scene *s)
{
	if (s->depth == 0)
		say(s, HF_REASON_V_SELF_SIGNED, 0, "a certificate of a trusted CA", s->top->issuer,
		    NULL);
	else
		say(s, HF_REASON_V_UNKNOWN_CA, s->depth, "a trusted root", s->top->subject, NULL);
}

/* A self-signed certificate at the top, and a trusted one of the same name: the root was made anew.
 */
static const struct hf_cert *trusted_namesake(const struct scene *s)
{
	const struct hf_certs *anchors = hf_trust_anchors(s->j->trust);

	for (size_t i = 0; i < anchors->len; i++) {
		if (hf_cert_issued_by_name(s->top, anchors->items[i]))
			return anchors->items[i];
	}
	return NULL;
}

void hf_explain_no_path(struct hf_judgement *j, const struct hf_search *search)
{
	struct scene s = { .j = j, .search = search };
	bool self_issued;

	s.depth = (int)search->longest.len - 1;
	s.top = search->longest.certs[s.depth];
	self_issued = s.top->flags & HF_CERT_SELF_ISSUED;
	if (search->limited)
		say(&s, HF_REASON_V_PATH_LIMIT, -1, NULL, NULL, NULL);
	if (self_issued && s.depth > 0 && trusted_namesake(&s)) {
		HF_AUTO(cstr) have = hf_str_printf("a trusted %s with another key", s.top->subject);

		say(&s, HF_REASON_V_SAME_NAME_CA, s.depth, "the root that signed the chain", have,
		    NULL);
	} else if (search->bad_child && !(self_issued && s.depth == 0)) {
		explain_bad_signature(&s);
	} else if (self_issued) {
		explain_self_issued(&s);
	} else {
		explain_missing_issuer(&s);
	}
}
