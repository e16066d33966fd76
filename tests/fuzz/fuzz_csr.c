/* SPDX-License-Identifier: Apache-2.0 */
/* A request from foreign DER: read what it asks for, check its signature, write it out. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "pki/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_csr) csr = NULL;
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(64 << 20);
	struct hf_err err = HF_ERR_INIT;

	if (hf_csr_from_der(data, size, &csr, &err) < 0)
		return 0;
	(void)hf_csr_check_signature(csr, &err);
	if (hf_sans_format(&csr->sans, &out) < 0 || !csr->subject)
		abort();
	for (const char *p = csr->subject; *p; p++) {
		if ((unsigned char)*p < 0x20)
			abort();
	}
	if (hf_csr_to_pem(csr, &out, &err) < 0)
		abort();
	return 0;
}
