/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an offline root: for `root request` and `init --offline-root`. */
#ifndef HF_CLI_ROOT_REQUEST_H
#define HF_CLI_ROOT_REQUEST_H

#include "pki/key.h"
#include "util/cmd.h"

struct hf_cli_root_request {
	const char *name; /* NULL: only good where there is an authority already */
	const char *subject, *passphrase_file;
	const struct hf_secret *passphrase; /* of the new key, when it is known already */
	const char *issuing_key, *pin_file; /* pkcs11: URI, instead of a new key */
	enum hf_key_type key_type;
	bool force;
};
int hf_cli_root_request(struct hf_cmd_ctx *ctx, const struct hf_cli_root_request *request);

#endif
