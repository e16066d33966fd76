/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of handshake messages; for lib/tls/transcript*.c only. */
#ifndef HF_TLS_TRANSCRIPT_INTERNAL_H
#define HF_TLS_TRANSCRIPT_INTERNAL_H

#include "tls/transcript.h"

/* Reads the body of a message into the transcript, and puts into detail what people want to know.
 */
void hf_transcript_decode(struct hf_transcript *t, bool sent, int type, const uint8_t *body,
			  size_t len, struct hf_buf *detail);

#endif
