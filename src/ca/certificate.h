/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate, from a plan that everything was decided in. */
#ifndef HF_CA_CERTIFICATE_H
#define HF_CA_CERTIFICATE_H

#include "ca/profile.h"

enum { HF_SERIAL_LEN = 16, HF_SERIAL_TEXT_CAP = 2 * HF_SERIAL_LEN + 1 };

/* 127 random bits, positive and never zero: unpredictable (CA/B 7.1), unique without coordination.
 */
int hf_serial_make(uint8_t ret_serial[HF_SERIAL_LEN], struct hf_err *err);
/* As hf_cert.serial: lower-case hex without leading zeros. */
void hf_serial_text(const uint8_t serial[HF_SERIAL_LEN], char out[HF_SERIAL_TEXT_CAP]);

struct hf_certificate_plan {
	const struct hf_ca_profile *profile;
	const uint8_t *serial; /* HF_SERIAL_LEN bytes */
	const X509_NAME *subject;
	EVP_PKEY *key; /* public part */
	const struct hf_sans *sans;
	NAME_CONSTRAINTS *permit; /* NULL: none */
	const STACK_OF(X509_EXTENSION) *extra; /* behind its own, or instead; NULL: none */
	int64_t not_before, not_after;
	const struct hf_cert *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
};
/* The result was decoded again from its own bytes: what is looked at is what leaves. */
int hf_certificate_make(const struct hf_certificate_plan *plan, struct hf_cert **ret_cert,
			struct hf_err *err);

/* The key identifier as OpenSSL's "hash" makes it (RFC 5280 4.2.1.2 (1)), so that a CA certificate
 * renewed by another tool keeps it. */
ASN1_OCTET_STRING *hf_key_identifier(X509_PUBKEY *key);
/* authorityKeyIdentifier that names the issuer's key by its identifier only; owned. */
AUTHORITY_KEYID *hf_authority_keyid(const struct hf_cert *issuer);

#endif
