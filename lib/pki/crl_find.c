/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a list.  Must never find an entry of another issuer's certificate, nor take the excerpt of
 * a list for one that somebody signed. */
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/pem.h>

#include "base/err.h"
#include "pki/crl.h"

enum { EXCERPT_CAP = 1024, SERIAL_CAP = 4096 };

const X509_NAME *hf_crl_issuer(const struct hf_crl *crl)
{
	return X509_CRL_get_issuer(crl->head);
}

/* Through OpenSSL, since what an algorithm and its parameters mean is its to say: the tbsCertList
 * goes in as any SEQUENCE that is encoded already. */
bool hf_crl_verify(const struct hf_crl *crl, EVP_PKEY *key)
{
	ASN1_STRING tbs = { .length = (int)crl->tbs.len,
			    .type = V_ASN1_SEQUENCE,
			    .data = (unsigned char *)(uintptr_t)crl->tbs.at };
	const ASN1_BIT_STRING *signature = NULL;
	const X509_ALGOR *algorithm = NULL;
	bool good;

	if (!key)
		return false;
	X509_CRL_get0_signature(crl->head, &signature, &algorithm);
	(void)ERR_set_mark();
	good =
	    ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), algorithm, signature, &tbs, key) == 1;
	(void)ERR_pop_to_mark();
	return good;
}

/* --- certificateIssuer --- */

/* The entry whose certificateIssuer holds at that place: RFC 5280 5.3.3. */
static bool governing(const struct hf_crl *crl, uint32_t offset, uint32_t *ret_offset)
{
	size_t low = 0, high = crl->issuers_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (crl->issuers[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_offset = crl->issuers[low - 1];
	return true;
}

static bool names(const struct hf_crl_entry *entry, const X509_NAME *issuer)
{
	HF_AUTO(X509_EXTENSION_stack) exts = hf_crl_entry_extensions(entry);
	HF_AUTO(GENERAL_NAMES) list = X509V3_get_d2i(exts, NID_certificate_issuer, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);

		if (name->type == GEN_DIRNAME && X509_NAME_cmp(issuer, name->d.directoryName) == 0)
			return true;
	}
	return false;
}

static bool is_of(const struct hf_crl *crl, uint32_t offset, const X509_NAME *issuer)
{
	const X509_NAME *own = hf_crl_issuer(crl);
	struct hf_crl_entry entry;
	uint32_t from;

	if (!governing(crl, offset, &from))
		return !issuer || X509_NAME_cmp(issuer, own) == 0;
	entry = hf_crl_index_entry(&crl->index, from);
	return names(&entry, issuer ? issuer : own);
}

/* --- serial numbers --- */

/* As it is encoded; false when it is longer than any serial number has a reason to be. */
static bool encode(const ASN1_INTEGER *serial, uint8_t out[SERIAL_CAP], struct hf_der_walk *ret)
{
	int len = i2d_ASN1_INTEGER(serial, NULL);
	struct hf_der_walk all = { out, 0 };
	unsigned char *at = out;

	if (len <= 0 || len > SERIAL_CAP)
		return false;
	all.len = (size_t)i2d_ASN1_INTEGER(serial, &at);
	return hf_der_enter(&all, HF_DER_INTEGER, ret);
}

int hf_crl_find(const struct hf_crl *crl, const ASN1_INTEGER *serial, const X509_NAME *issuer,
		struct hf_crl_entry *ret_entry)
{
	uint8_t octets[SERIAL_CAP];
	struct hf_crl_matches matches;
	struct hf_crl_entry entry;
	struct hf_der_walk wanted;
	uint32_t offset;

	if (!encode(serial, octets, &wanted))
		return 0;
	matches = hf_crl_matches(&crl->index, wanted);
	while (hf_crl_matches_next(&matches, &offset, &entry)) {
		if (!is_of(crl, offset, issuer))
			continue;
		*ret_entry = entry;
		return hf_crl_entry_reason(&entry) == CRL_REASON_REMOVE_FROM_CRL ? 2 : 1;
	}
	return 0;
}

/* --- an excerpt --- */

struct places {
	uint32_t items[EXCERPT_CAP];
	size_t len;
};

/* With the entry that says whose it is. */
static void choose(const struct hf_crl *crl, uint32_t offset, struct places *places)
{
	uint32_t from;

	if (places->len + 2 > EXCERPT_CAP)
		return;
	places->items[places->len++] = offset;
	if (governing(crl, offset, &from))
		places->items[places->len++] = from;
}

static void choose_of(const struct hf_crl *crl, const struct hf_cert *cert, struct places *places)
{
	uint8_t octets[SERIAL_CAP];
	struct hf_crl_matches matches;
	struct hf_crl_entry entry;
	struct hf_der_walk wanted;
	uint32_t offset;

	if (!encode(X509_get0_serialNumber(cert->x509), octets, &wanted))
		return;
	matches = hf_crl_matches(&crl->index, wanted);
	while (hf_crl_matches_next(&matches, &offset, &entry))
		choose(crl, offset, places);
}

static int by_offset(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool add_entry(const struct hf_crl *crl, uint32_t offset, X509_CRL *to)
{
	struct hf_crl_entry entry = hf_crl_index_entry(&crl->index, offset);
	HF_AUTO(X509_REVOKED) revoked =
	    hf_der_decode(entry.der.at, entry.der.len, ASN1_ITEM_rptr(X509_REVOKED));

	if (!revoked || X509_CRL_add0_revoked(to, revoked) != 1)
		return false;
	revoked = NULL;
	return true;
}

/* Decoded again: OpenSSL works out what an entry means for the list while it decodes. */
static X509_CRL *with_entries(const struct hf_crl *crl, struct places *places)
{
	HF_AUTO(X509_CRL) list = X509_CRL_dup(crl->head);

	qsort(places->items, places->len, sizeof(*places->items), by_offset);
	for (size_t i = 0; list && i < places->len; i++) {
		if (i > 0 && places->items[i] == places->items[i - 1])
			continue;
		if (!add_entry(crl, places->items[i], list))
			return NULL;
	}
	return list ? X509_CRL_dup(list) : NULL;
}

int hf_crl_excerpt(const struct hf_crl *crl, const struct hf_certs *certs, X509_CRL **ret_excerpt,
		   struct hf_err *err)
{
	struct places places = { .len = 0 };
	X509_CRL *list = crl->head;

	if (crl->first_critical != HF_CRL_NOWHERE)
		choose(crl, crl->first_critical, &places);
	for (size_t i = 0; i < certs->len; i++)
		choose_of(crl, certs->items[i], &places);
	if (places.len > 0)
		list = with_entries(crl, &places);
	else if (X509_CRL_up_ref(list) != 1)
		list = NULL;
	if (!list)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make an excerpt of the CRL");
	*ret_excerpt = list;
	return 0;
}

/* --- as text --- */

int hf_crl_to_pem(const struct hf_crl *crl, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio(bio, PEM_STRING_X509_CRL, "", crl->der, (long)crl->der_len) <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the revocation list as PEM");
	return hf_bio_to_buf(bio, out, err);
}

X509_CRL *hf_crl_decode(const struct hf_crl *crl)
{
	return hf_der_decode(crl->der, crl->der_len, ASN1_ITEM_rptr(X509_CRL));
}
