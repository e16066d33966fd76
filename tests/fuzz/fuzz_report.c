/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker reports of its connections: no crash; what is taken of it is one array of JSON on
 * one line, and is taken again as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "gateway/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 4, CAP = 64 * 1024 };

static void check_array(const struct hf_buf *rows)
{
	HF_AUTO_DONE(hf_buf) array = HF_BUF_INIT(CAP + 2);
	json_t *parsed;

	if (hf_buf_printf(&array, "[%s]", hf_buf_str(rows)) < 0 || strchr(array.data, '\n') != NULL)
		abort();
	parsed = json_loadb(array.data, array.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_array(parsed) || json_array_size(parsed) > ROWS)
		abort();
	json_decref(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_buf) first = HF_BUF_INIT(CAP), again = HF_BUF_INIT(CAP);

	if (!hf_report_read((const char *)data, size, 1, ROWS, &first))
		return 0;
	check_array(&first);
	if (!hf_report_read(first.data, first.len, 1, ROWS, &again) || first.len != again.len ||
	    (first.len > 0 && memcmp(first.data, again.data, first.len) != 0))
		abort();
	return 0;
}
