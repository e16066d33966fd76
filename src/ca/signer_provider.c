/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a token as EVP_PKEYs: util/remote_key.h asks, the token signs. */
#include "ca/signer_provider.h"

#include "base/err.h"
#include "util/remote_key.h"

static int sign(void *arg, const struct hf_sign_ask *ask, uint8_t *out, size_t cap, size_t *ret_len,
		struct hf_err *err)
{
	return hf_token_sign(arg, ask, out, cap, ret_len, err);
}

static void unref(void *arg)
{
	hf_token_unref(arg);
}

int hf_token_pkey(struct hf_token *token, EVP_PKEY **ret_key, struct hf_err *err)
{
	static const struct hf_remote_key_ops ops = { sign, unref };
	int rc = hf_remote_key_new(hf_token_public(token), &ops, token, ret_key, err);

	if (rc == 0)
		(void)hf_token_ref(token);
	return rc;
}
