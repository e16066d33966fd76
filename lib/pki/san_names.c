/* SPDX-License-Identifier: Apache-2.0 */
/* GeneralNames (RFC 5280 4.2.1.6) to our list and back.  Must never refuse an odd name that decoded
 * (the judge does that), and never write one that it does not understand. */
#include "pki/san.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"
#include "pki/name.h"
#include "pki/san_internal.h"

static bool dns_valid(const char *s, size_t len)
{
	return hf_dns_name_valid(s, len, true);
}

/* The three kinds that are IA5String: general name type, ours, syntax. */
static const struct ia5_kind {
	int type;
	enum hf_san_kind kind;
	bool (*valid)(const char *s, size_t len);
} ia5_kinds[] = {
	{ GEN_DNS, HF_SAN_DNS, dns_valid },
	{ GEN_URI, HF_SAN_URI, hf_uri_valid },
	{ GEN_EMAIL, HF_SAN_EMAIL, hf_email_valid },
};

static const struct ia5_kind *find_ia5(int type)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(ia5_kinds); i++) {
		if (ia5_kinds[i].type == type)
			return &ia5_kinds[i];
	}
	return NULL;
}

static int from_ia5(struct hf_sans *sans, const struct ia5_kind *k, const ASN1_STRING *s)
{
	size_t len = (size_t)ASN1_STRING_length(s);
	struct hf_san *san =
	    hf_sans_push(sans, k->kind, len ? (const char *)ASN1_STRING_get0_data(s) : "", len);

	if (!san)
		return -HF_E_NOMEM;
	san->malformed = !k->valid(san->value, san->len);
	return 0;
}

static int from_ip(struct hf_sans *sans, const ASN1_OCTET_STRING *s)
{
	size_t len = (size_t)ASN1_STRING_length(s);
	const uint8_t *raw = ASN1_STRING_get0_data(s);
	bool malformed = len != 4 && len != 16;
	char text[2 * 32 + 32];
	struct hf_san *san;

	if (malformed) {
		hf_hex_encode(raw, HF_MIN(len, 32), text);
		(void)hf_str_copy(text + strlen(text), 32, " (not an address)");
	} else {
		hf_ip_format(raw, len, text, sizeof(text));
	}
	san = hf_sans_push(sans, HF_SAN_IP, text, strlen(text));
	if (!san)
		return -HF_E_NOMEM;
	san->malformed = malformed;
	san->raw_len = malformed ? 0 : len;
	if (!malformed)
		memcpy(san->raw, raw, len);
	return 0;
}

static int from_dirname(struct hf_sans *sans, const X509_NAME *name)
{
	HF_AUTO(cstr) text = hf_name_text(name);

	return text && hf_sans_push(sans, HF_SAN_DIRNAME, text, strlen(text)) ? 0 : -HF_E_NOMEM;
}

static const char *other_word(int type)
{
	return type == GEN_X400	      ? "x400Address"
	       : type == GEN_EDIPARTY ? "ediPartyName"
				      : "unknown name form";
}

/* otherName shows its type and, when it is text (a UPN, an SRV name), its value. */
static int from_other(struct hf_sans *sans, const GENERAL_NAME *gn)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(65536);
	char oid[HF_OID_CAP];

	if (gn->type == GEN_RID) {
		hf_oid_text(gn->d.registeredID, oid, sizeof(oid));
		(void)hf_buf_printf(&text, "registeredID %s", oid);
	} else if (gn->type == GEN_OTHERNAME) {
		const ASN1_TYPE *value = gn->d.otherName->value;

		hf_oid_text(gn->d.otherName->type_id, oid, sizeof(oid));
		(void)hf_buf_printf(&text, "otherName %s", oid);
		if (value &&
		    (value->type == V_ASN1_UTF8STRING || value->type == V_ASN1_IA5STRING)) {
			(void)hf_buf_putc(&text, ' ');
			(void)hf_buf_append(&text, ASN1_STRING_get0_data(value->value.asn1_string),
					    (size_t)ASN1_STRING_length(value->value.asn1_string));
		}
	} else {
		(void)hf_buf_puts(&text, other_word(gn->type));
	}
	if (hf_buf_failed(&text)) { /* absurdly long: its kind is enough */
		hf_buf_clear(&text);
		(void)hf_buf_puts(&text, "otherName (too long to show)");
	}
	return hf_sans_push(sans, HF_SAN_OTHER, hf_buf_str(&text), text.len) ? 0 : -HF_E_NOMEM;
}

int hf_sans_from_names(struct hf_sans *sans, const GENERAL_NAMES *names, struct hf_err *err)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *gn = sk_GENERAL_NAME_value(names, i);
		const struct ia5_kind *k = find_ia5(gn->type);
		int rc;

		if (k)
			rc = from_ia5(sans, k, gn->d.ia5);
		else if (gn->type == GEN_IPADD)
			rc = from_ip(sans, gn->d.iPAddress);
		else if (gn->type == GEN_DIRNAME)
			rc = from_dirname(sans, gn->d.directoryName);
		else
			rc = from_other(sans, gn);
		if (rc < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

static const struct ia5_kind *find_kind(enum hf_san_kind kind)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(ia5_kinds); i++) {
		if (ia5_kinds[i].kind == kind)
			return &ia5_kinds[i];
	}
	return NULL;
}

/* Makes the value and hands it to gn; false when out of memory. */
static bool fill_name(GENERAL_NAME *gn, int type, const void *data, size_t len)
{
	ASN1_STRING *s =
	    ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	if (!s || !ASN1_STRING_set(s, data, (int)len)) {
		ASN1_STRING_free(s);
		return false;
	}
	GENERAL_NAME_set0_value(gn, type, s);
	return true;
}

static int to_name(const struct hf_san *san, GENERAL_NAMES *names, struct hf_err *err)
{
	HF_AUTO(GENERAL_NAME) gn = GENERAL_NAME_new();
	const struct ia5_kind *k = find_kind(san->kind);
	bool ok;

	if (!gn)
		return hf_err_nomem(err);
	if (san->malformed || (!k && san->kind != HF_SAN_IP))
		return hf_err_set(err, HF_E_UNSUPPORTED,
				  "a name of kind '%s' cannot be written: %s",
				  hf_san_kind_name(san->kind),
				  san->malformed ? "it is malformed" : "only read");
	ok = k ? fill_name(gn, k->type, san->value, san->len)
	       : fill_name(gn, GEN_IPADD, san->raw, san->raw_len);
	if (!ok || !sk_GENERAL_NAME_push(names, gn))
		return hf_err_nomem(err);
	gn = NULL;
	return 0;
}

int hf_sans_to_names(const struct hf_sans *sans, GENERAL_NAMES **ret_names, struct hf_err *err)
{
	HF_AUTO(GENERAL_NAMES) names = sk_GENERAL_NAME_new_null();

	if (!names)
		return hf_err_nomem(err);
	for (size_t i = 0; i < sans->len; i++) {
		int rc = to_name(&sans->items[i], names, err);

		if (rc < 0)
			return rc;
	}
	*ret_names = hf_take(names);
	return 0;
}
