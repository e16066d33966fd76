/* SPDX-License-Identifier: Apache-2.0 */
/* -subj: what parses must be said again by hf_name_format_subj, and parse to an equal name. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "pki/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(cstr) text = hf_str_ndup((const char *)data, size);
	HF_AUTO_DONE(hf_buf) subj = HF_BUF_INIT(64 << 20);
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO(X509_NAME) again = NULL;
	HF_AUTO(cstr) words = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (!text)
		return 0;
	if (hf_name_parse(text, &name, &err) < 0) {
		if (err.msg[0] == '\0' || name)
			abort();
		return 0;
	}
	words = hf_name_text(name);
	if (!words || hf_name_format_subj(name, &subj) < 0)
		abort();
	if (hf_name_parse(hf_buf_str(&subj), &again, &err) < 0 || !hf_name_equal(name, again))
		abort();
	return 0;
}
