/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer.  Must never emit anything that is not valid RFC 8259, whatever bytes it is
 * given. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

void hf_json_init(struct hf_json *j, struct hf_buf *out, bool pretty)
{
	*j = (struct hf_json){ .out = out, .pretty = pretty };
}

static void newline(struct hf_json *j)
{
	if (!j->pretty || j->depth == 0)
		return;
	(void)hf_buf_putc(j->out, '\n');
	for (int i = 0; i < j->depth; i++)
		(void)hf_buf_puts(j->out, "  ");
}

static size_t utf8_len(const uint8_t *s, size_t len)
{
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

/* ASCII that stands for itself. */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static size_t plain_len(const uint8_t *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_plain(s[n]))
		n++;
	return n;
}

static void put_escaped(struct hf_buf *out, uint8_t c)
{
	static const char shorts[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *p = c ? strchr(shorts, c) : NULL;

	if (p)
		(void)hf_buf_printf(out, "\\%c", letters[p - shorts]);
	else
		(void)hf_buf_printf(out, "\\u%04x", c);
}

static void put_string(struct hf_buf *out, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	(void)hf_buf_putc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = plain_len(p + i, len - i);

		if (n == 0 && (n = utf8_len(p + i, len - i)) <= 1) {
			if (n == 0)
				(void)hf_buf_puts(out, "\xef\xbf\xbd");
			else
				put_escaped(out, p[i]);
			i++;
			continue;
		}
		(void)hf_buf_append(out, s + i, n);
		i += n;
	}
	(void)hf_buf_putc(out, '"');
}

static void begin_value(struct hf_json *j, const char *key)
{
	if (j->need_comma)
		(void)hf_buf_puts(j->out, j->pretty ? "," : ", ");
	newline(j);
	if (key) {
		put_string(j->out, key, strlen(key));
		(void)hf_buf_puts(j->out, ": ");
	}
	j->need_comma = true;
}

static void begin(struct hf_json *j, const char *key, char c)
{
	begin_value(j, key);
	(void)hf_buf_putc(j->out, c);
	j->depth++;
	j->need_comma = false;
}

static void end(struct hf_json *j, char c)
{
	bool empty = !j->need_comma;

	j->depth--;
	if (!empty) {
		if (j->depth > 0)
			newline(j);
		else if (j->pretty)
			(void)hf_buf_putc(j->out, '\n');
	}
	(void)hf_buf_putc(j->out, c);
	j->need_comma = true;
}

void hf_json_object_begin(struct hf_json *j, const char *key)
{
	begin(j, key, '{');
}

void hf_json_object_end(struct hf_json *j)
{
	end(j, '}');
}

void hf_json_array_begin(struct hf_json *j, const char *key)
{
	begin(j, key, '[');
}

void hf_json_array_end(struct hf_json *j)
{
	end(j, ']');
}

void hf_json_stringn(struct hf_json *j, const char *key, const char *value, size_t len)
{
	begin_value(j, key);
	put_string(j->out, value, len);
}

void hf_json_string(struct hf_json *j, const char *key, const char *value)
{
	if (!value)
		hf_json_null(j, key);
	else
		hf_json_stringn(j, key, value, strlen(value));
}

void hf_json_int(struct hf_json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	(void)hf_buf_put_int(j->out, value);
}

void hf_json_bool(struct hf_json *j, const char *key, bool value)
{
	begin_value(j, key);
	(void)hf_buf_puts(j->out, value ? "true" : "false");
}

void hf_json_raw(struct hf_json *j, const char *key, const char *data, size_t len)
{
	begin_value(j, key);
	(void)hf_buf_append(j->out, data, len);
}

void hf_json_null(struct hf_json *j, const char *key)
{
	begin_value(j, key);
	(void)hf_buf_puts(j->out, "null");
}

void hf_json_time(struct hf_json *j, const char *key, int64_t at)
{
	char text[HF_TIME_TEXT_CAP];

	hf_time_format(at, text);
	hf_json_string(j, key, text);
}

void hf_json_hex(struct hf_json *j, const char *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	char two[3];

	begin_value(j, key);
	(void)hf_buf_putc(j->out, '"');
	for (size_t i = 0; i < len; i++) {
		hf_hex_encode(p + i, 1, two);
		(void)hf_buf_puts(j->out, two);
	}
	(void)hf_buf_putc(j->out, '"');
}

void hf_json_double(struct hf_json *j, const char *key, double value)
{
	if (!isfinite(value)) {
		hf_json_null(j, key);
		return;
	}
	begin_value(j, key);
	(void)hf_buf_printf(j->out, "%.3f", value);
}

void hf_json_end_line(struct hf_json *j)
{
	(void)hf_buf_putc(j->out, '\n');
}
