/* SPDX-License-Identifier: Apache-2.0 */
/* Renewing at an authority elsewhere, with the certificate that is to be renewed. */
#ifndef HF_CLI_RENEW_FROM_H
#define HF_CLI_RENEW_FROM_H

#include "pki/cert.h"
#include "util/cmd.h"

/* The new certificate of id/NAME, written in place of `old`.  The authority is the one that
 * id/NAME/ca.pem trusts. */
int hf_renew_from(struct hf_cmd_ctx *ctx, const char *url, const char *name,
		  const struct hf_cert *old, struct hf_cert **ret_cert);

#endif
