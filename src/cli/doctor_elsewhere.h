/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor beyond the home: a gateway's configuration, and one that runs. */
#ifndef HF_CLI_DOCTOR_ELSEWHERE_H
#define HF_CLI_DOCTOR_ELSEWHERE_H

#include "ca/doctor.h"
#include "cli/common.h"

/* All that `serve --check` finds in the configuration, as findings. */
int hf_doctor_config(struct hf_cmd_ctx *ctx, struct hf_doctor *d, const char *path);

/* Is it "HOST:PORT" or a URL, and no file of that name? */
bool hf_doctor_is_target(const char *what);
/* One handshake, with the credential when there is one (NULL: none): what the gateway presents, and
 * its clock.  The trust of the home, and of the identity `as` (may be NULL), tells which CAs are
 * roots. */
int hf_doctor_gateway(struct hf_cmd_ctx *ctx, struct hf_doctor *d, const char *target,
		      const struct hf_credential *credential, const char *as);

#endif
