/* SPDX-License-Identifier: Apache-2.0 */
/* Which of OpenSSL's library contexts knows what. */
#include "base/ossl.h"

#include <openssl/params.h>
#include <openssl/provider.h>

static int ask(OSSL_PROVIDER *provider, void *ret_library)
{
	void *told = NULL;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_ptr(HF_OSSL_WHOLE, &told, 0),
				OSSL_PARAM_END };

	if (OSSL_PROVIDER_get_params(provider, params) == 1 && told)
		*(void **)ret_library = told;
	return 1;
}

OSSL_LIB_CTX *hf_ossl_whole(void)
{
	void *library = NULL;

	(void)OSSL_PROVIDER_do_all(NULL, ask, &library);
	return library;
}
