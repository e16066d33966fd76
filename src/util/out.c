/* SPDX-License-Identifier: Apache-2.0 */
/* Result and messages.  Must never let foreign bytes reach a terminal unescaped, and never say
 * success when stdout did not take the result. */
#include "util/out.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/complaint.h"

enum { FLUSH_AT = 64 * 1024, TABLE_COLUMNS = 32, TABLE_BLOCK = 500 };

void hf_out_init(struct hf_out *out, bool json_mode, bool quiet, bool verbose, bool no_color)
{
	const char *no = getenv("NO_COLOR");

	*out = (struct hf_out){ .json_mode = json_mode, .quiet = quiet, .verbose = verbose };
	out->may_color = !no_color && !(no && *no) && !hf_str_eq(getenv("TERM"), "dumb");
	out->color = out->may_color && isatty(STDOUT_FILENO);
	hf_buf_init(&out->text, HF_OUT_CAP);
	hf_json_init(&out->json, &out->text, true);
}

static void fail(struct hf_out *out, int errnum)
{
	if (!out->failed)
		out->why = errnum;
	out->failed = true;
}

void hf_out_flush(struct hf_out *out)
{
	if (hf_buf_failed(&out->text))
		fail(out, ENOMEM);
	if (!out->failed && out->text.len > 0 &&
	    fwrite(out->text.data, 1, out->text.len, stdout) != out->text.len)
		fail(out, errno);
	if (fflush(stdout) != 0)
		fail(out, errno);
	hf_buf_clear(&out->text);
}

int hf_out_finish(struct hf_out *out, struct hf_err *err)
{
	hf_out_flush(out);
	hf_buf_done(&out->text);
	if (!out->failed)
		return 0;
	return hf_err_errno(err, out->why, "cannot write to standard output");
}

static void flush_when_large(struct hf_out *out)
{
	if (out->text.len > FLUSH_AT)
		hf_out_flush(out);
}

void hf_out_print(struct hf_out *out, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	int n;

	if (out->json_mode)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(text)) {
		(void)hf_buf_append(&out->text, text, (size_t)n);
	} else if (n >= 0 && hf_buf_reserve(&out->text, (size_t)n) == 0) {
		va_start(ap, fmt);
		(void)vsnprintf(out->text.data + out->text.len, (size_t)n + 1, fmt, ap);
		va_end(ap);
		out->text.len += (size_t)n;
	}
	flush_when_large(out);
}

void hf_out_safe(struct hf_out *out, const char *text)
{
	if (!out->json_mode)
		(void)hf_str_escape(&out->text, text, strlen(text));
	flush_when_large(out);
}

void hf_out_raw(struct hf_out *out, const void *data, size_t len)
{
	(void)hf_buf_append(&out->text, data, len);
	flush_when_large(out);
}

void hf_out_json_begin(struct hf_out *out)
{
	hf_json_object_begin(&out->json, NULL);
}

void hf_out_json_end(struct hf_out *out)
{
	hf_json_object_end(&out->json);
	hf_json_end_line(&out->json);
}

static void message(const char *lead, const char *fmt, va_list ap)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(64 * 1024);
	char text[8192];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	for (char *line = text, *end; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		(void)hf_str_escape(&safe, line, strlen(line));
		if (end)
			(void)hf_buf_puts(&safe, "\n  ");
	}
	(void)fprintf(stderr, "handfast: %s%s\n", lead, hf_buf_str(&safe));
	(void)fflush(stderr);
}

void hf_out_note(struct hf_out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->quiet)
		return;
	va_start(ap, fmt);
	message("", fmt, ap);
	va_end(ap);
}

void hf_out_debug(struct hf_out *out, const char *fmt, ...)
{
	va_list ap;

	if (!out->verbose)
		return;
	va_start(ap, fmt);
	message("", fmt, ap);
	va_end(ap);
}

void hf_out_warn(struct hf_out *out, const char *fmt, ...)
{
	va_list ap;

	(void)out;
	va_start(ap, fmt);
	message("warning: ", fmt, ap);
	va_end(ap);
}

/* A half-written result would be read as a whole one: what is not yet out is dropped. */
void hf_out_error(struct hf_out *out, const struct hf_err *err)
{
	if (out->json_mode) {
		hf_buf_clear(&out->text);
		hf_json_init(&out->json, &out->text, true);
		hf_out_json_begin(out);
		hf_complaint_json(&out->json, err);
		hf_out_json_end(out);
	}
	hf_complaint_print(err, out->may_color);
}

const char *hf_out_color(const struct hf_out *out, enum hf_color color)
{
	static const char *const codes[] = {
		[HF_COLOR_PLAIN] = "\x1b[0m",	[HF_COLOR_BOLD] = "\x1b[1m",
		[HF_COLOR_RED] = "\x1b[31m",	[HF_COLOR_GREEN] = "\x1b[32m",
		[HF_COLOR_YELLOW] = "\x1b[33m",
	};

	return out->color ? codes[color] : "";
}

int hf_table_add(struct hf_table *t, const char *cell)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(64 * 1024);

	if (hf_str_escape(&safe, cell, strlen(cell)) < 0)
		return -HF_E_LIMIT;
	return hf_strv_add(&t->cells, hf_buf_str(&safe));
}

int hf_table_add_row(struct hf_table *t, const char *const *cells)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->columns; i++)
		rc = hf_table_add(t, cells[i]);
	return rc;
}

static size_t width(const char *s)
{
	return hf_str_columns(s, strlen(s));
}

static void measure(const struct hf_table *t, size_t widest[TABLE_COLUMNS])
{
	for (size_t i = 0; i < t->cells.len; i++) {
		size_t *w = &widest[i % t->columns];

		*w = HF_MAX(*w, width(t->cells.items[i]));
	}
}

void hf_table_print(const struct hf_table *t, struct hf_out *out)
{
	size_t widest[TABLE_COLUMNS] = { 0 };

	assert(t->columns > 0 && t->columns <= TABLE_COLUMNS);
	measure(t, widest);
	for (size_t i = 0; i < t->cells.len; i++) {
		size_t column = i % t->columns;
		const char *cell = t->cells.items[i];
		bool last = column + 1 == t->columns;

		hf_out_print(out, "%s%s", i < t->columns ? hf_out_color(out, HF_COLOR_BOLD) : "",
			     cell);
		hf_out_print(out, "%s", i < t->columns ? hf_out_color(out, HF_COLOR_PLAIN) : "");
		if (last)
			hf_out_print(out, "\n");
		else
			hf_out_print(out, "%*s", (int)(widest[column] - width(cell) + 2), "");
	}
}

void hf_table_done(struct hf_table *t)
{
	hf_strv_done(&t->cells);
}

int hf_table_stream(struct hf_table *t, const char *const *head, const char *const *cells,
		    struct hf_out *out)
{
	int rc = t->cells.len ? 0 : hf_table_add_row(t, head);

	if (rc == 0)
		rc = hf_table_add_row(t, cells);
	if (rc == 0 && t->cells.len > TABLE_BLOCK * t->columns)
		hf_table_flush(t, out);
	return rc;
}

void hf_table_flush(struct hf_table *t, struct hf_out *out)
{
	if (t->cells.len)
		hf_table_print(t, out);
	hf_table_done(t);
}
