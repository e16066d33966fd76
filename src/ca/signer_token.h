/* SPDX-License-Identifier: Apache-2.0 */
/* One private key in a PKCS#11 token (OASIS PKCS#11 2.40), opened and logged in. */
#ifndef HF_CA_SIGNER_TOKEN_H
#define HF_CA_SIGNER_TOKEN_H

#include "ca/signer_uri.h"
#include "pki/key.h"
#include "util/remote_key.h"

struct hf_token;

/* Loads the module, finds token and key, logs in.  -HF_E_UNSUPPORTED when this build knows no
 * PKCS#11. */
int hf_token_open(const struct hf_pkcs11_uri *uri, const struct hf_passphrase_source *pin,
		  struct hf_token **ret_token, struct hf_err *err);
struct hf_token *hf_token_ref(struct hf_token *token);
void hf_token_unref(struct hf_token *token);
HF_DEFINE_AUTO(hf_token, struct hf_token, hf_token_unref);

/* The public half, as an ordinary key; borrowed. */
EVP_PKEY *hf_token_public(const struct hf_token *token);
/* ECDSA as DER, RSA as PKCS#1 v1.5 or PSS.  `cap` is at least EVP_PKEY_get_size of the public key.
 * One thread at a time; others wait. */
int hf_token_sign(struct hf_token *token, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		  size_t *ret_len, struct hf_err *err);

#endif
