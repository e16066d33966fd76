/* SPDX-License-Identifier: Apache-2.0 */
/* Reads openssl.cnf with OpenSSL's own reader.  Must never look at the environment or open another
 * file on the word of this one. */
#include "ca/import/opensslcnf.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/ossl.h"
#include "base/str.h"

/* A file of `a=$b$b$b…` lines grows to 64 KiB a line (MAX_CONF_VALUE_LENGTH). */
enum { VARIABLES_CAP = 2000 };

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{ "dir", offsetof(struct hf_opensslcnf, dir) },
	{ "certificate", offsetof(struct hf_opensslcnf, certificate) },
	{ "private_key", offsetof(struct hf_opensslcnf, private_key) },
	{ "database", offsetof(struct hf_opensslcnf, database) },
	{ "new_certs_dir", offsetof(struct hf_opensslcnf, new_certs_dir) },
	{ "certs", offsetof(struct hf_opensslcnf, certs) },
	{ "serial", offsetof(struct hf_opensslcnf, serial) },
	{ "crlnumber", offsetof(struct hf_opensslcnf, crlnumber) },
	{ "crl", offsetof(struct hf_opensslcnf, crl) },
	{ "default_days", offsetof(struct hf_opensslcnf, default_days) },
	{ "default_md", offsetof(struct hf_opensslcnf, default_md) },
	{ "policy", offsetof(struct hf_opensslcnf, policy) },
	{ "copy_extensions", offsetof(struct hf_opensslcnf, copy_extensions) },
	{ "unique_subject", offsetof(struct hf_opensslcnf, unique_subject) },
	{ "x509_extensions", offsetof(struct hf_opensslcnf, x509_extensions) },
};

static char **slot(struct hf_opensslcnf *cnf, size_t i)
{
	return (char **)(void *)((char *)cnf + keys[i].offset);
}

void hf_opensslcnf_done(struct hf_opensslcnf *cnf)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++)
		free(*slot(cnf, i));
	free(cnf->section);
	*cnf = (struct hf_opensslcnf){ .section = NULL };
}

static bool is_env(const char *at, size_t left)
{
	static const char word[] = "ENV::";
	size_t skip = left > 1 && (at[1] == '{' || at[1] == '(') ? 2 : 1;

	return left > skip + strlen(word) && memcmp(at + skip, word, strlen(word)) == 0;
}

bool hf_opensslcnf_needs_env(const char *value)
{
	return strstr(value, "$ENV::") || strstr(value, "${ENV::") || strstr(value, "$(ENV::");
}

static bool is_include(const char *line, size_t left)
{
	static const char word[] = ".include";
	size_t at = 0;

	while (at < left && (line[at] == ' ' || line[at] == '\t'))
		at++;
	return left - at >= strlen(word) && memcmp(line + at, word, strlen(word)) == 0;
}

/* The text with $ENV:: quoted and .include made a comment.  NUL ends it, as it does for OpenSSL. */
static int tame(const char *data, size_t len, const char *name, struct hf_buf *out, bool *includes,
		struct hf_err *err)
{
	size_t variables = 0;
	bool line_start = true;

	for (size_t i = 0; i < len && data[i]; i++) {
		if (line_start && is_include(data + i, len - i)) {
			(void)hf_buf_putc(out, '#');
			*includes = true;
		}
		if (data[i] == '$' && is_env(data + i, len - i))
			(void)hf_buf_putc(out, '\\');
		variables += data[i] == '$';
		(void)hf_buf_putc(out, data[i]);
		line_start = data[i] == '\n';
	}
	if (variables > VARIABLES_CAP)
		return hf_err_set(err, HF_E_LIMIT, "'%s' uses more than %d variables", name,
				  (int)VARIABLES_CAP);
	return hf_buf_failed(out) ? hf_err_nomem(err) : 0;
}

int hf_opensslcnf_read(const char *data, size_t len, const char *name, CONF **ret_conf,
		       bool *ret_includes, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(2 * HF_OPENSSLCNF_CAP + 2);
	HF_AUTO(CONF) conf = NCONF_new(NULL);
	HF_AUTO(BIO) bio = NULL;
	long line = 0;
	int rc;

	if (len > HF_OPENSSLCNF_CAP)
		return hf_err_set(err, HF_E_LIMIT, "'%s' is larger than %d bytes", name,
				  (int)HF_OPENSSLCNF_CAP);
	rc = tame(data, len, name, &text, ret_includes, err);
	if (rc < 0)
		return rc;
	bio = BIO_new_mem_buf(hf_buf_str(&text), (int)text.len);
	if (!conf || !bio)
		return hf_err_nomem(err);
	if (NCONF_load_bio(conf, bio, &line) <= 0)
		return hf_err_ossl(err, HF_E_PARSE, "%s:%ld: OpenSSL cannot read this line", name,
				   line);
	*ret_conf = hf_take(conf);
	return 0;
}

static char *get(const CONF *conf, const char *section, const char *key)
{
	char *value = NCONF_get_string(conf, section, key);

	ERR_clear_error();
	return value;
}

static int no_section(const char *name, const char *section, bool given, struct hf_err *err)
{
	if (!section)
		(void)hf_err_set(err, HF_E_PARSE, "'%s' has no [ca] section with a default_ca",
				 name);
	else
		(void)hf_err_set(err, HF_E_PARSE, "'%s' has no section [%s]%s", name, section,
				 given ? "" : ", which its default_ca names");
	return hf_err_hint(err, "name the section of the CA with --ca-name, as for openssl ca "
				"-name, or another file with --config");
}

static bool has_section(const CONF *conf, const char *section)
{
	bool has = NCONF_get_section(conf, section) != NULL;

	ERR_clear_error();
	return has;
}

static bool is_guarded(const CONF *conf, const char *section)
{
	return section && get(conf, section, "basicConstraints") &&
	       get(conf, section, "keyUsage") && get(conf, section, "extendedKeyUsage");
}

int hf_opensslcnf_parse(const char *data, size_t len, const char *name, const char *section,
			struct hf_opensslcnf *ret_cnf, struct hf_err *err)
{
	HF_AUTO(CONF) conf = NULL;
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	const char *wanted = section;
	int rc = hf_opensslcnf_read(data, len, name, &conf, &cnf.includes, err);

	if (rc < 0)
		return rc;
	if (!wanted)
		wanted = get(conf, "ca", "default_ca");
	if (!wanted || !has_section(conf, wanted))
		return no_section(name, wanted, section != NULL, err);
	cnf.section = hf_str_dup(wanted);
	if (!cnf.section)
		return hf_err_nomem(err);
	for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++) {
		const char *value = get(conf, wanted, keys[i].key);

		if (!value)
			continue;
		*slot(&cnf, i) = hf_str_dup(value);
		if (!*slot(&cnf, i))
			return hf_err_nomem(err);
	}
	cnf.guarded = is_guarded(conf, cnf.x509_extensions);
	*ret_cnf = cnf;
	cnf = (struct hf_opensslcnf){ .section = NULL };
	return 0;
}

int hf_index_attr_parse(const char *data, size_t len, const char *name, bool *ret_unique,
			struct hf_err *err)
{
	HF_AUTO(CONF) conf = NULL;
	bool includes = false;
	const char *value;
	int rc = hf_opensslcnf_read(data, len, name, &conf, &includes, err);

	if (rc < 0)
		return rc;
	value = get(conf, NULL, "unique_subject");
	/* the words of parse_yesno in OpenSSL's apps.c go by their first letter */
	*ret_unique = !value || !strchr("fFnN0", *value) || !*value;
	return 0;
}
