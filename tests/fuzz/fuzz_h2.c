/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of HTTP/2 sends: no crash, and the same answer whole and byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/h2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct hf_h2_reader *r, const uint8_t *data, size_t size, size_t piece)
{
	HF_AUTO_DONE(hf_buf) reply = HF_BUF_INIT(1 << 20);

	hf_h2_reader_init(r);
	for (size_t at = 0; at < size; at += piece)
		hf_h2_take(r, data + at, piece < size - at ? piece : size - at, &reply);
	if (r->status != 0 && (r->status < 200 || r->status > 999))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_h2_reader) whole;
	HF_AUTO_DONE(hf_h2_reader) bytes;

	read_all(&whole, data, size, size);
	read_all(&bytes, data, size, 1);
	if (whole.status != bytes.status || whole.error != bytes.error ||
	    whole.ended != bytes.ended || whole.body_len != bytes.body_len)
		abort();
	(void)hf_h2_begins(data, size);
	return 0;
}
