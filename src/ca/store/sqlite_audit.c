/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the audit log, and holding it against the certificates.  Must never change either. */
#include <string.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

int hf_sqlite_audit_each(struct hf_store *store, int64_t after_id, hf_audit_fn each, void *arg,
			 struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_AUDIT_EACH, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, after_id);
	while ((rc = hf_sql_step(s, stmt, "read the audit log", err)) > 0) {
		struct hf_audit_row row = {
			.id = sqlite3_column_int64(stmt, 0),
			.at = sqlite3_column_int64(stmt, 1),
			.action = hf_sql_column_text(stmt, 2),
			.issuer = sqlite3_column_int64(stmt, 3),
			.serial = sqlite3_column_blob(stmt, 4),
			.serial_len = (size_t)sqlite3_column_bytes(stmt, 4),
			.detail = hf_sql_column_text(stmt, 5),
			.actor = hf_sql_column_text(stmt, 6),
		};

		if (sqlite3_column_bytes(stmt, 7) == HF_STORE_SHA256_LEN)
			memcpy(row.hash, sqlite3_column_blob(stmt, 7), HF_STORE_SHA256_LEN);
		rc = each(arg, &row);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int hf_sqlite_audit_head(struct hf_store *store, int64_t *ret_id, uint8_t *ret_hash,
			 struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) last = NULL;
	int rc = hf_sql_get(s, HF_SQL_AUDIT_LAST, &last, err);

	if (rc == 0)
		rc = hf_sql_step(s, last, "read the audit log", err);
	if (rc < 0)
		return rc;
	*ret_id = rc ? sqlite3_column_int64(last, 0) : 0;
	memset(ret_hash, 0, HF_STORE_SHA256_LEN);
	if (rc && sqlite3_column_bytes(last, 1) == HF_STORE_SHA256_LEN)
		memcpy(ret_hash, sqlite3_column_blob(last, 1), HF_STORE_SHA256_LEN);
	return 0;
}

/* The DER has the hash beside it, and that hash stands in the log ("client 9f86… amy"). */
static bool is_the_logged_one(sqlite3_stmt *stmt)
{
	uint8_t sha256[HF_STORE_SHA256_LEN];
	char hex[2 * HF_STORE_SHA256_LEN + 1];

	if (sqlite3_column_type(stmt, 4) == SQLITE_NULL) /* adopted by its serial alone */
		return strstr(hf_sql_column_text(stmt, 5), " - ") != NULL;
	if (EVP_Digest(sqlite3_column_blob(stmt, 4), (size_t)sqlite3_column_bytes(stmt, 4), sha256,
		       NULL, EVP_sha256(), NULL) != 1 ||
	    sqlite3_column_bytes(stmt, 3) != HF_STORE_SHA256_LEN ||
	    memcmp(sqlite3_column_blob(stmt, 3), sha256, HF_STORE_SHA256_LEN) != 0)
		return false;
	hf_hex_encode(sha256, HF_STORE_SHA256_LEN, hex);
	return strstr(hf_sql_column_text(stmt, 5), hex) != NULL;
}

static int tell(sqlite3_stmt *stmt, enum hf_audit_problem problem, hf_audit_problem_fn each,
		void *arg)
{
	char serial[2 * HF_SERIAL_BYTES_CAP + 2];

	hf_serial_from_bytes(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0),
			     serial);
	return each(arg, problem, serial, hf_sql_column_text(stmt, 1));
}

static int compare_one(sqlite3_stmt *stmt, hf_audit_problem_fn each, void *arg)
{
	bool revoked = sqlite3_column_int(stmt, 2) == HF_RECORD_REVOKED;
	bool logged = sqlite3_column_type(stmt, 6) != SQLITE_NULL;

	if (sqlite3_column_type(stmt, 5) == SQLITE_NULL)
		return tell(stmt, HF_AUDIT_UNLOGGED, each, arg);
	if (!is_the_logged_one(stmt))
		return tell(stmt, HF_AUDIT_CHANGED, each, arg);
	if (revoked == logged)
		return 0;
	return tell(stmt, revoked ? HF_AUDIT_REVOKED : HF_AUDIT_UNREVOKED, each, arg);
}

int hf_sqlite_audit_compare(struct hf_store *store, hf_audit_problem_fn each, void *arg,
			    struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) known = NULL;
	HF_AUTO(hf_stmt) gone = NULL;
	int rc = hf_sql_get(s, HF_SQL_AUDIT_CERTIFICATES, &known, err);

	while (rc == 0 && (rc = hf_sql_step(s, known, "compare with the log", err)) > 0)
		rc = compare_one(known, each, arg);
	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_AUDIT_GONE, &gone, err);
	while (rc == 0 && (rc = hf_sql_step(s, gone, "compare with the log", err)) > 0)
		rc = tell(gone, HF_AUDIT_MISSING, each, arg);
	return rc;
}
