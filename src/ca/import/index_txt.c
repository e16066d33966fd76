/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes index.txt.  Must never take a line for less than it says: a row that it does not
 * understand is an error with its line number, not a certificate that is forgotten. */
#include "ca/import/index_txt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "pki/crl.h"

enum { COLUMNS = 6, STATUS = 0, EXPIRY, REVOCATION, SERIAL, FILE_NAME, SUBJECT };

/* The words of OpenSSL's crl_reasons[] that RFC 5280 does not have. */
static const struct {
	const char *word;
	int reason;
} reasons[] = {
	{ "holdInstruction", 6 },
	{ "keyTime", 1 },
	{ "CAkeyTime", 2 },
};

struct reading {
	const char *name;
	size_t line;
	struct hf_err *err;
};

void hf_index_done(struct hf_index *index)
{
	for (size_t i = 0; i < index->len; i++) {
		free(index->rows[i].file);
		free(index->rows[i].subject);
	}
	free(index->rows);
	*index = (struct hf_index)HF_INDEX_INIT;
}

static int wrong(const struct reading *r, const char *what, const char *have)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(1024);

	(void)hf_str_escape(&safe, have, strnlen(have, 80));
	return hf_err_set(r->err, HF_E_PARSE, "%s:%zu: %s: '%s'", r->name, r->line, what,
			  hf_buf_str(&safe));
}

static bool digits(const char *text, size_t len, int *ret)
{
	int value = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*ret = value;
	return true;
}

bool hf_index_time_parse(const char *text, int64_t *ret_at)
{
	static const int last[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	size_t len = strlen(text), year_len = len == 15 ? 4 : 2;
	int year, f[5] = { 0 };
	bool leap;

	if ((len != 13 && len != 15) || text[len - 1] != 'Z' || !digits(text, year_len, &year))
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(f); i++) {
		if (!digits(text + year_len + 2 * i, 2, &f[i]))
			return false;
	}
	if (year_len == 2) /* RFC 5280 4.1.2.5.1 */
		year += year >= 50 ? 1900 : 2000;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (f[0] < 1 || f[0] > 12 || f[1] < 1 ||
	    f[1] > last[f[0] - 1] + (leap && f[0] == 2 ? 1 : 0) || f[2] > 23 || f[3] > 59 ||
	    f[4] > 59)
		return false;
	*ret_at = hf_time_from_civil(year, f[0], f[1], f[2], f[3], f[4]);
	return true;
}

static void format_time(int64_t at, char out[HF_TIME_TEXT_CAP])
{
	struct tm tm;

	hf_time_to_civil(at, &tm);
	if (tm.tm_year >= 50 && tm.tm_year < 150) /* UTCTime until 2049 */
		(void)snprintf(out, HF_TIME_TEXT_CAP, "%02d%02d%02d%02d%02d%02dZ", tm.tm_year % 100,
			       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	else
		(void)snprintf(out, HF_TIME_TEXT_CAP, "%04d%02d%02d%02d%02d%02dZ",
			       (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			       tm.tm_min, tm.tm_sec);
}

/* --- numbers --- */

static bool number_parse(const char *text, size_t len, char ret[HF_INDEX_SERIAL_CAP])
{
	size_t zeros = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	while (zeros + 1 < len && text[zeros] == '0')
		zeros++;
	if (len - zeros >= HF_INDEX_SERIAL_CAP)
		return false;
	for (size_t i = zeros; i < len; i++)
		ret[i - zeros] = hf_ascii_lower(text[i]);
	ret[len - zeros] = '\0';
	return true;
}

int hf_hex_number_parse(const char *data, size_t len, const char *name,
			char ret_number[HF_INDEX_SERIAL_CAP], struct hf_err *err)
{
	const struct reading r = { name, 1, err };
	char line[128];
	size_t used = 0;

	while (used < len && used < sizeof(line) - 1 && data[used] && !strchr("\r\n", data[used]))
		used++;
	memcpy(line, data, used);
	line[used] = '\0';
	while (used > 0 && (line[used - 1] == ' ' || line[used - 1] == '\t'))
		line[--used] = '\0';
	if (!number_parse(line, used, ret_number))
		return wrong(&r, "not a number in hexadecimal", line);
	return 0;
}

void hf_hex_number_format(const char *number, char out[HF_INDEX_SERIAL_CAP + 1])
{
	size_t at = 0;

	if (strlen(number) % 2)
		out[at++] = '0';
	for (; *number && at < HF_INDEX_SERIAL_CAP; number++) {
		char c = *number;

		out[at++] = (char)(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
	}
	out[at] = '\0';
}

int hf_hex_number_next(char number[HF_INDEX_SERIAL_CAP], struct hf_err *err)
{
	static const char next[] = "123456789abcdef0";
	size_t len = strlen(number), i = len;

	while (i > 0) {
		char *c = &number[--i];

		*c = next[*c <= '9' ? *c - '0' : *c - 'a' + 10];
		if (*c != '0')
			return 0;
	}
	if (len + 1 >= HF_INDEX_SERIAL_CAP)
		return hf_err_set(err, HF_E_LIMIT, "there is no serial number after %s…", number);
	memmove(number + 1, number, len + 1);
	number[0] = '1';
	return 0;
}

/* --- rows --- */

/* Cuts the line at its tabs; "\<tab>" is a tab inside a column.  Returns the number of columns. */
static size_t split(char *line, char *columns[COLUMNS])
{
	size_t n = 0;
	char *to = line, *from = line;
	bool escape = false;

	columns[n++] = to;
	for (; *from; from++) {
		if (*from == '\t' && !escape) {
			*to++ = '\0';
			if (n == COLUMNS)
				return n + 1;
			columns[n++] = to;
			continue;
		}
		if (*from == '\t')
			to--;
		escape = *from == '\\';
		*to++ = *from;
	}
	*to = '\0';
	return n;
}

static int parse_reason(const struct reading *r, const char *word, struct hf_index_row *row)
{
	row->reason = hf_crl_reason_parse(word);
	for (size_t i = 0; i < HF_ARRAY_LEN(reasons); i++) {
		if (hf_str_case_eq(word, reasons[i].word)) {
			row->reason = reasons[i].reason;
			row->reason_extra = true;
		}
	}
	return row->reason >= 0 ? 0 : wrong(r, "an unknown reason for a revocation", word);
}

/* "date[,reason[,what the reason needs]]" */
static int parse_revocation(const struct reading *r, char *text, struct hf_index_row *row)
{
	char *reason = strchr(text, ',');
	char *extra = reason ? strchr(reason + 1, ',') : NULL;

	if (reason)
		*reason++ = '\0';
	if (extra)
		*extra = '\0';
	if (!hf_index_time_parse(text, &row->revoked_at))
		return wrong(r, "not a time of revocation (YYMMDDHHMMSSZ)", text);
	return reason ? parse_reason(r, reason, row) : 0;
}

static int parse_row(const struct reading *r, char *line, struct hf_index_row *row)
{
	char *columns[COLUMNS];
	size_t n = split(line, columns);
	int rc = 0;

	if (n != COLUMNS)
		return hf_err_set(r->err, HF_E_PARSE, "%s:%zu: %s%zu columns where 6 belong",
				  r->name, r->line, n > COLUMNS ? "more than " : "",
				  n > COLUMNS ? (size_t)COLUMNS : n);
	if (strlen(columns[STATUS]) != 1 || !strchr("VRE", *columns[STATUS]))
		return wrong(r, "a status that is not V, R or E", columns[STATUS]);
	row->status = *columns[STATUS];
	if (!hf_index_time_parse(columns[EXPIRY], &row->not_after))
		return wrong(r, "not a time of expiry (YYMMDDHHMMSSZ)", columns[EXPIRY]);
	if (row->status == 'R')
		rc = parse_revocation(r, columns[REVOCATION], row);
	if (rc < 0)
		return rc;
	if (!number_parse(columns[SERIAL], strlen(columns[SERIAL]), row->serial))
		return wrong(r, "not a serial number of at most 20 octets in hexadecimal",
			     columns[SERIAL]);
	row->line = r->line;
	row->file = hf_str_dup(columns[FILE_NAME]);
	row->subject = hf_str_dup(columns[SUBJECT]);
	return 0;
}

static struct hf_index_row *add_row(struct hf_index *index)
{
	if (index->len == index->alloc) {
		size_t alloc = index->alloc ? 2 * index->alloc : 64;
		struct hf_index_row *grown =
		    reallocarray(index->rows, alloc, sizeof(struct hf_index_row));

		if (!grown)
			return NULL;
		index->rows = grown;
		index->alloc = alloc;
	}
	index->rows[index->len] = (struct hf_index_row){ .status = 0 };
	return &index->rows[index->len++];
}

static int parse_line(const struct reading *r, const char *at, size_t len, struct hf_index *index)
{
	HF_AUTO(cstr) line = NULL;
	struct hf_index_row *row;
	int rc;

	if (len > 0 && at[len - 1] == '\r')
		len--;
	if (len == 0 || at[0] == '#')
		return 0;
	if (len > HF_INDEX_LINE_CAP || memchr(at, '\0', len))
		return hf_err_set(r->err, HF_E_PARSE, "%s:%zu: %s", r->name, r->line,
				  len > HF_INDEX_LINE_CAP ? "the line is too long"
							  : "a NUL byte in the line");
	line = hf_str_ndup(at, len);
	row = line ? add_row(index) : NULL;
	if (!row)
		return hf_err_nomem(r->err);
	rc = parse_row(r, line, row);
	if (rc < 0)
		return rc;
	return row->file && row->subject ? 0 : hf_err_nomem(r->err);
}

int hf_index_parse(const char *data, size_t len, const char *name, struct hf_index *ret_index,
		   struct hf_err *err)
{
	HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
	struct reading r = { name, 0, err };
	size_t at = 0;

	while (at < len) {
		const char *end = memchr(data + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - data) - at : len - at;
		int rc;

		r.line++;
		rc = parse_line(&r, data + at, line_len, &index);
		if (rc < 0)
			return rc;
		at += line_len + 1;
	}
	*ret_index = index;
	index = (struct hf_index)HF_INDEX_INIT;
	return 0;
}

static void put_column(struct hf_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\t')
			(void)hf_buf_putc(out, '\\');
		/* a line end would begin another row */
		(void)hf_buf_putc(out, *text == '\n' || *text == '\r' ? ' ' : *text);
	}
}

int hf_index_format(const struct hf_index_row *row, struct hf_buf *out)
{
	char time[HF_TIME_TEXT_CAP], serial[HF_INDEX_SERIAL_CAP + 1];

	format_time(row->not_after, time);
	(void)hf_buf_printf(out, "%c\t%s\t", row->status, time);
	if (row->status == 'R') {
		format_time(row->revoked_at, time);
		(void)hf_buf_puts(out, time);
		/* openssl knows neither privilegeWithdrawn nor aACompromise, and would make no list
		 * at all any more */
		if (row->reason > 0 && row->reason <= 8 && hf_crl_reason_name(row->reason))
			(void)hf_buf_printf(out, ",%s",
					    row->reason == 2 ? "CACompromise"
							     : hf_crl_reason_name(row->reason));
	}
	hf_hex_number_format(row->serial, serial);
	(void)hf_buf_printf(out, "\t%s\t%s\t", serial, row->file);
	put_column(out, row->subject);
	(void)hf_buf_putc(out, '\n');
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}
