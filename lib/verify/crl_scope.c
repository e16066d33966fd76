/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates a revocation list speaks about (RFC 5280 5.2.5, 6.3.3 (b)).  Must never take a
 * list of other certificates, or of some reasons only, for the whole answer. */
#include <string.h>

#include <openssl/err.h>

#include "base/str.h"
#include "pki/name.h"
#include "verify/crl.h"

static void points_free(STACK_OF(DIST_POINT) *points)
{
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
}
HF_DEFINE_AUTO(points, STACK_OF(DIST_POINT), points_free);
HF_DEFINE_AUTO(dpn, DIST_POINT_NAME, DIST_POINT_NAME_free);

static unsigned reason_bits(const ASN1_BIT_STRING *flags)
{
	unsigned bits = 0;

	if (!flags)
		return HF_CRL_ALL_REASONS;
	for (int i = 1; i <= 8; i++) {
		if (ASN1_BIT_STRING_get_bit(flags, i))
			bits |= 1U << i;
	}
	return bits;
}

static bool has_directory_name(const GENERAL_NAMES *names, const X509_NAME *name)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DIRNAME && hf_name_equal(g->d.directoryName, name))
			return true;
	}
	return false;
}

static bool names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
		GENERAL_NAME *x = sk_GENERAL_NAME_value(a, i);

		if (x->type == GEN_DIRNAME) {
			if (has_directory_name(b, x->d.directoryName))
				return true;
			continue;
		}
		for (int k = 0; k < sk_GENERAL_NAME_num(b); k++) {
			if (GENERAL_NAME_cmp(x, sk_GENERAL_NAME_value(b, k)) == 0)
				return true;
		}
	}
	return false;
}

/* A copy whose relative name, if it is one, has been made whole below `base`; NULL on failure. */
static DIST_POINT_NAME *whole(const DIST_POINT_NAME *n, const X509_NAME *base)
{
	HF_AUTO(dpn) copy = ASN1_item_dup(ASN1_ITEM_rptr(DIST_POINT_NAME), n);

	if (!copy || (copy->type == 1 && DIST_POINT_set_dpname(copy, base) != 1)) {
		ERR_clear_error();
		return NULL;
	}
	return hf_take(copy);
}

static bool point_names_meet(const DIST_POINT_NAME *a, const DIST_POINT_NAME *b)
{
	if (a->type == 0 && b->type == 0)
		return names_meet(a->name.fullname, b->name.fullname);
	if (a->type == 1 && b->type == 1)
		return hf_name_equal(a->dpname, b->dpname);
	if (a->type == 1)
		return has_directory_name(b->name.fullname, a->dpname);
	return has_directory_name(a->name.fullname, b->dpname);
}

/* RFC 5280 6.3.3 (b)(2)(i). */
static bool point_fits(const struct hf_crl *crl, const DIST_POINT *point, const X509_NAME *base)
{
	HF_AUTO(dpn) ours = NULL;
	HF_AUTO(dpn) theirs = NULL;

	if (!crl->idp || !crl->idp->distpoint)
		return true;
	ours = whole(crl->idp->distpoint, hf_crl_issuer(crl));
	if (!ours)
		return false;
	if (point->distpoint) {
		theirs = whole(point->distpoint, base);
		return theirs && point_names_meet(ours, theirs);
	}
	if (ours->type == 1)
		return has_directory_name(point->CRLissuer, ours->dpname);
	return names_meet(ours->name.fullname, point->CRLissuer);
}

static unsigned scope_by_point(const struct hf_crl *crl, const DIST_POINT *point,
			       const struct hf_cert *cert)
{
	const X509_NAME *issuer = X509_get_issuer_name(cert->x509);
	const X509_NAME *crl_issuer = hf_crl_issuer(crl);
	bool indirect = crl->idp && crl->idp->indirectCRL > 0;

	if (point->CRLissuer) { /* RFC 5280 6.3.3 (b)(1) */
		if (!indirect || !has_directory_name(point->CRLissuer, crl_issuer))
			return 0;
	} else if (!hf_name_equal(crl_issuer, issuer)) {
		return 0;
	}
	return point_fits(crl, point, point->CRLissuer ? crl_issuer : issuer)
		   ? reason_bits(point->reasons)
		   : 0;
}

/* The point that every certificate implies: its issuer's own list, for every reason. */
static unsigned scope_by_issuer(const struct hf_crl *crl, const struct hf_cert *cert)
{
	const X509_NAME *issuer = X509_get_issuer_name(cert->x509);
	HF_AUTO(dpn) ours = NULL;

	if (!hf_name_equal(hf_crl_issuer(crl), issuer))
		return 0;
	if (!crl->idp || !crl->idp->distpoint)
		return HF_CRL_ALL_REASONS;
	ours = whole(crl->idp->distpoint, hf_crl_issuer(crl));
	if (!ours)
		return 0;
	if (ours->type == 1)
		return hf_name_equal(ours->dpname, issuer) ? HF_CRL_ALL_REASONS : 0;
	return has_directory_name(ours->name.fullname, issuer) ? HF_CRL_ALL_REASONS : 0;
}

/* RFC 5280 6.3.3 (b)(2)(ii)-(iv). */
static bool kind_fits(const ISSUING_DIST_POINT *idp, const struct hf_cert *cert)
{
	bool ca = cert->flags & HF_CERT_CA;

	if (!idp)
		return true;
	return !(idp->onlyuser > 0 && ca) && !(idp->onlyCA > 0 && !ca) && idp->onlyattr <= 0;
}

unsigned hf_crl_scope(const struct hf_crl *crl, const struct hf_cert *cert)
{
	HF_AUTO(points) points =
	    X509_get_ext_d2i(cert->x509, NID_crl_distribution_points, NULL, NULL);
	unsigned bits = scope_by_issuer(crl, cert);

	if (crl->base_number || !kind_fits(crl->idp, cert))
		return 0;
	for (int i = 0; i < sk_DIST_POINT_num(points); i++)
		bits |= scope_by_point(crl, sk_DIST_POINT_value(points, i), cert);
	return bits & reason_bits(crl->idp ? crl->idp->onlysomereasons : NULL);
}

static size_t count_of_issuer(const struct hf_crls *lists, const struct hf_cert *cert)
{
	const X509_NAME *issuer = X509_get_issuer_name(cert->x509);
	size_t count = 0;

	for (size_t i = 0; i < lists->len; i++)
		count += !lists->items[i]->base_number && /* a delta alone is no list */
			 hf_name_equal(hf_crl_issuer(lists->items[i]), issuer);
	return count;
}

static void put_uris(const DIST_POINT_NAME *name, struct hf_buf *out)
{
	const ASN1_IA5STRING *uri;
	int at = 0;

	while ((uri = hf_crl_uri_next(name, &at)) != NULL) {
		(void)hf_buf_puts(out, ", as at ");
		(void)hf_str_escape(out, (const char *)ASN1_STRING_get0_data(uri),
				    (size_t)ASN1_STRING_length(uri));
	}
}

void hf_crl_tell_scope(const struct hf_crls *lists, const struct hf_cert *cert, struct hf_buf *want,
		       struct hf_buf *have)
{
	HF_AUTO(points) points = NULL;
	size_t count = count_of_issuer(lists, cert);

	if (count == 0) {
		(void)hf_buf_puts(have, "none");
		return;
	}
	points = X509_get_ext_d2i(cert->x509, NID_crl_distribution_points, NULL, NULL);
	for (int i = 0; i < sk_DIST_POINT_num(points); i++)
		put_uris(sk_DIST_POINT_value(points, i)->distpoint, want);
	(void)hf_buf_printf(have, "%zu of it, for other certificates", count);
}

static bool same_extension(const X509_CRL *a, const X509_CRL *b, int nid)
{
	int i = X509_CRL_get_ext_by_NID(a, nid, -1), k = X509_CRL_get_ext_by_NID(b, nid, -1);

	if (i < 0 || k < 0)
		return i < 0 && k < 0;
	return ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_CRL_get_ext(a, i)),
				     X509_EXTENSION_get_data(X509_CRL_get_ext(b, k))) == 0;
}

bool hf_crl_same_scope(const struct hf_crl *a, const struct hf_crl *b)
{
	return hf_name_equal(hf_crl_issuer(a), hf_crl_issuer(b)) &&
	       same_extension(a->head, b->head, NID_authority_key_identifier) &&
	       same_extension(a->head, b->head, NID_issuing_distribution_point);
}

bool hf_crl_is_newer(const struct hf_crl *a, const struct hf_crl *b)
{
	if (a->this_update != b->this_update)
		return a->this_update > b->this_update;
	return a->number && b->number && hf_crl_number_compare(a->number, b->number) > 0;
}

int hf_crl_number_compare(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	int order = n == m ? strcmp(a, b) : n < m ? -1 : 1;

	return (order > 0) - (order < 0);
}
