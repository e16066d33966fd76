/* SPDX-License-Identifier: Apache-2.0 */
/* Handing out the OCSP response about our own certificate.  Must never hand out one that has ended:
 * clients then refuse what they would take without any. */
#include <string.h>

#include "base/err.h"
#include "tls/internal.h"

static int on_asked(SSL *ssl, void *arg)
{
	const struct hf_tls_context *context = arg;
	unsigned char *copy;

	if (context->now(context->now_arg) > context->staple_until)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(context->staple, context->staple_len);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	/* libssl owns it from here on */
	if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)context->staple_len) != 1) {
		OPENSSL_free(copy);
		return SSL_TLSEXT_ERR_NOACK;
	}
	return SSL_TLSEXT_ERR_OK;
}

int hf_tls_staple_apply(struct hf_tls_context *context, const struct hf_credential *credential,
			struct hf_err *err)
{
	if (credential->staple_len == 0)
		return 0;
	context->staple = OPENSSL_memdup(credential->staple, credential->staple_len);
	if (!context->staple)
		return hf_err_nomem(err);
	context->staple_len = credential->staple_len;
	context->staple_until = credential->staple_until;
	if (SSL_CTX_set_tlsext_status_cb(context->ssl, on_asked) != 1 ||
	    SSL_CTX_set_tlsext_status_arg(context->ssl, context) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "preparing the OCSP response");
	return 0;
}
