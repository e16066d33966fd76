/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the reader share; for lib/pki only. */
#ifndef HF_PKI_PEMFILE_INTERNAL_H
#define HF_PKI_PEMFILE_INTERNAL_H

#include <openssl/pkcs7.h>

#include "pki/keyread.h"
#include "pki/pemfile.h"

struct hf_reading {
	struct hf_pemfile *file;
	unsigned want;
	struct hf_unlock unlock;
};

int hf_reading_add_x509(struct hf_reading *r, X509 *x, struct hf_err *err);
int hf_reading_add_x509_crl(struct hf_reading *r, X509_CRL *crl, struct hf_err *err);
/* takes over on success */
int hf_reading_add_csr(struct hf_reading *r, struct hf_csr *csr, struct hf_err *err);
/* Counts a private key; true when it is the one to decrypt. */
bool hf_reading_count_key(struct hf_reading *r, bool encrypted);

/* Bytes of one kind each. */
int hf_reading_add_cert(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
int hf_reading_add_trusted(struct hf_reading *r, const uint8_t *der, size_t len,
			   struct hf_err *err);
int hf_reading_add_request(struct hf_reading *r, const uint8_t *der, size_t len,
			   struct hf_err *err);
int hf_reading_add_crl(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
int hf_reading_add_key(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
int hf_reading_add_encrypted(struct hf_reading *r, const uint8_t *der, size_t len,
			     struct hf_err *err);
int hf_reading_add_public(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
int hf_reading_add_pkcs7(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
int hf_reading_add_pkcs12(struct hf_reading *r, PKCS12 *p12, struct hf_err *err);

/* One DER object of whatever kind. */
int hf_reading_add_any(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);

#endif
