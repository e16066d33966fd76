/* SPDX-License-Identifier: Apache-2.0 */
/* Why certificates are revoked, in the words of RFC 5280.  Must never make a reason up. */
#include "base/str.h"
#include "pki/crl.h"

/* RFC 5280 5.3.1; 7 is not used. */
static const struct {
	int code;
	const char *name;
} reasons[] = {
	{ CRL_REASON_UNSPECIFIED, "unspecified" },
	{ CRL_REASON_KEY_COMPROMISE, "keyCompromise" },
	{ CRL_REASON_CA_COMPROMISE, "cACompromise" },
	{ CRL_REASON_AFFILIATION_CHANGED, "affiliationChanged" },
	{ CRL_REASON_SUPERSEDED, "superseded" },
	{ CRL_REASON_CESSATION_OF_OPERATION, "cessationOfOperation" },
	{ CRL_REASON_CERTIFICATE_HOLD, "certificateHold" },
	{ CRL_REASON_REMOVE_FROM_CRL, "removeFromCRL" },
	{ CRL_REASON_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn" },
	{ CRL_REASON_AA_COMPROMISE, "aACompromise" },
};

int hf_crl_reason_parse(const char *name)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(reasons); i++) {
		if (hf_str_case_eq(name, reasons[i].name))
			return reasons[i].code;
	}
	return -1;
}

const char *hf_crl_reason_name(int reason)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(reasons); i++) {
		if (reasons[i].code == reason)
			return reasons[i].name;
	}
	return NULL;
}

const char *const *hf_crl_reason_names(void)
{
	static const char *const names[] = {
		"unspecified",
		"keyCompromise",
		"cACompromise",
		"affiliationChanged",
		"superseded",
		"cessationOfOperation",
		"certificateHold",
		"removeFromCRL",
		"privilegeWithdrawn",
		"aACompromise",
		NULL,
	};

	return names;
}
