/* SPDX-License-Identifier: Apache-2.0 */
/* Identity: what a verified leaf says about its holder.  Made from the verified leaf only, never
 * from any other certificate that a peer sent. */
#ifndef HF_PKI_IDENTITY_H
#define HF_PKI_IDENTITY_H

#include "base/json.h"
#include "pki/cert.h"

struct hf_identity {
	struct hf_cert *leaf;      /* counted */
	char *name; /* chosen name with its kind: "uri:spiffe://…" > "dns:…" > "email:…" >
		     * "cn:…" (only with use_cn) > "sha256:…" ; escaped */
	char *issuer_sha256;       /* lower-case hex of the issuing CA certificate, or NULL */
};
int hf_identity_new(struct hf_cert *leaf, const struct hf_cert *issuer, bool use_cn,
		    struct hf_identity **ret_identity, struct hf_err *err);
void hf_identity_free(struct hf_identity *id);
HF_DEFINE_AUTO(hf_identity, struct hf_identity, hf_identity_free);
/* {"name", "subject", "issuer", "serial", "sha256", "spki_sha256", "sans": [{"kind","value"}],
 *  "not_before", "not_after", "x5t#S256"} as the value of `key` (NULL: outermost). */
void hf_identity_to_json(const struct hf_identity *id, struct hf_json *j, const char *key);

#endif
