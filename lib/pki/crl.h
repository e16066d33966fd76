/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists (RFC 5280 section 5), decoded once, immutable, counted. */
#ifndef HF_PKI_CRL_H
#define HF_PKI_CRL_H

#include <stdatomic.h>

#include "base/ossl.h"
#include "pki/cert.h"

struct hf_crl {
	atomic_int refs;
	X509_CRL *crl;              /* owned */
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
/* takes a new reference */
int hf_crl_new(X509_CRL *crl, struct hf_crl **ret_crl, struct hf_err *err);
int hf_crl_from_der(const uint8_t *der, size_t len, struct hf_crl **ret_crl, struct hf_err *err);
struct hf_crl *hf_crl_ref(struct hf_crl *crl);
void hf_crl_unref(struct hf_crl *crl);
HF_DEFINE_AUTO(hf_crl, struct hf_crl, hf_crl_unref);

struct hf_crls {
	struct hf_crl **items;
	size_t len;
	size_t alloc;
};
#define HF_CRLS_INIT { NULL, 0, 0 }
int hf_crls_add(struct hf_crls *list, struct hf_crl *crl, struct hf_err *err); /* new reference */
void hf_crls_done(struct hf_crls *list);
HF_DEFINE_AUTO_DONE(hf_crls, struct hf_crls, hf_crls_done);

/* "keyCompromise" … <-> CRLReason code (RFC 5280 5.3.1); -1 / NULL when unknown. */
int hf_crl_reason_parse(const char *name);
const char *hf_crl_reason_name(int reason);
const char *const *hf_crl_reason_names(void);

#endif
