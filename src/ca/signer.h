/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign, wherever they are: a file, or a PKCS#11 token (a smart card, an HSM, SoftHSM).
 *
 * Either way the caller gets an EVP_PKEY.  That of a token has the public half, signs through the
 * token, and never has the private half: it belongs to a small provider of our own, so that
 * certificates, lists, requests and TLS handshakes use it without knowing. */
#ifndef HF_CA_SIGNER_H
#define HF_CA_SIGNER_H

#include "pki/key.h"

/* "pkcs11:token=CA;object=issuing" (RFC 7512) */
bool hf_signer_is_uri(const char *where);
/* A file whose first line is one. */
bool hf_signer_file_has_uri(const char *path);
/* The key that the URI names.  The PIN comes from the URI's pin-source, else from `pin`; a
 * pin-value in the URI is refused, for URIs are seen and logged. */
int hf_signer_from_uri(const char *uri, const struct hf_passphrase_source *pin, EVP_PKEY **ret_key,
		       struct hf_err *err);
/* The key of a file: PEM or DER, or one line that is a pkcs11: URI. */
int hf_signer_load(const char *path, const struct hf_passphrase_source *pass, EVP_PKEY **ret_key,
		   struct hf_err *err);

#endif
