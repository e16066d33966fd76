/* SPDX-License-Identifier: Apache-2.0 */
/* Writing an authority as a tree that `openssl ca` goes on with. */
#ifndef HF_CA_IMPORT_OPENSSL_EXPORT_H
#define HF_CA_IMPORT_OPENSSL_EXPORT_H

#include "ca/authority.h"

struct hf_openssl_export {
	const char *dir; /* must not be there, or be empty */
	/* encrypts the keys; NULL: in plain when they are so in the home, refused when not */
	const struct hf_secret *passphrase;
	bool without_key;
	int64_t now;
};
struct hf_openssl_exported {
	char dir[PATH_MAX]; /* absolute */
	size_t valid, revoked, expired;
	/* that have not ended and look for the list of their shard, which openssl ca cannot make */
	size_t sharded;
	bool with_key, with_root; /* the root's tree is in DIR/root */
};
/* The tree of the CA that issues leaves; with an issuing CA, the root's own below it.  All of it
 * appears at once, or nothing does. */
int hf_export_openssl(struct hf_authority *a, const struct hf_openssl_export *options,
		      struct hf_openssl_exported *ret_exported, struct hf_err *err);

/* The text of its openssl.cnf; `dir` as the configuration will say it. */
int hf_export_config(const char *dir, bool random_serials, struct hf_buf *out);

#endif
