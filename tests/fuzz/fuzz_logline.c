/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of another program's log: any bytes.  What is found must be a reason that exists. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "explain/logline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct hf_log_meaning *meaning)
{
	if (meaning->candidates_len == 0 || meaning->candidates_len > HF_CANDIDATES)
		abort();
	for (size_t i = 0; i < meaning->candidates_len; i++) {
		if (meaning->candidates[i] == HF_REASON_NONE ||
		    meaning->candidates[i] >= HF_REASON_COUNT)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(cstr) text = hf_str_ndup((const char *)data, size);
	struct hf_log_context context;
	struct hf_log_meaning meaning;

	if (text == NULL)
		return 0;
	hf_log_context_init(&context, text);

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (hf_log_line_read(line, &context, &meaning))
			check(&meaning);
		if (hf_log_line_read(line, NULL, &meaning))
			check(&meaning);
	}
	return 0;
}
