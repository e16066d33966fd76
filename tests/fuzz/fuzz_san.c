/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names: what parses must go to GeneralNames and come back the same, none of it malformed.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "pki/san.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(cstr) text = hf_str_ndup((const char *)data, size);
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_sans) back = HF_SANS_INIT;
	HF_AUTO(GENERAL_NAMES) names = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (!text)
		return 0;
	(void)hf_sans_add_host(&back, text, &err);
	hf_sans_done(&back);
	if (hf_sans_add_list(&sans, text, &err) < 0) {
		if (err.msg[0] == '\0')
			abort();
		return 0;
	}
	if (hf_sans_to_names(&sans, &names, &err) < 0 ||
	    hf_sans_from_names(&back, names, &err) < 0 || back.len != sans.len)
		abort();
	for (size_t i = 0; i < back.len; i++) {
		if (back.items[i].malformed || !hf_sans_has(&sans, &back.items[i]))
			abort();
	}
	return 0;
}
