/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON writer (RFC 8259) onto an hf_buf: commas and escaping are its business, nesting yours.
 * Every string is written as valid UTF-8: invalid bytes become U+FFFD.  `key` is NULL inside arrays
 * and for the outermost value.  Errors stick to the buffer: check hf_buf_failed once at the end. */
#ifndef HF_BASE_JSON_H
#define HF_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct hf_json {
	struct hf_buf *out;
	int depth;
	bool need_comma;
	bool pretty;      /* two-space indentation; one line otherwise */
};

void hf_json_init(struct hf_json *j, struct hf_buf *out, bool pretty);
void hf_json_object_begin(struct hf_json *j, const char *key);
void hf_json_object_end(struct hf_json *j);
void hf_json_array_begin(struct hf_json *j, const char *key);
void hf_json_array_end(struct hf_json *j);
void hf_json_string(struct hf_json *j, const char *key, const char *value);  /* NULL value: null */
void hf_json_stringn(struct hf_json *j, const char *key, const char *value, size_t len);
void hf_json_int(struct hf_json *j, const char *key, int64_t value);
void hf_json_bool(struct hf_json *j, const char *key, bool value);
/* What is JSON already; in an array perhaps several values with commas between. */
void hf_json_raw(struct hf_json *j, const char *key, const char *data, size_t len);
void hf_json_null(struct hf_json *j, const char *key);
void hf_json_time(struct hf_json *j, const char *key, int64_t at);           /* "2026-…Z" */
void hf_json_hex(struct hf_json *j, const char *key, const void *data, size_t len);
/* 3 decimals; NaN/inf: null */
void hf_json_double(struct hf_json *j, const char *key, double value);
void hf_json_end_line(struct hf_json *j);                                    /* a final newline */

#endif
