/* SPDX-License-Identifier: Apache-2.0 */
/* Reads extension files with OpenSSL's own code.  Must never pass on what nobody looked at: raw
 * DER, an extension that is not listed, or a value out of the environment. */
#include "ca/policy/extfile.h"

#include <string.h>

#include "base/err.h"
#include "ca/policy/extension.h"

enum { VALUE_CAP = 64 * 1024 };

void hf_extfile_done(struct hf_extfile *ext)
{
	hf_sans_done(&ext->sans);
	sk_X509_EXTENSION_pop_free(ext->extra, X509_EXTENSION_free);
	hf_strv_done(&ext->places);
	hf_strv_done(&ext->words);
	hf_strv_done(&ext->notes);
	*ext = (struct hf_extfile){ .extra = NULL };
}

struct ext_reader {
	const struct hf_openssl_file *file;
	const char *section;
	const struct hf_ca_profile *profile;
	const struct hf_cert *issuer;
	struct hf_extfile *ext;
	struct hf_err *err;
};

static int refuse(const struct ext_reader *r, const char *key, const char *why)
{
	unsigned line = hf_openssl_file_line(r->file, r->section, key);

	return hf_err_set(r->err, HF_E_POLICY, "%s:%u: %s: %s", r->file->name, line, key, why);
}

static int note_given(const struct ext_reader *r, const char *key, const char *word)
{
	HF_AUTO(cstr)
	place =
	    hf_str_printf("%s:%u", r->file->name, hf_openssl_file_line(r->file, r->section, key));

	if (!place || hf_strv_add(&r->ext->places, place) < 0 ||
	    hf_strv_add(&r->ext->words, word) < 0)
		return hf_err_nomem(r->err);
	return 0;
}

/* "critical, DER:…" and "ASN1:…" would be bytes that nobody looked at. */
static bool is_raw(const char *value)
{
	if (strncmp(value, "critical", strlen("critical")) == 0)
		value += strlen("critical");
	value += strspn(value, " \t,");
	return hf_str_starts(value, "DER:") || hf_str_starts(value, "ASN1:");
}

static bool holds_variable(const X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *der = X509_EXTENSION_get_data((X509_EXTENSION *)(uintptr_t)ext);
	size_t len = (size_t)ASN1_STRING_length(der);
	const uint8_t *data = ASN1_STRING_get0_data(der);

	return memmem(data, len, "$ENV::", 6) || memmem(data, len, "${ENV::", 7) ||
	       memmem(data, len, "$(ENV::", 7);
}

static int refuse_variable(const struct ext_reader *r, const char *key)
{
	(void)refuse(r, key, "variables of the environment ($ENV::) are not followed");
	return hf_err_hint(r->err, "write the value out");
}

/* --- names --- */

static int take_names(const struct ext_reader *r, const char *key, const X509_EXTENSION *ext)
{
	HF_AUTO(GENERAL_NAMES) names = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)ext);
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	int rc = names ? hf_sans_from_names(&sans, names, r->err) : -HF_E_PARSE;

	if (rc < 0)
		return refuse(r, key, "it does not decode");
	for (size_t i = 0; i < sans.len; i++) {
		const struct hf_san *san = &sans.items[i];
		HF_AUTO_DONE(hf_buf) word = HF_BUF_INIT(VALUE_CAP);

		if (san->kind == HF_SAN_DIRNAME || san->kind == HF_SAN_OTHER)
			return refuse(r, key, "names are DNS, IP, URI and email here");
		if (san->malformed)
			return refuse(r, key, "one of the names is malformed");
		(void)hf_buf_printf(&word, "%s:%s", hf_san_kind_name(san->kind), san->value);
		rc = hf_sans_add(&r->ext->sans, san->kind, san->value, r->err);
		if (rc < 0)
			return hf_err_context(r->err, rc, "%s:%u: %s", r->file->name,
					      hf_openssl_file_line(r->file, r->section, key), key);
		rc = note_given(r, key, hf_buf_str(&word));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- one line --- */

/* Key identifiers are made here, in the usual way: the hash of the key, and the issuer's.  With the
 * issuer's serial ("issuer:always") a certificate would be void once the CA's own certificate is
 * renewed, and strict peers refuse it at once. */
static int take_key_id(const struct ext_reader *r, const char *key, int nid, const char *value)
{
	static const char note[] =
	    "authorityKeyIdentifier has the issuer's key only, not its serial: "
	    "strict peers refuse that, and a renewed CA would not fit";

	if (nid == NID_subject_key_identifier)
		return strcmp(value, "hash") == 0
			   ? 0
			   : refuse(r, key, "it is the hash of the key and nothing else");
	if (strspn(value, "keyidsur:alw, \t") != strlen(value))
		return refuse(r, key, "it is made of keyid and issuer");
	if (strstr(value, "issuer:always") && hf_strv_add(&r->ext->notes, note) < 0)
		return hf_err_nomem(r->err);
	return 0;
}

static int make_extension(const struct ext_reader *r, const char *key, const char *value,
			  X509_EXTENSION **ret_ext)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, r->issuer ? r->issuer->x509 : NULL, NULL, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, r->file->conf);
	*ret_ext = X509V3_EXT_nconf(r->file->conf, &ctx, key, value);
	if (*ret_ext)
		return 0;
	return hf_err_ossl(r->err, HF_E_PARSE, "%s:%u: %s = %s", r->file->name,
			   hf_openssl_file_line(r->file, r->section, key), key, value);
}

static int keep(const struct ext_reader *r, const char *key, int nid, X509_EXTENSION *ext)
{
	if (!r->ext->extra)
		r->ext->extra = sk_X509_EXTENSION_new_null();
	if (!r->ext->extra || X509v3_get_ext_by_NID(r->ext->extra, nid, -1) >= 0) {
		X509_EXTENSION_free(ext);
		return r->ext->extra ? refuse(r, key, "it is given twice") : hf_err_nomem(r->err);
	}
	if (!sk_X509_EXTENSION_push(r->ext->extra, ext)) {
		X509_EXTENSION_free(ext);
		return hf_err_nomem(r->err);
	}
	return note_given(r, key, OBJ_nid2sn(nid));
}

static int take_line(const struct ext_reader *r, const char *key, const char *value)
{
	HF_AUTO(X509_EXTENSION) ext = NULL;
	int nid = OBJ_txt2nid(key);
	const char *why;
	int rc;

	if (!(hf_extension_sources(nid) & HF_EXTENSION_OF_OPERATOR)) {
		(void)refuse(r, key, "this extension is not put into certificates here");
		return nid == NID_name_constraints
			   ? hf_err_hint(r->err, "--permit limits a CA's names")
			   : -HF_E_POLICY;
	}
	if (is_raw(value))
		return refuse(r, key, "raw DER: and ASN1: values are not taken");
	if (nid == NID_subject_key_identifier || nid == NID_authority_key_identifier)
		return take_key_id(r, key, nid, value);
	rc = make_extension(r, key, value, &ext);
	if (rc < 0)
		return rc;
	if (holds_variable(ext))
		return refuse_variable(r, key);
	why = hf_extension_check(ext, r->profile);
	if (why)
		return refuse(r, key, why);
	return nid == NID_subject_alt_name ? take_names(r, key, ext)
					   : keep(r, key, nid, hf_take(ext));
}

/* In front of the first section stand settings of OpenSSL too, which are no extensions. */
static bool is_setting(const char *section, const char *key)
{
	static const char *const words[] = { "HOME",	 "RANDFILE",	 "oid_section",
					     "oid_file", "openssl_conf", "extensions" };

	for (size_t i = 0; strcmp(section, "default") == 0 && i < HF_ARRAY_LEN(words); i++) {
		if (strcmp(words[i], key) == 0)
			return true;
	}
	return false;
}

int hf_extfile_read(const struct hf_openssl_file *file, const char *section,
		    const struct hf_ca_profile *profile, const struct hf_cert *issuer,
		    struct hf_extfile *ret_ext, struct hf_err *err)
{
	HF_AUTO_DONE(hf_extfile) ext = { .extra = NULL };
	struct ext_reader r = { file, section, profile, issuer, &ext, err };
	STACK_OF(CONF_VALUE) *lines;
	int rc = 0;

	if (!section)
		r.section = hf_openssl_file_get(file, "default", "extensions");
	if (!r.section)
		r.section = "default";
	lines = hf_openssl_file_section(file, r.section);
	if (!lines) {
		(void)hf_err_set(err, HF_E_INVALID, "'%s' has no section [%s]", file->name,
				 r.section);
		return hf_err_hint(err, "name the one to use with --extensions SECTION");
	}
	for (int i = 0; rc == 0 && i < sk_CONF_VALUE_num(lines); i++) {
		const CONF_VALUE *v = sk_CONF_VALUE_value(lines, i);

		if (!is_setting(r.section, v->name))
			rc = take_line(&r, v->name, v->value);
	}
	if (rc == 0 && file->includes &&
	    hf_strv_add(&ext.notes, "the extension file's .include was not followed") < 0)
		rc = hf_err_nomem(err);
	if (rc < 0)
		return rc;
	*ret_ext = ext;
	ext = (struct hf_extfile){ .extra = NULL };
	return 0;
}

int hf_extfile_names(const struct hf_openssl_file *file, const char *section,
		     struct hf_sans *ret_sans, struct hf_err *err)
{
	HF_AUTO_DONE(hf_extfile) ext = { .extra = NULL };
	const struct ext_reader r = { file, section, NULL, NULL, &ext, err };
	HF_AUTO(X509_EXTENSION) made = NULL;
	const char *value = hf_openssl_file_get(file, section, "subjectAltName");
	int rc;

	if (!value)
		return 0;
	if (is_raw(value))
		return refuse(&r, "subjectAltName", "raw DER: and ASN1: values are not taken");
	rc = make_extension(&r, "subjectAltName", value, &made);
	if (rc == 0 && holds_variable(made))
		return refuse_variable(&r, "subjectAltName");
	if (rc == 0)
		rc = take_names(&r, "subjectAltName", made);
	return rc < 0 ? rc : hf_sans_copy(ret_sans, &ext.sans, err);
}

int hf_extfile_tell(const struct hf_extfile *ext, struct hf_rulings *rulings)
{
	for (size_t i = 0; i < ext->words.len; i++) {
		HF_AUTO(cstr) text = hf_str_printf("%s is added", ext->words.items[i]);

		if (!text ||
		    hf_rulings_add(rulings, HF_RULING_CHANGES, ext->places.items[i], text) < 0)
			return -HF_E_NOMEM;
	}
	return 0;
}
