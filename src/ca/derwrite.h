/* SPDX-License-Identifier: Apache-2.0 */
/* Writing DER (X.690) at the end of a buffer: the contents first, then their header in front of
 * them.  Failures stay in the buffer (hf_buf_failed), so that callers check once. */
#ifndef HF_CA_DERWRITE_H
#define HF_CA_DERWRITE_H

#include "base/buf.h"

/* Identifier octets, as they stand in the bytes. */
enum hf_derw_tag {
	HF_DERW_BOOLEAN = 0x01,
	HF_DERW_INTEGER = 0x02,
	HF_DERW_BIT_STRING = 0x03,
	HF_DERW_OCTET_STRING = 0x04,
	HF_DERW_OID = 0x06,
	HF_DERW_ENUMERATED = 0x0a,
	HF_DERW_UTC_TIME = 0x17,
	HF_DERW_GENERALIZED_TIME = 0x18,
	HF_DERW_SEQUENCE = 0x30,
	HF_DERW_CONTEXT = 0x80, /* + number: implicit, primitive */
	HF_DERW_EXPLICIT = 0xa0, /* + number */
};

/* What was appended since `start` becomes the contents of one object. */
void hf_derw_wrap(struct hf_buf *b, size_t start, unsigned tag);
void hf_derw_put(struct hf_buf *b, unsigned tag, const void *data, size_t len);
/* A magnitude, big-endian: never negative. */
void hf_derw_integer(struct hf_buf *b, const uint8_t *magnitude, size_t len);
void hf_derw_number(struct hf_buf *b, uint64_t value);
void hf_derw_oid(struct hf_buf *b, int nid);
/* UTCTime until 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5). */
void hf_derw_time(struct hf_buf *b, int64_t at);

/* An extension around the DER of its value. */
void hf_derw_extension(struct hf_buf *b, int nid, bool critical, const void *value, size_t len);

#endif
