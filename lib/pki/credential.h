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
void hf_credential_free(struct hf_credential *c);
HF_DEFINE_AUTO(hf_credential, struct hf_credential, hf_credential_free);

#endif
