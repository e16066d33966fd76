/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over an authority that openssl ca, easy-rsa or cfssl kept. */
#ifndef HF_CA_IMPORT_IMPORT_H
#define HF_CA_IMPORT_IMPORT_H

#include "ca/import/tree.h"
#include "ca/init.h"

/* The facts that the ledger keeps of it: what openssl's serial file said. */
#define HF_META_OPENSSL_SERIAL "openssl_serial"

struct hf_import_options {
	const char *dir;
	/* openssl: NULL looks for one in dir; then the usual names are tried */
	const char *config, *section;
	const char *ca_cert, *ca_key; /* instead of what the tree says; NULL */
	/* the root above an issuing CA: its certificate, or its own tree (openssl); NULL looks for
	 * it in dir */
	const char *root;
	bool keyless; /* for that tree: a CA without its key will do */
	const char *database;	      /* cfssl: its SQLite file; NULL looks for one in dir */
	struct hf_passphrase_source pass;
	bool dry_run; /* a key that is locked stays so */
	int64_t now;
};
/* The words that hf_import_read takes, NULL-terminated. */
const char *const *hf_import_kinds(void);
/* Reads the whole tree and changes nothing; `kind` is one of the words. */
int hf_import_read(const char *kind, const struct hf_import_options *options,
		   struct hf_import_tree **ret_tree, struct hf_err *err);

struct hf_import_place {
	const char *home;
	const struct hf_secret *passphrase; /* for the key in the home; NULL: in plain */
	bool key_in_place; /* the home gets a link to the key, not a copy */
	bool force;	   /* an authority that is there is put aside */
	int64_t now;
	const char *actor;
};
/* Makes it the home's authority: all of it appears at once, or nothing does. */
int hf_import_adopt(const struct hf_import_tree *tree, const struct hf_import_place *place,
		    struct hf_init_result *ret_result, struct hf_err *err);

#endif
