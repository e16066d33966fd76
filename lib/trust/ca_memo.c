/* SPDX-License-Identifier: Apache-2.0 */
/* Which CAs are known to be signed by which key of ours: the same few stand above every client, and
 * a signature over the same bytes is as good the next time.  Must never remember a failure, nor
 * what a key signed that is not in the trust (a peer could push out the CAs that are used). */
#include <string.h>

#include "trust/trust_internal.h"

static bool is_known(const struct hf_trust_memo *memo, const struct hf_cert *ca,
		     const struct hf_cert *signer)
{
	for (size_t i = 0; i < memo->cas_len; i++) {
		if (memcmp(memo->cas[i].sha256, ca->sha256, HF_SHA256_LEN) == 0 &&
		    memcmp(memo->cas[i].spki_sha256, signer->spki_sha256, HF_SHA256_LEN) == 0)
			return true;
	}
	return false;
}

bool hf_trust_knows_ca(const struct hf_trust *trust, const struct hf_cert *ca,
		       const struct hf_cert *signer)
{
	bool known;

	if (!(ca->flags & HF_CERT_CA))
		return false;
	(void)pthread_mutex_lock(&trust->memo->lock);
	known = is_known(trust->memo, ca, signer);
	(void)pthread_mutex_unlock(&trust->memo->lock);
	return known;
}

void hf_trust_remember_ca(const struct hf_trust *trust, const struct hf_cert *ca,
			  const struct hf_cert *signer)
{
	struct hf_trust_memo *memo = trust->memo;

	if (!(ca->flags & HF_CERT_CA) || (!hf_certs_has(&trust->anchors, signer) &&
					  !hf_certs_has(&trust->intermediates, signer)))
		return;
	(void)pthread_mutex_lock(&memo->lock);
	if (!is_known(memo, ca, signer)) {
		size_t at = memo->cas_next++ % HF_CA_MEMO_CAP;

		memcpy(memo->cas[at].sha256, ca->sha256, HF_SHA256_LEN);
		memcpy(memo->cas[at].spki_sha256, signer->spki_sha256, HF_SHA256_LEN);
		memo->cas_len = HF_MIN(memo->cas_next, HF_CA_MEMO_CAP);
	}
	(void)pthread_mutex_unlock(&memo->lock);
}
