/* SPDX-License-Identifier: Apache-2.0 */
/* The next issuing CA, or the next root, of an authority, and the end of those before.
 *
 * After a rollover the new CA issues everything. The one before is trusted on, revokes what it has
 * issued, and publishes its list, until nobody's certificate stands below it any more: then it is
 * retired.  A new root is certified by the old one too (cross.pem, in the chain of each new
 * identity), so that peers who know only the old root accept what is issued below the new one. */
#ifndef HF_CA_ROLLOVER_H
#define HF_CA_ROLLOVER_H

#include "ca/authority.h"
#include "pki/key.h"

struct hf_rollover {
	bool root; /* a new root, and a new issuing CA below it */
	enum hf_key_type key_type;
	int64_t lifetime, issuing_lifetime;	  /* seconds; 0: 10 and 5 years */
	const struct hf_secret *passphrase;	  /* encrypts the new keys; NULL: they stay plain */
	const char *issuing_key;		  /* pkcs11: URI; NULL: a new key */
	struct hf_passphrase_source pin;	  /* for issuing_key */
	const char *home;
	int64_t now;
	/* filled in; owned by the caller */
	struct hf_cert *new_root, *new_issuing; /* NULL: stayed, or there is none */
	bool crossed;				/* the old root certified the new one */
	/* of lists of the CA before, that its certificates have from extension files */
	struct hf_strv foreign_places;
};
void hf_rollover_done(struct hf_rollover *r);
HF_DEFINE_AUTO_DONE(hf_rollover, struct hf_rollover, hf_rollover_done);
/* Needs the root's key.  A crash leaves the old state or the new one: what was begun is finished
 * when the authority is next opened.  `a` is of the old state afterwards: open it anew. */
int hf_authority_rollover(struct hf_authority *a, struct hf_rollover *r, struct hf_err *err);
/* Moves what a rollover has made whole to its places; nothing to do is no failure. */
int hf_rollover_finish(const char *dir, struct hf_err *err);

/* 1 when nothing has taken the place of this certificate of a CA that went before: no live one of
 * the same name and profile from a CA that stays.  0 when something has. */
int hf_record_is_left(struct hf_authority *a, const struct hf_record *record, int64_t now,
		      struct hf_err *err);
/* A CA of this authority by its common name, subject, or serial; NULL and -HF_E_NOENT naming those
 * that there are. */
int hf_authority_find_ca(struct hf_authority *a, const char *what, struct hf_ca **ret_ca,
			 struct hf_err *err);
/* Is `issuing` below `root`? */
bool hf_ca_is_below(const struct hf_ca *issuing, const struct hf_ca *root);

struct hf_retired {
	struct hf_strv subjects; /* of those that ended */
	struct hf_strv notes;
};
void hf_retired_done(struct hf_retired *r);
HF_DEFINE_AUTO_DONE(hf_retired, struct hf_retired, hf_retired_done);
/* Ends every CA that went before: revoked by its root where that key is at hand, its own key
 * deleted, its files in retired/.  -HF_E_POLICY, and nothing done, while somebody is
 * left below one of them (hf_record_is_left); -HF_E_NOENT when there is none. */
int hf_authority_retire(struct hf_authority *a, const char *home, int64_t now,
			struct hf_retired *ret_retired, struct hf_err *err);

#endif
