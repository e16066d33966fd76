/* SPDX-License-Identifier: Apache-2.0 */
/* Telling of lists and of their scope (RFC 5280 5.2.5). */
#include "cli/crl_scope.h"

#include "base/err.h"
#include "base/str.h"

int hf_cli_crl_places(const struct hf_crl *crl, struct hf_strv *ret_urls)
{
	const ASN1_IA5STRING *uri;
	int at = 0, rc = 0;

	while (rc == 0 && crl->idp && (uri = hf_crl_uri_next(crl->idp->distpoint, &at)) != NULL)
		rc = hf_strv_addn(ret_urls, (const char *)ASN1_STRING_get0_data(uri),
				  (size_t)ASN1_STRING_length(uri));
	return rc < 0 ? -HF_E_NOMEM : 0;
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

void hf_cli_crl_head_json(struct hf_json *j, const struct hf_crl *crl)
{
	hf_json_string(j, "issuer", crl->issuer);
	hf_json_string(j, "number", crl->number);
	hf_json_time(j, "this_update", crl->this_update);
	if (crl->has_next_update)
		hf_json_time(j, "next_update", crl->next_update);
	else
		hf_json_null(j, "next_update");
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
