/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a CA around bytes that are ready: certificates and revocation lists are both
 * SEQUENCE { what is signed, algorithm, signature } (RFC 5280 4.1 and 5.1).  The one place where
 * the key of a CA is used. */
#ifndef HF_CA_SEAL_H
#define HF_CA_SEAL_H

#include "base/buf.h"
#include "base/ossl.h"

/* Appends the AlgorithmIdentifier of the signatures that this key makes. */
int hf_seal_algorithm(EVP_PKEY *key, struct hf_buf *out, struct hf_err *err);
/* Appends a bare signature over the text. */
int hf_seal_text(EVP_PKEY *key, const struct hf_buf *text, struct hf_buf *ret_signature,
		 struct hf_err *err);
/* Turns the bytes since `start`, which become the part that is signed, into the whole. */
int hf_seal(EVP_PKEY *key, struct hf_buf *b, size_t start, struct hf_err *err);

#endif
