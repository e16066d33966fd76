/* SPDX-License-Identifier: Apache-2.0 */
/* Writing YAML.  Must never write a text that is read as anything else than a text. */
#include "util/yaml.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Letters, digits and what names are made of: nothing that YAML reads as anything else. */
static bool is_plain(const char *text)
{
	static const char *const taken[] = { "yes", "no",   "true", "false", "on",
					     "off", "null", "y",    "n",     NULL };

	if (!*text || strchr(" -.", text[0]) || text[strlen(text) - 1] == ' ')
		return false;
	for (size_t i = 0; taken[i]; i++) {
		if (hf_str_case_eq(taken[i], text))
			return false;
	}
	return strspn(text,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ ") ==
	       strlen(text);
}

int hf_yaml_write_scalar(struct hf_buf *out, const char *text)
{
	if (is_plain(text))
		return hf_buf_puts(out, text);
	(void)hf_buf_putc(out, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			(void)hf_buf_printf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			(void)hf_buf_printf(out, "\\x%02x", *p);
		else
			(void)hf_buf_putc(out, (char)*p);
	}
	return hf_buf_putc(out, '"');
}
