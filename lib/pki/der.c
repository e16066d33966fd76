/* SPDX-License-Identifier: Apache-2.0 */
/* ASN.1 details.  Must never read past the bytes given and never guess at a malformed value. */
#include "pki/der.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

bool hf_der_span(const uint8_t *der, size_t len, size_t *ret_span)
{
	size_t octets, value = 0;

	if (len < 2 || (der[0] & 0x1f) == 0x1f) /* no structure here has a multi-byte tag */
		return false;
	if (der[1] < 0x80) {
		*ret_span = 2 + (size_t)der[1];
		return true;
	}
	octets = der[1] & 0x7f;
	if (octets == 0 || octets > 4 || len < 2 + octets)
		return false;
	for (size_t i = 0; i < octets; i++)
		value = value << 8 | der[2 + i];
	*ret_span = 2 + octets + value;
	return true;
}

bool hf_der_is_whole(const uint8_t *der, size_t len)
{
	size_t span;

	return hf_der_span(der, len, &span) && span == len;
}

bool hf_der_enter(struct hf_der_walk *walk, uint8_t tag, struct hf_der_walk *ret_content)
{
	size_t span, head = 2;

	if (walk->len < 2 || walk->at[0] != tag)
		return false;
	if (walk->at[1] < 0x80)
		span = 2 + (size_t)walk->at[1]; /* as most are */
	else if (hf_der_span(walk->at, walk->len, &span))
		head += (size_t)(walk->at[1] & 0x7f);
	else
		return false;
	if (span > walk->len)
		return false;
	*ret_content = (struct hf_der_walk){ walk->at + head, span - head };
	walk->at += span;
	walk->len -= span;
	return true;
}

bool hf_der_is_time(const struct hf_der_walk *walk)
{
	return walk->len > 0 &&
	       (walk->at[0] == HF_DER_UTC_TIME || walk->at[0] == HF_DER_GENERALIZED_TIME);
}

bool hf_der_is_short(const uint8_t *object, const struct hf_der_walk *content)
{
	size_t octets = 0;

	for (size_t len = content->len; content->len >= 0x80 && len > 0; len >>= 8)
		octets++;
	return (size_t)(content->at - object) == 2 + octets;
}

int hf_der_explain(const uint8_t *der, size_t len, const char *what, struct hf_err *err)
{
	size_t span;

	if (len == 0) {
		ERR_clear_error();
		return hf_err_set(err, HF_E_PARSE, "%s is empty", what);
	}
	if (hf_der_span(der, len, &span) && span > len) {
		ERR_clear_error();
		return hf_err_set(err, HF_E_PARSE,
				  "%s is cut off: it announces %zu bytes, %zu are there", what,
				  span, len);
	}
	if (hf_der_span(der, len, &span) && span < len) {
		ERR_clear_error();
		return hf_err_set(err, HF_E_PARSE, "%zu bytes follow after the end of %s",
				  len - span, what);
	}
	return hf_err_ossl(err, HF_E_PARSE, "%s is damaged", what);
}

void *hf_der_decode(const uint8_t *der, size_t len, const ASN1_ITEM *it)
{
	const uint8_t *p = der;
	ASN1_VALUE *value;

	if (len == 0 || len > LONG_MAX)
		return NULL;
	(void)ERR_set_mark();
	value = ASN1_item_d2i(NULL, &p, (long)len, it);
	if (value && p != der + len) {
		ASN1_item_free(value, it);
		value = NULL;
	}
	(void)ERR_pop_to_mark();
	return value;
}

/* In the form that hf_time_parse reads; a revocation list has a time in every entry. */
static void format_digits(const char *digits, char out[HF_TIME_TEXT_CAP])
{
	static const char form[] = "0000-00-00T00:00:00Z";

	for (size_t i = 0; i < sizeof(form); i++)
		out[i] = form[i] == '0' ? *digits++ : form[i];
}

bool hf_der_time_read(uint8_t tag, const uint8_t *content, size_t len, int64_t *ret_at)
{
	bool utc = tag == HF_DER_UTC_TIME;
	size_t digits = utc ? 12 : 14;
	char full[] = "20YYMMDDhhmmss", text[HF_TIME_TEXT_CAP];

	if ((!utc && tag != HF_DER_GENERALIZED_TIME) || len != digits + 1 || content[digits] != 'Z')
		return false;
	/* two digits: 50–99 are 19xx (RFC 5280 4.1.2.5.1) */
	if (utc && content[0] >= '5')
		memcpy(full, "19", 2);
	memcpy(full + 14 - digits, content, digits);
	format_digits(full, text);
	return hf_time_parse(text, ret_at);
}

bool hf_asn1_time_read(const ASN1_TIME *t, int64_t *ret_at)
{
	return t && hf_der_time_read((uint8_t)ASN1_STRING_type(t), ASN1_STRING_get0_data(t),
				     (size_t)ASN1_STRING_length(t), ret_at);
}

static char *hex_of(const BIGNUM *bn)
{
	HF_AUTO(ossl_mem) hex = (unsigned char *)BN_bn2hex(bn);
	const char *digits;
	char *text;

	if (!hex)
		return NULL;
	digits = (const char *)hex + (hex[0] == '-');
	while (digits[0] == '0' && digits[1])
		digits++;
	text = hf_str_printf("%s%s", hex[0] == '-' ? "-" : "", digits);
	for (char *p = text; p && *p; p++)
		*p = hf_ascii_lower(*p);
	return text;
}

char *hf_asn1_integer_hex(const ASN1_INTEGER *i)
{
	HF_AUTO(BIGNUM) bn = ASN1_INTEGER_to_BN(i, NULL);

	return bn ? hex_of(bn) : NULL;
}

void hf_oid_text(const ASN1_OBJECT *o, char *out, size_t cap)
{
	if (OBJ_obj2txt(out, (int)cap, o, 1) <= 0)
		(void)hf_str_copy(out, cap, "(bad OID)");
}

void hf_oid_word(const ASN1_OBJECT *o, char *out, size_t cap)
{
	int nid = OBJ_obj2nid(o);

	if (nid == NID_undef)
		hf_oid_text(o, out, cap);
	else
		(void)hf_str_copy(out, cap, OBJ_nid2sn(nid));
}

static bool is_dotted(const char *text)
{
	size_t arcs = 0, i = 0;

	do {
		size_t digits = strspn(text + i, "0123456789");

		if (digits == 0 || (digits > 1 && text[i] == '0'))
			return false;
		i += digits;
		arcs++;
	} while (text[i++] == '.');
	return text[i - 1] == '\0' && arcs > 1 && i <= HF_OID_CAP;
}

ASN1_OBJECT *hf_oid_parse(const char *text)
{
	ASN1_OBJECT *oid = NULL;

	(void)ERR_set_mark();
	if (is_dotted(text))
		oid = OBJ_txt2obj(text, 1);
	(void)ERR_pop_to_mark();
	return oid;
}

int hf_bio_to_buf(BIO *bio, struct hf_buf *out, struct hf_err *err)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	if (len < 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot read back what was written");
	if (hf_buf_append(out, data, (size_t)len) < 0)
		return hf_err_set(err, HF_E_LIMIT, "the output is larger than %zu bytes", out->cap);
	return 0;
}
