/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapping words.  Must never cut one. */
#include "util/wrap.h"

#include <string.h>

#include "base/str.h"

void hf_wrap(struct hf_buf *out, const char *text, size_t indent, size_t at)
{
	while (*text) {
		size_t len = strcspn(text, " \n"), columns = hf_str_columns(text, len);

		if (at > indent && at + 1 + columns > HF_WRAP_WIDTH) {
			(void)hf_buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			(void)hf_buf_putc(out, ' ');
			at++;
		}
		(void)hf_buf_append(out, text, len);
		at += columns;
		text += len;
		if (text[0] == '\n' && text[1] == '\n') {
			(void)hf_buf_printf(out, "\n\n%*s", (int)indent, "");
			at = indent;
		}
		text += strspn(text, " \n");
	}
	(void)hf_buf_putc(out, '\n');
}
