/* SPDX-License-Identifier: Apache-2.0 */
/* Founding an authority. */
#ifndef HF_CA_INIT_H
#define HF_CA_INIT_H

#include "ca/issue.h"

struct hf_init_options {
	const char *home;
	const char *name;    /* "ABC Inc." */
	const char *subject; /* of the root, -subj syntax; NULL: O=name, CN=name Root CA */
	/* whole subjects instead; borrowed, NULL: as above */
	const X509_NAME *root_name, *issuing_name;
	enum hf_key_type key_type;
	int64_t lifetime, issuing_lifetime; /* seconds; 0: 10 and 5 years */
	bool single;			    /* no issuing CA: the root issues */
	bool root_only; /* no issuing CA here: the home of an offline root (root.h) */
	NAME_CONSTRAINTS *permit; /* on the CA that issues leaves; borrowed, may be NULL */
	const struct hf_secret *passphrase; /* encrypts the keys; NULL: they stay plain */
	const char *root_cert, *root_key;   /* an existing root */
	struct hf_passphrase_source pass;   /* for root_key */
	const char *root_out; /* the root's key goes here and nowhere else; NULL: into the home */
	const char *issuing_key; /* pkcs11: URI of a key that is there already; NULL: a new one */
	struct hf_passphrase_source pin; /* for issuing_key */
	bool force;	      /* an authority that is there is put aside */
	int64_t now;
	const char *actor;
};
struct hf_init_result {
	struct hf_cert *root, *issuing; /* issuing is NULL for a single one */
	char aside[PATH_MAX];		/* where the old one went; "" when there was none */
	char root_key_path[PATH_MAX];
	struct hf_strv notes;
};
void hf_init_result_done(struct hf_init_result *r);
HF_DEFINE_AUTO_DONE(hf_init_result, struct hf_init_result, hf_init_result_done);

/* All of it appears at once under home/ca, or nothing does. */
int hf_authority_init(const struct hf_init_options *options, struct hf_init_result *ret_result,
		      struct hf_err *err);

#endif
