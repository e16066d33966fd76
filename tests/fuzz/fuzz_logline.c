/* SPDX-License-Identifier: Apache-2.0 */
/* A line of another program's log: any bytes.  What is found must be a reason that exists. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "explain/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(cstr) line = hf_str_ndup((const char *)data, size);
	struct hf_log_meaning meaning;

	if (line == NULL || !hf_log_line_read(line, &meaning))
		return 0;
	if (meaning.candidates_len == 0 || meaning.candidates_len > HF_CANDIDATES)
		abort();
	for (size_t i = 0; i < meaning.candidates_len; i++) {
		if (meaning.candidates[i] == HF_REASON_NONE ||
		    meaning.candidates[i] >= HF_REASON_COUNT)
			abort();
	}
	return 0;
}
