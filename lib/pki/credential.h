/* SPDX-License-Identifier: Apache-2.0 */
/* A credential: private key + leaf + intermediates, checked against each other when loaded. */
#ifndef HF_PKI_CREDENTIAL_H
#define HF_PKI_CREDENTIAL_H

#include "pki/pemfile.h"

struct hf_credential {
	EVP_PKEY *key;
	/* leaf first, then intermediates in issuing order; a root too when the file has it */
	struct hf_certs chain;
	char *cert_path, *key_path; /* where they came from, for messages and reload */
	bool key_world_readable;   /* the key file's mode lets others than its owner read it */
	bool stray_dropped; /* the file held a self-signed certificate that is not on the path */
	/* an OCSP response about the leaf to hand out with it (RFC 6066 8); staple_len 0: none */
	uint8_t *staple;
	size_t staple_len;
	int64_t staple_until; /* not to be handed out after that */
	bool reordered;            /* intermediates stood out of order, or the leaf was not first */
};
/* cert_path may hold the key too (key_path NULL); PEM in either order, DER, PKCS#12.
 * Refuses: no key, no certificate, key that does not match (says which certificate the key does
 * match if one further down does), swapped files, a CSR instead of a certificate: each named, with
 * a hint. */
int hf_credential_load(const char *cert_path, const char *key_path,
		       const struct hf_passphrase_source *pass,
		       struct hf_credential **ret_credential, struct hf_err *err);
/* From objects; takes new references. */
int hf_credential_new(EVP_PKEY *key, const struct hf_certs *chain,
		      struct hf_credential **ret_credential, struct hf_err *err);
/* Takes a copy of an OCSP response about the leaf, to be stapled: one that may be believed at `at`
 * and says that it is good.  anchors: where its issuer is when the chain does not hold it.
 * -HF_E_POLICY or -HF_E_PARSE says why not; nothing has changed then. */
int hf_credential_staple(struct hf_credential *c, const void *der, size_t len,
			 const struct hf_certs *anchors, int64_t at, struct hf_err *err);
/* The certificate of who issued the leaf, by name: from the chain, else from `anchors` (may be
 * NULL).  Borrowed; NULL: it is not there. */
const struct hf_cert *hf_credential_issuer(const struct hf_credential *c,
					   const struct hf_certs *anchors);
/* The leaf says that it is worth nothing without a staple (RFC 7633, "must-staple"). */
bool hf_credential_must_staple(const struct hf_credential *c);
void hf_credential_free(struct hf_credential *c);
HF_DEFINE_AUTO(hf_credential, struct hf_credential, hf_credential_free);

#endif
