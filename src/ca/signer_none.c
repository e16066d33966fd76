/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens where the program was built without p11-kit's header: there are none.  Must never pretend
 * otherwise. */
#include "ca/signer_token.h"

#include "base/err.h"

#if !__has_include(<p11-kit-1/p11-kit/pkcs11.h>)

int hf_token_open(const struct hf_pkcs11_uri *uri, const struct hf_passphrase_source *pin,
		  struct hf_token **ret_token, struct hf_err *err)
{
	(void)uri;
	(void)pin;
	(void)ret_token;
	return hf_err_set(err, HF_E_UNSUPPORTED, "this handfast was built without PKCS#11");
}

struct hf_token *hf_token_ref(struct hf_token *token)
{
	return token;
}

void hf_token_unref(struct hf_token *token)
{
	(void)token;
}

EVP_PKEY *hf_token_public(const struct hf_token *token)
{
	(void)token;
	return NULL;
}

int hf_token_sign(struct hf_token *token, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		  size_t *ret_len, struct hf_err *err)
{
	(void)token;
	(void)ask;
	(void)out;
	(void)cap;
	(void)ret_len;
	return hf_err_set(err, HF_E_UNSUPPORTED, "this handfast was built without PKCS#11");
}

#endif
