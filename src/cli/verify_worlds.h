/* SPDX-License-Identifier: Apache-2.0 */
/* handfast verify --profile all: one certificate before every world. */
#ifndef HF_CLI_VERIFY_WORLDS_H
#define HF_CLI_VERIFY_WORLDS_H

#include "util/cmd.h"
#include "verify/verify.h"

/* Prints who accepts and who refuses chain->items[0], and why: a block for the purpose of the
 * options, or for each role that the certificate's extended key usage allows when that is any.  The
 * profile of the options does not count.  *ret_everywhere: nobody refuses. */
int hf_verify_worlds(struct hf_cmd_ctx *ctx, const struct hf_certs *chain,
		     const struct hf_trust *trust, const struct hf_verify_options *options,
		     const char *path, bool *ret_everywhere);

#endif
