/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of index.txt: what it accepts it must write and read again as the same row; the reader
 * of serial files: a number that was written is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ca/import/index_txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct hf_index_row *row)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(HF_INDEX_LINE_CAP * 4);
	HF_AUTO_DONE(hf_index) again = HF_INDEX_INIT;
	struct hf_err err = HF_ERR_INIT;

	/* tabs in the file's name and what follows a reason are not written */
	if (strchr(row->file, '\t') || strchr(row->subject, '\r') || row->file[0] == '#')
		return;
	if (hf_index_format(row, &line) < 0 ||
	    hf_index_parse(hf_buf_str(&line), line.len, "again", &again, &err) < 0 ||
	    again.len != 1)
		abort();
	if (again.rows[0].status != row->status || again.rows[0].not_after != row->not_after ||
	    again.rows[0].revoked_at != row->revoked_at ||
	    strcmp(again.rows[0].serial, row->serial) != 0 ||
	    strcmp(again.rows[0].subject, row->subject) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
	char number[HF_INDEX_SERIAL_CAP], written[HF_INDEX_SERIAL_CAP + 1];
	struct hf_err err = HF_ERR_INIT;

	if (hf_index_parse((const char *)data, size, "fuzz", &index, &err) < 0 && !err.msg[0])
		abort();
	for (size_t i = 0; i < index.len; i++)
		check_row(&index.rows[i]);
	if (hf_hex_number_parse((const char *)data, size, "fuzz", number, &err) == 0) {
		char again[HF_INDEX_SERIAL_CAP];

		hf_hex_number_format(number, written);
		if (hf_hex_number_parse(written, strlen(written), "again", again, &err) < 0 ||
		    strcmp(number, again) != 0)
			abort();
		(void)hf_hex_number_next(number, &err);
	}
	return 0;
}
