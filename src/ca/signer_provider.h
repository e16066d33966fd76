/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a token as OpenSSL's EVP_PKEY. */
#ifndef HF_CA_SIGNER_PROVIDER_H
#define HF_CA_SIGNER_PROVIDER_H

#include "ca/signer_token.h"

/* The key keeps a reference of the token. */
int hf_token_pkey(struct hf_token *token, EVP_PKEY **ret_key, struct hf_err *err);

#endif
