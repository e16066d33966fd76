/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in the words of PKCS#11 (OASIS PKCS#11 2.40): mechanisms, inputs, results. */
#ifndef HF_CA_SIGNER_MECHANISM_H
#define HF_CA_SIGNER_MECHANISM_H

#include <stdbool.h>

#include "util/remote_key.h"

#if __has_include(<p11-kit-1/p11-kit/pkcs11.h>)

#include <p11-kit-1/p11-kit/pkcs11.h>

enum { HF_MECHANISM_INPUT_CAP = 19 + 64 }; /* the prefix of a DigestInfo, and SHA-512 */

/* What the token is given to sign; 0 when the hash is none of ours. */
size_t hf_mechanism_input(const struct hf_sign_ask *ask, uint8_t out[HF_MECHANISM_INPUT_CAP]);
/* false: a key of this kind does not sign so.  *pss is what *ret_mechanism may point to. */
bool hf_mechanism_of(bool is_rsa, const struct hf_sign_ask *ask, CK_RSA_PKCS_PSS_PARAMS *pss,
		     CK_MECHANISM *ret_mechanism);
/* The token gives r and s, one after the other; everybody else wants DER (RFC 5480 appendix A).
 * `out` has room for EVP_PKEY_get_size bytes. */
bool hf_mechanism_ecdsa_der(const uint8_t *raw, size_t len, uint8_t *out, size_t *ret_len);

#endif
#endif
