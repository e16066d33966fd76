/* SPDX-License-Identifier: Apache-2.0 */
/* Where lists are said to be. */
#include "pki/crl.h"

const ASN1_IA5STRING *hf_crl_uri_next(const DIST_POINT_NAME *name, int *at)
{
	const GENERAL_NAMES *names = name && name->type == 0 ? name->name.fullname : NULL;

	while (*at < sk_GENERAL_NAME_num(names)) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, (*at)++);

		if (one->type == GEN_URI)
			return one->d.uniformResourceIdentifier;
	}
	return NULL;
}

const ASN1_IA5STRING *hf_crl_place(const struct hf_crl *crl)
{
	int at = 0;

	return crl->idp ? hf_crl_uri_next(crl->idp->distpoint, &at) : NULL;
}
