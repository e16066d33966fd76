/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL from foreign DER: decode, count, describe. */
#include <stdint.h>
#include <stdlib.h>

#include "pki/crl.h"
#include "pki/crl_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_err err = HF_ERR_INIT;
	struct hf_crl_facts facts;

	if (hf_crl_facts_read(data, size, &facts) && facts.revoked > size)
		abort();
	if (hf_crl_from_der(data, size, &crl, &err) < 0)
		return 0;
	if (!crl->issuer || crl->revoked_count > size ||
	    (!crl->has_next_update && crl->next_update == 0))
		abort();
	for (const char *p = crl->issuer; *p; p++) {
		if ((unsigned char)*p < 0x20)
			abort();
	}
	return 0;
}
