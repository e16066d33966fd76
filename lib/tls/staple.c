/* SPDX-License-Identifier: Apache-2.0 */
/* Handing out the OCSP response about our own certificate.  Must never hand out one that has ended:
 * clients then refuse what they would take without any. */
#include <string.h>

#include "base/err.h"
#include "tls/internal.h"

/* What may be handed out now; NULL: nothing. */
static const void *current(const struct hf_tls_context *context, size_t *ret_len)
{
	if (context->staple_source.get)
		return context->staple_source.get(context->staple_source.arg, ret_len);
	*ret_len = context->staple_len;
	return context->now(context->now_arg) > context->staple_until ? NULL : context->staple;
}

static int on_asked(SSL *ssl, void *arg)
{
	size_t len = 0;
	const void *staple = current(arg, &len);
	unsigned char *copy = staple ? OPENSSL_memdup(staple, len) : NULL;

	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	/* libssl owns it from here on */
	if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)len) != 1) {
		OPENSSL_free(copy);
		return SSL_TLSEXT_ERR_NOACK;
	}
	return SSL_TLSEXT_ERR_OK;
}

int hf_tls_staple_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
			struct hf_err *err)
{
	const struct hf_credential *credential = config->credential;

	context->staple_source = config->staple;
	if (credential->staple_len == 0 && !config->staple.get)
		return 0;
	if (credential->staple_len > 0) {
		context->staple = OPENSSL_memdup(credential->staple, credential->staple_len);
		if (!context->staple)
			return hf_err_nomem(err);
	}
	context->staple_len = credential->staple_len;
	context->staple_until = credential->staple_until;
	if (SSL_CTX_set_tlsext_status_cb(context->ssl, on_asked) != 1 ||
	    SSL_CTX_set_tlsext_status_arg(context->ssl, context) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "preparing the OCSP response");
	return 0;
}
