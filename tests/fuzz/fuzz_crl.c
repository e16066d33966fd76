/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL from foreign DER: decode, count, describe; then what OpenSSL's own decoder says of each of
 * its entries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/crl.h"
#include "pki/crl_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_LOOKED_AT = 64 };

static void check(bool good)
{
	if (!good)
		abort();
}

/* The same entry, for the list's own issuer. */
static void check_entry(const struct hf_crl *crl, X509_CRL *theirs, const X509_REVOKED *one)
{
	const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(one);
	struct hf_crl_entry entry;
	X509_REVOKED *found = NULL;
	int ours = hf_crl_find(crl, serial, NULL, &entry);
	unsigned char *der = NULL;
	ASN1_ENUMERATED *reason;

	check(X509_CRL_get0_by_serial(theirs, &found, serial) == ours);
	if (ours == 0)
		return;
	if (i2d_X509_REVOKED(found, &der) == (int)entry.der.len)
		check(memcmp(der, entry.der.at, entry.der.len) == 0 || crl->bad);
	OPENSSL_free(der);
	reason = X509_REVOKED_get_ext_d2i(found, NID_crl_reason, NULL, NULL);
	check(hf_crl_entry_reason(&entry) == (reason ? (int)ASN1_ENUMERATED_get(reason) : -1));
	ASN1_ENUMERATED_free(reason);
	free(hf_crl_entry_serial(&entry));
}

/* Where a list is flagged, nobody looks anything up on it. */
static void check_entries(const struct hf_crl *crl)
{
	X509_CRL *theirs = hf_crl_decode(crl);
	STACK_OF(X509_REVOKED) *entries;
	int count;

	check(theirs != NULL);
	entries = X509_CRL_get_REVOKED(theirs);
	count = sk_X509_REVOKED_num(entries);
	check(crl->revoked_count == (size_t)HF_MAX(count, 0));
	for (int i = 0; !crl->bad && i < count && i < ENTRIES_LOOKED_AT; i++)
		check_entry(crl, theirs, sk_X509_REVOKED_value(entries, i));
	X509_CRL_free(theirs);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_err err = HF_ERR_INIT;
	struct hf_crl_facts facts;
	bool is_list = hf_crl_is_list(data, size);

	if (hf_crl_facts_read(data, size, &facts) && facts.revoked > size)
		abort();
	if (hf_crl_from_der(data, size, &crl, &err) < 0)
		return 0;
	check(is_list && crl->issuer && crl->revoked_count <= size &&
	      (crl->has_next_update || crl->next_update != 0));
	for (const char *p = crl->issuer; *p; p++)
		check((unsigned char)*p >= 0x20);
	check_entries(crl);
	return 0;
}
