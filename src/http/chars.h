/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes may stand where in HTTP (RFC 9110 5.6.2, 5.5; RFC 3986).  One table, no locale. */
#ifndef HF_HTTP_CHARS_H
#define HF_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hf_http_char {
	HF_CHAR_TOKEN = 1,  /* tchar */
	HF_CHAR_VALUE = 2,  /* field-vchar, SP and HTAB: what a field value may hold */
	HF_CHAR_TARGET = 4, /* in a request target, '%' included */
	HF_CHAR_HOST = 8,   /* in a reg-name, '%' included */
	HF_CHAR_HEX = 16,
	HF_CHAR_DIGIT = 32,
};

extern const uint8_t hf_http_chars[128];

static inline bool hf_http_is(char c, unsigned kinds)
{
	unsigned char byte = (unsigned char)c;

	/* obs-text may stand in field values and nowhere else. */
	return ((byte < 128 ? hf_http_chars[byte] : HF_CHAR_VALUE) & kinds) != 0;
}

/* All len bytes are of the kind; true for none. */
bool hf_http_all(const char *s, size_t len, unsigned kinds);
/* Every '%' is followed by two hex digits. */
bool hf_http_percent_ok(const char *s, size_t len);

/* A piece of somebody else's bytes. */
struct hf_slice {
	const char *data;
	size_t len;
};
bool hf_slice_is(struct hf_slice s, const char *text);	     /* byte for byte */
bool hf_slice_case_is(struct hf_slice s, const char *text);  /* ASCII case folded */
bool hf_slice_starts(struct hf_slice s, const char *prefix); /* byte for byte */
struct hf_slice hf_slice_trim(struct hf_slice s);	     /* without SP and HTAB at both ends */
/* Takes the part up to the next `sep` off the front (trimmed); false when nothing is left.  An
 * empty part counts. *rest starts as the whole text with data != NULL. */
bool hf_slice_next(struct hf_slice *rest, char sep, struct hf_slice *ret_part);

#endif
