/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a process of their own, and workers without privileges: for serve and tunnel. */
#ifndef HF_CLI_SERVE_GUARD_H
#define HF_CLI_SERVE_GUARD_H

#include "cli/serve_file.h"

/* The options of hf_serve_opts.guard. */
extern const struct hf_option hf_guard_options[];

/* What the configuration borrows. */
struct hf_serve_guard {
	struct hf_custody_config keys;
	struct hf_user user;
	struct hf_strv read, write, known, shut;
};
#define HF_SERVE_GUARD_INIT \
	{                   \
		.read = HF_STRV_INIT, .write = HF_STRV_INIT, .known = HF_STRV_INIT, \
		.shut = HF_STRV_INIT }

/* Checks what was asked for, starts the signer, and fills config; before anything is loaded. */
int hf_serve_guard_begin(struct hf_serve_guard *guard, const struct hf_serve_opts *opts,
			 struct hf_serve_source *source, struct hf_gateway_config *config,
			 struct hf_err *err);
/* The signer ends; after everything that was loaded has gone. */
void hf_serve_guard_end(struct hf_serve_guard *guard, struct hf_gateway_config *config);

#endif
