/* SPDX-License-Identifier: Apache-2.0 */
/* What an authority brings with it that another program kept before: certificates, revocations, the
 * number of its next list.  Must never overwrite what the ledger knows itself. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

static int insert(struct hf_sqlite *s, int64_t issuer, const struct hf_adopted *row,
		  struct hf_err *err)
{
	HF_AUTO(hf_stmt) add = NULL;
	uint8_t serial[HF_SERIAL_BYTES_CAP];
	size_t len = 0;
	int rc = hf_serial_to_bytes(row->serial, serial, &len, err);

	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_ADOPT, &add, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(add, 1, issuer);
	(void)sqlite3_bind_blob64(add, 2, serial, len, SQLITE_STATIC);
	hf_sql_bind_text(add, 3, row->name);
	hf_sql_bind_text(add, 4, row->profile);
	hf_sql_bind_text(add, 5, row->subject);
	hf_sql_bind_text(add, 6, row->sans);
	(void)sqlite3_bind_int64(add, 7, row->asked_at);
	(void)sqlite3_bind_int64(add, 8, row->not_before);
	(void)sqlite3_bind_int64(add, 9, row->not_after);
	if (row->der) { /* both stay NULL else */
		(void)sqlite3_bind_blob(add, 10, row->sha256, HF_STORE_SHA256_LEN, SQLITE_STATIC);
		(void)sqlite3_bind_blob64(add, 11, row->der, row->der_len, SQLITE_STATIC);
	}
	return hf_sql_run(s, add, "adopt a certificate", err);
}

static int adopt_one(struct hf_sqlite *s, int64_t issuer, const struct hf_adopted *row, int64_t at,
		     struct hf_err *err)
{
	char hex[2 * HF_STORE_SHA256_LEN + 1] = "-";
	int64_t id;
	int rc = insert(s, issuer, row, err);

	if (rc < 0)
		return hf_err_context(err, rc, "serial %s", row->serial);
	id = sqlite3_last_insert_rowid(s->db);
	if (row->der)
		hf_hex_encode(row->sha256, HF_STORE_SHA256_LEN, hex);
	rc = hf_sqlite_audit_certificate(s, id, "adopt", hex, at, err);
	if (rc == 0 && row->revoked)
		rc = hf_sqlite_revoke_one(s, id, row->reason, row->revoked_at, at, err);
	return rc;
}

int hf_sqlite_adopt(struct hf_store *store, int64_t issuer, const struct hf_adopted *rows,
		    size_t len, int64_t at, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = adopt_one(s, issuer, &rows[i], at, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

int hf_sqlite_continue_crl(struct hf_store *store, int64_t issuer, int64_t next, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	HF_AUTO(hf_stmt) put = NULL;
	int rc;

	if (next < 1)
		return hf_err_set(err, HF_E_INVALID, "%lld is not the number of a list",
				  (long long)next);
	rc = hf_tx_begin(&tx, s, err);
	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_CRL_CONTINUE, &put, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(put, 1, issuer);
	(void)sqlite3_bind_int64(put, 2, next - 1);
	rc = hf_sql_run(s, put, "continue the lists", err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

int hf_sqlite_next_crl(struct hf_store *store, int64_t issuer, int64_t *ret_next,
		       struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_CRL_LAST, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, issuer);
	(void)sqlite3_bind_int64(stmt, 2, HF_CRL_COMPLETE);
	rc = hf_sql_step(s, stmt, "read the last list", err);
	if (rc < 0)
		return rc;
	*ret_next = rc ? sqlite3_column_int64(stmt, 0) + 1 : 1;
	return 0;
}
