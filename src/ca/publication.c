/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions that tell of revocation.  Must never say in one certificate both where to look and
 * that there is nothing to find. */
#include "ca/publication.h"

#include "base/err.h"
#include "base/str.h"
#include "ca/order.h"
#include "ca/places.h"
#include "ca/shards.h"

static bool has(const struct hf_order *order, const char *oid)
{
	HF_AUTO(ASN1_OBJECT) object = OBJ_txt2obj(oid, 1);

	return object && X509v3_get_ext_by_OBJ(order->extra, object, -1) >= 0;
}

static void drop(struct hf_order *order, int nid)
{
	int at = X509v3_get_ext_by_NID(order->extra, nid, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509v3_delete_ext(order->extra, at));
}

/* What was taken over may be the policy's of then. */
static void drop_places_of_then(const struct hf_policy_revocation *r, struct hf_order *order)
{
	if (r->crl)
		drop(order, NID_crl_distribution_points);
	if (r->ocsp)
		drop(order, NID_info_access);
}

static int add(struct hf_order *order, X509_EXTENSION *ext, struct hf_err *err)
{
	HF_AUTO(X509_EXTENSION_stack) list = sk_X509_EXTENSION_new_null();

	if (!ext || !list || sk_X509_EXTENSION_push(list, ext) <= 0) {
		X509_EXTENSION_free(ext);
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write where the revocation list is");
	}
	return hf_order_add_extra(order, list, err);
}

/* --- after a rollover --- */

/* The certificate before came from another CA than the next one will. */
static bool changes_hands(const struct hf_order *order)
{
	const struct hf_cert *before = order->renewed;

	return before && X509_check_issued(order->issuer->cert->x509, before->x509) != X509_V_OK;
}

static int note(struct hf_order *order, const char *what, struct hf_err *err)
{
	HF_AUTO(cstr) text = hf_str_printf(
	    "%s of the certificate before is not taken over: '%s' issued that one, and "
	    "'%s' issues this one; say where its own is in policy.yaml (revocation), or "
	    "issue it anew with --extfile",
	    what, order->renewed->issuer, order->issuer->cert->subject);

	return text && hf_strv_add(&order->notes, text) == 0 ? 0 : hf_err_nomem(err);
}

/* Who answers OCSP may answer for both; caIssuers is the certificate of the CA before. */
static int drop_issuers(struct hf_order *order, struct hf_err *err)
{
	int at = X509v3_get_ext_by_NID(order->extra, NID_info_access, -1);
	X509_EXTENSION *old = at >= 0 ? X509v3_get_ext(order->extra, at) : NULL, *made = NULL;
	AUTHORITY_INFO_ACCESS *access = old ? X509V3_EXT_d2i(old) : NULL;
	int before = sk_ACCESS_DESCRIPTION_num(access), rc = 0;

	for (int i = before - 1; i >= 0; i--) {
		ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);

		if (OBJ_obj2nid(one->method) != NID_ad_OCSP)
			ACCESS_DESCRIPTION_free(sk_ACCESS_DESCRIPTION_delete(access, i));
	}
	if (access && sk_ACCESS_DESCRIPTION_num(access) < before) {
		bool left = sk_ACCESS_DESCRIPTION_num(access) > 0;

		made =
		    left ? X509V3_EXT_i2d(NID_info_access, X509_EXTENSION_get_critical(old), access)
			 : NULL;
		X509_EXTENSION_free(X509v3_delete_ext(order->extra, at));
		rc = left ? add(order, made, err) : 0;
		if (rc == 0)
			rc = note(order, "authorityInfoAccess (caIssuers)", err);
	}
	AUTHORITY_INFO_ACCESS_free(access);
	return rc;
}

/* What was taken over says where the CA before has its certificate and its lists. */
static int drop_places_of_another(struct hf_order *order, struct hf_err *err)
{
	static const struct {
		int nid;
		const char *word;
	} lists[] = {
		{ NID_crl_distribution_points, "crlDistributionPoints" },
		{ NID_freshest_crl, "freshestCRL" },
		{ NID_issuer_alt_name, "issuerAltName" },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(lists); i++) {
		if (X509v3_get_ext_by_NID(order->extra, lists[i].nid, -1) < 0)
			continue;
		drop(order, lists[i].nid);
		rc = note(order, lists[i].word, err);
	}
	return rc < 0 ? rc : drop_issuers(order, err);
}

/* --- what the policy says --- */

static int add_place(struct hf_order *order, int nid, const char *prefix, const char *url,
		     struct hf_err *err)
{
	HF_AUTO(cstr) value = url ? hf_str_printf("%s%s", prefix, url) : NULL;

	if (!url)
		return 0;
	if (!value)
		return hf_err_nomem(err);
	return add(order, X509V3_EXT_conf_nid(NULL, NULL, nid, value), err);
}

/* OpenSSL 3.0 has no name for it. */
static int add_none(struct hf_order *order, struct hf_err *err)
{
	static unsigned char null[] = { 0x05, 0x00 };
	HF_AUTO(ASN1_OBJECT) id = OBJ_txt2obj("2.5.29.56", 1);
	HF_AUTO(ASN1_OCTET_STRING) value = ASN1_OCTET_STRING_new();

	if (!id || !value || !ASN1_OCTET_STRING_set(value, null, sizeof(null)))
		return hf_err_nomem(err);
	return add(order, X509_EXTENSION_create_by_OBJ(NULL, id, 0, value), err);
}

/* Its shard's list when there are shards. */
static int add_list(struct hf_authority *a, struct hf_order *order, struct hf_err *err)
{
	HF_AUTO(cstr) url = NULL;
	int64_t shard = 0;
	int rc = hf_shard_of(a, order->key, &shard, err);

	if (rc < 0 || !a->policy->revocation.crl)
		return rc;
	url = hf_ca_list_url(a, order->issuer, shard);
	if (!url)
		return hf_err_nomem(err);
	rc = hf_place_check(a, order->issuer, url, err);
	if (rc == 0)
		rc = add_place(order, NID_crl_distribution_points, "URI:", url, err);
	if (rc < 0)
		return rc;
	order->shard = shard;
	order->placed = true;
	return rc;
}

int hf_order_publish(struct hf_authority *a, struct hf_order *order, int64_t now,
		     struct hf_err *err)
{
	const struct hf_policy_revocation *r = a->policy ? &a->policy->revocation : NULL;
	int rc = 0;

	if (!r || !order->issuer || order->profile->is_ca || hf_ca_profile_is_own(order->profile) ||
	    has(order, "2.5.29.56"))
		return 0;
	if (order->renews)
		drop_places_of_then(r, order);
	if (order->renews && changes_hands(order))
		rc = drop_places_of_another(order, err);
	if (rc < 0)
		return rc;
	if (order->not_after - now < r->none_under)
		return has(order, "2.5.29.31") || has(order, "1.3.6.1.5.5.7.1.1")
			   ? 0
			   : add_none(order, err);
	if (!has(order, "2.5.29.31"))
		rc = add_list(a, order, err);
	if (rc == 0 && !has(order, "1.3.6.1.5.5.7.1.1"))
		rc = add_place(order, NID_info_access, "OCSP;URI:", r->ocsp, err);
	return rc;
}
