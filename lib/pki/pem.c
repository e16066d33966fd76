/* SPDX-License-Identifier: Apache-2.0 */
/* PEM blocks out of text.  Must never skip a damaged block: half a bundle is worse than none. */
#include "pki/pem.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ", dashes[] = "-----";

struct line {
	const char *s;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next line without the blanks around it. */
static bool next_line(struct hf_pem_reader *r, struct line *ret)
{
	const char *nl;

	if (r->at >= r->end)
		return false;
	nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
	*ret = (struct line){ r->at, (size_t)((nl ? nl : r->end) - r->at) };
	r->at = nl ? nl + 1 : r->end;
	while (ret->len > 0 && is_blank(ret->s[0])) {
		ret->s++;
		ret->len--;
	}
	while (ret->len > 0 && is_blank(ret->s[ret->len - 1]))
		ret->len--;
	return true;
}

static bool starts(const struct line *l, const char *mark)
{
	size_t n = strlen(mark);

	return l->len >= n && memcmp(l->s, mark, n) == 0;
}

/* The label between mark and closing dashes; false when the line is not well formed. */
static bool read_label(const struct line *l, const char *mark, char *out)
{
	size_t head = strlen(mark), tail = strlen(dashes);
	size_t len = l->len > head + tail ? l->len - head - tail : 0;

	if (len == 0 || len >= HF_PEM_LABEL_CAP || memcmp(l->s + l->len - tail, dashes, tail) != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (l->s[head + i] < 0x20 || l->s[head + i] > 0x7e)
			return false;
	}
	memcpy(out, l->s + head, len);
	out[len] = '\0';
	return true;
}

/* Finds a BEGIN line; 0 at the end of the text. */
static int find_begin(struct hf_pem_reader *r, char *label, struct hf_err *err)
{
	struct line l;

	while (next_line(r, &l)) {
		if (starts(&l, end_mark)) {
			(void)hf_err_set(err, HF_E_PARSE,
					 "block %zu has an END line but no BEGIN line",
					 r->number + 1);
			return hf_err_hint(err, "the beginning is missing: copy the file again");
		}
		if (!starts(&l, begin_mark))
			continue;
		r->number++;
		if (read_label(&l, begin_mark, label))
			return 1;
		return hf_err_set(err, HF_E_PARSE, "block %zu has a damaged BEGIN line", r->number);
	}
	return 0;
}

/* Old encrypted keys put "Proc-Type:" and "DEK-Info:" and an empty line before the base64. */
static void read_headers(struct hf_pem_reader *r, struct hf_buf *out)
{
	struct hf_pem_reader ahead = *r;
	struct line l;

	if (!next_line(&ahead, &l) || !memchr(l.s, ':', l.len))
		return;
	while (next_line(r, &l) && l.len > 0 && !starts(&l, end_mark)) {
		(void)hf_buf_append(out, l.s, l.len);
		(void)hf_buf_putc(out, '\n');
	}
}

static int cut_off(const struct hf_pem_reader *r, const char *label, struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_PARSE, "block %zu (%s) is cut off: it has no END line",
			 r->number, label);
	return hf_err_hint(err, "the file is damaged: copy it again");
}

/* Base64 up to the END line with the same label. */
static int read_body(struct hf_pem_reader *r, struct hf_pem_block *block, struct hf_err *err)
{
	const char *start = r->at, *stop = r->at;
	char label[HF_PEM_LABEL_CAP] = "";
	struct line l;

	for (;; stop = r->at) {
		if (!next_line(r, &l) || starts(&l, begin_mark))
			return cut_off(r, block->label, err);
		if (starts(&l, end_mark))
			break;
	}
	if (!read_label(&l, end_mark, label) || strcmp(label, block->label) != 0)
		return hf_err_set(err, HF_E_PARSE,
				  "block %zu (%s) has a damaged END line, or that of another block",
				  r->number, block->label);
	if (hf_base64_decode(start, (size_t)(stop - start), &block->der) < 0) {
		(void)hf_err_set(err, HF_E_PARSE, "block %zu (%s) is damaged: it is not base64",
				 r->number, block->label);
		return hf_err_hint(err, "copy the file again");
	}
	return 1;
}

void hf_pem_begin(struct hf_pem_reader *r, const void *data, size_t len)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *text = data;

	/* Windows editors put a byte order mark in front */
	if (len >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		len -= 3;
	}
	*r = (struct hf_pem_reader){ text, text + len, 0 };
}

int hf_pem_next(struct hf_pem_reader *r, struct hf_pem_block *ret, struct hf_err *err)
{
	size_t rest = (size_t)(r->end - r->at);
	int rc;

	*ret = (struct hf_pem_block){ "", HF_BUF_INIT(4096), HF_BUF_INIT(rest) };
	rc = find_begin(r, ret->label, err);
	if (rc <= 0)
		return rc;
	read_headers(r, &ret->headers);
	if (hf_buf_failed(&ret->headers))
		return hf_err_set(err, HF_E_PARSE, "block %zu (%s) has too many header lines",
				  r->number, ret->label);
	return read_body(r, ret, err);
}

void hf_pem_block_done(struct hf_pem_block *block)
{
	hf_buf_done(&block->headers);
	hf_buf_done(&block->der);
}
