/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists.  Must never refuse an odd one that decodes: it is flagged, and the judge
 * decides. */
#include "pki/crl.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "pki/cert_decode.h"
#include "pki/der.h"
#include "pki/name.h"

static bool known_in(const int *nids, size_t count, const X509_EXTENSION *ext)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext));

	for (size_t i = 0; i < count; i++) {
		if (nids[i] == nid)
			return true;
	}
	return false;
}

/* Flags what is unknown and critical, stands twice, or does not decode. */
static void look_at(struct hf_crl *crl, const STACK_OF(X509_EXTENSION) *exts, const int *nids,
		    size_t count)
{
	int len = sk_X509_EXTENSION_num(exts);

	if (len > HF_CERT_EXTENSIONS_CAP)
		crl->bad = true;
	for (int i = 0; i < len && i < HF_CERT_EXTENSIONS_CAP; i++) {
		X509_EXTENSION *ext = sk_X509_EXTENSION_value(exts, i);
		void *value;

		if (X509_EXTENSION_get_critical(ext) > 0 && !known_in(nids, count, ext))
			crl->unknown_critical = true;
		if (hf_extension_is_repeated(exts, i))
			crl->bad = true;
		if (!X509V3_EXT_get(ext))
			continue;
		value = hf_extension_value(ext);
		if (!value)
			crl->bad = true;
		hf_extension_value_free(ext, value);
	}
}

static void look_at_extensions(struct hf_crl *crl)
{
	static const int crl_nids[] = { NID_crl_number, NID_delta_crl,
					NID_issuing_distribution_point,
					NID_authority_key_identifier };
	static const int entry_nids[] = { NID_crl_reason, NID_certificate_issuer,
					  NID_invalidity_date };
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl->crl);
	int count = sk_X509_REVOKED_num(entries);
	int64_t at;

	look_at(crl, X509_CRL_get0_extensions(crl->crl), crl_nids, HF_ARRAY_LEN(crl_nids));
	crl->revoked_count = count > 0 ? (size_t)count : 0;
	for (int i = 0; i < count; i++) {
		const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);

		look_at(crl, X509_REVOKED_get0_extensions(entry), entry_nids,
			HF_ARRAY_LEN(entry_nids));
		if (!hf_asn1_time_read(X509_REVOKED_get0_revocationDate(entry), &at))
			crl->bad = true;
	}
}

static int read_number(const struct hf_crl *crl, int nid, char **ret_text, struct hf_err *err)
{
	HF_AUTO(ASN1_INTEGER) number = X509_CRL_get_ext_d2i(crl->crl, nid, NULL, NULL);

	if (!number)
		return 0;
	*ret_text = hf_asn1_integer_hex(number);
	return *ret_text ? 0 : hf_err_nomem(err);
}

static int read_akid(struct hf_crl *crl, struct hf_err *err)
{
	HF_AUTO(AUTHORITY_KEYID) akid =
	    X509_CRL_get_ext_d2i(crl->crl, NID_authority_key_identifier, NULL, NULL);

	if (!akid || !akid->keyid)
		return 0;
	crl->akid_len = (size_t)ASN1_STRING_length(akid->keyid);
	crl->akid =
	    (uint8_t *)hf_str_ndup((const char *)ASN1_STRING_get0_data(akid->keyid), crl->akid_len);
	return crl->akid ? 0 : hf_err_nomem(err);
}

static void read_times(struct hf_crl *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl->crl);

	if (!hf_asn1_time_read(X509_CRL_get0_lastUpdate(crl->crl), &crl->this_update)) {
		crl->this_update = HF_TIME_MAX;
		crl->bad = true;
	}
	crl->has_next_update = next != NULL;
	crl->next_update = HF_TIME_MAX;
	if (next && !hf_asn1_time_read(next, &crl->next_update)) {
		crl->next_update = 0;
		crl->bad = true;
	}
}

static int decode(struct hf_crl *crl, struct hf_err *err)
{
	int md_nid = NID_undef, rc;
	unsigned len = 0;

	if (!X509_CRL_digest(crl->crl, EVP_sha256(), crl->sha256, &len))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot compute SHA-256");
	crl->issuer = hf_name_text(X509_CRL_get_issuer(crl->crl));
	if (!crl->issuer)
		return hf_err_nomem(err);
	read_times(crl);
	look_at_extensions(crl);
	if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl->crl), &md_nid, NULL))
		crl->sig_md_nid = md_nid;
	crl->idp = X509_CRL_get_ext_d2i(crl->crl, NID_issuing_distribution_point, NULL, NULL);
	rc = read_number(crl, NID_crl_number, &crl->number, err);
	if (rc == 0)
		rc = read_number(crl, NID_delta_crl, &crl->base_number, err);
	return rc < 0 ? rc : read_akid(crl, err);
}

int hf_crl_new(X509_CRL *list, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = calloc(1, sizeof(*crl));
	int rc;

	if (!crl)
		return hf_err_nomem(err);
	atomic_init(&crl->refs, 1);
	if (!X509_CRL_up_ref(list))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hold the CRL");
	crl->crl = list;
	(void)ERR_set_mark();
	rc = decode(crl, err);
	(void)ERR_pop_to_mark();
	if (rc < 0)
		return rc;
	*ret_crl = hf_take(crl);
	return 0;
}

int hf_crl_from_der(const uint8_t *der, size_t len, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO(X509_CRL) list = hf_der_decode(der, len, ASN1_ITEM_rptr(X509_CRL));

	if (!list)
		return hf_der_explain(der, len, "the CRL", err);
	return hf_crl_new(list, ret_crl, err);
}

struct hf_crl *hf_crl_ref(struct hf_crl *crl)
{
	if (crl)
		(void)atomic_fetch_add_explicit(&crl->refs, 1, memory_order_relaxed);
	return crl;
}

void hf_crl_unref(struct hf_crl *crl)
{
	if (!crl || atomic_fetch_sub_explicit(&crl->refs, 1, memory_order_acq_rel) != 1)
		return;
	X509_CRL_free(crl->crl);
	ISSUING_DIST_POINT_free(crl->idp);
	free(crl->issuer);
	free(crl->number);
	free(crl->base_number);
	free(crl->akid);
	free(crl);
}

int hf_crls_add(struct hf_crls *list, struct hf_crl *crl, struct hf_err *err)
{
	if (list->len == list->alloc) {
		size_t alloc = list->alloc ? 2 * list->alloc : 4;
		struct hf_crl **items = realloc(list->items, alloc * sizeof(struct hf_crl *));

		if (!items)
			return hf_err_nomem(err);
		list->items = items;
		list->alloc = alloc;
	}
	list->items[list->len++] = hf_crl_ref(crl);
	return 0;
}

void hf_crls_done(struct hf_crls *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->len; i++)
		hf_crl_unref(list->items[i]);
	free(list->items);
	*list = (struct hf_crls)HF_CRLS_INIT;
}

/* RFC 5280 5.3.1; 7 is not used. */
static const struct {
	int code;
	const char *name;
} reasons[] = {
	{ CRL_REASON_UNSPECIFIED, "unspecified" },
	{ CRL_REASON_KEY_COMPROMISE, "keyCompromise" },
	{ CRL_REASON_CA_COMPROMISE, "cACompromise" },
	{ CRL_REASON_AFFILIATION_CHANGED, "affiliationChanged" },
	{ CRL_REASON_SUPERSEDED, "superseded" },
	{ CRL_REASON_CESSATION_OF_OPERATION, "cessationOfOperation" },
	{ CRL_REASON_CERTIFICATE_HOLD, "certificateHold" },
	{ CRL_REASON_REMOVE_FROM_CRL, "removeFromCRL" },
	{ CRL_REASON_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn" },
	{ CRL_REASON_AA_COMPROMISE, "aACompromise" },
};

int hf_crl_reason_parse(const char *name)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(reasons); i++) {
		if (hf_str_case_eq(name, reasons[i].name))
			return reasons[i].code;
	}
	return -1;
}

const char *hf_crl_reason_name(int reason)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(reasons); i++) {
		if (reasons[i].code == reason)
			return reasons[i].name;
	}
	return NULL;
}

const char *const *hf_crl_reason_names(void)
{
	static const char *const names[] = {
		"unspecified",
		"keyCompromise",
		"cACompromise",
		"affiliationChanged",
		"superseded",
		"cessationOfOperation",
		"certificateHold",
		"removeFromCRL",
		"privilegeWithdrawn",
		"aACompromise",
		NULL,
	};

	return names;
}
