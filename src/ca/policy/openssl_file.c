/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's reader and, beside it, the lines of what it read.  Must never look at the environment
 * or open another file: hf_opensslcnf_read sees to that. */
#include "ca/policy/openssl_file.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/ossl.h"
#include "base/str.h"

enum { WORD_CAP = 256 };

void hf_openssl_file_free(struct hf_openssl_file *file)
{
	if (!file)
		return;
	NCONF_free(file->conf);
	hf_buf_done(&file->text);
	free(file->name);
	free(file);
}

int hf_openssl_file_parse(const char *data, size_t len, const char *name,
			  struct hf_openssl_file **ret_file, struct hf_err *err)
{
	HF_AUTO(hf_openssl_file) file = calloc(1, sizeof(*file));
	int rc;

	if (!file)
		return hf_err_nomem(err);
	hf_buf_init(&file->text, HF_OPENSSLCNF_CAP);
	file->name = hf_str_dup(name);
	rc = hf_opensslcnf_read(data, len, name, &file->conf, &file->includes, err);
	if (rc < 0)
		return rc;
	if (!file->name || hf_buf_append(&file->text, data, len) < 0)
		return hf_err_nomem(err);
	*ret_file = hf_take(file);
	return 0;
}

int hf_openssl_file_load(const char *path, struct hf_openssl_file **ret_file, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_OPENSSLCNF_CAP);
	int rc = hf_file_read(path, &text, err);

	return rc < 0 ? rc
		      : hf_openssl_file_parse(hf_buf_str(&text), text.len, path, ret_file, err);
}

/* Not NCONF_get_string: that one falls back on [default] and on ENV. */
const char *hf_openssl_file_get(const struct hf_openssl_file *file, const char *section,
				const char *key)
{
	STACK_OF(CONF_VALUE) *values = hf_openssl_file_section(file, section);

	for (int i = 0; i < sk_CONF_VALUE_num(values); i++) {
		const CONF_VALUE *v = sk_CONF_VALUE_value(values, i);

		if (strcmp(v->name, key) == 0)
			return v->value;
	}
	return NULL;
}

STACK_OF(CONF_VALUE) *hf_openssl_file_section(const struct hf_openssl_file *file,
					      const char *section)
{
	STACK_OF(CONF_VALUE) *values = NCONF_get_section(file->conf, section);

	ERR_clear_error();
	return values;
}

/* The next word of a line, up to one of `ends`; false when there is none. */
static bool take_word(const char *line, const char *ends, char out[WORD_CAP])
{
	size_t len = strcspn(line, ends);

	while (len > 0 && strchr(" \t", line[len - 1]))
		len--;
	if (len == 0 || len >= WORD_CAP)
		return false;
	memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

/* Follows the reader in what matters to people: heads in brackets, keys in front of '='. */
unsigned hf_openssl_file_line(const struct hf_openssl_file *file, const char *section,
			      const char *key)
{
	const char *p = hf_buf_str(&file->text);
	char word[WORD_CAP];
	bool inside = strcmp(section, "default") == 0;
	unsigned found = 0;

	for (unsigned line = 1; *p; line++) {
		const char *start = p + strspn(p, " \t");
		size_t len = strcspn(p, "\n");

		if (*start == '[') {
			start += 1 + strspn(start + 1, " \t");
			inside = take_word(start, "]\n", word) && strcmp(word, section) == 0;
			if (inside && !key)
				found = line;
		} else if (inside && key && take_word(start, "=\n", word) &&
			   strcmp(word, key) == 0) {
			found = line; /* the last one counts */
		}
		p += len + (p[len] == '\n');
	}
	return found;
}
