/* SPDX-License-Identifier: Apache-2.0 */
/* How far a long piece of work has come, on one line of a terminal. */
#ifndef HF_CLI_SIGN_PROGRESS_H
#define HF_CLI_SIGN_PROGRESS_H

#include "util/out.h"

struct hf_progress {
	size_t total;
	int64_t started_ms;
	bool wanted, shown;
};
/* Shows nothing unless stderr is a terminal, and nothing with --quiet or --json. */
void hf_progress_begin(struct hf_progress *p, const struct hf_out *out, size_t total);
void hf_progress_show(struct hf_progress *p, size_t done);
/* Before anything else is written to the terminal. */
void hf_progress_clear(struct hf_progress *p);

#endif
