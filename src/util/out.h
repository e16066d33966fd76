/* SPDX-License-Identifier: Apache-2.0 */
/* Output: the result on stdout, as text or as one JSON object; messages on stderr.
 *
 * A command in JSON mode opens the outermost object with hf_out_json_begin, writes to
 * out->json and closes it with hf_out_json_end; in text mode it uses hf_out_print.  Foreign
 * text goes through hf_out_safe. */
#ifndef HF_UTIL_OUT_H
#define HF_UTIL_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct hf_out {
	bool json_mode, quiet, verbose;
	bool may_color, color;     /* colours are welcome; and stdout is a terminal */
	struct hf_buf text;        /* what goes to stdout at the end, or when it is large */
	struct hf_json json;
	bool failed;               /* stdout could not take it */
	int why;                   /* errno of the first time */
};

enum { HF_OUT_CAP = 256 * 1024 * 1024 };

void hf_out_init(struct hf_out *out, bool json_mode, bool quiet, bool verbose, bool no_color);
/* Writes what is left and tells whether stdout took everything: 0 or -HF_E_IO. */
int hf_out_finish(struct hf_out *out, struct hf_err *err);

/* Text mode only (nothing happens in JSON mode). */
void hf_out_print(struct hf_out *out, const char *fmt, ...) HF_PRINTF(2, 3);
void hf_out_safe(struct hf_out *out, const char *text); /* escaped, so that it is one safe line */
/* both modes: bytes as they are */
void hf_out_raw(struct hf_out *out, const void *data, size_t len);
void hf_out_flush(struct hf_out *out);                      /* to stdout now */

void hf_out_json_begin(struct hf_out *out);
void hf_out_json_end(struct hf_out *out);

/* stderr: "handfast: …" and a newline.  note: unless --quiet; debug: only with --verbose. */
void hf_out_note(struct hf_out *out, const char *fmt, ...) HF_PRINTF(2, 3);
void hf_out_debug(struct hf_out *out, const char *fmt, ...) HF_PRINTF(2, 3);
void hf_out_warn(struct hf_out *out, const char *fmt, ...) HF_PRINTF(2, 3);
/* A failure with its place and help (complaint.h): stderr, and with --json {"error": {…}} on
 * stdout. */
void hf_out_error(struct hf_out *out, const struct hf_err *err);

/* Colours; "" when there is none. */
enum hf_color { HF_COLOR_PLAIN, HF_COLOR_BOLD, HF_COLOR_RED, HF_COLOR_GREEN, HF_COLOR_YELLOW };
const char *hf_out_color(const struct hf_out *out, enum hf_color color);

/* A table with aligned columns: rows of cells, the first row is the heading. */
struct hf_table {
	struct hf_strv cells;
	size_t columns;
};
int hf_table_add(struct hf_table *t, const char *cell);  /* escapes it */
int hf_table_add_row(struct hf_table *t, const char *const *cells); /* `columns` of them */
void hf_table_print(const struct hf_table *t, struct hf_out *out);
void hf_table_done(struct hf_table *t);
/* A row of a table that may be too long for memory: it is printed in blocks, each aligned by itself
 * and under the heading `head`.  What is left at the end is for hf_table_flush. */
int hf_table_stream(struct hf_table *t, const char *const *head, const char *const *cells,
		    struct hf_out *out);
/* Prints what there is, if anything, and empties it. */
void hf_table_flush(struct hf_table *t, struct hf_out *out);

#endif
