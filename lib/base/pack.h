/* SPDX-License-Identifier: Apache-2.0 */
/* Values one after the other in a buffer, for processes of one program on one machine: numbers as
 * they are in memory, bytes behind their length.  Reading never goes past the end: after a value
 * that is not there everything is 0 and empty, and `bad` is set. */
#ifndef HF_BASE_PACK_H
#define HF_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Whether it fitted is told by hf_buf_failed(out), once for all. */
void hf_pack_number(struct hf_buf *out, uint64_t number);
void hf_pack_bytes(struct hf_buf *out, const void *data, size_t len);
void hf_pack_text(struct hf_buf *out, const char *text); /* with its NUL */

/* data is borrowed. */
struct hf_unpack {
	const char *data;
	size_t left;
	bool bad;
};

uint64_t hf_unpack_number(struct hf_unpack *in);
/* Borrowed from the data; NULL when bad. */
const void *hf_unpack_bytes(struct hf_unpack *in, size_t *ret_len);
/* "" when bad. */
const char *hf_unpack_text(struct hf_unpack *in);

#endif
