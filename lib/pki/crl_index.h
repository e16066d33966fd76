/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a list the entries of a serial number stand: about six bytes for each entry. */
#ifndef HF_PKI_CRL_INDEX_H
#define HF_PKI_CRL_INDEX_H

#include "pki/crl_entry.h"

/* A table of buckets by a hash of the serial number. */
struct hf_crl_index {
	struct hf_der_walk entries; /* all of the list's */
	uint64_t seed;
	size_t buckets;		    /* a power of two; 0 when there are no entries */
	uint32_t *starts;	    /* where each bucket begins in slots; one more is its end */
	uint32_t *slots;	    /* places of entries, in each bucket in the list's order */
};

/* `entries` are well-formed, count of them, and outlive the index.  seed: what whoever chose the
 * serial numbers did not know. */
int hf_crl_index_build(struct hf_crl_index *index, struct hf_der_walk entries, size_t count,
		       uint64_t seed, struct hf_err *err);
void hf_crl_index_done(struct hf_crl_index *index);
/* The entry that stands at an offset into the entries. */
struct hf_crl_entry hf_crl_index_entry(const struct hf_crl_index *index, uint32_t offset);

/* Those with one serial number, in the list's order. */
struct hf_crl_matches {
	const struct hf_crl_index *index;
	struct hf_der_walk serial; /* content of the INTEGER */
	uint32_t at, end;	   /* in slots */
};
struct hf_crl_matches hf_crl_matches(const struct hf_crl_index *index, struct hf_der_walk serial);
bool hf_crl_matches_next(struct hf_crl_matches *matches, uint32_t *ret_offset,
			 struct hf_crl_entry *ret_entry);

#endif
