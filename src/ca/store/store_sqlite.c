/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger in one SQLite file: opening, schema, small facts.  Must never relax synchronous=FULL:
 * a certificate without its record is the worst that can happen to an authority. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

enum {
	APPLICATION_ID = 0x48464341, /* "HFCA" */
	BUSY_MS = 20000,
};

static const struct migration {
	int number;
	const char *sql;
} migrations[] = {
#include "ca/store/schema.inc"
};

static int exec(struct hf_sqlite *s, const char *sql, const char *doing, struct hf_err *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : hf_sql_error(s, rc, err, doing);
}

static int pragma_int(struct hf_sqlite *s, const char *sql, int *ret_value, struct hf_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : hf_sql_error(s, rc, err, "read the schema");
}

static int set_version(struct hf_sqlite *s, int version, struct hf_err *err)
{
	char sql[96];

	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; PRAGMA application_id = %d",
		       version, (int)APPLICATION_ID);
	return exec(s, sql, "write the schema's version", err);
}

static int migrate(struct hf_sqlite *s, struct hf_err *err)
{
	const int newest = migrations[HF_ARRAY_LEN(migrations) - 1].number;
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int version = 0;
	int rc = pragma_int(s, "PRAGMA user_version", &version, err);

	if (rc < 0 || version == newest)
		return rc;
	if (version > newest) {
		(void)hf_err_set(err, HF_E_UNSUPPORTED,
				 "the ledger '%s' was written by a newer handfast (schema %d, "
				 "this one knows %d)",
				 s->path, version, newest);
		return hf_err_hint(err, "install the newer version");
	}
	rc = hf_tx_begin(&tx, s, err);
	if (rc == 0) /* another process may have been faster */
		rc = pragma_int(s, "PRAGMA user_version", &version, err);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(migrations); i++) {
		if (migrations[i].number > version)
			rc = exec(s, migrations[i].sql, "bring the schema up to date", err);
	}
	if (rc == 0)
		rc = set_version(s, newest, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

static int check_application(struct hf_sqlite *s, bool create, struct hf_err *err)
{
	int id = 0;
	int rc = pragma_int(s, "PRAGMA application_id", &id, err);

	if (rc < 0 || id == APPLICATION_ID || create)
		return rc;
	(void)hf_err_set(err, HF_E_PARSE, "'%s' is a data base, but not a ledger of handfast",
			 s->path);
	return hf_err_hint(err, "restore the ledger from a backup");
}

static int configure(struct hf_sqlite *s, bool create, struct hf_err *err)
{
	int rc, full = 0;

	(void)sqlite3_busy_timeout(s->db, BUSY_MS);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_extended_result_codes(s->db, 1);
	rc = hf_sql_add_functions(s, err);
	if (rc == 0)
		rc = check_application(s, create, err);
	if (rc == 0)
		rc = exec(
		    s,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
		    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY",
		    "set up", err);
	if (rc == 0)
		rc = pragma_int(s, "PRAGMA synchronous", &full, err);
	if (rc == 0 && full != 2)
		return hf_err_set(err, HF_E_IO, "the ledger '%s' cannot be written durably",
				  s->path);
	return rc < 0 ? rc : migrate(s, err);
}

/* Private from its first byte; SQLite gives its -wal and -shm files the same mode. */
static int make_file(const char *path, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, HF_MODE_SECRET);

	return fd < 0 ? hf_err_errno(err, errno, "cannot make the ledger '%s'", path) : 0;
}

static void sqlite_close(struct hf_store *store)
{
	struct hf_sqlite *s = hf_sqlite_of(store);

	for (size_t i = 0; i < HF_SQL_COUNT; i++)
		(void)sqlite3_finalize(s->stmts[i]);
	(void)sqlite3_close(s->db);
	hf_fd_close(s->lock_fd);
	free(s->path);
	free(s->actor);
	free(s);
}

/* On a full disk the ledger can still be read; what is to be closed waits for the next start, and
 * its serials are taken all the same. */
static int recover(struct hf_sqlite *s, int64_t now, struct hf_err *err)
{
	int rc = hf_session_recover(s, now, err);

	if (rc != -HF_E_IO && rc != -HF_E_PERM && rc != -HF_E_BUSY)
		return rc;
	hf_err_clear(err);
	return 0;
}

static int open_loaded(const char *where, const struct hf_store_options *options,
		       struct hf_store **ret_store, struct hf_err *err)
{
	struct hf_sqlite *fresh = calloc(1, sizeof(*fresh));
	HF_AUTO(hf_store) store = fresh ? &fresh->base : NULL;
	int rc = 0;

	if (!fresh)
		return hf_err_nomem(err);
	fresh->base.ops = &hf_store_sqlite;
	fresh->lock_fd = -1;
	fresh->path = hf_str_dup(where);
	fresh->actor = hf_str_dup(options->actor ? options->actor : "");
	if (!fresh->path || !fresh->actor)
		return hf_err_nomem(err);
	if (options->create)
		rc = make_file(where, err);
	if (rc < 0)
		return rc;
	rc = sqlite3_open_v2(where, &fresh->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return hf_sql_error(fresh, rc, err, "open the data base");
	rc = configure(fresh, options->create, err);
	if (rc == 0)
		rc = recover(fresh, options->now, err);
	if (rc < 0)
		return rc;
	*ret_store = hf_take(store);
	return 0;
}

static int sqlite_open(const char *where, const struct hf_store_options *options,
		       struct hf_store **ret_store, struct hf_err *err)
{
	int rc = hf_libsqlite_load(err);

	return rc < 0 ? rc : open_loaded(where, options, ret_store, err);
}

static int sqlite_meta_set(struct hf_store *store, const char *key, const char *value,
			   struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) set = NULL;
	int rc = hf_sql_get(s, HF_SQL_META_SET, &set, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_text(set, 1, key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(set, 2, value, -1, SQLITE_STATIC);
	return hf_sql_run(s, set, "write a fact", err);
}

static int sqlite_meta_get(struct hf_store *store, const char *key, struct hf_buf *out,
			   struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) get = NULL;
	int rc = hf_sql_get(s, HF_SQL_META_GET, &get, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
	rc = hf_sql_step(s, get, "read a fact", err);
	if (rc <= 0)
		return rc < 0 ? rc : 1;
	return hf_buf_append(out, sqlite3_column_text(get, 0),
			     (size_t)sqlite3_column_bytes(get, 0));
}

static int find_issuer(struct hf_sqlite *s, const uint8_t *spki_sha256, int64_t *ret_issuer,
		       struct hf_err *err)
{
	HF_AUTO(hf_stmt) get = NULL;
	int rc = hf_sql_get(s, HF_SQL_ISSUER_GET, &get, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_blob(get, 1, spki_sha256, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	rc = hf_sql_step(s, get, "look for an issuer", err);
	if (rc > 0)
		*ret_issuer = sqlite3_column_int64(get, 0);
	return rc;
}

static int sqlite_issuer(struct hf_store *store, const uint8_t *spki_sha256, const char *label,
			 int64_t at, int64_t *ret_issuer, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) add = NULL;
	int rc = find_issuer(s, spki_sha256, ret_issuer, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = hf_sql_get(s, HF_SQL_ISSUER_ADD, &add, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_blob(add, 1, spki_sha256, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 2, label, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(add, 3, at);
	rc = hf_sql_run(s, add, "add an issuer", err);
	if (rc == 0)
		rc = find_issuer(s, spki_sha256, ret_issuer, err);
	if (rc == 0)
		return hf_err_set(err, HF_E_IO, "the issuer was not kept in the ledger '%s'",
				  s->path);
	return rc < 0 ? rc : 0;
}

const struct hf_store_ops hf_store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.meta_set = sqlite_meta_set,
	.meta_get = sqlite_meta_get,
	.issuer = sqlite_issuer,
	.subject_taken = hf_sqlite_subject_taken,
	.intend = hf_sqlite_intend,
	.record = hf_sqlite_record,
	.abandon = hf_sqlite_abandon,
	.revoke = hf_sqlite_revoke,
	.adopt = hf_sqlite_adopt,
	.continue_crl = hf_sqlite_continue_crl,
	.next_crl = hf_sqlite_next_crl,
	.list = hf_sqlite_list,
	.publish_crl = hf_sqlite_publish_crl,
	.each_revoked = hf_sqlite_each_revoked,
	.revoked_entries = hf_sqlite_revoked_entries,
	.plan_shards = hf_sqlite_plan_shards,
	.shards_ready = hf_sqlite_shards_ready,
	.each_shard = hf_sqlite_each_shard,
	.note_place = hf_sqlite_note_place,
	.each_owner = hf_sqlite_each_owner,
	.each_place = hf_sqlite_each_place,
	.audit_append = hf_sqlite_audit_append,
	.audit_head = hf_sqlite_audit_head,
	.audit_compare = hf_sqlite_audit_compare,
	.audit_each = hf_sqlite_audit_each,
	.token_add = hf_sqlite_token_add,
	.token_each = hf_sqlite_token_each,
	.token_withdraw = hf_sqlite_token_withdraw,
	.approval_ask = hf_sqlite_approval_ask,
	.approval_each = hf_sqlite_approval_each,
	.approval_decide = hf_sqlite_approval_decide,
	.record_claims = hf_sqlite_record_claims,
	.successor = hf_sqlite_successor,
};
