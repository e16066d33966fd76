/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's -subj syntax.  Must never drop a part silently, as OpenSSL does with a warning for
 * unknown types and empty values: a subject that lacks a part asked for is a wrong subject. */
#include "pki/name.h"

#include <string.h>

#include <openssl/objects.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"

enum { PART_CAP = 64 * 1024 };

static const char *const known_types[] = {
	"C",	"ST",	    "L",	  "O",		 "OU",		 "CN",	   "emailAddress",
	"DC",	"SN",	    "GN",	  "UID",	 "serialNumber", "street", "title",
	"name", "initials", "postalCode", "dnQualifier", "pseudonym",	 NULL
};

/* One "type=value" of the subject, unescaped. */
struct part {
	struct hf_buf type, value;
	bool joins_next; /* followed by '+': the next part belongs to the same RDN */
};

static void part_done(struct part *p)
{
	hf_buf_done(&p->type);
	hf_buf_done(&p->value);
}

static int bad(struct hf_err *err, const struct part *p, const char *what)
{
	return hf_err_set(err, HF_MISTAKE_SUBJECT, "the part '%s' %s", hf_buf_str(&p->type), what);
}

/* Reads one part at *s and moves behind the separator that ends it. */
static int read_part(const char **s, struct part *p, struct hf_err *err)
{
	const char *c = *s;

	while (*c && *c != '=')
		(void)hf_buf_putc(&p->type, *c++);
	if (*c != '=')
		return bad(err, p, "has no '='");
	for (c++; *c && *c != '/' && *c != '+'; c++) {
		if (*c == '\\' && !*++c)
			return bad(err, p, "ends with a lone backslash");
		(void)hf_buf_putc(&p->value, *c);
	}
	p->joins_next = *c == '+';
	*s = c + (*c != '\0');
	if (hf_buf_failed(&p->type) || hf_buf_failed(&p->value))
		return hf_err_set(err, HF_E_LIMIT, "a part of the subject is longer than %d bytes",
				  (int)PART_CAP);
	if (p->joins_next && !**s)
		return bad(
		    err, p,
		    "is followed by '+' and nothing (a '+' in a value needs a backslash before it)");
	return 0;
}

static int unknown_type(struct hf_err *err, const struct part *p)
{
	const char *near = hf_str_nearest(hf_buf_str(&p->type), known_types);

	(void)bad(err, p, "is of no type known");
	(void)hf_err_is(err, HF_MISTAKE_SUBJECT_TYPE);
	if (near)
		return hf_err_hint(err, "did you mean '%s'?", near);
	return hf_err_hint(
	    err, "use C, ST, L, O, OU, CN, emailAddress … or a dotted OID; a '/' or '+' inside a "
		 "value is written with a backslash before it");
}

static int check_value(struct hf_err *err, const struct part *p)
{
	const char *v = hf_buf_str(&p->value);

	if (p->value.len == 0) {
		(void)bad(err, p, "has no value");
		return hf_err_hint(err, "leave the part out");
	}
	for (size_t i = 0; i < p->value.len; i++) {
		if ((unsigned char)v[i] < 0x20 || v[i] == 0x7f)
			return bad(err, p, "holds a control character");
	}
	return 0;
}

/* OpenSSL's table of types gives string type and length limits (RFC 5280 appendix A upper bounds).
 */
static int refused_value(struct hf_err *err, const struct part *p)
{
	static const struct {
		int reason;
		const char *words;
	} rows[] = {
		{ ASN1_R_STRING_TOO_LONG, "is longer than X.509 allows for its type" },
		{ ASN1_R_STRING_TOO_SHORT, "is shorter than X.509 allows for its type" },
		{ ASN1_R_INVALID_UTF8STRING, "is not valid UTF-8" },
		{ ASN1_R_ILLEGAL_CHARACTERS, "has characters that its type does not allow" },
	};
	unsigned long e = ERR_peek_error();

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		if (ERR_GET_LIB(e) != ERR_LIB_ASN1 || ERR_GET_REASON(e) != rows[i].reason)
			continue;
		ERR_clear_error();
		return bad(err, p, rows[i].words);
	}
	return hf_err_ossl(err, HF_E_PARSE, "the part '%s' is refused", hf_buf_str(&p->type));
}

static ASN1_OBJECT *type_of(const char *word)
{
	ASN1_OBJECT *type;

	if (word[0] >= '0' && word[0] <= '9')
		return hf_oid_parse(word);
	(void)ERR_set_mark();
	type = OBJ_txt2obj(word, 0);
	(void)ERR_pop_to_mark();
	return type;
}

static int add_part(X509_NAME *name, const struct part *p, bool same_rdn, struct hf_err *err)
{
	HF_AUTO(ASN1_OBJECT) type = type_of(hf_buf_str(&p->type));
	int rc;

	if (!type)
		return unknown_type(err, p);
	rc = check_value(err, p);
	if (rc < 0)
		return rc;
	ERR_clear_error();
	if (!X509_NAME_add_entry_by_OBJ(name, type, MBSTRING_UTF8,
					(const uint8_t *)hf_buf_str(&p->value), (int)p->value.len,
					-1, same_rdn ? -1 : 0))
		return refused_value(err, p);
	return 0;
}

/* Underlines the part at `at`: its type when that is not known, else all of it. */
static void place_part(struct hf_err *err, const char *subj, const char *at)
{
	size_t len = 0;

	while (at[len] && at[len] != '/' && at[len] != '+')
		len += at[len] == '\\' && at[len + 1] ? 2 : 1;
	if (err && hf_str_eq(err->id, hf_mistake_info(HF_MISTAKE_SUBJECT_TYPE)->id))
		len = strcspn(at, "=");
	if (err && err->code != HF_E_NOMEM)
		(void)hf_err_at(err, subj, (size_t)(at - subj), len);
}

/* What stands behind the first '/' of subj. */
static int parse_parts(const char *subj, X509_NAME *name, struct hf_err *err)
{
	const char *s = subj + 1;
	bool same_rdn = false;

	while (*s) {
		HF_CLEANUP(part_done)
		struct part p = { HF_BUF_INIT(PART_CAP), HF_BUF_INIT(PART_CAP), false };
		const char *start = s;
		int rc = read_part(&s, &p, err);

		if (rc == 0)
			rc = add_part(name, &p, same_rdn, err);
		if (rc < 0) {
			place_part(err, subj, start);
			return rc;
		}
		same_rdn = p.joins_next;
	}
	return 0;
}

static int parse_common_name(const char *s, X509_NAME *name, struct hf_err *err)
{
	HF_CLEANUP(part_done)
	struct part p = { HF_BUF_INIT(PART_CAP), HF_BUF_INIT(PART_CAP), false };

	(void)hf_buf_puts(&p.type, "CN");
	(void)hf_buf_puts(&p.value, s);
	if (hf_buf_failed(&p.value))
		return hf_err_set(err, HF_E_LIMIT, "the subject is longer than %d bytes",
				  (int)PART_CAP);
	return add_part(name, &p, false, err);
}

int hf_name_parse(const char *subj, X509_NAME **ret_name, struct hf_err *err)
{
	HF_AUTO(X509_NAME) name = X509_NAME_new();
	int rc;

	if (!name)
		return hf_err_nomem(err);
	if (subj[0] == '\0') {
		(void)hf_err_set(err, HF_MISTAKE_SUBJECT, "the subject is empty text");
		return hf_err_hint(err, "write '/' for a certificate without a subject");
	}
	rc = subj[0] == '/' ? parse_parts(subj, name, err) : parse_common_name(subj, name, err);
	if (rc < 0)
		return rc;
	*ret_name = hf_take(name);
	return 0;
}
