/* SPDX-License-Identifier: Apache-2.0 */
/* The ceremony of an offline root, in two files.
 *
 * The home of the issuing CA makes a request (its key never leaves it); the root's machine signs it
 * and answers with one file: the issuing CA's certificate, the root's, and the root's revocation
 * lists, which may be signed ahead for a year; the home accepts that file.  It keeps lists whose
 * time has not come in root.crls.pem and releases each by its date. */
#ifndef HF_CA_ROOT_H
#define HF_CA_ROOT_H

#include "ca/crl.h"
#include "ca/init.h"
#include "ca/order.h"

/* --- 1: at the home of the issuing CA --- */

struct hf_root_request {
	const char *home, *name;
	const char *subject; /* -subj syntax; NULL: O=name, CN=name Issuing CA */
	enum hf_key_type key_type;
	const struct hf_secret *passphrase; /* for the new key; NULL: it stays plain */
	/* pkcs11: URI of a key that is there; NULL: a new one */
	const char *issuing_key;
	struct hf_passphrase_source pin;    /* for issuing_key */
	bool force;			    /* in place of a request that waits for its answer */
};
/* Makes home/ca.request/{issuing.key,request.pem}. */
int hf_root_request_new(const struct hf_root_request *request, char ret_path[PATH_MAX],
			struct hf_csr **ret_csr, struct hf_err *err);
/* In a home that has an authority: asks for a new certificate for the key that issues there. */
int hf_root_request_renewal(const char *home, struct hf_authority *a, bool force,
			    char ret_path[PATH_MAX], struct hf_csr **ret_csr, struct hf_err *err);

/* --- 2: at the root's machine --- */

struct hf_root_answer {
	struct hf_csr *csr;
	struct hf_order order;	   /* what will be certified */
	/* the certificate of this name or key that it follows; or NULL */
	struct hf_record *before;
	struct hf_cert *before_cert;
	uint8_t request_sha256[HF_SHA256_LEN];
	struct hf_crls lists;
};
void hf_root_answer_done(struct hf_root_answer *answer);
HF_DEFINE_AUTO_DONE(hf_root_answer, struct hf_root_answer, hf_root_answer_done);

/* Reads a request and settles what it gets; nothing is signed. */
int hf_root_plan(struct hf_authority *a, const char *path, int64_t lifetime,
		 const NAME_CONSTRAINTS *permit, int64_t now, struct hf_root_answer *ret_answer,
		 struct hf_err *err);
/* Signs it, and the root's lists up to `lists_until` (0: one, for the usual time), and appends the
 * file that goes back to out.  The ledger's log names the request and the answer by their hash. */
int hf_root_sign(struct hf_authority *a, struct hf_root_answer *answer, int64_t lists_until,
		 int64_t now, struct hf_buf *out, struct hf_err *err);

enum { HF_ROOT_LIST_DAYS = 30, HF_ROOT_LIST_GRACE_DAYS = 10, HF_ROOT_LISTS_CAP = 200 };
/* Lists from now to `until`, each valid for `span` seconds (0: HF_ROOT_LIST_DAYS) and some days of
 * grace, all naming what is revoked today.  They are kept in the directory, and the first is
 * released. */
int hf_root_presign(struct hf_authority *a, int64_t until, int64_t span, int64_t now,
		    struct hf_crls *ret_lists, struct hf_err *err);

/* --- 3: at the home again --- */

struct hf_root_accepted {
	struct hf_cert *root, *issuing; /* issuing is NULL when only lists came */
	size_t lists;
	bool founded; /* the authority is new */
};
void hf_root_accepted_done(struct hf_root_accepted *accepted);
HF_DEFINE_AUTO_DONE(hf_root_accepted, struct hf_root_accepted, hf_root_accepted_done);

/* The root of an answer, for its fingerprint to be compared before it is believed; borrowed. */
const struct hf_cert *hf_root_of(const struct hf_pemfile *answer);
/* Founds the authority of a home that asked for it. */
int hf_root_found(const char *home, const struct hf_pemfile *answer,
		  const struct hf_passphrase_source *pass, const char *actor, int64_t now,
		  struct hf_root_accepted *ret_accepted, struct hf_err *err);
/* Takes a renewed certificate of the issuing CA, or lists alone, into the authority that is there.
 */
int hf_root_accept(struct hf_authority *a, const char *home, const struct hf_pemfile *answer,
		   int64_t now, struct hf_root_accepted *ret_accepted, struct hf_err *err);

/* Puts those lists among `lists` that the root signed to the ones that wait; returns how many. */
int hf_root_keep_lists(const char *dir, const struct hf_cert *root, const struct hf_crls *lists,
		       struct hf_err *err);
int hf_root_lists_pem(const struct hf_crls *lists, struct hf_buf *out, struct hf_err *err);
struct hf_root_lists {
	size_t waiting;	       /* how many begin later */
	int64_t covered_until; /* the last nextUpdate of all; 0 when there are none */
	int64_t next_release;  /* when the next one begins; 0 when none waits */
	bool due;	       /* one has begun that is not yet in root.crl.pem */
};
int hf_root_lists_look(const char *dir, int64_t now, struct hf_root_lists *ret_lists,
		       struct hf_err *err);
/* Writes the newest list whose time has come to root.crl.pem.  *ret_crl stays NULL when that is
 * there already. */
int hf_root_release(const char *dir, int64_t now, struct hf_crl **ret_crl, struct hf_err *err);

#endif
