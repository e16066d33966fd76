/* SPDX-License-Identifier: Apache-2.0 */
/* The slim provider: what the default provider of OpenSSL offers, without the decoders that
 * neither certificates nor keys in files need. */
#ifndef HF_UTIL_SLIM_H
#define HF_UTIL_SLIM_H

#include <stdbool.h>

#include <openssl/types.h>

enum hf_slim_for {
	HF_SLIM_SIGNING, /* keys that sign, and no others: no key exchange */
	HF_SLIM_TLS,	 /* and key exchange, and every encoder */
	HF_SLIM_JUDGING, /* and the fewest ways in which a file can hold them */
};
/* A certificate with a key of another kind is decoded by the default provider still
 * (hf_ossl_whole), so that every process says the same of it.
 * Puts it in the place of the default provider for this process.  To be called once, before
 * anything else of OpenSSL is used; a machine whose openssl.cnf activates providers of its own
 * keeps those. False: the default provider stays, and all works as before. */
bool hf_slim_begin(enum hf_slim_for what);

/* For connections (hf_tls_config.library): what TLS computes with and nothing that decodes, so that
 * libssl does not look at the keys of certificates which the peer table has looked at already.
 * Borrowed, for the life of the process, forks included.  NULL, the default library, before
 * hf_slim_begin(HF_SLIM_TLS) and where that returned false. */
OSSL_LIB_CTX *hf_slim_tls(void);

#endif
