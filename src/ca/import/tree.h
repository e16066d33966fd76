/* SPDX-License-Identifier: Apache-2.0 */
/* An authority as another program kept it, read into memory: what all readers fill and the adoption
 * takes. */
#ifndef HF_CA_IMPORT_TREE_H
#define HF_CA_IMPORT_TREE_H

#include <limits.h>

#include "ca/import/findings.h"
#include "ca/import/index_txt.h"
#include "pki/pemfile.h"

/* A certificate: of the index, of the disk, or of both. */
struct hf_import_entry {
	char serial[HF_INDEX_SERIAL_CAP];
	char status; /* 'V', 'R', 'E'; 0: the index does not know it */
	int64_t not_before, not_after;
	int64_t revoked_at;
	int reason;
	size_t line;		/* of the index, 0: not in it */
	const char *profile;	/* a word of ca/profile.h, or "unknown" */
	char *name;		/* under which the ledger will know it */
	char *subject, *sans;	/* for people; subject of the index: as it stands there */
	char *file;		/* where it was read; NULL: not on the disk */
	uint8_t *der;		/* NULL: not on the disk */
	size_t der_len;
	uint8_t sha256[HF_SHA256_LEN];
	bool named;		/* the name is the file's */
	uint64_t marks;		/* hf_import_marks */
};

struct hf_import_tree {
	const char *kind; /* "openssl", "easy-rsa", "cfssl" */
	char dir[PATH_MAX];
	int64_t now;
	struct hf_cert *ca, *root;	/* root: NULL when the CA is one itself */
	struct hf_import_tree *above;	/* the root's own books; NULL when they are elsewhere */
	EVP_PKEY *key;			/* NULL in a dry run with a locked key */
	char ca_path[PATH_MAX], key_path[PATH_MAX];
	bool key_encrypted;
	struct hf_crl *crl;		/* the newest list found; may be NULL */
	int64_t next_crl;		/* the number of the next list */
	char next_serial[HF_INDEX_SERIAL_CAP]; /* of openssl's serial file; "" */
	struct hf_import_entry *entries;
	size_t len, alloc;
	struct hf_import_findings findings;
	struct {
		size_t valid, revoked, expired, serial_only;
	} count;
};
void hf_import_tree_free(struct hf_import_tree *tree);
HF_DEFINE_AUTO(hf_import_tree, struct hf_import_tree, hf_import_tree_free);

/* The row of an index. */
int hf_import_add_row(struct hf_import_tree *tree, const struct hf_index_row *row,
		      struct hf_err *err);
/* A certificate of the disk or of a data base; 1 when it is not one of tree->ca's, which is noted
 * and no more.  `name` may be NULL. */
int hf_import_add_cert(struct hf_import_tree *tree, const struct hf_cert *cert, const char *file,
		       const char *name, struct hf_err *err);
/* Brings rows and certificates of one serial together, counts them, and notes what is odd. */
int hf_import_settle(struct hf_import_tree *tree, struct hf_err *err);

#endif
