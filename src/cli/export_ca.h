/* SPDX-License-Identifier: Apache-2.0 */
/* handfast export openssl DIR. */
#ifndef HF_CLI_EXPORT_CA_H
#define HF_CLI_EXPORT_CA_H

#include "util/cmd.h"

/* The passphrases' files may be NULL: `passphrase_file` for the key that is written,
 * `key_passphrase_file` for the one in the home. */
int hf_cli_export_openssl(struct hf_cmd_ctx *ctx, const char *dir, const char *passphrase_file,
			  const char *key_passphrase_file, bool without_key);

#endif
