/* SPDX-License-Identifier: Apache-2.0 */
/* What is too weak to be believed (RFC 9325 4.5); for lib/verify only. */
#ifndef HF_VERIFY_WEAK_H
#define HF_VERIFY_WEAK_H

#include "pki/cert.h"
#include "pki/crl.h"

enum { HF_RSA_BITS_MIN = 2048, HF_EC_BITS_MIN = 224, HF_SECURITY_BITS_MIN = 112 };

/* MD5, SHA-1 and the like. */
bool hf_digest_is_weak(int md_nid);
bool hf_cert_signature_is_weak(const struct hf_cert *cert);

#endif
