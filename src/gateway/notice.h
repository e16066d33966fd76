/* SPDX-License-Identifier: Apache-2.0 */
/* A notice in memory that processes of one gateway share: one writes, all read the last thing that
 * was put up, whole.  Made before the fork; new children see what is there, and give up what they
 * could write it with (hf_notice_only_read). */
#ifndef HF_GATEWAY_NOTICE_H
#define HF_GATEWAY_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct hf_notice;

int hf_notice_new(struct hf_notice **ret_board, struct hf_err *err);
void hf_notice_free(struct hf_notice *notice);
HF_DEFINE_AUTO(hf_notice, struct hf_notice, hf_notice_free);

/* In a child, for good: it reads from now on.  NULL does nothing. */
int hf_notice_only_read(struct hf_notice *notice, struct hf_err *err);
/* Only one process at a time may write.  mark: a number that goes with the bytes. */
int hf_notice_write(struct hf_notice *notice, int64_t mark, const void *data, size_t len,
		   struct hf_err *err);
/* How often it was written: 0 while there is nothing. */
uint64_t hf_notice_version(const struct hf_notice *notice);
/* Into `out`, cleared first.  1 while there is nothing. */
int hf_notice_read(const struct hf_notice *notice, struct hf_buf *out, int64_t *ret_mark,
		  uint64_t *ret_version, struct hf_err *err);

#endif
