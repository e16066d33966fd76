/* SPDX-License-Identifier: Apache-2.0 */
/* Telling of the scope of lists (RFC 5280 5.2.5). */
#include "cli/crl_scope.h"

#include "base/err.h"
#include "base/str.h"

int hf_cli_crl_places(const struct hf_crl *crl, struct hf_strv *ret_urls)
{
	const DIST_POINT_NAME *point = crl->idp ? crl->idp->distpoint : NULL;
	const GENERAL_NAMES *names = point && point->type == 0 ? point->name.fullname : NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;

		if (name->type == GEN_URI &&
		    hf_strv_addn(ret_urls, (const char *)ASN1_STRING_get0_data(uri),
				 (size_t)ASN1_STRING_length(uri)) < 0)
			return -HF_E_NOMEM;
	}
	return 0;
}

void hf_cli_crl_scope_text(struct hf_out *out, const char *label, const struct hf_crl *crl)
{
	HF_AUTO_DONE(hf_strv) urls = HF_STRV_INIT;

	(void)hf_cli_crl_places(crl, &urls);
	for (size_t i = 0; i < urls.len; i++) {
		hf_out_print(out, "%sfor those that name ", label);
		hf_out_safe(out, urls.items[i]);
		hf_out_print(out, "\n");
	}
}

void hf_cli_crl_scope_json(struct hf_json *j, const struct hf_crl *crl)
{
	HF_AUTO_DONE(hf_strv) urls = HF_STRV_INIT;

	(void)hf_cli_crl_places(crl, &urls);
	if (urls.len == 0)
		return;
	hf_json_array_begin(j, "distribution_points");
	for (size_t i = 0; i < urls.len; i++)
		hf_json_string(j, NULL, urls.items[i]);
	hf_json_array_end(j);
}
