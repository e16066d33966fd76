/* SPDX-License-Identifier: Apache-2.0 */
/* The slim provider: what the default provider of OpenSSL offers, without the key formats that an
 * authority never meets. */
#ifndef HF_CA_SLIM_H
#define HF_CA_SLIM_H

#include <stdbool.h>

/* Puts it in the place of the default provider for this process.  To be called once, before
 * anything else of OpenSSL is used; a machine whose openssl.cnf activates providers of its own
 * keeps those.  False: the default provider stays, and all works as before. */
bool hf_slim_begin(void);

#endif
