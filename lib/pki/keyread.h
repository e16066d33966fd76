/* SPDX-License-Identifier: Apache-2.0 */
/* Reading private keys; for lib/pki only. */
#ifndef HF_PKI_KEYREAD_H
#define HF_PKI_KEYREAD_H

#include <stdint.h>

#include "base/ossl.h"
#include "base/secret.h"
#include "pki/key.h"

/* Work that a file may ask of us before its passphrase is known to be right. */
enum { HF_PBE_ITERATIONS_CAP = 10000000 };

/* Where a passphrase comes from while one file is read; asked at most once. */
struct hf_unlock {
	const struct hf_passphrase_source *source;  /* may be NULL */
	const char *name;                           /* the file, for messages */
	struct hf_secret pass;
	bool asked;
	/* a PKCS#12 file made with no passphrase at all */
	bool without;
	long iterations_left;
};
#define HF_UNLOCK_INIT(source_, name_)                                                  \
	{                                                                               \
		(source_), (name_), HF_SECRET_INIT, false, false, HF_PBE_ITERATIONS_CAP \
	}

/* Fills u->pass; -HF_E_PASSPHRASE with a hint when nobody can tell. */
int hf_unlock_ask(struct hf_unlock *u, struct hf_err *err);
/* The passphrase to open with; NULL for a file without. */
const char *hf_unlock_get(const struct hf_unlock *u);
/* Refuses algorithms that OpenSSL 3 has no more, and absurd iteration counts. */
int hf_unlock_check(struct hf_unlock *u, const X509_ALGOR *alg, struct hf_err *err);
int hf_unlock_spend(struct hf_unlock *u, long iterations, struct hf_err *err);
/* True for the PKCS#12 ciphers of the legacy provider (RC2, RC4). */
bool hf_pbe_is_legacy(int nid);

/* PKCS#1, SEC 1, PKCS#8, DSA: unencrypted DER. */
int hf_key_from_der(const uint8_t *der, size_t len, EVP_PKEY **ret_key, struct hf_err *err);
int hf_key_from_pkcs8(const PKCS8_PRIV_KEY_INFO *p8, EVP_PKEY **ret_key, struct hf_err *err);
/* EncryptedPrivateKeyInfo. */
int hf_key_from_encrypted(const X509_SIG *sig, struct hf_unlock *u, EVP_PKEY **ret_key,
			  struct hf_err *err);
/* Traditional encryption of a PEM block ("Proc-Type: 4,ENCRYPTED"): headers are its header lines.
 * der is decrypted in place. */
int hf_key_from_traditional(const char *headers, uint8_t *der, size_t len, struct hf_unlock *u,
			    EVP_PKEY **ret_key, struct hf_err *err);

#endif
