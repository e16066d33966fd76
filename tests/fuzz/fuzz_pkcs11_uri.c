/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11: URIs: what parses ends its texts and keeps within its lengths; what does not says why,
 * and never repeats the text, which may hold a PIN. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/signer_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(cstr) text = hf_str_ndup((const char *)data, size);
	struct hf_pkcs11_uri uri = { .has_slot = false };
	struct hf_err err = HF_ERR_INIT;

	if (!text)
		return 0;
	if (hf_pkcs11_uri_parse(text, &uri, &err) < 0) {
		if (!err.msg[0] || uri.has_slot || uri.id_len)
			abort();
		return 0;
	}
	if (uri.id_len > sizeof(uri.id) || strlen(uri.token) >= sizeof(uri.token) ||
	    strlen(uri.object) >= sizeof(uri.object) ||
	    strlen(uri.pin_source) >= sizeof(uri.pin_source) ||
	    strlen(uri.module_path) >= sizeof(uri.module_path))
		abort();
	return 0;
}
