/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing: orders are checked, noted in the ledger, signed in memory, judged, recorded, and only
 * then handed to the caller. */
#ifndef HF_CA_ISSUE_H
#define HF_CA_ISSUE_H

#include "base/str.h"
#include "ca/authority.h"
#include "ca/certificate.h"

enum {
	HF_BACKDATE_SECONDS = 300, /* for clocks that are a little behind */
	HF_ORDER_NAME_CAP = 256,
};

/* One certificate to make.  Zero, fill in, hand over; everything it points to is owned. */
struct hf_order {
	const struct hf_ca_profile *profile;
	char name[HF_ORDER_NAME_CAP]; /* under which the ledger knows it */
	X509_NAME *subject;
	EVP_PKEY *key; /* public part */
	struct hf_sans sans;
	NAME_CONSTRAINTS *permit; /* CA profiles only; NULL: none */
	STACK_OF(X509_EXTENSION) *extra; /* behind the profile's own; NULL: none */
	int64_t lifetime;	  /* seconds; 0: the profile's default */
	struct hf_strv notes;	  /* what was changed or left out, each a sentence for people */
	struct hf_strv dropped;	  /* what a request asked for in vain, in single words */
	struct hf_strv added;	  /* names that it gets unasked, and why; kept when rulings are */
	struct hf_rulings rulings; /* what the policy said, when .wanted */
	bool own_name; /* its only SAN is its own name, which nobody asked for */
	bool renews; /* in place of one that is there: unique_subject lets it */
	struct hf_cert *renewed; /* that one; NULL: it is not known */
	struct hf_claim *claim; /* what is used up by it, borrowed; NULL: nothing.  A claim that is
				   lost leaves cert NULL and err set */
	/* filled in by hf_order_check */
	struct hf_ca *issuer; /* NULL: self-signed */
	int64_t shard;	      /* of its revocation (shards.h); 0: none */
	bool placed;	      /* the policy has said where its list is */
	int64_t not_before, not_after;
	bool checked;
	/* filled in by hf_issue */
	struct hf_cert *cert; /* NULL when it was not issued: see err */
	int64_t record_id;
	struct hf_err err;
};
void hf_order_done(struct hf_order *order);
HF_DEFINE_AUTO_DONE(hf_order, struct hf_order, hf_order_done);

/* Refuses what must not be issued (weak keys, names outside the constraints, a server without a
 * name, a CA below path length 0, an expired issuer …), settles issuer and validity; -HF_E_POLICY
 * and why. */
int hf_order_check(struct hf_authority *a, struct hf_order *order, int64_t now, struct hf_err *err);
/* The public key rules alone. */
int hf_key_check(const EVP_PKEY *key, struct hf_err *err);

/* Issues checked orders.  Negative when nothing was issued at all; else how many were, and an order
 * that was not has its err set.  All intents are noted in one transaction, all records in another.
 */
int hf_issue(struct hf_authority *a, struct hf_order *const *orders, size_t len, int64_t now,
	     struct hf_err *err);

/* The refusal of a subject that has a certificate already (unique_subject). */
int hf_order_subject_taken(const struct hf_authority *a, struct hf_order *order,
			   const char *subject, struct hf_err *err);
/* The same as hf_issue_try, not judged. */
int hf_issue_draft(struct hf_authority *a, struct hf_order *order, struct hf_cert **ret_cert,
		   struct hf_err *err);
/* What would come out: the same certificate for a key that is thrown away at once, judged, and
 * forgotten. */
int hf_issue_try(struct hf_authority *a, struct hf_order *order, int64_t now,
		 struct hf_cert **ret_cert, struct hf_err *err);

#endif
