/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists.  Must never refuse an odd one that decodes: it is flagged, and the judge
 * decides. */
#include "pki/crl.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>
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

static const int entry_nids[] = { NID_crl_reason, NID_certificate_issuer, NID_invalidity_date };

static int note_issuer(struct hf_crl *crl, uint32_t offset, struct hf_err *err)
{
	size_t len = crl->issuers_len;

	if ((len & (len - 1)) == 0) { /* full, at each power of two */
		uint32_t *grown =
		    reallocarray(crl->issuers, len ? 2 * len : 1, sizeof(*crl->issuers));

		if (!grown)
			return hf_err_nomem(err);
		crl->issuers = grown;
	}
	crl->issuers[crl->issuers_len++] = offset;
	return 0;
}

static int look_at_entry_extensions(struct hf_crl *crl, const struct hf_crl_entry *entry,
				    uint32_t offset, struct hf_err *err)
{
	HF_AUTO(X509_EXTENSION_stack) exts = hf_crl_entry_extensions(entry);
	bool names_issuer = false;

	if (!exts)
		return hf_err_set(err, HF_E_PARSE, "the extensions of an entry are damaged");
	look_at(crl, exts, entry_nids, HF_ARRAY_LEN(entry_nids));
	for (int i = 0; i < sk_X509_EXTENSION_num(exts); i++) {
		X509_EXTENSION *ext = sk_X509_EXTENSION_value(exts, i);

		if (OBJ_obj2nid(X509_EXTENSION_get_object(ext)) == NID_certificate_issuer)
			names_issuer = true;
		else if (X509_EXTENSION_get_critical(ext) > 0)
			crl->first_critical = HF_MIN(crl->first_critical, offset);
	}
	return names_issuer ? note_issuer(crl, offset, err) : 0;
}

/* The dates of neighbours are often the same. */
static bool has_good_date(const struct hf_crl_entry *entry, const struct hf_crl_entry *before)
{
	int64_t at;

	if (before->time.at && before->time_tag == entry->time_tag &&
	    before->time.len == entry->time.len &&
	    memcmp(before->time.at, entry->time.at, entry->time.len) == 0)
		return true;
	return hf_crl_entry_at(entry, &at);
}

/* One strict pass: every entry is well-formed after it. */
static int look_at_entries(struct hf_crl *crl, struct hf_der_walk entries, struct hf_err *err)
{
	struct hf_der_walk left = entries;
	struct hf_crl_entry entry, before = { .is_der = false };
	int rc = 0;

	crl->first_critical = HF_CRL_NOWHERE;
	for (; rc == 0 && left.len > 0; crl->revoked_count++) {
		uint32_t offset = (uint32_t)(left.at - entries.at);

		if (!hf_crl_entry_next(&left, &entry))
			return hf_err_set(err, HF_E_PARSE, "entry %zu of the CRL is damaged",
					  crl->revoked_count + 1);
		if (!entry.is_der || !has_good_date(&entry, &before))
			crl->bad = true;
		else
			before = entry;
		if (entry.extensions.len > 0 && !hf_crl_entry_is_plain(&entry))
			rc = look_at_entry_extensions(crl, &entry, offset, err);
	}
	return rc;
}

static int read_number(const struct hf_crl *crl, int nid, char **ret_text, struct hf_err *err)
{
	HF_AUTO(ASN1_INTEGER) number = X509_CRL_get_ext_d2i(crl->head, nid, NULL, NULL);

	if (!number)
		return 0;
	*ret_text = hf_asn1_integer_hex(number);
	return *ret_text ? 0 : hf_err_nomem(err);
}

static int read_akid(struct hf_crl *crl, struct hf_err *err)
{
	HF_AUTO(AUTHORITY_KEYID) akid =
	    X509_CRL_get_ext_d2i(crl->head, NID_authority_key_identifier, NULL, NULL);

	if (!akid || !akid->keyid)
		return 0;
	crl->akid_len = (size_t)ASN1_STRING_length(akid->keyid);
	crl->akid =
	    (uint8_t *)hf_str_ndup((const char *)ASN1_STRING_get0_data(akid->keyid), crl->akid_len);
	return crl->akid ? 0 : hf_err_nomem(err);
}

static void read_times(struct hf_crl *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl->head);

	if (!hf_asn1_time_read(X509_CRL_get0_lastUpdate(crl->head), &crl->this_update)) {
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

static int read_head(struct hf_crl *crl, struct hf_err *err)
{
	static const int crl_nids[] = { NID_crl_number, NID_delta_crl,
					NID_issuing_distribution_point,
					NID_authority_key_identifier };
	int md_nid = NID_undef, rc;

	crl->issuer = hf_name_text(hf_crl_issuer(crl));
	if (!crl->issuer)
		return hf_err_nomem(err);
	read_times(crl);
	look_at(crl, X509_CRL_get0_extensions(crl->head), crl_nids, HF_ARRAY_LEN(crl_nids));
	if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl->head), &md_nid, NULL))
		crl->sig_md_nid = md_nid;
	crl->idp = X509_CRL_get_ext_d2i(crl->head, NID_issuing_distribution_point, NULL, NULL);
	rc = read_number(crl, NID_crl_number, &crl->number, err);
	if (rc == 0)
		rc = read_number(crl, NID_delta_crl, &crl->base_number, err);
	return rc < 0 ? rc : read_akid(crl, err);
}

/* Where the parts of a list stand. */
struct parts {
	struct hf_der_walk tbs;	   /* the whole TBSCertList */
	struct hf_der_walk before; /* of its content: in front of the entries */
	struct hf_der_walk
	    entries; /* content of revokedCertificates; len 0 when it is empty or absent */
	struct hf_der_walk after; /* of its content: behind them */
	struct hf_der_walk rest;  /* algorithm and signature */
};

static bool split(const uint8_t *der, size_t len, struct parts *ret_parts)
{
	struct hf_der_walk all = { der, len }, list, tbs, ignored;
	struct parts p = { .entries = { NULL, 0 } };

	if (!hf_der_enter(&all, HF_DER_SEQUENCE, &list) || all.len > 0)
		return false;
	p.tbs.at = list.at;
	if (!hf_der_enter(&list, HF_DER_SEQUENCE, &tbs))
		return false;
	p.tbs.len = (size_t)(list.at - p.tbs.at);
	p.rest = list;
	p.before.at = tbs.at;
	(void)hf_der_enter(&tbs, HF_DER_INTEGER, &ignored); /* the version; version 1 says none */
	/* algorithm and issuer */
	if (!hf_der_enter(&tbs, HF_DER_SEQUENCE, &ignored) ||
	    !hf_der_enter(&tbs, HF_DER_SEQUENCE, &ignored) || !hf_der_is_time(&tbs))
		return false;
	while (hf_der_is_time(&tbs) && hf_der_enter(&tbs, tbs.at[0], &ignored))
		; /* thisUpdate and nextUpdate: the decoder of the head counts them */
	p.before.len = (size_t)(tbs.at - p.before.at);
	(void)hf_der_enter(&tbs, HF_DER_SEQUENCE, &p.entries);
	/* OpenSSL's decoder takes a SEQUENCE OF that is marked as primitive: it would be entries
	 * that nobody finds */
	if (tbs.len > 0 && tbs.at[0] != HF_DER_EXPLICIT_0)
		return false;
	p.after = tbs;
	*ret_parts = p;
	return true;
}

bool hf_crl_is_list(const uint8_t *der, size_t len)
{
	struct parts parts;
	struct hf_der_walk entry;
	bool found = split(der, len, &parts);

	while (found && parts.entries.len > 0)
		found = hf_der_enter(&parts.entries, HF_DER_SEQUENCE, &entry);
	return found;
}

static void put_header(uint8_t **at, size_t len)
{
	ASN1_put_object(at, 1, (int)len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
}

static void put(uint8_t **at, const struct hf_der_walk *part)
{
	memcpy(*at, part->at, part->len);
	*at += part->len;
}

/* OpenSSL decodes the list as if it had no entries. */
static int decode_head(struct hf_crl *crl, const struct parts *p, struct hf_err *err)
{
	size_t tbs_len = p->before.len + p->after.len;
	int tbs_span = ASN1_object_size(1, (int)tbs_len, V_ASN1_SEQUENCE);
	size_t list_len = (size_t)tbs_span + p->rest.len;
	int list_span = ASN1_object_size(1, (int)list_len, V_ASN1_SEQUENCE);
	uint8_t *der = malloc((size_t)list_span), *at = der;

	if (!der)
		return hf_err_nomem(err);
	put_header(&at, list_len);
	put_header(&at, tbs_len);
	put(&at, &p->before);
	put(&at, &p->after);
	put(&at, &p->rest);
	crl->head = hf_der_decode(der, (size_t)list_span, ASN1_ITEM_rptr(X509_CRL));
	free(der);
	if (!crl->head || sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl->head)) > 0)
		return hf_err_set(err, HF_E_PARSE, "the CRL is damaged");
	return 0;
}

static int decode(struct hf_crl *crl, struct hf_err *err)
{
	struct parts parts;
	uint64_t seed;
	int rc;

	if (!split(crl->der, crl->der_len, &parts))
		return hf_der_explain(crl->der, crl->der_len, "the CRL", err);
	crl->tbs = parts.tbs;
	rc = decode_head(crl, &parts, err);
	if (rc == 0)
		rc = look_at_entries(crl, parts.entries, err);
	if (rc == 0)
		rc = read_head(crl, err);
	if (rc < 0)
		return rc;
	SHA256(crl->der, crl->der_len, crl->sha256);
	memcpy(&seed, crl->sha256, sizeof(seed));
	return hf_crl_index_build(&crl->index, parts.entries, crl->revoked_count, seed, err);
}

int hf_crl_from_der(const uint8_t *der, size_t len, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = calloc(1, sizeof(*crl));
	int rc;

	if (crl)
		crl->der = malloc(len + 1);
	if (!crl || !crl->der)
		return hf_err_nomem(err);
	atomic_init(&crl->refs, 1);
	if (len > INT_MAX) /* of OpenSSL's lengths */
		return hf_err_set(err, HF_E_LIMIT, "the CRL is larger than %d bytes", INT_MAX);
	memcpy(crl->der, der, len);
	crl->der_len = len;
	(void)ERR_set_mark();
	rc = decode(crl, err);
	(void)ERR_pop_to_mark();
	if (rc < 0)
		return rc;
	*ret_crl = hf_take(crl);
	return 0;
}

int hf_crl_new(const X509_CRL *list, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509_CRL(list, &der);

	return len <= 0 ? hf_err_ossl(err, HF_E_CRYPTO, "cannot write the CRL")
			: hf_crl_from_der(der, (size_t)len, ret_crl, err);
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
	X509_CRL_free(crl->head);
	hf_crl_index_done(&crl->index);
	free(crl->issuers);
	free(crl->der);
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

int hf_crls_add_der(struct hf_crls *list, const struct hf_crls *at_hand, const uint8_t *der,
		    size_t len, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = NULL;
	int rc;

	for (size_t i = 0; at_hand && i < at_hand->len; i++) {
		struct hf_crl *one = at_hand->items[i];

		if (one->der_len == len && memcmp(one->der, der, len) == 0)
			return hf_crls_add(list, one, err);
	}
	rc = hf_crl_from_der(der, len, &crl, err);
	return rc < 0 ? rc : hf_crls_add(list, crl, err);
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
