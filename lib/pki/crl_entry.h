/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a revocation list (RFC 5280 5.1.2.6), read from its bytes one by one: an object
 * of OpenSSL's for each would take ten times the memory of the list. */
#ifndef HF_PKI_CRL_ENTRY_H
#define HF_PKI_CRL_ENTRY_H

#include "pki/der.h"

/* As it stands in the list, into which it points. */
struct hf_crl_entry {
	struct hf_der_walk der;	       /* all of it */
	struct hf_der_walk serial;     /* content of the INTEGER: two's complement, never empty */
	uint8_t time_tag;
	struct hf_der_walk time;       /* content of the revocationDate */
	struct hf_der_walk extensions; /* their SEQUENCE; len 0 when there is none */
	bool is_der;		       /* lengths are in the form that DER wants */
};

/* The next entry, and the walk goes on behind it; false when what stands there is none.  Extensions
 * are not looked into. */
bool hf_crl_entry_next(struct hf_der_walk *entries, struct hf_crl_entry *ret_entry);
/* Unix seconds; false when the date has neither of the two forms that RFC 5280 allows. */
bool hf_crl_entry_at(const struct hf_crl_entry *entry, int64_t *ret_at);
/* CRLReason; -1 when none is given, or it cannot be read. */
int hf_crl_entry_reason(const struct hf_crl_entry *entry);
/* Lower-case hex without leading zeros, "-…" when negative; owned; NULL when out of memory. */
char *hf_crl_entry_serial(const struct hf_crl_entry *entry);

/* Are there extensions, and all of them a reason or an invalidity date, not critical, none twice,
 * that surely decode?  That is most of them; the others are for OpenSSL to decode. */
bool hf_crl_entry_is_plain(const struct hf_crl_entry *entry);
/* Owned; NULL when they do not decode. */
STACK_OF(X509_EXTENSION) *hf_crl_entry_extensions(const struct hf_crl_entry *entry);

#endif
