/* SPDX-License-Identifier: Apache-2.0 */
/* A bearer token as a client sent it. */
#include <stdlib.h>
#include <string.h>

#include "gateway/bound_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t first[HF_SHA256_LEN] = { 0 }, second[HF_SHA256_LEN] = { 0xff };
	enum hf_token_kind kind = hf_token_look((const char *)data, size, first);

	/* The same bytes mean the same, whatever stood in the output before. */
	if (hf_token_look((const char *)data, size, second) != kind)
		abort();
	if (kind == HF_TOKEN_BOUND && memcmp(first, second, sizeof(first)) != 0)
		abort();
	return 0;
}
