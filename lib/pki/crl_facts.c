/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over a list's DER.  Must never read past the bytes given. */
#include "pki/crl_facts.h"

#include <string.h>

#include "base/str.h"
#include "pki/der.h"

static bool read_time(struct hf_der_walk *w, int64_t *ret_at)
{
	struct hf_der_walk content;
	uint8_t tag = w->len > 0 ? w->at[0] : 0;

	return hf_der_is_time(w) && hf_der_enter(w, tag, &content) &&
	       hf_der_time_read(tag, content.at, content.len, ret_at);
}

static bool count_entries(struct hf_der_walk entries, size_t *ret_count)
{
	struct hf_der_walk entry;

	for (*ret_count = 0; entries.len > 0; (*ret_count)++) {
		if (!hf_der_enter(&entries, HF_DER_SEQUENCE, &entry))
			return false;
	}
	return true;
}

/* INTEGER to hex without leading zeros. */
static bool read_number(struct hf_der_walk value, struct hf_crl_facts *facts)
{
	struct hf_der_walk digits;
	char hex[HF_CRL_NUMBER_CAP];
	const char *first = hex;

	if (!hf_der_enter(&value, HF_DER_INTEGER, &digits) || value.len > 0 || digits.len == 0 ||
	    2 * digits.len >= sizeof(hex))
		return false;
	hf_hex_encode(digits.at, digits.len, hex);
	while (first[0] == '0' && first[1])
		first++;
	return hf_str_copy(facts->number, sizeof(facts->number), first);
}

static bool read_extensions(struct hf_der_walk all, struct hf_crl_facts *facts)
{
	static const uint8_t crl_number[] = { 0x55, 0x1d, 0x14 }; /* 2.5.29.20 */
	struct hf_der_walk list, extension, oid, value, ignored;

	if (!hf_der_enter(&all, HF_DER_SEQUENCE, &list) || all.len > 0)
		return false;
	while (list.len > 0) {
		if (!hf_der_enter(&list, HF_DER_SEQUENCE, &extension) ||
		    !hf_der_enter(&extension, HF_DER_OID, &oid))
			return false;
		(void)hf_der_enter(&extension, HF_DER_BOOLEAN, &ignored);
		if (!hf_der_enter(&extension, HF_DER_OCTETS, &value) || extension.len > 0)
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
	struct hf_der_walk all = { der, len }, list, tbs, part;
	struct hf_crl_facts facts = { .revoked = 0 };

	if (!hf_der_enter(&all, HF_DER_SEQUENCE, &list) || all.len > 0 ||
	    !hf_der_enter(&list, HF_DER_SEQUENCE, &tbs))
		return false;
	(void)hf_der_enter(&tbs, HF_DER_INTEGER, &part); /* the version; version 1 says none */
	/* algorithm and issuer */
	if (!hf_der_enter(&tbs, HF_DER_SEQUENCE, &part) ||
	    !hf_der_enter(&tbs, HF_DER_SEQUENCE, &part) || !read_time(&tbs, &facts.this_update) ||
	    (hf_der_is_time(&tbs) && !read_time(&tbs, &facts.next_update)))
		return false;
	if (hf_der_enter(&tbs, HF_DER_SEQUENCE, &part) && !count_entries(part, &facts.revoked))
		return false;
	if (hf_der_enter(&tbs, HF_DER_EXPLICIT_0, &part) && !read_extensions(part, &facts))
		return false;
	if (tbs.len > 0)
		return false;
	*ret_facts = facts;
	return true;
}
