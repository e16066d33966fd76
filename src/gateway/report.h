/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's report of its connections (worker_admin.c writes it), as the supervisor reads it for
 * the admin socket.  A worker talks to strangers, so what it wrote counts as theirs. */
#ifndef HF_GATEWAY_REPORT_H
#define HF_GATEWAY_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { HF_REPORT_ROW_CAP = 1024 * 1024 };

/* text: JSON objects with commas between, as worker number `worker` writes them, at most rows_cap.
 * Writes them anew, in the same form, into the empty `out`.  False when one is no such row: it has
 * another key or type, speaks for another worker, or is too long; then out holds what is of no
 * use. */
bool hf_report_read(const char *text, size_t len, size_t worker, size_t rows_cap,
		    struct hf_buf *out);

#endif
