/* SPDX-License-Identifier: Apache-2.0 */
/* Text in lines of 80 columns. */
#ifndef HF_UTIL_WRAP_H
#define HF_UTIL_WRAP_H

#include "base/buf.h"

enum { HF_WRAP_WIDTH = 80, HF_WRAP_CAP = 64 * 1024 };

/* Appends text wrapped between `indent` and HF_WRAP_WIDTH, and a newline; the cursor stands at
 * `at`.  An empty line in the text stays one. */
void hf_wrap(struct hf_buf *out, const char *text, size_t indent, size_t at);

#endif
