/* SPDX-License-Identifier: Apache-2.0 */
/* From what is to be signed to what a token is told.  Must never sign in another form than asked.
 */
#include "ca/signer_mechanism.h"

#if __has_include(<p11-kit-1/p11-kit/pkcs11.h>)

#include <string.h>

#include <openssl/ecdsa.h>

enum { PREFIX_CAP = 19, DIGEST_CAP = HF_MECHANISM_INPUT_CAP - PREFIX_CAP };

HF_DEFINE_AUTO(ECDSA_SIG, ECDSA_SIG, ECDSA_SIG_free);

/* SEQUENCE { SEQUENCE { hash, NULL }, OCTET STRING } up to the hash's bytes (RFC 8017 9.2, note 1).
 */
static const struct {
	int nid;
	uint8_t prefix[PREFIX_CAP];
} digest_infos[] = {
	{ NID_sha256,
	  { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    0x01, 0x05, 0x00, 0x04, 0x20 } },
	{ NID_sha384,
	  { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    0x02, 0x05, 0x00, 0x04, 0x30 } },
	{ NID_sha512,
	  { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    0x03, 0x05, 0x00, 0x04, 0x40 } },
};

static const uint8_t *digest_info(int md)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(digest_infos); i++) {
		if (digest_infos[i].nid == md)
			return digest_infos[i].prefix;
	}
	return NULL;
}

size_t hf_mechanism_input(const struct hf_sign_ask *ask, uint8_t out[HF_MECHANISM_INPUT_CAP])
{
	const uint8_t *prefix = digest_info(ask->md);
	size_t before = ask->form == HF_SIGN_PKCS1 ? PREFIX_CAP : 0;

	if (!prefix || ask->len > DIGEST_CAP)
		return 0;
	memcpy(out, prefix, before);
	memcpy(out + before, ask->data, ask->len);
	return before + ask->len;
}

static const struct {
	int nid;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mask;
} pss_hashes[] = {
	{ NID_sha256, CKM_SHA256, CKG_MGF1_SHA256 },
	{ NID_sha384, CKM_SHA384, CKG_MGF1_SHA384 },
	{ NID_sha512, CKM_SHA512, CKG_MGF1_SHA512 },
};

bool hf_mechanism_of(bool is_rsa, const struct hf_sign_ask *ask, CK_RSA_PKCS_PSS_PARAMS *pss,
		     CK_MECHANISM *ret_mechanism)
{
	if (is_rsa != (ask->form == HF_SIGN_PKCS1 || ask->form == HF_SIGN_PSS))
		return false;
	*ret_mechanism = (CK_MECHANISM){ is_rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
	if (ask->form != HF_SIGN_PSS)
		return ask->form == HF_SIGN_PKCS1 || ask->form == HF_SIGN_ECDSA;
	for (size_t i = 0; i < HF_ARRAY_LEN(pss_hashes); i++) {
		if (pss_hashes[i].nid != ask->md)
			continue;
		*pss = (CK_RSA_PKCS_PSS_PARAMS){ pss_hashes[i].hash, pss_hashes[i].mask, ask->len };
		*ret_mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, pss, sizeof(*pss) };
		return true;
	}
	return false;
}

bool hf_mechanism_ecdsa_der(const uint8_t *raw, size_t len, uint8_t *out, size_t *ret_len)
{
	HF_AUTO(ECDSA_SIG) sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)(len / 2), NULL);
	BIGNUM *s = BN_bin2bn(raw + len / 2, (int)(len / 2), NULL);
	int n;

	if (!sig || !r || !s || !ECDSA_SIG_set0(sig, r, s)) {
		BN_free(r);
		BN_free(s);
		return false;
	}
	n = i2d_ECDSA_SIG(sig, &out);
	*ret_len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

#endif
