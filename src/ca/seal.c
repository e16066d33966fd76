/* SPDX-License-Identifier: Apache-2.0 */
/* Signing bytes with the key of a CA.  Must never sign what the caller has not finished. */
#include "ca/seal.h"

#include <openssl/core_names.h>

#include "base/err.h"
#include "ca/derwrite.h"
#include "pki/key.h"

enum { SIGNATURE_CAP = 2048, ALGORITHM_CAP = 256 };

static EVP_MD_CTX *begin(EVP_PKEY *key, EVP_PKEY_CTX **ret_ctx)
{
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();

	if (!md || EVP_DigestSignInit(md, ret_ctx, hf_key_signing_digest(key), NULL, key) != 1)
		return NULL;
	return hf_take(md);
}

static int append_algorithm(EVP_PKEY_CTX *ctx, struct hf_buf *out, struct hf_err *err)
{
	uint8_t der[ALGORITHM_CAP];
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, der, sizeof(der)),
		OSSL_PARAM_END,
	};

	if (EVP_PKEY_CTX_get_params(ctx, params) <= 0 || params[0].return_size == 0 ||
	    params[0].return_size > sizeof(der))
		return hf_err_ossl(err, HF_E_CRYPTO, "the CA's key cannot say how it signs");
	(void)hf_buf_append(out, der, params[0].return_size);
	return hf_buf_failed(out) ? hf_err_nomem(err) : 0;
}

int hf_seal_algorithm(EVP_PKEY *key, struct hf_buf *out, struct hf_err *err)
{
	EVP_PKEY_CTX *ctx = NULL;
	HF_AUTO(EVP_MD_CTX) md = begin(key, &ctx);

	if (!md)
		return hf_err_ossl(err, HF_E_CRYPTO, "the CA's key cannot sign");
	return append_algorithm(ctx, out, err);
}

int hf_seal(EVP_PKEY *key, struct hf_buf *b, size_t start, struct hf_err *err)
{
	EVP_PKEY_CTX *ctx = NULL;
	HF_AUTO(EVP_MD_CTX) md = begin(key, &ctx);
	uint8_t signature[1 + SIGNATURE_CAP] = { 0 }; /* no unused bits (X.690 8.6.2.2) */
	size_t len = SIGNATURE_CAP;
	int rc;

	if (hf_buf_failed(b))
		return hf_err_nomem(err);
	if (!md || EVP_DigestSign(md, signature + 1, &len, (const uint8_t *)b->data + start,
				  b->len - start) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot sign with the CA's key");
	rc = append_algorithm(ctx, b, err);
	if (rc < 0)
		return rc;
	hf_derw_put(b, HF_DERW_BIT_STRING, signature, len + 1);
	hf_derw_wrap(b, start, HF_DERW_SEQUENCE);
	return hf_buf_failed(b) ? hf_err_nomem(err) : 0;
}

int hf_seal_text(EVP_PKEY *key, const struct hf_buf *text, struct hf_buf *ret_signature,
		 struct hf_err *err)
{
	EVP_PKEY_CTX *ctx = NULL;
	HF_AUTO(EVP_MD_CTX) md = begin(key, &ctx);
	uint8_t signature[SIGNATURE_CAP];
	size_t len = sizeof(signature);

	if (!md ||
	    EVP_DigestSign(md, signature, &len, (const uint8_t *)hf_buf_str(text), text->len) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot sign with the CA's key");
	return hf_buf_append(ret_signature, signature, len) < 0 ? hf_err_nomem(err) : 0;
}
