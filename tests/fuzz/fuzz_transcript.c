/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake messages of a stranger: any bytes, in any order, from either side. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is a row of messages: a byte of flags, two of length, the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_transcript) t;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);

	hf_transcript_init(&t, NULL);
	while (size >= 3) {
		size_t len = (size_t)data[1] << 8 | data[2];

		len = HF_MIN(len, size - 3);
		if (data[0] & 2)
			t.choice.version = data[0] & 4 ? 0x0304 : 0x0303;
		if (data[0] & 8)
			hf_transcript_first(&t, data + 3, len);
		else
			hf_transcript_message(&t, data[0] & 1, data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	for (size_t i = 0; i < t.len; i++) {
		hf_buf_clear(&text);
		(void)hf_event_format(&t.events[i], &text);
		for (const char *c = hf_buf_str(&text); *c; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				abort();
		}
	}
	return 0;
}
