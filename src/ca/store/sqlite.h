/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the SQLite ledger; for src/ca/store only. */
#ifndef HF_CA_STORE_SQLITE_H
#define HF_CA_STORE_SQLITE_H

#include "ca/store/libsqlite.h"
#include "ca/store/store_ops.h"

enum hf_sql {
#define HF_SQL(name, text) HF_SQL_##name,
#include "ca/store/sqlite_statements.def"
#undef HF_SQL
	HF_SQL_COUNT,
};

struct hf_sqlite {
	struct hf_store base;
	sqlite3 *db;
	sqlite3_stmt *stmts[HF_SQL_COUNT];
	char *path, *actor;
	int64_t session; /* 0 until something is intended */
	int lock_fd;	 /* the lock file; -1 until needed */
	bool in_transaction;
	/* audit_id and audit_hash are the last row's; only inside a transaction */
	bool audit_known;
	int64_t audit_id;
	uint8_t audit_hash[HF_STORE_SHA256_LEN];
};
static inline struct hf_sqlite *hf_sqlite_of(struct hf_store *store)
{
	return (struct hf_sqlite *)store;
}

/* What SQLite said, as a failure: full disk, lock held, damaged … each with its next step. */
int hf_sql_error(struct hf_sqlite *s, int sqlite_rc, struct hf_err *err, const char *doing);

/* A kept statement, ready to bind.  HF_AUTO(hf_stmt) resets it at the end of the scope. */
int hf_sql_get(struct hf_sqlite *s, enum hf_sql which, sqlite3_stmt **ret_stmt, struct hf_err *err);
void hf_stmt_release(sqlite3_stmt *stmt);
HF_DEFINE_AUTO(hf_stmt, sqlite3_stmt, hf_stmt_release);
/* 1 a row, 0 the end, negative a failure. */
int hf_sql_step(struct hf_sqlite *s, sqlite3_stmt *stmt, const char *doing, struct hf_err *err);
/* Runs a statement that gives no rows. */
int hf_sql_run(struct hf_sqlite *s, sqlite3_stmt *stmt, const char *doing, struct hf_err *err);

/* Parameters and columns of text (NULL is "") and of 32 bytes; what is bound must live until the
 * statement has run. */
/* Functions of our own that statements use. */
int hf_sql_add_functions(struct hf_sqlite *s, struct hf_err *err);
void hf_sql_bind_text(sqlite3_stmt *stmt, int index, const char *text);
const char *hf_sql_column_text(sqlite3_stmt *stmt, int column);
void hf_sql_column_hash(sqlite3_stmt *stmt, int column, uint8_t out[HF_STORE_SHA256_LEN]);

/* A write transaction; rolled back at the end of the scope unless committed. */
struct hf_tx {
	struct hf_sqlite *s; /* NULL when none is open */
};
int hf_tx_begin(struct hf_tx *tx, struct hf_sqlite *s, struct hf_err *err);
int hf_tx_commit(struct hf_tx *tx, struct hf_err *err);
void hf_tx_done(struct hf_tx *tx);
HF_DEFINE_AUTO_DONE(hf_tx, struct hf_tx, hf_tx_done);

/* Inside a transaction. */
int hf_sqlite_audit(struct hf_sqlite *s, struct hf_audit_row *row, struct hf_err *err);
/* A row of the log that is about no certificate; detail NULL: there was no memory for it. */
int hf_sqlite_note(struct hf_sqlite *s, const char *action, int64_t at, const char *detail,
		   struct hf_err *err);
int hf_sqlite_audit_certificate(struct hf_sqlite *s, int64_t id, const char *action,
				const char *detail, int64_t at, struct hf_err *err);
int hf_sqlite_revoke_one(struct hf_sqlite *s, int64_t id, int reason, int64_t revoked_at,
			 int64_t at, struct hf_err *err);
int hf_sqlite_abandon_one(struct hf_sqlite *s, int64_t id, int64_t at, struct hf_err *err);
int hf_sqlite_record_one(struct hf_sqlite *s, const struct hf_outcome *outcome, int64_t at,
			 struct hf_err *err);
int hf_session_begin(struct hf_sqlite *s, int64_t at, struct hf_err *err);
/* Runs `each` for the shard of a scope, or for the complete list for each shard with somebody
 * revoked, by number: that is the order of its entries. */
typedef int (*hf_scope_fn)(void *arg, const struct hf_revoked_scope *one, struct hf_err *err);
int hf_sqlite_in_scope(struct hf_sqlite *s, const struct hf_revoked_scope *scope, hf_scope_fn each,
		       void *arg, struct hf_err *err);
/* Opens its own. */
int hf_session_recover(struct hf_sqlite *s, int64_t at, struct hf_err *err);

/* The calls of store_ops.h. */
int hf_sqlite_subject_taken(struct hf_store *store, const char *subject, int64_t at,
			    struct hf_err *err);
int hf_sqlite_intend(struct hf_store *store, struct hf_intent *intents, size_t len,
		     struct hf_err *err);
int hf_sqlite_record(struct hf_store *store, const struct hf_outcome *outcomes, size_t len,
		     int64_t at, struct hf_err *err);
int hf_sqlite_abandon(struct hf_store *store, const int64_t *ids, size_t len, int64_t at,
		      struct hf_err *err);
int hf_sqlite_revoke(struct hf_store *store, int64_t id, int reason, int64_t at,
		     struct hf_err *err);
int hf_sqlite_adopt(struct hf_store *store, int64_t issuer, const struct hf_adopted *rows,
		    size_t len, int64_t at, struct hf_err *err);
int hf_sqlite_continue_crl(struct hf_store *store, int64_t issuer, int64_t next,
			   struct hf_err *err);
int hf_sqlite_next_crl(struct hf_store *store, int64_t issuer, int64_t *ret_next,
		       struct hf_err *err);
int hf_sqlite_list(struct hf_store *store, const struct hf_record_filter *filter, hf_record_fn each,
		   void *arg, struct hf_err *err);
int hf_sqlite_publish_crl(struct hf_store *store, int64_t issuer, int64_t shard,
			  hf_crl_build_fn build, void *arg, struct hf_err *err);
int hf_sqlite_each_revoked(struct hf_store *store, int64_t issuer, int64_t shard,
			   int64_t expired_before, hf_revoked_fn each, void *arg,
			   struct hf_err *err);
int hf_sqlite_revoked_entries(struct hf_store *store, const struct hf_revoked_scope *scope,
			      hf_revoked_encode_fn encode, void *arg, struct hf_buf *out,
			      int64_t *ret_len, struct hf_err *err);
int hf_sqlite_plan_shards(struct hf_store *store, int64_t issuer, char *const *urls, size_t len,
			  struct hf_err *err);
int hf_sqlite_shards_ready(struct hf_store *store, int64_t issuer, int64_t len,
			   const char *last_url, struct hf_err *err);
int hf_sqlite_each_shard(struct hf_store *store, int64_t issuer, int64_t now, hf_shard_fn each,
			 void *arg, struct hf_err *err);
int hf_sqlite_note_place(struct hf_store *store, int64_t issuer, int64_t shard, const char *url,
			 struct hf_err *err);
int hf_sqlite_each_owner(struct hf_store *store, const char *url, hf_owner_fn each, void *arg,
			 struct hf_err *err);
int hf_sqlite_each_place(struct hf_store *store, int64_t issuer, int64_t shard, hf_place_fn each,
			 void *arg, struct hf_err *err);
int hf_sqlite_audit_append(struct hf_store *store, const char *action, const char *detail,
			   int64_t at, struct hf_err *err);
int hf_sqlite_audit_head(struct hf_store *store, int64_t *ret_id, uint8_t *ret_hash,
			 struct hf_err *err);
int hf_sqlite_audit_compare(struct hf_store *store, hf_audit_problem_fn each, void *arg,
			    struct hf_err *err);
int hf_sqlite_audit_each(struct hf_store *store, int64_t after_id, hf_audit_fn each, void *arg,
			 struct hf_err *err);

int hf_sqlite_token_add(struct hf_store *store, const struct hf_token *token, struct hf_err *err);
int hf_sqlite_token_each(struct hf_store *store, const char *id, int64_t since, hf_token_fn each,
			 void *arg, struct hf_err *err);
int hf_sqlite_token_withdraw(struct hf_store *store, const char *id, int64_t at,
			     struct hf_err *err);
int hf_sqlite_approval_ask(struct hf_store *store, const char *token, const uint8_t *spki,
			   const char *address, int64_t at, enum hf_approval_state *ret_state,
			   struct hf_err *err);
int hf_sqlite_approval_each(struct hf_store *store, hf_approval_fn each, void *arg,
			    struct hf_err *err);
int hf_sqlite_approval_decide(struct hf_store *store, const char *token, bool grant,
			      const char *detail, int64_t at, struct hf_err *err);
int hf_sqlite_record_claims(struct hf_store *store, const struct hf_outcome *outcomes,
			    struct hf_claim *const *claims, size_t len, int64_t at,
			    struct hf_err *err);
int hf_sqlite_successor(struct hf_store *store, int64_t predecessor, int64_t *ret_successor,
			uint8_t *ret_spki, struct hf_err *err);

#endif
