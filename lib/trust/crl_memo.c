/* SPDX-License-Identifier: Apache-2.0 */
/* Which lists are known to be signed by which key: hashing a list of a hundred thousand entries
 * again for each peer would be a gift to whoever wants us busy.  Must never remember a failure (a
 * peer could fill the table with them), nor take one list for another. */
#include <string.h>

#include "trust/trust_internal.h"

static bool is_known(const struct hf_trust_memo *memo, const struct hf_crl *crl,
		     const struct hf_cert *signer)
{
	for (size_t i = 0; i < memo->len; i++) {
		if (memo->items[i].crl == crl &&
		    memcmp(memo->items[i].spki_sha256, signer->spki_sha256, HF_SHA256_LEN) == 0)
			return true;
	}
	return false;
}

static void remember(struct hf_trust_memo *memo, const struct hf_crl *crl,
		     const struct hf_cert *signer)
{
	size_t at = memo->next++ % HF_CRL_MEMO_CAP;

	memo->items[at].crl = crl;
	memcpy(memo->items[at].spki_sha256, signer->spki_sha256, HF_SHA256_LEN);
	memo->len = HF_MIN(memo->next, HF_CRL_MEMO_CAP);
}

bool hf_trust_crl_signed_by(const struct hf_trust *trust, const struct hf_crl *crl,
			    const struct hf_cert *signer)
{
	struct hf_trust_memo *memo = trust->memo;
	bool good;

	(void)pthread_mutex_lock(&memo->lock);
	good = is_known(memo, crl, signer);
	(void)pthread_mutex_unlock(&memo->lock);
	if (good)
		return true;
	if (!hf_crl_verify(crl, hf_cert_key_get0(signer)))
		return false;
	(void)pthread_mutex_lock(&memo->lock);
	if (!is_known(memo, crl, signer))
		remember(memo, crl, signer);
	(void)pthread_mutex_unlock(&memo->lock);
	return true;
}
