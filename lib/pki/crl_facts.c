/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over a list's DER.  Must never read past the bytes given. */
#include "pki/crl_facts.h"

#include <string.h>

#include "base/str.h"
#include "pki/der.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_OID = 0x06,
	TAG_UTC_TIME = 0x17,
	TAG_GENERALIZED_TIME = 0x18,
	TAG_OCTETS = 0x04,
	TAG_BOOLEAN = 0x01,
	TAG_SEQUENCE = 0x30,
	TAG_EXTENSIONS = 0xa0, /* [0] EXPLICIT */
};

/* What is left to read. */
struct walk {
	const uint8_t *at;
	size_t len;
};

/* The next object when it has that tag: its content; false when not. */
static bool enter(struct walk *w, uint8_t tag, struct walk *ret_content)
{
	size_t span, head;

	if (w->len < 2 || w->at[0] != tag || !hf_der_span(w->at, w->len, &span) || span > w->len)
		return false;
	head = w->at[1] < 0x80 ? 2 : 2 + (size_t)(w->at[1] & 0x7f);
	*ret_content = (struct walk){ w->at + head, span - head };
	w->at += span;
	w->len -= span;
	return true;
}

static bool skip(struct walk *w)
{
	struct walk content;

	return w->len > 0 && enter(w, w->at[0], &content);
}

static bool is_time(const struct walk *w)
{
	return w->len > 0 && (w->at[0] == TAG_UTC_TIME || w->at[0] == TAG_GENERALIZED_TIME);
}

static bool read_time(struct walk *w, int64_t *ret_at)
{
	const uint8_t *from = w->at;
	HF_AUTO(ASN1_TIME) time = NULL;

	if (!is_time(w) || !skip(w))
		return false;
	time = hf_der_decode(from, (size_t)(w->at - from), ASN1_ITEM_rptr(ASN1_TIME));
	return time && hf_asn1_time_read(time, ret_at);
}

static bool count_entries(struct walk entries, size_t *ret_count)
{
	struct walk entry;

	for (*ret_count = 0; entries.len > 0; (*ret_count)++) {
		if (!enter(&entries, TAG_SEQUENCE, &entry))
			return false;
	}
	return true;
}

/* INTEGER to hex without leading zeros. */
static bool read_number(struct walk value, struct hf_crl_facts *facts)
{
	struct walk digits;
	char hex[HF_CRL_NUMBER_CAP];
	const char *first = hex;

	if (!enter(&value, TAG_INTEGER, &digits) || value.len > 0 || digits.len == 0 ||
	    2 * digits.len >= sizeof(hex))
		return false;
	hf_hex_encode(digits.at, digits.len, hex);
	while (first[0] == '0' && first[1])
		first++;
	return hf_str_copy(facts->number, sizeof(facts->number), first);
}

static bool read_extensions(struct walk all, struct hf_crl_facts *facts)
{
	static const uint8_t crl_number[] = { 0x55, 0x1d, 0x14 }; /* 2.5.29.20 */
	struct walk list, extension, oid, value, ignored;

	if (!enter(&all, TAG_SEQUENCE, &list) || all.len > 0)
		return false;
	while (list.len > 0) {
		if (!enter(&list, TAG_SEQUENCE, &extension) || !enter(&extension, TAG_OID, &oid))
			return false;
		(void)enter(&extension, TAG_BOOLEAN, &ignored);
		if (!enter(&extension, TAG_OCTETS, &value) || extension.len > 0)
			return false;
		if (oid.len == sizeof(crl_number) &&
		    memcmp(oid.at, crl_number, sizeof(crl_number)) == 0 &&
		    !read_number(value, facts))
			return false;
	}
	return true;
}

bool hf_crl_facts_read(const uint8_t *der, size_t len, struct hf_crl_facts *ret_facts)
{
	struct walk all = { der, len }, list, tbs, part;
	struct hf_crl_facts facts = { .revoked = 0 };

	if (!enter(&all, TAG_SEQUENCE, &list) || all.len > 0 || !enter(&list, TAG_SEQUENCE, &tbs))
		return false;
	(void)enter(&tbs, TAG_INTEGER, &part); /* the version; version 1 says none */
	/* algorithm and issuer */
	if (!enter(&tbs, TAG_SEQUENCE, &part) || !enter(&tbs, TAG_SEQUENCE, &part) ||
	    !read_time(&tbs, &facts.this_update) ||
	    (is_time(&tbs) && !read_time(&tbs, &facts.next_update)))
		return false;
	if (enter(&tbs, TAG_SEQUENCE, &part) && !count_entries(part, &facts.revoked))
		return false;
	if (enter(&tbs, TAG_EXTENSIONS, &part) && !read_extensions(part, &facts))
		return false;
	if (tbs.len > 0)
		return false;
	*ret_facts = facts;
	return true;
}
