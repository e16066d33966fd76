/* SPDX-License-Identifier: Apache-2.0 */
/* What each judge says of a certificate before anybody has it: our own under every profile, and
 * OpenSSL alone. */
#ifndef HF_CA_POLICY_OPINIONS_H
#define HF_CA_POLICY_OPINIONS_H

#include "ca/authority.h"

struct hf_opinion {
	const char *purpose; /* "server", "client", "any" */
	const char *judge;   /* "openssl", "strict", "OpenSSL itself", "python", "go" … */
	bool accepted;
	char *why; /* NULL when accepted; "V-EKU: a sentence: have" */
};
struct hf_opinions {
	struct hf_opinion *items;
	size_t len;
};
void hf_opinions_done(struct hf_opinions *opinions);
HF_DEFINE_AUTO_DONE(hf_opinions, struct hf_opinions, hf_opinions_done);

int hf_opinions_ask(const struct hf_authority *a, struct hf_cert *cert,
		    const struct hf_ca_profile *profile, int64_t now, struct hf_opinions *ret,
		    struct hf_err *err);

#endif
