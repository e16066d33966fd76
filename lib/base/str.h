/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: bounded copies, ASCII-only comparison (no locale), hex and base64, numbers, and the
 * escaping that every foreign byte passes before it reaches a log or a terminal. */
#ifndef HF_BASE_STR_H
#define HF_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* Copies at most cap - 1 bytes and ends with NUL; false when it did not fit. cap > 0. */
bool hf_str_copy(char *dst, size_t cap, const char *src);
bool hf_str_eq(const char *a, const char *b);          /* NULL equals only NULL */
bool hf_str_case_eq(const char *a, const char *b);     /* ASCII case folding */
bool hf_str_starts(const char *s, const char *prefix);
bool hf_str_ends(const char *s, const char *suffix);
bool hf_mem_case_eq(const void *a, const void *b, size_t len);
bool hf_str_case_find(const char *s, const char *text); /* does text stand somewhere in s? */
char hf_ascii_lower(char c);
/* '*' is any run of bytes; ASCII letters compare without case. */
bool hf_glob_matches(const char *glob, size_t glob_len, const char *text, size_t len);
/* Heap copies; NULL when out of memory.  Owned by the caller (free). */
char *hf_str_dup(const char *s);
char *hf_str_ndup(const char *s, size_t len);
char *hf_str_printf(const char *fmt, ...) HF_PRINTF(1, 2);

/* Decimal, whole string, no sign for u64, no white space; false when malformed or out of range. */
bool hf_str_u64(const char *s, uint64_t max, uint64_t *ret_value);
bool hf_str_i64(const char *s, int64_t *ret_value);

/* Lower-case hex.  out needs 2 * len + 1 bytes. */
void hf_hex_encode(const void *data, size_t len, char *out);
/* Of one digit in upper or lower case; -1: it is none. */
int hf_hex_value(char c);
/* Upper or lower case, ':' and ' ' between bytes allowed; false when malformed or more than cap. */
bool hf_hex_decode(const char *s, void *out, size_t cap, size_t *ret_len);
/* Standard base64 with padding, one line; url: RFC 4648 section 5 without padding. */
int hf_base64_encode(const void *data, size_t len, struct hf_buf *out);
int hf_base64url_encode(const void *data, size_t len, struct hf_buf *out);
/* White space is skipped, padding optional, both alphabets; 0 or -HF_E_PARSE/-HF_E_LIMIT. */
int hf_base64_decode(const char *s, size_t len, struct hf_buf *out);

/* Appends text so that it is one safe line of UTF-8: control bytes, DEL, backslash, invalid UTF-8,
 * bidirectional and line-separator code points become \xNN or \u{N}. */
int hf_str_escape(struct hf_buf *out, const char *s, size_t len);
bool hf_str_is_printable(const char *s, size_t len);   /* true when escaping would change nothing */

/* Columns on a terminal, not bytes: continuation bytes of UTF-8 take no room. */
size_t hf_str_columns(const char *s, size_t len);

/* Fewest single-character edits (insert, delete, replace, swap of neighbours); for hints. */
size_t hf_str_distance(const char *a, const char *b);
/* The nearest of `words` (NULL-terminated) worth suggesting for `word`, or NULL. */
const char *hf_str_nearest(const char *word, const char *const *words);

/* A growing list of owned strings. */
struct hf_strv {
	char **items;   /* items[len] is NULL once anything was added */
	size_t len;
	size_t alloc;
};
#define HF_STRV_INIT { NULL, 0, 0 }
int hf_strv_add(struct hf_strv *v, const char *s);
int hf_strv_addn(struct hf_strv *v, const char *s, size_t len);
/* Splits s at each sep (no trimming, empty parts kept) and adds the parts. */
int hf_strv_split(struct hf_strv *v, const char *s, char sep);
bool hf_strv_has(const struct hf_strv *v, const char *s);
void hf_strv_done(struct hf_strv *v);
HF_DEFINE_AUTO_DONE(hf_strv, struct hf_strv, hf_strv_done);

void hf_cstr_free(char *s);
HF_DEFINE_AUTO(cstr, char, hf_cstr_free); /* HF_AUTO(cstr) s = NULL; */

#endif
