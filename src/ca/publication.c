/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions that tell of revocation.  Must never say in one certificate both where to look and
 * that there is nothing to find. */
#include "ca/publication.h"

#include "base/err.h"
#include "base/str.h"
#include "ca/order.h"
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
static int add_list(const struct hf_authority *a, struct hf_order *order, struct hf_err *err)
{
	HF_AUTO(cstr) url = NULL;
	int64_t shard = 0;
	int rc = hf_shard_of(a, order->key, &shard, err);

	if (rc < 0 || !a->policy->revocation.crl)
		return rc;
	url = hf_ca_list_url(a, order->issuer, shard);
	if (!url)
		return hf_err_nomem(err);
	rc = add_place(order, NID_crl_distribution_points, "URI:", url, err);
	if (rc == 0)
		order->shard = shard;
	return rc;
}

int hf_order_publish(const struct hf_authority *a, struct hf_order *order, int64_t now,
		     struct hf_err *err)
{
	const struct hf_policy_revocation *r = a->policy ? &a->policy->revocation : NULL;
	int rc = 0;

	if (!r || !order->issuer || order->profile->is_ca || hf_ca_profile_is_own(order->profile) ||
	    has(order, "2.5.29.56"))
		return 0;
	if (order->renews)
		drop_places_of_then(r, order);
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
