/* SPDX-License-Identifier: Apache-2.0 */
/* Reading entries.  Must never read past the bytes given, and never take for an entry what
 * OpenSSL's decoder would not. */
#include "pki/crl_entry.h"

#include <string.h>

/* As c2i_ASN1_INTEGER: not empty, and no first octet that only repeats the sign. */
static bool is_integer(const struct hf_der_walk *content)
{
	const uint8_t *at = content->at;

	if (content->len < 2)
		return content->len == 1;
	return !(at[0] == 0 && at[1] < 0x80) && !(at[0] == 0xff && at[1] >= 0x80);
}

bool hf_crl_entry_next(struct hf_der_walk *entries, struct hf_crl_entry *ret_entry)
{
	struct hf_crl_entry e = { .der = { entries->at, 0 } };
	struct hf_der_walk all, serial, ignored;
	const uint8_t *time;

	if (!hf_der_enter(entries, HF_DER_SEQUENCE, &all))
		return false;
	e.der.len = (size_t)(entries->at - e.der.at);
	e.is_der = hf_der_is_short(e.der.at, &all);
	serial = all;
	if (!hf_der_enter(&all, HF_DER_INTEGER, &e.serial) || !is_integer(&e.serial) ||
	    !hf_der_is_time(&all))
		return false;
	time = all.at;
	e.time_tag = time[0];
	if (!hf_der_enter(&all, e.time_tag, &e.time))
		return false;
	e.is_der &= hf_der_is_short(serial.at, &e.serial) && hf_der_is_short(time, &e.time);
	e.extensions = all;
	if (all.len > 0 && (!hf_der_enter(&all, HF_DER_SEQUENCE, &ignored) || all.len > 0))
		return false;
	*ret_entry = e;
	return true;
}

bool hf_crl_entry_at(const struct hf_crl_entry *entry, int64_t *ret_at)
{
	return hf_der_time_read(entry->time_tag, entry->time.at, entry->time.len, ret_at);
}

char *hf_crl_entry_serial(const struct hf_crl_entry *entry)
{
	HF_AUTO(ASN1_INTEGER) number = NULL;
	struct hf_der_walk all, content;
	struct hf_der_walk whole = entry->der;

	if (!hf_der_enter(&whole, HF_DER_SEQUENCE, &all))
		return NULL;
	whole = all;
	if (!hf_der_enter(&all, HF_DER_INTEGER, &content))
		return NULL;
	number = hf_der_decode(whole.at, (size_t)(all.at - whole.at), ASN1_ITEM_rptr(ASN1_INTEGER));
	return number ? hf_asn1_integer_hex(number) : NULL;
}

/* --- extensions --- */

/* What the value of a plain extension is. */
static const struct plain {
	uint8_t oid[3];
	uint8_t tag;
	size_t len;
} plains[] = {
	{ { 0x55, 0x1d, 0x15 }, HF_DER_ENUMERATED, 1 },	       /* cRLReason, 2.5.29.21 */
	{ { 0x55, 0x1d, 0x18 }, HF_DER_GENERALIZED_TIME, 15 }, /* invalidityDate, 2.5.29.24 */
};

/* The next extension: its row in `plains` and the content of its value; NULL when it is not plain.
 */
static const struct plain *next_plain(struct hf_der_walk *list, struct hf_der_walk *ret_content)
{
	struct hf_der_walk extension, oid, value;

	if (!hf_der_enter(list, HF_DER_SEQUENCE, &extension) ||
	    !hf_der_enter(&extension, HF_DER_OID, &oid) ||
	    !hf_der_enter(&extension, HF_DER_OCTETS, &value) || extension.len > 0)
		return NULL;
	for (size_t i = 0; i < HF_ARRAY_LEN(plains); i++) {
		if (oid.len == sizeof(plains[i].oid) && memcmp(oid.at, plains[i].oid, oid.len) == 0)
			return hf_der_enter(&value, plains[i].tag, ret_content) && value.len == 0 &&
				       ret_content->len == plains[i].len
				   ? &plains[i]
				   : NULL;
	}
	return NULL;
}

bool hf_crl_entry_is_plain(const struct hf_crl_entry *entry)
{
	struct hf_der_walk all = entry->extensions, list, content;
	bool seen[HF_ARRAY_LEN(plains)] = { false };

	if (!hf_der_enter(&all, HF_DER_SEQUENCE, &list))
		return false;
	while (list.len > 0) {
		const struct plain *plain = next_plain(&list, &content);

		if (!plain || seen[plain - plains])
			return false;
		seen[plain - plains] = true;
	}
	return true;
}

STACK_OF(X509_EXTENSION) *hf_crl_entry_extensions(const struct hf_crl_entry *entry)
{
	return hf_der_decode(entry->extensions.at, entry->extensions.len,
			     ASN1_ITEM_rptr(X509_EXTENSIONS));
}

static int plain_reason(const struct hf_crl_entry *entry)
{
	struct hf_der_walk all = entry->extensions, list, content;

	(void)hf_der_enter(&all, HF_DER_SEQUENCE, &list);
	while (list.len > 0) {
		if (next_plain(&list, &content) == &plains[0])
			return (int8_t)content.at[0]; /* an ENUMERATED has a sign */
	}
	return -1;
}

static int decoded_reason(const struct hf_crl_entry *entry)
{
	HF_AUTO(X509_EXTENSION_stack) list = hf_crl_entry_extensions(entry);
	ASN1_ENUMERATED *reason;
	int code;

	(void)ERR_set_mark();
	reason = X509V3_get_d2i(list, NID_crl_reason, NULL, NULL);
	(void)ERR_pop_to_mark();
	code = reason ? (int)ASN1_ENUMERATED_get(reason) : -1;
	ASN1_ENUMERATED_free(reason);
	return code;
}

int hf_crl_entry_reason(const struct hf_crl_entry *entry)
{
	if (entry->extensions.len == 0)
		return -1;
	return hf_crl_entry_is_plain(entry) ? plain_reason(entry) : decoded_reason(entry);
}
