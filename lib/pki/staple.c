/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses that a server hands out with its certificate.  Must never take one that clients
 * would refuse: they would refuse the server with it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "pki/credential.h"
#include "pki/name.h"
#include "pki/ocsp.h"

static const struct hf_cert *issuer_of(const struct hf_cert *leaf, const struct hf_certs *certs)
{
	for (size_t i = 0; certs && i < certs->len; i++) {
		const struct hf_cert *cert = certs->items[i];

		if (cert != leaf && hf_name_equal(X509_get_subject_name(cert->x509),
						  X509_get_issuer_name(leaf->x509)))
			return cert;
	}
	return NULL;
}

const struct hf_cert *hf_credential_issuer(const struct hf_credential *c,
					   const struct hf_certs *anchors)
{
	const struct hf_cert *leaf = c->chain.items[0];
	const struct hf_cert *issuer = issuer_of(leaf, &c->chain);

	return issuer ? issuer : issuer_of(leaf, anchors);
}

int hf_credential_staple(struct hf_credential *c, const void *der, size_t len,
			 const struct hf_certs *anchors, int64_t at, struct hf_err *err)
{
	static const char *const words[] = { [HF_OCSP_GOOD] = "good",
					     [HF_OCSP_REVOKED] = "revoked",
					     [HF_OCSP_UNKNOWN] = "unknown" };
	const struct hf_cert *leaf = c->chain.items[0];
	const struct hf_cert *issuer = hf_credential_issuer(c, anchors);
	struct hf_ocsp_says says;
	uint8_t *copy;
	int rc;

	if (!issuer)
		return hf_err_set(err, HF_E_POLICY,
				  "the certificate of its issuer '%s' is not here", leaf->issuer);
	rc = hf_ocsp_check(der, len, leaf, issuer, at, &says, err);
	if (rc < 0)
		return rc;
	if (says.status != HF_OCSP_GOOD)
		return hf_err_set(err, HF_E_POLICY, "it says that the certificate is %s",
				  words[says.status]);
	copy = malloc(len);
	if (!copy)
		return hf_err_nomem(err);
	memcpy(copy, der, len);
	free(c->staple);
	c->staple = copy;
	c->staple_len = len;
	c->staple_until = says.next_update ? says.next_update : leaf->not_after;
	return 0;
}

static void feature_free(TLS_FEATURE *feature)
{
	TLS_FEATURE_free(feature);
}
HF_DEFINE_AUTO(feature, TLS_FEATURE, feature_free);

bool hf_credential_must_staple(const struct hf_credential *c)
{
	enum { STATUS_REQUEST = 5 }; /* RFC 6066 8 */
	HF_AUTO(feature)
	feature = X509_get_ext_d2i(c->chain.items[0]->x509, NID_tlsfeature, NULL, NULL);

	for (int i = 0; i < sk_ASN1_INTEGER_num(feature); i++) {
		if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(feature, i)) == STATUS_REQUEST)
			return true;
	}
	return false;
}
