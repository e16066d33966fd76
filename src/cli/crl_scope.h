/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates a revocation list speaks of, for people and programs: nothing is said of one
 * that speaks of all. */
#ifndef HF_CLI_CRL_SCOPE_H
#define HF_CLI_CRL_SCOPE_H

#include "pki/crl.h"
#include "util/out.h"

/* Its distribution points' URLs, appended. */
int hf_cli_crl_places(const struct hf_crl *crl, struct hf_strv *ret_urls);
/* "for those that name URL", a line under that label each. */
void hf_cli_crl_scope_text(struct hf_out *out, const char *label, const struct hf_crl *crl);
/* issuer, number, this_update, next_update: what every list is told with first. */
void hf_cli_crl_head_json(struct hf_json *j, const struct hf_crl *crl);
/* distribution_points: [URL …] */
void hf_cli_crl_scope_json(struct hf_json *j, const struct hf_crl *crl);

#endif
