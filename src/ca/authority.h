/* SPDX-License-Identifier: Apache-2.0 */
/* An authority: the root and the issuing CA of a home, their keys, and the ledger.
 *
 * The files are
 * home/ca/{root.pem,root.key,issuing.pem,issuing.key,chain.pem,crl.pem,root.crl.pem,ca.db}. Without
 * issuing.pem the root issues itself (`init --single`); without root.key the root is offline. After
 * a rollover there are before/N/{cert.pem,key.pem,crl.pem}, and cross.pem when the root is new. */
#ifndef HF_CA_AUTHORITY_H
#define HF_CA_AUTHORITY_H

#include <limits.h>

#include "ca/policy/policy.h"
#include "ca/profile.h"
#include "ca/store/store.h"
#include "pki/pemfile.h"

/* A fact of the ledger: there when this home holds an offline root and nothing else. */
#define HF_META_ROOT_ONLY "root-only"
/* Beside its keys, and as secret: what the keys it makes for others come from (enroll/keygen.h). */
#define HF_KEYGEN_FILE "serverkeygen.secret"

/* One CA of it.  cert is NULL when there is none. */
struct hf_ca {
	struct hf_cert *cert;
	EVP_PKEY *key; /* NULL until hf_ca_load_key */
	char key_path[PATH_MAX];
	int64_t store_id;     /* in the ledger */
	const char *crl_name; /* the file its list is written to */
	char crl_place[48];   /* behind crl_name, for those that went before */
};

enum { HF_ACTOR_CAP = 128, HF_CA_BEFORE_CAP = 16 };

struct hf_authority {
	char dir[PATH_MAX];
	struct hf_store *store;
	struct hf_ca root, issuing;
	/* CAs that a rollover has replaced, oldest first: they issue nothing and are trusted until
	 * they are retired (rollover.h), and their lists go on */
	struct hf_ca before[HF_CA_BEFORE_CAP];
	size_t before_len;
	struct hf_cert *cross;	/* this root, certified by the one before; NULL: none */
	bool single;		/* issuing is empty, the root issues */
	bool root_only;		/* and it issues nothing but CAs: the home of an offline root */
	/* as the root's list in the home has it; 0: it is not revoked */
	int64_t issuing_revoked_at;
	struct hf_trust *trust; /* the root as anchor, the issuing CA below it: what peers have */
	struct hf_passphrase_source pass;
	unsigned jobs; /* threads that sign at once; 0 is 1 */
	struct hf_policy *policy;   /* NULL: it could not be read, and policy_err says why */
	struct hf_err policy_err;
	char actor[HF_ACTOR_CAP]; /* who asks, for the policy's `requesters` */
};

struct hf_authority_options {
	int64_t now;
	const char *actor; /* for the audit log */
	const char *policy_path; /* NULL: policy.yaml in its folder, or the built-in one */
	struct hf_passphrase_source pass;
};
/* -HF_E_NOENT with a hint when the home has none. */
int hf_authority_open(const char *home, const struct hf_authority_options *options,
		      struct hf_authority **ret_authority, struct hf_err *err);
void hf_authority_free(struct hf_authority *a);
/* Looks again at the root's list in the home: whether it has revoked the issuing CA since. */
int hf_authority_note_revocation(struct hf_authority *a, struct hf_err *err);
HF_DEFINE_AUTO(hf_authority, struct hf_authority, hf_authority_free);

/* All of its CAs: 0 is who issues, then the root, then those that went before; NULL at the end. */
struct hf_ca *hf_authority_ca(struct hf_authority *a, size_t i);
/* Appends PEM of all its roots, this one first: what peers have to trust. */
int hf_authority_roots_pem(const struct hf_authority *a, struct hf_buf *out, struct hf_err *err);
/* Who signs leaves: the issuing CA, or the root of a single one. */
struct hf_ca *hf_authority_issuer(struct hf_authority *a);
/* The one of them whose ledger id this is; NULL when none. */
struct hf_ca *hf_authority_ca_by_id(struct hf_authority *a, int64_t store_id);
/* Reads the key when it was not read yet, asking for a passphrase if need be; checks that it is the
 * certificate's. */
int hf_ca_load_key(struct hf_authority *a, struct hf_ca *ca, struct hf_err *err);
bool hf_ca_has_key(const struct hf_ca *ca); /* loaded, or its file is there */
/* Puts a CA under a fresh authority (init): certificate, ledger id. */
int hf_authority_adopt(struct hf_authority *a, struct hf_ca *ca, struct hf_cert *cert,
		       const char *label, int64_t now, struct hf_err *err);
int hf_authority_make_trust(struct hf_authority *a, struct hf_err *err);

/* Appends PEM of the certificates that peers need besides a leaf from `issuer`: intermediates,
 * never the root. */
int hf_authority_chain_pem(const struct hf_authority *a, const struct hf_ca *issuer,
			   struct hf_buf *out, struct hf_err *err);

/* Judges a certificate of this authority as its peers will: each purpose of the profile, under the
 * profiles openssl and strict.  0 when all accept; -HF_E_POLICY with the first finding else. */
int hf_authority_judge(const struct hf_authority *a, struct hf_cert *cert,
		       const struct hf_ca_profile *profile, int64_t now, struct hf_err *err);

#endif
