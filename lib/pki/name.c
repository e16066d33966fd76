/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names out: text, comparison, values.  Must never let a foreign byte reach a log or
 * a terminal unescaped, nor two different names look the same. */
#include "pki/name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"

enum { NAME_TEXT_CAP = 1 << 20 };

/* One value as UTF-8.  A string that does not convert (invalid UTF-8 in a UTF8String) is given byte
 * for byte; what is no string at all becomes "#" and the hex of its content (RFC 4514 2.4).
 * *ret_text: it was a string, and valid. */
static int value_utf8(const ASN1_STRING *value, struct hf_name_value *ret, bool *ret_text)
{
	HF_AUTO(ossl_mem) utf8 = NULL;
	const uint8_t *raw = ASN1_STRING_get0_data(value);
	size_t raw_len = (size_t)ASN1_STRING_length(value);
	bool no_memory;
	int len;

	(void)ERR_set_mark();
	len = ASN1_STRING_to_UTF8(&utf8, value);
	no_memory = len < 0 && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
	(void)ERR_pop_to_mark();
	if (no_memory)
		return -HF_E_NOMEM; /* never take a name for another because memory is short */
	*ret_text = len >= 0;
	if (len >= 0) {
		ret->len = (size_t)len;
		ret->utf8 = hf_str_ndup((const char *)utf8, ret->len);
	} else if (ASN1_STRING_type(value) == V_ASN1_UTF8STRING) {
		ret->len = raw_len;
		ret->utf8 = hf_str_ndup((const char *)raw, raw_len);
	} else {
		ret->len = 2 * raw_len + 1;
		ret->utf8 = malloc(ret->len + 1);
		if (ret->utf8) {
			ret->utf8[0] = '#';
			hf_hex_encode(raw, raw_len, ret->utf8 + 1);
		}
	}
	return ret->utf8 ? 0 : -HF_E_NOMEM;
}

/* ',' and '+' separate parts, so that inside a value they get a backslash. */
static void put_value(struct hf_buf *out, const struct hf_name_value *v)
{
	size_t start = 0;

	for (size_t i = 0; i <= v->len; i++) {
		if (i < v->len && v->utf8[i] != ',' && v->utf8[i] != '+')
			continue;
		(void)hf_str_escape(out, v->utf8 + start, i - start);
		if (i < v->len)
			(void)hf_buf_printf(out, "\\%c", v->utf8[i]);
		start = i + 1;
	}
}

int hf_name_format(const X509_NAME *name, struct hf_buf *out)
{
	int count = X509_NAME_entry_count(name);
	int previous_set = -1;

	if (count <= 0)
		return hf_buf_puts(out, "(empty)");
	for (int i = 0; i < count; i++) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		struct hf_name_value v = { NULL, 0 };
		char type[HF_OID_CAP];
		bool text;

		if (value_utf8(X509_NAME_ENTRY_get_data(e), &v, &text) < 0)
			return -HF_E_NOMEM;
		if (i > 0)
			(void)hf_buf_puts(out,
					  X509_NAME_ENTRY_set(e) == previous_set ? " + " : ", ");
		hf_oid_word(X509_NAME_ENTRY_get_object(e), type, sizeof(type));
		(void)hf_buf_printf(out, "%s=", type);
		put_value(out, &v);
		free(v.utf8);
		previous_set = X509_NAME_ENTRY_set(e);
	}
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

/* True when the -subj syntax can say this value, that is when hf_name_parse would take it. */
static bool can_say(const struct hf_name_value *v, bool text)
{
	if (v->len == 0 || !text)
		return false;
	for (size_t i = 0; i < v->len; i++) {
		if ((unsigned char)v->utf8[i] < 0x20 || v->utf8[i] == 0x7f)
			return false;
	}
	return true;
}

static void put_subj_value(struct hf_buf *out, const struct hf_name_value *v)
{
	for (size_t i = 0; i < v->len; i++) {
		if (strchr("/+\\", v->utf8[i]))
			(void)hf_buf_putc(out, '\\');
		(void)hf_buf_putc(out, v->utf8[i]);
	}
}

static int put_subj_entry(struct hf_buf *out, const X509_NAME_ENTRY *e, bool same_set)
{
	struct hf_name_value v = { NULL, 0 };
	char type[HF_OID_CAP];
	bool ok, text;

	if (value_utf8(X509_NAME_ENTRY_get_data(e), &v, &text) < 0)
		return -HF_E_NOMEM;
	ok = can_say(&v, text);
	if (ok) {
		hf_oid_word(X509_NAME_ENTRY_get_object(e), type, sizeof(type));
		(void)hf_buf_printf(out, "%c%s=", same_set ? '+' : '/', type);
		put_subj_value(out, &v);
	}
	free(v.utf8);
	return ok ? 0 : -HF_E_INVALID;
}

int hf_name_format_subj(const X509_NAME *name, struct hf_buf *out)
{
	int count = X509_NAME_entry_count(name);
	size_t start = out->len;
	int previous_set = -1;

	if (count <= 0)
		return hf_buf_putc(out, '/');
	for (int i = 0; i < count; i++) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		int rc = put_subj_entry(out, e, X509_NAME_ENTRY_set(e) == previous_set);

		if (rc < 0) {
			hf_buf_truncate(out, start);
			return rc;
		}
		previous_set = X509_NAME_ENTRY_set(e);
	}
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

/* OpenSSL compares canonical forms: UTF-8, case folded, spaces collapsed (RFC 5280 7.1). */
bool hf_name_equal(const X509_NAME *a, const X509_NAME *b)
{
	return X509_NAME_cmp(a, b) == 0;
}

bool hf_name_is_empty(const X509_NAME *name)
{
	return X509_NAME_entry_count(name) <= 0;
}

int hf_name_values(const X509_NAME *name, int nid, struct hf_name_value **ret_values,
		   size_t *ret_len, struct hf_err *err)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0;) {
		struct hf_name_value *more = realloc(values, (len + 1) * sizeof(*values));
		bool text;

		if (more)
			values = more;
		if (!more || value_utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)),
					&values[len], &text) < 0) {
			hf_name_values_free(values, len);
			return hf_err_nomem(err);
		}
		len++;
	}
	*ret_values = values;
	*ret_len = len;
	return (int)len;
}

void hf_name_values_free(struct hf_name_value *values, size_t len)
{
	for (size_t i = 0; values && i < len; i++)
		free(values[i].utf8);
	free(values);
}

char *hf_name_text(const X509_NAME *name)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(NAME_TEXT_CAP);

	return hf_name_format(name, &text) < 0 ? NULL : hf_buf_steal(&text);
}

static bool last_value(const X509_NAME *name, int nid, char *out, size_t cap)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	bool ok = hf_name_values(name, nid, &values, &len, NULL) >= 0 && len > 0 &&
		  hf_str_copy(out, cap, values[len - 1].utf8);

	hf_name_values_free(values, len);
	return ok;
}

/* Words that CAs of every house have in their names. */
static bool is_trade_word(const char *word, size_t n)
{
	static const char *const trade[] = {
		"root",	      "issuing",   "issuer",   "intermediate", "subordinate",	"sub",
		"signing",    "authority", "cert",     "certificate",  "certification", "client",
		"clients",    "server",	   "servers",  "tls",	       "ssl",		"pki",
		"test",	      "trust",	   "global",   "class",	       "policy",	"online",
		"offline",    "internal",  "external", "device",       "devices",	"user",
		"users",      "service",   "services", "the",	       "and",		"for",
		"inc",	      "ltd",	   "gmbh",     "corp",	       "rsa",		"ecc",
		"production", "new",	   "old",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(trade); i++) {
		if (strlen(trade[i]) == n && hf_mem_case_eq(word, trade[i], n))
			return true;
	}
	return false;
}

/* Length of the next word of letters at *at, which moves past it; bytes beyond ASCII are letters.
 */
static size_t next_word(const char **at, const char **ret_word)
{
	const char *p = *at;

	while (*p && !isalpha((unsigned char)*p) && (unsigned char)*p < 0x80)
		p++;
	*ret_word = p;
	while (isalpha((unsigned char)*p) || (unsigned char)*p >= 0x80)
		p++;
	*at = p;
	return (size_t)(p - *ret_word);
}

static bool has_word(const char *text, const char *word, size_t n)
{
	const char *have;

	for (size_t len; (len = next_word(&text, &have)) > 0;) {
		if (len == n && hf_mem_case_eq(have, word, n))
			return true;
	}
	return false;
}

bool hf_name_related(const X509_NAME *a, const X509_NAME *b)
{
	char x[256], y[256];
	const char *at = x, *word;

	if (last_value(a, NID_organizationName, x, sizeof(x)) &&
	    last_value(b, NID_organizationName, y, sizeof(y)))
		return hf_str_case_eq(x, y);
	if (!last_value(a, NID_commonName, x, sizeof(x)) ||
	    !last_value(b, NID_commonName, y, sizeof(y)))
		return false;
	for (size_t n; (n = next_word(&at, &word)) > 0;) {
		if (n >= 3 && !is_trade_word(word, n) && has_word(y, word, n))
			return true;
	}
	return false;
}
