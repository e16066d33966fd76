/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an openssl.cnf as `openssl ca` does, for what it says of certificates.  Must never pass
 * over a setting that would have made a certificate narrower. */
#include "ca/policy/openssl_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/policy/extension.h"

enum { DAYS_MAX = 36500 };

struct cnf_reader {
	const struct hf_openssl_file *file;
	const char *section;
	struct hf_policy *policy;
	struct hf_err *err;
};

static int wrong(const struct cnf_reader *r, const char *section, const char *key, const char *why)
{
	return hf_err_set(r->err, HF_E_PARSE, "%s:%u: %s: %s", r->file->name,
			  hf_openssl_file_line(r->file, section, key), key, why);
}

/* The words of parse_yesno in OpenSSL's apps.c go by their first letter. */
static bool says_no(const char *value)
{
	return value && *value && strchr("fFnN0", *value);
}

static int read_days(const struct cnf_reader *r)
{
	const char *text = hf_openssl_file_get(r->file, r->section, "default_days");
	uint64_t days = 0;

	if (!text)
		return 0;
	if (!hf_str_u64(text, DAYS_MAX, &days) || days == 0)
		return wrong(r, r->section, "default_days", "not a number of days");
	for (size_t i = 0; i < HF_POLICY_PROFILES; i++) {
		r->policy->profiles[i].days = (int64_t)days * HF_DAY_SECONDS;
		r->policy->profiles[i].lines[HF_POLICY_DAYS] =
		    hf_openssl_file_line(r->file, r->section, "default_days");
	}
	return 0;
}

static int add_field(const struct cnf_reader *r, struct hf_policy_subject *subject,
		     const char *section, const CONF_VALUE *v)
{
	struct hf_policy_field field = { .nid = OBJ_txt2nid(v->name),
					 .line = hf_openssl_file_line(r->file, section, v->name) };
	struct hf_policy_field *grown;
	bool known = false;

	for (int i = 0; hf_match_words[i]; i++) {
		if (strcmp(hf_match_words[i], v->value) != 0)
			continue;
		field.is = (enum hf_match)i;
		known = true;
	}
	if (field.nid == NID_undef)
		return wrong(r, section, v->name, "no attribute of a subject");
	if (!known)
		return wrong(r, section, v->name, "none of match, supplied, optional");
	grown = reallocarray(subject->fields, subject->len + 1, sizeof(*grown));
	if (!grown)
		return hf_err_nomem(r->err);
	subject->fields = grown;
	subject->fields[subject->len++] = field;
	return 0;
}

/* What has no rule is left out of the subject, unless `preserve` says otherwise. */
static int read_subject(const struct cnf_reader *r)
{
	const char *section = hf_openssl_file_get(r->file, r->section, "policy");
	const char *preserve = hf_openssl_file_get(r->file, r->section, "preserve");
	STACK_OF(CONF_VALUE) *lines = section ? hf_openssl_file_section(r->file, section) : NULL;

	if (!section)
		return 0;
	if (!lines)
		return wrong(r, r->section, "policy", "there is no such section");
	for (size_t p = 0; p < HF_POLICY_PROFILES; p++) {
		struct hf_policy_profile *pp = &r->policy->profiles[p];

		pp->lines[HF_POLICY_SUBJECT] = hf_openssl_file_line(r->file, r->section, "policy");
		pp->subject.others_line = pp->lines[HF_POLICY_SUBJECT];
		pp->subject.others =
		    preserve && *preserve && !says_no(preserve) ? HF_OTHERS_KEEP : HF_OTHERS_DROP;
		for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
			int rc = add_field(r, &pp->subject, section, sk_CONF_VALUE_value(lines, i));

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* The names of requests, and those extensions that may be taken from them at all. */
static int read_copy(const struct cnf_reader *r)
{
	const char *how = hf_openssl_file_get(r->file, r->section, "copy_extensions");
	unsigned line = hf_openssl_file_line(r->file, r->section, "copy_extensions");
	const char *const *words = hf_extension_copyable();

	if (!how || strcmp(how, "none") == 0)
		return 0;
	if (strcmp(how, "copy") != 0 && strcmp(how, "copyall") != 0)
		return wrong(r, r->section, "copy_extensions", "none of none, copy, copyall");
	for (size_t p = 0; p < HF_POLICY_PROFILES; p++) {
		struct hf_policy_profile *pp = &r->policy->profiles[p];

		pp->foreign_names = HF_ANSWER_COPY;
		pp->extensions = HF_ANSWER_COPY;
		pp->lines[HF_POLICY_REQUEST_NAMES] = line;
		pp->lines[HF_POLICY_REQUEST_EXTENSIONS] = line;
		pp->lines[HF_POLICY_REQUEST_COPY] = line;
		for (size_t i = 0; words[i]; i++) {
			if (hf_strv_add(&pp->copy, words[i]) < 0)
				return hf_err_nomem(r->err);
		}
	}
	return 0;
}

/* Said there, but not to be had here: better told than passed over. */
static int check_others(const struct cnf_reader *r)
{
	const char *md = hf_openssl_file_get(r->file, r->section, "default_md");
	const char *email = hf_openssl_file_get(r->file, r->section, "email_in_dn");

	if (md && (hf_str_case_eq(md, "md5") || hf_str_case_eq(md, "sha1")))
		return wrong(r, r->section, "default_md", "such signatures are not made any more");
	if (says_no(email))
		return wrong(r, r->section, "email_in_dn",
			     "not followed; leave emailAddress out of the policy section");
	if (hf_openssl_file_get(r->file, r->section, "default_enddate"))
		return wrong(r, r->section, "default_enddate", "not followed; use default_days");
	return 0;
}

static int find_section(const struct hf_openssl_file *file, const char *given,
			const char **ret_section, struct hf_err *err)
{
	const char *section = given ? given : hf_openssl_file_get(file, "ca", "default_ca");

	if (section && hf_openssl_file_section(file, section)) {
		*ret_section = section;
		return 0;
	}
	if (section)
		(void)hf_err_set(err, HF_E_PARSE, "'%s' has no section [%s]", file->name, section);
	else
		(void)hf_err_set(err, HF_E_PARSE, "'%s' has no [ca] section with a default_ca",
				 file->name);
	return hf_err_hint(err, "name the section of the CA with --ca-name, as openssl ca -name");
}

int hf_policy_from_openssl(const struct hf_openssl_file *file, const char *section,
			   struct hf_policy **ret_policy, const char **ret_extensions,
			   struct hf_err *err)
{
	HF_AUTO(hf_policy) policy = NULL;
	struct cnf_reader r = { .file = file, .err = err };
	int rc = find_section(file, section, &r.section, err);

	if (rc == 0)
		rc = hf_policy_new(&policy, err);
	if (rc < 0)
		return rc;
	r.policy = policy;
	policy->name = hf_str_dup(file->name);
	if (!policy->name)
		return hf_err_nomem(err);
	policy->unique_subject = !says_no(hf_openssl_file_get(file, r.section, "unique_subject"));
	policy->unique_line = hf_openssl_file_line(file, r.section, "unique_subject");
	rc = check_others(&r);
	if (rc == 0)
		rc = read_days(&r);
	if (rc == 0)
		rc = read_subject(&r);
	if (rc == 0)
		rc = read_copy(&r);
	if (rc < 0)
		return rc;
	*ret_extensions = hf_openssl_file_get(file, r.section, "x509_extensions");
	*ret_policy = hf_take(policy);
	return 0;
}
