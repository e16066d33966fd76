/* SPDX-License-Identifier: Apache-2.0 */
/* How the ledger talks to SQLite: kept statements, transactions, failures in words.  Must never
 * leave a transaction open when a call returns. */
#include "ca/store/sqlite.h"

#include <string.h>

#include "base/err.h"
#include "util/clock.h"

static const char *const texts[] = {
#define HF_SQL(name, text) [HF_SQL_##name] = text,
#include "ca/store/sqlite_statements.def"
#undef HF_SQL
};

static const struct advice {
	int sqlite_rc;
	int code;
	const char *hint;
} advices[] = {
	{ SQLITE_FULL, HF_E_IO, "the disk is full; nothing was issued: make room and try again" },
	{ SQLITE_BUSY, HF_E_BUSY,
	  "another process has been writing to it for a long time; try again" },
	{ SQLITE_LOCKED, HF_E_BUSY,
	  "another process has been writing to it for a long time; try again" },
	{ SQLITE_READONLY, HF_E_PERM,
	  "the user who runs this must be able to write to the file and its directory" },
	{ SQLITE_PERM, HF_E_PERM,
	  "the user who runs this must be able to write to the file and its directory" },
	{ SQLITE_CANTOPEN, HF_E_IO,
	  "is it there, and may this user write to it and its directory?" },
	{ SQLITE_NOTADB, HF_E_PARSE,
	  "the file is not a ledger of an authority: restore it from a backup" },
	{ SQLITE_CORRUPT, HF_E_PARSE,
	  "the ledger is damaged: stop issuing and restore it from a backup" },
	{ SQLITE_CONSTRAINT, HF_E_EXIST, "" },
	{ SQLITE_NOMEM, HF_E_NOMEM, "" },
};

int hf_sql_error(struct hf_sqlite *s, int sqlite_rc, struct hf_err *err, const char *doing)
{
	const char *words = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(sqlite_rc);

	for (size_t i = 0; i < HF_ARRAY_LEN(advices); i++) {
		if (advices[i].sqlite_rc != (sqlite_rc & 0xff))
			continue;
		(void)hf_err_set(err, advices[i].code, "cannot %s in the ledger '%s': %s", doing,
				 s->path, words);
		if (*advices[i].hint)
			(void)hf_err_hint(err, "%s", advices[i].hint);
		return -advices[i].code;
	}
	return hf_err_set(err, HF_E_IO, "cannot %s in the ledger '%s': %s", doing, s->path, words);
}

int hf_sql_get(struct hf_sqlite *s, enum hf_sql which, sqlite3_stmt **ret_stmt, struct hf_err *err)
{
	int rc;

	if (!s->stmts[which]) {
		rc = sqlite3_prepare_v3(s->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
					&s->stmts[which], NULL);
		if (rc != SQLITE_OK)
			return hf_sql_error(s, rc, err, "prepare a statement");
	}
	*ret_stmt = s->stmts[which];
	return 0;
}

void hf_stmt_release(sqlite3_stmt *stmt)
{
	if (!stmt)
		return;
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
}

int hf_sql_step(struct hf_sqlite *s, sqlite3_stmt *stmt, const char *doing, struct hf_err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : hf_sql_error(s, rc, err, doing);
}

int hf_sql_run(struct hf_sqlite *s, sqlite3_stmt *stmt, const char *doing, struct hf_err *err)
{
	int rc = hf_sql_step(s, stmt, doing, err);

	return rc < 0 ? rc : 0;
}

void hf_sql_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
	(void)sqlite3_bind_text(stmt, index, text ? text : "", -1, SQLITE_STATIC);
}

const char *hf_sql_column_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *s = sqlite3_column_text(stmt, column);

	return s ? (const char *)s : "";
}

void hf_sql_column_hash(sqlite3_stmt *stmt, int column, uint8_t out[HF_STORE_SHA256_LEN])
{
	const void *blob = sqlite3_column_blob(stmt, column);

	if (blob && sqlite3_column_bytes(stmt, column) == HF_STORE_SHA256_LEN)
		memcpy(out, blob, HF_STORE_SHA256_LEN);
}

static int run_plain(struct hf_sqlite *s, enum hf_sql which, const char *doing, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, which, &stmt, err);

	return rc < 0 ? rc : hf_sql_run(s, stmt, doing, err);
}

int hf_tx_begin(struct hf_tx *tx, struct hf_sqlite *s, struct hf_err *err)
{
	int rc = run_plain(s, HF_SQL_BEGIN, "start writing", err);

	if (rc < 0)
		return rc;
	tx->s = s;
	s->in_transaction = true;
	s->audit_known = false;
	return 0;
}

int hf_tx_commit(struct hf_tx *tx, struct hf_err *err)
{
	const struct hf_store *store = &tx->s->base;
	int64_t begun = hf_clock_monotonic_us();
	int rc = run_plain(tx->s, HF_SQL_COMMIT, "write durably", err);

	if (rc < 0)
		return rc;
	if (store->committed)
		store->committed(store->committed_arg, hf_clock_monotonic_us() - begun);
	tx->s->in_transaction = false;
	tx->s = NULL;
	return 0;
}

void hf_tx_done(struct hf_tx *tx)
{
	if (!tx->s)
		return;
	/* some errors (full disk) have rolled back already */
	if (!sqlite3_get_autocommit(tx->s->db))
		(void)run_plain(tx->s, HF_SQL_ROLLBACK, "roll back", NULL);
	tx->s->in_transaction = false;
	tx->s->audit_known = false;
	tx->s = NULL;
}
