/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of an authority: what it was asked for, what it issued, what it revoked, which CRLs
 * it published, and a hash-chained log of all that.
 *
 * Order of work, which every user of this file keeps: intent (durable) -> sign in memory -> judge
 * -> record (durable) -> release.  A certificate that left is therefore always known here; a crash
 * leaves at most an intent, which becomes `abandoned` and whose serial is never used again.
 *
 * Every writing call is one transaction that is on the disk when the call returns.  Several
 * processes may use one ledger; a call waits for the others (HF_E_BUSY after a while).  A handle
 * belongs to one thread.  Back ends are a const struct hf_store_ops each (store_ops.h). */
#ifndef HF_CA_STORE_STORE_H
#define HF_CA_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

struct hf_store;

enum { HF_STORE_SHA256_LEN = 32 };

struct hf_store_options {
	bool create; /* make it; -HF_E_EXIST when it is there */
	int64_t now;
	const char *actor; /* who works here, for the audit log; NULL: "" */
};

/* `where`: the path of a file (SQLite).  Brings an older schema up to date, and marks as abandoned
 * what processes that are gone had only intended. */
int hf_store_open(const char *where, const struct hf_store_options *options,
		  struct hf_store **ret_store, struct hf_err *err);
void hf_store_close(struct hf_store *store); /* NULL-safe */
HF_DEFINE_AUTO(hf_store, struct hf_store, hf_store_close);

/* Is told after each commit how many microseconds it took to be on the disk, in the thread that
 * writes.  NULL: nobody. */
typedef void (*hf_commit_fn)(void *arg, int64_t us);
void hf_store_on_commit(struct hf_store *store, hf_commit_fn told, void *arg);

/* --- facts about the ledger itself --- */

int hf_store_meta_set(struct hf_store *store, const char *key, const char *value,
		      struct hf_err *err);
/* Appends to out; 1 when there is no such key. */
int hf_store_meta_get(struct hf_store *store, const char *key, struct hf_buf *out,
		      struct hf_err *err);

/* A key that signs, known by the SHA-256 of its SubjectPublicKeyInfo; made when it is new. */
int hf_store_issuer(struct hf_store *store, const uint8_t spki_sha256[HF_STORE_SHA256_LEN],
		    const char *label, int64_t at, int64_t *ret_issuer, struct hf_err *err);

/* --- certificates --- */

enum hf_record_state {
	HF_RECORD_INTENT, /* asked for; not yet signed, or its process is at it */
	HF_RECORD_ISSUED,
	HF_RECORD_REVOKED,
	HF_RECORD_ABANDONED, /* an intent whose certificate never left */
};
const char *hf_record_state_name(enum hf_record_state state);

struct hf_intent {
	int64_t issuer;
	const char *serial; /* lower-case hex without leading zeros */
	const char *name, *profile, *subject, *sans;
	int64_t at;
	int64_t shard; /* whose list tells of it (see below); 0: none's */
	bool unique_subject; /* not when a valid certificate, or an intent, has the subject */
	int64_t id; /* filled in; 0: the subject is taken, and nothing was noted */
};
/* All or none, but for the subjects that are taken.  -HF_E_EXIST when the issuer used a serial
 * before. */
int hf_store_intend(struct hf_store *store, struct hf_intent *intents, size_t len,
		    struct hf_err *err);

/* 1 when a valid certificate, or an intent, has the subject; a look only. */
int hf_store_subject_taken(struct hf_store *store, const char *subject, int64_t at,
			   struct hf_err *err);

struct hf_outcome {
	int64_t id; /* of the intent */
	const uint8_t *der;
	size_t der_len;
	uint8_t sha256[HF_STORE_SHA256_LEN];
	int64_t not_before, not_after;
};
/* Turns intents into issued certificates; all or none. */
int hf_store_record(struct hf_store *store, const struct hf_outcome *outcomes, size_t len,
		    int64_t at, struct hf_err *err);
/* The certificate will not leave: what was signed was refused, or signing failed. */
int hf_store_abandon(struct hf_store *store, const int64_t *ids, size_t len, int64_t at,
		     struct hf_err *err);

/* A certificate that another program issued or revoked, before its authority came to us. */
struct hf_adopted {
	const char *serial; /* as in hf_intent */
	const char *name, *profile, *subject, *sans;
	int64_t asked_at, not_before, not_after;
	const uint8_t *der; /* NULL: known by its serial alone */
	size_t der_len;
	uint8_t sha256[HF_STORE_SHA256_LEN]; /* with der only */
	bool revoked;
	int64_t revoked_at;
	int reason; /* CRLReason */
};
/* Adds them to what the issuer issued; all or none.  -HF_E_EXIST when it used a serial before. */
int hf_store_adopt(struct hf_store *store, int64_t issuer, const struct hf_adopted *rows,
		   size_t len, int64_t at, struct hf_err *err);
/* The issuer's lists so far were made elsewhere; the next one of ours gets `next`.  For an issuer
 * without a list; -HF_E_EXIST when it has one. */
int hf_store_continue_crl(struct hf_store *store, int64_t issuer, int64_t next, struct hf_err *err);
/* What that number is now. */
int hf_store_next_crl(struct hf_store *store, int64_t issuer, int64_t *ret_next,
		      struct hf_err *err);

/* 0; 1 when it is revoked already (nothing changes).  -HF_E_NOENT when it was never issued. */
int hf_store_revoke(struct hf_store *store, int64_t id, int reason, int64_t at, struct hf_err *err);

struct hf_record {
	int64_t id, issuer;
	enum hf_record_state state;
	const char *serial, *name, *profile, *subject, *sans;
	int64_t asked_at, not_before, not_after; /* the last two are 0 until issued */
	int64_t shard;	    /* whose list tells of it, besides the complete one; 0: none's */
	int64_t revoked_at;
	int reason;	    /* CRLReason; -1 when not revoked */
	const uint8_t *der; /* NULL until issued, and when known by its serial alone */
	size_t der_len;
	uint8_t sha256[HF_STORE_SHA256_LEN];
};

enum hf_record_order { HF_ORDER_ID, HF_ORDER_NOT_AFTER, HF_ORDER_REVOKED_AT };

/* What to look for; zero means "any" everywhere. */
struct hf_record_filter {
	int64_t id, issuer;
	const char *serial, *name;
	const uint8_t *sha256;
	const char *like; /* glob for the name, the subject or one of the SANs, with or without its
			     kind; reads every row that the rest lets through */
	unsigned states;		     /* 1 << enum hf_record_state, several or'ed */
	int64_t expires_from, expires_until; /* notAfter, both inclusive */
	bool without_own; /* leave out the authority's own certificates (profiles root, single,
			     issuing) */
	enum hf_record_order
	    order; /* HF_ORDER_NOT_AFTER: issued only; HF_ORDER_REVOKED_AT: revoked only */
	int64_t after_key, after_id; /* cursor: the order's value and id of the last row seen */
	int64_t limit;
};
/* Calls each with every row (valid during the call); a return other than 0 ends the listing and is
 * returned. */
typedef int (*hf_record_fn)(void *arg, const struct hf_record *record);
int hf_store_list(struct hf_store *store, const struct hf_record_filter *filter, hf_record_fn each,
		  void *arg, struct hf_err *err);

/* A copy that owns what it points to. */
struct hf_record *hf_record_dup(const struct hf_record *record);
void hf_record_free(struct hf_record *record);
HF_DEFINE_AUTO(hf_record, struct hf_record, hf_record_free);

struct hf_records {
	struct hf_record **items;
	size_t len, alloc;
};
#define HF_RECORDS_INIT    \
	{                  \
		NULL, 0, 0 \
	}
void hf_records_done(struct hf_records *records);
HF_DEFINE_AUTO_DONE(hf_records, struct hf_records, hf_records_done);
int hf_store_collect(struct hf_store *store, const struct hf_record_filter *filter,
		     struct hf_records *ret_records, struct hf_err *err);

/* --- revocation lists ---
 *
 * The list 0 of an issuer is complete.  The others are shards: such a list names the revoked
 * certificates that were given to it when they were issued, and says so (RFC 5280 5.2.5). */

enum {
	HF_CRL_COMPLETE = 0,
	HF_CRL_SHARDS_CAP = 1024, /* of one issuer: their numbers are 1 to this */
};

struct hf_revoked {
	const uint8_t *serial; /* big-endian magnitude */
	size_t serial_len;
	int64_t revoked_at;
	int reason;
};
struct hf_crl_draft {
	int64_t number;	     /* one more than the last one's */
	int64_t last_update; /* thisUpdate of the last one, 0 when this is the first */
	int64_t last_revoked; /* how many it named */
};
struct hf_crl_final {
	int64_t this_update, next_update;
	int64_t revoked_len;
	const uint8_t *der; /* must live until the call that asked for it returns */
	size_t der_len;
	uint8_t *ret_sha256; /* where the ledger's hash of der goes; NULL: nowhere */
};
/* Builds and signs a list inside the transaction that takes the number and keeps the result, so
 * that number, content and record cannot come apart.  `build` gets the revoked certificates by
 * hf_store_each_revoked or hf_store_revoked_entries, a shard's URLs by hf_store_each_place, and
 * must not call anything else of the store. */
typedef int (*hf_crl_build_fn)(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
			       struct hf_crl_final *ret_final, struct hf_err *err);
int hf_store_publish_crl(struct hf_store *store, int64_t issuer, int64_t shard,
			 hf_crl_build_fn build, void *arg, struct hf_err *err);
/* Those that a list must name: revoked, and not expired before `expired_before` (RFC 5280 3.3), in
 * the order of their revocation; of the complete list shard by shard. */
typedef int (*hf_revoked_fn)(void *arg, const struct hf_revoked *revoked);
int hf_store_each_revoked(struct hf_store *store, int64_t issuer, int64_t shard,
			  int64_t expired_before, hf_revoked_fn each, void *arg,
			  struct hf_err *err);

/* The same as the entries of a list, one after the other into out, and how many: each as `encode`
 * appended it when it was first listed.  What is encoded is kept in pages, so that a list costs its
 * bytes and not its rows; a page is made again when one of its certificates changed or expired.
 * Only for a `build`: it writes within that transaction. */
typedef int (*hf_revoked_encode_fn)(void *arg, const struct hf_revoked *revoked,
				    struct hf_buf *out);
struct hf_revoked_scope {
	int64_t issuer, shard;
	int64_t expired_before;
};
int hf_store_revoked_entries(struct hf_store *store, const struct hf_revoked_scope *scope,
			     hf_revoked_encode_fn encode, void *arg, struct hf_buf *out,
			     int64_t *ret_len, struct hf_err *err);

/* Notes the URLs under which the lists of the shards 1 to `len` will be looked for, before a
 * certificate names one. */
int hf_store_plan_shards(struct hf_store *store, int64_t issuer, char *const *urls, size_t len,
			 struct hf_err *err);
/* 1 when the shards 1 to `len` all have a list that is up to date, and the last of them is looked
 * for under that URL; a look only. */
int hf_store_shards_ready(struct hf_store *store, int64_t issuer, int64_t len, const char *last_url,
			  struct hf_err *err);
struct hf_shard {
	int64_t number;
	bool named; /* by a certificate that has not ended */
	bool stale; /* there is no list, or it lacks a revocation or an URL */
	int64_t this_update, next_update; /* of its newest list; 0: none yet */
};
/* The shards of an issuer, by number. */
typedef int (*hf_shard_fn)(void *arg, const struct hf_shard *shard);
int hf_store_each_shard(struct hf_store *store, int64_t issuer, int64_t now, hf_shard_fn each,
			void *arg, struct hf_err *err);
/* Notes one more URL under which certificates look for a list, complete (shard 0) or not. */
int hf_store_note_place(struct hf_store *store, int64_t issuer, int64_t shard, const char *url,
			struct hf_err *err);
/* The issuers whose certificates look there. */
typedef int (*hf_owner_fn)(void *arg, int64_t issuer);
int hf_store_each_owner(struct hf_store *store, const char *url, hf_owner_fn each, void *arg,
			struct hf_err *err);
/* The URLs of one; for a `build` too. */
typedef int (*hf_place_fn)(void *arg, const char *url);
int hf_store_each_place(struct hf_store *store, int64_t issuer, int64_t shard, hf_place_fn each,
			void *arg, struct hf_err *err);

/* --- the audit log --- */

/* Each row's hash covers the hash before it and every field of the row, so that a change, a removal
 * or a swap in the past shows. */
struct hf_audit_row {
	int64_t id, at, issuer;
	const char *action; /* "issue", "revoke", "crl", "abandon", or the caller's word */
	const uint8_t *serial;
	size_t serial_len;
	const char *detail, *actor; /* of a shard's list the detail starts with this: */
#define HF_AUDIT_CRL_SHARD "shard="
	uint8_t hash[HF_STORE_SHA256_LEN];
};
/* For events that are none of the calls above ("init", "import"). */
int hf_store_audit_append(struct hf_store *store, const char *action, const char *detail,
			  int64_t at, struct hf_err *err);
typedef int (*hf_audit_fn)(void *arg, const struct hf_audit_row *row);
int hf_store_audit_each(struct hf_store *store, int64_t after_id, hf_audit_fn each, void *arg,
			struct hf_err *err);
/* The last row: its number (0: there is none) and hash. */
int hf_store_audit_head(struct hf_store *store, int64_t *ret_id,
			uint8_t ret_hash[HF_STORE_SHA256_LEN], struct hf_err *err);
/* Certificates and log held against each other. */
enum hf_audit_problem {
	HF_AUDIT_UNLOGGED,  /* a certificate whose issue is not in the log */
	HF_AUDIT_MISSING,   /* issued by the log, and gone */
	HF_AUDIT_CHANGED,   /* not the one that the log has under that serial */
	HF_AUDIT_UNREVOKED, /* revoked by the log, and valid now */
	HF_AUDIT_REVOKED,   /* revoked, but not by the log */
};
typedef int (*hf_audit_problem_fn)(void *arg, enum hf_audit_problem problem, const char *serial,
				   const char *name);
int hf_store_audit_compare(struct hf_store *store, hf_audit_problem_fn each, void *arg,
			   struct hf_err *err);
/* The hash that a row must have after `previous` (32 zero bytes before the first). */
int hf_audit_hash(const uint8_t previous[HF_STORE_SHA256_LEN], const struct hf_audit_row *row,
		  uint8_t ret_hash[HF_STORE_SHA256_LEN], struct hf_err *err);

/* --- tokens and successions: who may ask from elsewhere --- */

enum hf_token_state { HF_TOKEN_OPEN, HF_TOKEN_SPENT, HF_TOKEN_WITHDRAWN };

struct hf_token {
	const char *id; /* 16 hex digits */
	uint8_t secret_sha256[HF_STORE_SHA256_LEN];
	const char *name, *profile;
	const char *subject; /* "": by the name */
	const char *sans;    /* "dns:a,ip:::1", as hf_sans_add_list takes it */
	int64_t lifetime;    /* of the certificate; 0: the profile's */
	int64_t made_at, until;
	const char *by; /* who wants it, for the log, when not who opened the ledger; or NULL */
	/* the rest is the ledger's to say */
	enum hf_token_state state;
	int64_t certificate; /* that it was spent on; 0 */
	uint8_t spki[HF_STORE_SHA256_LEN];
	const char *address; /* that it was spent from; "" */
	int64_t ended_at;    /* spent or withdrawn; 0 */
};
int hf_store_token_add(struct hf_store *store, const struct hf_token *token, struct hf_err *err);
/* id NULL: all of them that are open, and those that ended or ran out since `since`.  The token is
 * valid during the call. */
typedef int (*hf_token_fn)(void *arg, const struct hf_token *token);
int hf_store_token_each(struct hf_store *store, const char *id, int64_t since, hf_token_fn each,
			void *arg, struct hf_err *err);
/* 0; 1 when it is not open (nothing changes).  -HF_E_NOENT when there is none. */
int hf_store_token_withdraw(struct hf_store *store, const char *id, int64_t at,
			    struct hf_err *err);

/* --- approvals: enrolments that a person looks at first --- */

enum hf_approval_state { HF_APPROVAL_WAITING, HF_APPROVAL_GRANTED, HF_APPROVAL_DENIED };
const char *hf_approval_state_name(enum hf_approval_state state);

struct hf_approval {
	const char *token;                 /* its id, by which a decision names the enrolment */
	const char *name, *profile, *sans; /* that the token is for */
	uint8_t spki[HF_STORE_SHA256_LEN]; /* of the key that asks */
	const char *address;               /* it asked from */
	int64_t asked_at, decided_at;      /* decided_at is 0 while it waits */
	enum hf_approval_state state;
};
/* Notes that the holder of a token asks with this key, when nobody has with that token, and says
 * how it stands; 1 when another key has asked with it.  address NULL: nothing is noted, and 1 when
 * nobody has asked. */
int hf_store_approval_ask(struct hf_store *store, const char *token,
			  const uint8_t spki[HF_STORE_SHA256_LEN], const char *address, int64_t at,
			  enum hf_approval_state *ret_state, struct hf_err *err);
/* Those that wait, whose tokens are open.  The approval is valid during the call. */
typedef int (*hf_approval_fn)(void *arg, const struct hf_approval *approval);
int hf_store_approval_each(struct hf_store *store, hf_approval_fn each, void *arg,
			   struct hf_err *err);
/* `detail` is for the audit log: who decides, when that is not who opened the ledger.  0; 1 when it
 * was decided before (nothing changes).  -HF_E_NOENT when nobody asks with that token. */
int hf_store_approval_decide(struct hf_store *store, const char *token, bool grant,
			     const char *detail, int64_t at, struct hf_err *err);

/* What a certificate that is recorded uses up: a token, or the right to follow another. */
struct hf_claim {
	const char *token;   /* NULL: none */
	int64_t predecessor; /* 0: none */
	uint8_t spki[HF_STORE_SHA256_LEN]; /* of the request */
	const char *address; /* who asks */
	bool key_made; /* the certificate's key is the authority's work, not the request's */
	/* filled in: it was used up already, or has ended; the certificate is abandoned */
	bool lost;
};
/* hf_store_record with a claim for each outcome (NULL: none), in the same transaction: a token is
 * spent if and only if its certificate is recorded. */
int hf_store_record_claims(struct hf_store *store, const struct hf_outcome *outcomes,
			   struct hf_claim *const *claims, size_t len, int64_t at,
			   struct hf_err *err);
/* What followed a certificate: 1 and nothing when nothing did. */
int hf_store_successor(struct hf_store *store, int64_t predecessor, int64_t *ret_successor,
		       uint8_t ret_spki[HF_STORE_SHA256_LEN], struct hf_err *err);

#endif
