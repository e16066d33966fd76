/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a credential wherever its key is. */
#ifndef HF_CLI_CREDENTIAL_H
#define HF_CLI_CREDENTIAL_H

#include "pki/credential.h"

/* key: a file, a file whose line is a pkcs11: URI, such a URI, or NULL (in the file of the
 * certificate). */
int hf_cli_read_credential(const char *cert, const char *key,
			   const struct hf_passphrase_source *pass,
			   struct hf_credential **ret_credential, struct hf_err *err);
bool hf_cli_is_token_key(const char *key);

/* The same in two steps, to look at a token's key first; key names one in a token. */
int hf_cli_read_token_key(const char *key, const struct hf_passphrase_source *pass,
			  EVP_PKEY **ret_key, struct hf_err *err);
int hf_cli_read_credential_of(const char *cert, EVP_PKEY *key,
			      struct hf_credential **ret_credential, struct hf_err *err);

#endif
