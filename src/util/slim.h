/* SPDX-License-Identifier: Apache-2.0 */
/* The slim provider: what the default provider of OpenSSL offers, without the decoders that
 * neither certificates nor keys in files need. */
#ifndef HF_UTIL_SLIM_H
#define HF_UTIL_SLIM_H

#include <stdbool.h>

enum hf_slim_for {
	HF_SLIM_SIGNING, /* keys that sign, and no others: no key exchange */
	HF_SLIM_TLS,	 /* and key exchange, and every encoder */
};
/* Puts it in the place of the default provider for this process.  To be called once, before
 * anything else of OpenSSL is used; a machine whose openssl.cnf activates providers of its own
 * keeps those. False: the default provider stays, and all works as before. */
bool hf_slim_begin(enum hf_slim_for what);

#endif
