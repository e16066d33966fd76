/* SPDX-License-Identifier: Apache-2.0 */
/* Reads [req] as `openssl req` does.  Must never ask: what is asked for stands in the file or on
 * the command line. */
#include "ca/policy/openssl_request.h"

#include <string.h>

#include "base/err.h"
#include "ca/policy/extfile.h"

enum { SUBJECT_CAP = 16 * 1024, KEY_CAP = 256 };

void hf_openssl_request_done(struct hf_openssl_request *request)
{
	hf_buf_done(&request->subject);
	hf_sans_done(&request->sans);
	hf_strv_done(&request->left);
}

/* "0.organizationName" and "1.organizationName" are two of the same kind. */
static const char *attribute_of(const char *key)
{
	const char *mark = strpbrk(key, ".,:");

	return mark && mark[1] ? mark + 1 : key;
}

/* Settings of an attribute, not attributes. */
static bool is_setting(const char *key)
{
	static const char *const ends[] = { "_default", "_min", "_max", "_value" };

	for (size_t i = 0; i < HF_ARRAY_LEN(ends); i++) {
		if (hf_str_ends(key, ends[i]))
			return true;
	}
	return false;
}

static void add_part(struct hf_buf *subject, const char *attribute, const char *value)
{
	(void)hf_buf_printf(subject, "/%s=", attribute);
	for (const char *p = value; *p; p++) {
		if (strchr("/+\\", *p))
			(void)hf_buf_putc(subject, '\\');
		(void)hf_buf_putc(subject, *p);
	}
}

static const char *value_of(const struct hf_openssl_file *file, const char *section,
			    const CONF_VALUE *v, bool asks)
{
	char key[KEY_CAP];
	const char *value = v->value;

	if (asks) {
		HF_AUTO_DONE(hf_buf) with = HF_BUF_INIT(KEY_CAP);

		(void)hf_buf_printf(&with, "%s_value", v->name);
		value = hf_openssl_file_get(file, section, hf_buf_str(&with));
		hf_buf_clear(&with);
		(void)hf_buf_printf(&with, "%s_default", v->name);
		(void)hf_str_copy(key, sizeof(key), hf_buf_str(&with));
		if (!value)
			value = hf_openssl_file_get(file, section, key);
	}
	return value && *value ? value : NULL;
}

static int read_subject(const struct hf_openssl_file *file, const char *section, const char *name,
			struct hf_buf *subject, struct hf_err *err)
{
	STACK_OF(CONF_VALUE) *lines = hf_openssl_file_section(file, section);
	const char *prompt = hf_openssl_file_get(file, "req", "prompt");
	bool asks = !prompt || strcmp(prompt, "no") != 0;
	bool has_cn = false;

	if (!lines)
		return hf_err_set(err, HF_E_PARSE, "%s:%u: there is no section [%s]", file->name,
				  hf_openssl_file_line(file, "req", "distinguished_name"), section);
	for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
		const CONF_VALUE *v = sk_CONF_VALUE_value(lines, i);
		const char *attribute = attribute_of(v->name);
		const char *value = is_setting(v->name) ? NULL : value_of(file, section, v, asks);

		if (!value)
			continue;
		if (OBJ_txt2nid(attribute) == NID_undef)
			return hf_err_set(err, HF_E_PARSE,
					  "%s:%u: '%s' is no attribute of a subject", file->name,
					  hf_openssl_file_line(file, section, v->name), v->name);
		has_cn = has_cn || OBJ_txt2nid(attribute) == NID_commonName;
		add_part(subject, attribute, value);
	}
	if (!has_cn)
		add_part(subject, "CN", name);
	return hf_buf_failed(subject) ? hf_err_set(err, HF_E_LIMIT, "the subject is too long") : 0;
}

static int read_extensions(const struct hf_openssl_file *file, const char *section,
			   struct hf_openssl_request *request, struct hf_err *err)
{
	STACK_OF(CONF_VALUE) *lines = hf_openssl_file_section(file, section);

	if (!lines)
		return hf_err_set(err, HF_E_PARSE, "%s:%u: there is no section [%s]", file->name,
				  hf_openssl_file_line(file, "req", "req_extensions"), section);
	for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
		const CONF_VALUE *v = sk_CONF_VALUE_value(lines, i);
		int nid = OBJ_txt2nid(v->name);

		if (nid != NID_subject_alt_name && hf_strv_add(&request->left, v->name) < 0)
			return hf_err_nomem(err);
	}
	return hf_extfile_names(file, section, &request->sans, err);
}

int hf_openssl_request_read(const struct hf_openssl_file *file, const char *name,
			    struct hf_openssl_request *ret_request, struct hf_err *err)
{
	HF_AUTO_DONE(hf_openssl_request) request = { .subject = HF_BUF_INIT(SUBJECT_CAP) };
	const char *dn = hf_openssl_file_get(file, "req", "distinguished_name");
	const char *extensions = hf_openssl_file_get(file, "req", "req_extensions");
	int rc = dn ? read_subject(file, dn, name, &request.subject, err) : 0;

	if (rc == 0 && extensions)
		rc = read_extensions(file, extensions, &request, err);
	if (rc < 0)
		return rc;
	*ret_request = request;
	request = (struct hf_openssl_request){ .subject = HF_BUF_INIT(0) };
	return 0;
}
