/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of an authority lie, and reading them: for the readers of src/ca/import. */
#ifndef HF_CA_IMPORT_LAYOUT_H
#define HF_CA_IMPORT_LAYOUT_H

#include "ca/import/import.h"

enum { HF_IMPORT_DIRS = 8 };

/* "" where there is none. */
struct hf_import_layout {
	char certificate[PATH_MAX], private_key[PATH_MAX];
	char database[PATH_MAX], serial[PATH_MAX], crlnumber[PATH_MAX], crl[PATH_MAX];
	struct {
		char path[PATH_MAX];
		bool ours;  /* every certificate in it should be this CA's */
		bool named; /* its files are called after their holders */
	} dirs[HF_IMPORT_DIRS];
	size_t dirs_len;
};

/* "dir/name" when that is there; false else. */
bool hf_import_path(char out[PATH_MAX], const char *dir, const char *name);
/* The first of the names (ended by NULL) that is in dir; "" when none is. */
void hf_import_first(char out[PATH_MAX], const char *dir, const char *const *names);
/* Adds a directory when it is there. */
void hf_import_add_dir(struct hf_import_layout *l, const char *dir, const char *name, bool ours,
		       bool named);

/* CA, key, root and last list; then the caller adds rows; then the directories and the rest. */
int hf_import_load_ca(struct hf_import_tree *tree, const struct hf_import_layout *l,
		      const struct hf_import_options *o, struct hf_err *err);
/* For a CA that is no root: the root above it, and its books when they are at hand. */
int hf_import_find_root(struct hf_import_tree *tree, const struct hf_import_options *o,
			struct hf_err *err);
int hf_import_load_index(struct hf_import_tree *tree, const struct hf_import_layout *l,
			 struct hf_err *err);
int hf_import_load_numbers(struct hf_import_tree *tree, const struct hf_import_layout *l,
			   struct hf_err *err);
int hf_import_scan_certs(struct hf_import_tree *tree, const struct hf_import_layout *l,
			 struct hf_err *err);
/* Private keys that lie about below tree->dir. */
int hf_import_scan_keys(struct hf_import_tree *tree, struct hf_err *err);

/* Finds out whether peers would take what the CA issues. */
int hf_import_try(struct hf_import_tree *tree, struct hf_err *err);

/* The readers. */
int hf_import_read_openssl(struct hf_import_tree *tree, const struct hf_import_options *o,
			   struct hf_err *err);
int hf_import_read_easyrsa(struct hf_import_tree *tree, const struct hf_import_options *o,
			   struct hf_err *err);
int hf_import_read_cfssl(struct hf_import_tree *tree, const struct hf_import_options *o,
			 struct hf_err *err);

#endif
