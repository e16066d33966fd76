/* SPDX-License-Identifier: Apache-2.0 */
/* The signer: the process that has the private keys.  It reads them, signs with them, and does
 * nothing else. */
#ifndef HF_GATEWAY_CUSTODY_SIGNER_H
#define HF_GATEWAY_CUSTODY_SIGNER_H

#include "gateway/custody/custody.h"

/* Runs until the other end of `control` is closed; the exit status.  at_start: it is the first, and
 * somebody may be asked for a passphrase. */
int hf_custody_signer_run(const struct hf_custody_config *config, int control, bool at_start);

#endif
