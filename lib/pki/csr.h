/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#10 requests (RFC 2986): what they ask for, and making one. */
#ifndef HF_PKI_CSR_H
#define HF_PKI_CSR_H

#include "base/ossl.h"
#include "pki/key.h"
#include "pki/san.h"

struct hf_csr {
	X509_REQ *req;             /* owned */
	char *subject;             /* text, escaped */
	struct hf_sans sans;       /* asked for by extensionRequest */
	enum hf_key_type key_type;
	int key_bits;
	uint8_t spki_sha256[HF_SHA256_LEN];
	STACK_OF(X509_EXTENSION) *extensions; /* owned; NULL when none are asked for */
	bool asks_ca;              /* basicConstraints CA:TRUE */
	bool has_challenge_password;
};
/* Decodes; the self-signature is checked by hf_csr_check_signature. */
int hf_csr_from_der(const uint8_t *der, size_t len, struct hf_csr **ret_csr, struct hf_err *err);
/* up-refs? no: takes over a dup */
int hf_csr_new(X509_REQ *req, struct hf_csr **ret_csr, struct hf_err *err);
/* proof of possession */
int hf_csr_check_signature(const struct hf_csr *csr, struct hf_err *err);
/* Makes a request: subject (may be empty), SANs as extensionRequest, signed with key. */
int hf_csr_make(EVP_PKEY *key, const X509_NAME *subject, const struct hf_sans *sans,
		struct hf_csr **ret_csr, struct hf_err *err);
int hf_csr_to_pem(const struct hf_csr *csr, struct hf_buf *out, struct hf_err *err);
void hf_csr_free(struct hf_csr *csr);
HF_DEFINE_AUTO(hf_csr, struct hf_csr, hf_csr_free);

#endif
