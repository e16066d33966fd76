/* SPDX-License-Identifier: Apache-2.0 */
/* --trace and --keylog of the commands that serve: every handshake as it happens. */
#ifndef HF_CLI_OBSERVE_H
#define HF_CLI_OBSERVE_H

#include "gateway/gateway.h"

/* keylog may be NULL; *ret_fd is its descriptor (-1: none) and must outlive config. */
int hf_cli_observe(bool trace, const char *keylog, int *ret_fd, struct hf_gateway_config *config,
		   struct hf_err *err);
/* One rung on standard error, whole. */
void hf_cli_trace_event(void *arg, const struct hf_event *event);

#endif
