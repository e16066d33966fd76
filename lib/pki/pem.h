/* SPDX-License-Identifier: Apache-2.0 */
/* Textual encoding (RFC 7468, and RFC 1421 headers of old private keys), block by block; for
 * lib/pki only. */
#ifndef HF_PKI_PEM_H
#define HF_PKI_PEM_H

#include <stdint.h>

#include "base/buf.h"

enum { HF_PEM_LABEL_CAP = 64 };

struct hf_pem_reader {
	const char *at, *end;
	size_t number;   /* blocks begun so far */
};

struct hf_pem_block {
	char label[HF_PEM_LABEL_CAP];
	/* lines up to the empty one, each with '\n'; empty when there are none */
	struct hf_buf headers;
	struct hf_buf der;
};

void hf_pem_begin(struct hf_pem_reader *r, const void *data, size_t len);
/* 1 and a block, 0 at the end, negative when a block is damaged: the message names its number and
 * kind. *ret needs no initialisation; release it with hf_pem_block_done in each case. */
int hf_pem_next(struct hf_pem_reader *r, struct hf_pem_block *ret, struct hf_err *err);
void hf_pem_block_done(struct hf_pem_block *block);

#endif
