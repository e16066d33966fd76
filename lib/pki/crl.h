/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists (RFC 5280 section 5), decoded once, immutable, counted.  A list is its bytes, an
 * index of them, and an object of OpenSSL's without any entry: what a list of a million entries
 * takes beside its bytes is 6 MB. */
#ifndef HF_PKI_CRL_H
#define HF_PKI_CRL_H

#include <stdatomic.h>

#include "base/ossl.h"
#include "pki/cert.h"
#include "pki/crl_index.h"

struct hf_crl {
	atomic_int refs;
	/* Owned: the list as if it had no entries.  Its issuer, times, extensions and signature are
	 * the list's; ask hf_crl_verify whether the signature is good. */
	X509_CRL *head;
	uint8_t *der;               /* owned: as it was signed */
	size_t der_len;
	struct hf_der_walk tbs;     /* what was signed, in der */
	struct hf_crl_index index;
	/* owned: places of the entries with a certificateIssuer, ascending */
	uint32_t *issuers;
	size_t issuers_len;
	/* place of the first entry with a critical extension, certificateIssuer apart */
	uint32_t first_critical;    /* HF_CRL_NOWHERE when there is none */
	uint8_t sha256[HF_SHA256_LEN];
	char *issuer;               /* text */
	int64_t this_update;
	/* HF_TIME_MAX when the field is absent (has_next_update false) */
	int64_t next_update;
	bool has_next_update;
	char *number;               /* hex, NULL when the extension is missing */
	char *base_number;          /* deltaCRLIndicator, NULL when complete */
	ISSUING_DIST_POINT *idp;    /* owned, NULL when absent */
	bool unknown_critical;      /* a critical extension (CRL or entry) that we do not know */
	bool bad;                   /* an extension does not decode, a date does not parse */
	uint8_t *akid;
	size_t akid_len;
	int sig_md_nid;
	size_t revoked_count;
};
enum { HF_CRL_NOWHERE = UINT32_MAX };
int hf_crl_new(const X509_CRL *crl, struct hf_crl **ret_crl, struct hf_err *err);
int hf_crl_from_der(const uint8_t *der, size_t len, struct hf_crl **ret_crl, struct hf_err *err);
/* Is that one list, down to the boundaries of its entries?  They are not looked into. */
bool hf_crl_is_list(const uint8_t *der, size_t len);
struct hf_crl *hf_crl_ref(struct hf_crl *crl);
void hf_crl_unref(struct hf_crl *crl);
HF_DEFINE_AUTO(hf_crl, struct hf_crl, hf_crl_unref);

const X509_NAME *hf_crl_issuer(const struct hf_crl *crl); /* borrowed */
/* Does its signature verify under that key (NULL: no)?  All of the list is hashed. */
bool hf_crl_verify(const struct hf_crl *crl, EVP_PKEY *key);
/* Is the certificate of that issuer (NULL: the list's own) on it: 0 no, 1 revoked, 2 removeFromCRL.
 * Like X509_CRL_get0_by_cert: of several entries the first counts, and a certificateIssuer holds
 * until the next (RFC 5280 5.3.3). */
int hf_crl_find(const struct hf_crl *crl, const ASN1_INTEGER *serial, const X509_NAME *issuer,
		struct hf_crl_entry *ret_entry);
/* For OpenSSL's verifier: the list with no more entries than it needs to judge these certificates;
 * its signature does not verify.  Free with X509_CRL_free. */
int hf_crl_excerpt(const struct hf_crl *crl, const struct hf_certs *certs, X509_CRL **ret_excerpt,
		   struct hf_err *err);
int hf_crl_to_pem(const struct hf_crl *crl, struct hf_buf *out, struct hf_err *err);
/* With an object for every entry, to print them; owned; NULL when out of memory. */
X509_CRL *hf_crl_decode(const struct hf_crl *crl);

/* The URIs of a distribution point (RFC 5280 4.2.1.13), of a list's own (idp) or a certificate's:
 * that at *at or after it, which then goes past it; NULL: no more.  Borrowed. */
const ASN1_IA5STRING *hf_crl_uri_next(const DIST_POINT_NAME *name, int *at);
/* The place that a list is for (RFC 5280 5.2.5), the first of several; NULL: it is for all
 * certificates. */
const ASN1_IA5STRING *hf_crl_place(const struct hf_crl *crl);

struct hf_crls {
	struct hf_crl **items;
	size_t len;
	size_t alloc;
};
#define HF_CRLS_INIT { NULL, 0, 0 }
int hf_crls_add(struct hf_crls *list, struct hf_crl *crl, struct hf_err *err); /* new reference */
/* The list of these bytes: one of those at hand (NULL: none are), else it is decoded. */
int hf_crls_add_der(struct hf_crls *list, const struct hf_crls *at_hand, const uint8_t *der,
		    size_t len, struct hf_err *err);
void hf_crls_done(struct hf_crls *list);
HF_DEFINE_AUTO_DONE(hf_crls, struct hf_crls, hf_crls_done);

/* "keyCompromise" … <-> CRLReason code (RFC 5280 5.3.1); -1 / NULL when unknown. */
int hf_crl_reason_parse(const char *name);
const char *hf_crl_reason_name(int reason);
const char *const *hf_crl_reason_names(void);

#endif
