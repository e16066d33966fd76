/* SPDX-License-Identifier: Apache-2.0 */
/* The frame that init and root accept share: a draft directory, what is put into it, and the move
 * to its place. */
#ifndef HF_CA_FOUNDING_H
#define HF_CA_FOUNDING_H

#include "ca/init.h"

struct hf_founding {
	const struct hf_init_options *o;
	struct hf_init_result *r;
	int64_t now;
	/* Fills the draft a->dir; the ledger is open. */
	int (*fill)(struct hf_founding *f, struct hf_err *err);
	void *arg; /* for fill */
	/* filled in */
	struct hf_authority *a; /* during fill */
	char place[PATH_MAX];	/* where it is then */
};
/* All of it appears at once under home/ca, or nothing does. */
int hf_founding_run(struct hf_founding *f, struct hf_err *err);

/* The subject of the issuing CA: the root's with another common name, or without a root (NULL) what
 * the options say. */
int hf_founding_issuing_subject(const struct hf_init_options *o, const X509_NAME *root,
				X509_NAME **ret_name, struct hf_err *err);
/* Make a new root, or an issuing CA below f->a->root: in the ledger and in f->a, in no file yet. */
int hf_founding_make_root(struct hf_founding *f, struct hf_err *err);
int hf_founding_make_issuing(struct hf_founding *f, struct hf_err *err);
/* Its key, or where a token has it. */
int hf_founding_issuing_key(const struct hf_founding *f, const char *dir, struct hf_err *err);
int hf_founding_file(const char *dir, const char *name, const struct hf_buf *data, mode_t mode,
		     struct hf_err *err);
/* The key as PEM, encrypted when the options have a passphrase. */
int hf_founding_key(const struct hf_founding *f, const char *dir, const char *name,
		    const EVP_PKEY *key, struct hf_err *err);
/* PEM of one or two certificates; NULL leaves one out. */
int hf_founding_certs(const char *dir, const char *name, const struct hf_cert *first,
		      const struct hf_cert *second, struct hf_err *err);

#endif
