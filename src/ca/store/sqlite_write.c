/* SPDX-License-Identifier: Apache-2.0 */
/* What changes the ledger.  Each call is one transaction, and each change of a certificate's state
 * has its row in the audit log in the same transaction.  Must never delete a certificate's row. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

static int last_audit(struct hf_sqlite *s, struct hf_err *err)
{
	HF_AUTO(hf_stmt) last = NULL;
	int rc;

	if (s->audit_known)
		return 0;
	rc = hf_sql_get(s, HF_SQL_AUDIT_LAST, &last, err);
	if (rc < 0)
		return rc;
	rc = hf_sql_step(s, last, "read the audit log", err);
	if (rc < 0)
		return rc;
	s->audit_id = rc ? sqlite3_column_int64(last, 0) : 0;
	memset(s->audit_hash, 0, sizeof(s->audit_hash));
	if (rc && sqlite3_column_bytes(last, 1) == HF_STORE_SHA256_LEN)
		memcpy(s->audit_hash, sqlite3_column_blob(last, 1), HF_STORE_SHA256_LEN);
	s->audit_known = true;
	return 0;
}

int hf_sqlite_audit(struct hf_sqlite *s, struct hf_audit_row *row, struct hf_err *err)
{
	HF_AUTO(hf_stmt) add = NULL;
	int rc = last_audit(s, err);

	if (rc < 0)
		return rc;
	row->id = s->audit_id + 1;
	row->actor = s->actor;
	rc = hf_audit_hash(s->audit_hash, row, row->hash, err);
	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_AUDIT_ADD, &add, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(add, 1, row->id);
	(void)sqlite3_bind_int64(add, 2, row->at);
	hf_sql_bind_text(add, 3, row->action);
	(void)sqlite3_bind_int64(add, 4, row->issuer);
	(void)sqlite3_bind_blob64(add, 5, row->serial ? (const void *)row->serial : "",
				  row->serial_len, SQLITE_STATIC);
	hf_sql_bind_text(add, 6, row->detail);
	hf_sql_bind_text(add, 7, row->actor);
	(void)sqlite3_bind_blob(add, 8, row->hash, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	rc = hf_sql_run(s, add, "write the audit log", err);
	if (rc < 0)
		return rc;
	s->audit_id = row->id;
	memcpy(s->audit_hash, row->hash, sizeof(s->audit_hash));
	return 0;
}

int hf_sqlite_note(struct hf_sqlite *s, const char *action, int64_t at, const char *detail,
		   struct hf_err *err)
{
	struct hf_audit_row row = { .at = at, .action = action, .detail = detail };

	return detail ? hf_sqlite_audit(s, &row, err) : hf_err_nomem(err);
}

int hf_sqlite_audit_append(struct hf_store *store, const char *action, const char *detail,
			   int64_t at, struct hf_err *err)
{
	struct hf_audit_row row = { .at = at, .action = action, .detail = detail };
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, hf_sqlite_of(store), err);

	if (rc == 0)
		rc = hf_sqlite_audit(hf_sqlite_of(store), &row, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

/* The audit row of a change: whose certificate, and what became of it. */
int hf_sqlite_audit_certificate(struct hf_sqlite *s, int64_t id, const char *action,
				const char *detail, int64_t at, struct hf_err *err)
{
	HF_AUTO(hf_stmt) get = NULL;
	HF_AUTO(cstr) text = NULL;
	struct hf_audit_row row = { .at = at, .action = action };
	int rc = hf_sql_get(s, HF_SQL_STATE, &get, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(get, 1, id);
	rc = hf_sql_step(s, get, "read a certificate", err);
	if (rc <= 0)
		return rc < 0 ? rc
			      : hf_err_set(err, HF_E_NOENT, "the ledger has no certificate %lld",
					   (long long)id);
	row.issuer = sqlite3_column_int64(get, 1);
	row.serial = sqlite3_column_blob(get, 2);
	row.serial_len = (size_t)sqlite3_column_bytes(get, 2);
	text = hf_str_printf("%s %s %s", (const char *)sqlite3_column_text(get, 4), detail,
			     (const char *)sqlite3_column_text(get, 3));
	if (!text)
		return hf_err_nomem(err);
	row.detail = text;
	return hf_sqlite_audit(s, &row, err);
}

int hf_sqlite_subject_taken(struct hf_store *store, const char *subject, int64_t at,
			    struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) find = NULL;
	int rc = hf_sql_get(s, HF_SQL_SUBJECT_TAKEN, &find, err);

	if (rc < 0)
		return rc;
	hf_sql_bind_text(find, 1, subject);
	(void)sqlite3_bind_int64(find, 2, at);
	return hf_sql_step(s, find, "look for the subject", err);
}

/* 1 when it is.  Inside the transaction of the intent: two processes cannot both find it free. */
static int subject_is_taken(struct hf_sqlite *s, const struct hf_intent *intent, struct hf_err *err)
{
	HF_AUTO(hf_stmt) make = NULL;
	int rc = hf_sql_get(s, HF_SQL_SUBJECT_INDEX, &make, err);

	if (rc == 0)
		rc = hf_sql_run(s, make, "prepare for unique subjects", err);
	return rc < 0 ? rc : hf_sqlite_subject_taken(&s->base, intent->subject, intent->at, err);
}

static int intend_one(struct hf_sqlite *s, struct hf_intent *intent, struct hf_err *err)
{
	HF_AUTO(hf_stmt) add = NULL;
	uint8_t serial[HF_SERIAL_BYTES_CAP];
	size_t len = 0;
	int rc = hf_serial_to_bytes(intent->serial, serial, &len, err);

	intent->id = 0;
	if (rc == 0 && intent->unique_subject) {
		rc = subject_is_taken(s, intent, err);
		if (rc > 0)
			return 0;
	}
	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_INTEND, &add, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(add, 1, intent->issuer);
	(void)sqlite3_bind_blob64(add, 2, serial, len, SQLITE_STATIC);
	hf_sql_bind_text(add, 3, intent->name);
	hf_sql_bind_text(add, 4, intent->profile);
	hf_sql_bind_text(add, 5, intent->subject);
	hf_sql_bind_text(add, 6, intent->sans);
	(void)sqlite3_bind_int64(add, 7, intent->at);
	(void)sqlite3_bind_int64(add, 8, s->session);
	(void)sqlite3_bind_int64(add, 9, intent->shard);
	rc = hf_sql_run(s, add, "note an intent", err);
	if (rc == 0)
		intent->id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

int hf_sqlite_intend(struct hf_store *store, struct hf_intent *intents, size_t len,
		     struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	int64_t had_session = s->session;
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0 && s->session == 0)
		rc = hf_session_begin(s, len ? intents[0].at : 0, err);
	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = intend_one(s, &intents[i], err);
	if (rc == 0)
		rc = hf_tx_commit(&tx, err);
	if (rc < 0)
		s->session = had_session; /* its row went with the transaction */
	return rc;
}

int hf_sqlite_record_one(struct hf_sqlite *s, const struct hf_outcome *outcome, int64_t at,
			 struct hf_err *err)
{
	HF_AUTO(hf_stmt) set = NULL;
	char hex[2 * HF_STORE_SHA256_LEN + 1];
	int rc = hf_sql_get(s, HF_SQL_RECORD, &set, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(set, 1, outcome->id);
	(void)sqlite3_bind_blob64(set, 2, outcome->der, outcome->der_len, SQLITE_STATIC);
	(void)sqlite3_bind_blob(set, 3, outcome->sha256, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	(void)sqlite3_bind_int64(set, 4, outcome->not_before);
	(void)sqlite3_bind_int64(set, 5, outcome->not_after);
	rc = hf_sql_run(s, set, "record a certificate", err);
	if (rc < 0)
		return rc;
	if (sqlite3_changes(s->db) != 1)
		return hf_err_set(err, HF_E_NOENT,
				  "the intent %lld is not in the ledger '%s' any more",
				  (long long)outcome->id, s->path);
	hf_hex_encode(outcome->sha256, HF_STORE_SHA256_LEN, hex);
	return hf_sqlite_audit_certificate(s, outcome->id, "issue", hex, at, err);
}

int hf_sqlite_record(struct hf_store *store, const struct hf_outcome *outcomes, size_t len,
		     int64_t at, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = hf_sqlite_record_one(s, &outcomes[i], at, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

int hf_sqlite_abandon_one(struct hf_sqlite *s, int64_t id, int64_t at, struct hf_err *err)
{
	HF_AUTO(hf_stmt) set = NULL;
	int rc = hf_sql_get(s, HF_SQL_ABANDON, &set, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(set, 1, id);
	rc = hf_sql_run(s, set, "abandon an intent", err);
	if (rc < 0 || sqlite3_changes(s->db) == 0)
		return rc;
	return hf_sqlite_audit_certificate(s, id, "abandon", "-", at, err);
}

int hf_sqlite_abandon(struct hf_store *store, const int64_t *ids, size_t len, int64_t at,
		      struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = hf_sqlite_abandon_one(s, ids[i], at, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

static int state_of(struct hf_sqlite *s, int64_t id, enum hf_record_state *ret_state,
		    struct hf_err *err)
{
	HF_AUTO(hf_stmt) get = NULL;
	int rc = hf_sql_get(s, HF_SQL_STATE, &get, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(get, 1, id);
	rc = hf_sql_step(s, get, "read a certificate", err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return hf_err_set(err, HF_E_NOENT, "the ledger has no certificate %lld",
				  (long long)id);
	*ret_state = (enum hf_record_state)sqlite3_column_int(get, 0);
	return 0;
}

/* An issued one; the caller has looked at its state. */
int hf_sqlite_revoke_one(struct hf_sqlite *s, int64_t id, int reason, int64_t revoked_at,
			 int64_t at, struct hf_err *err)
{
	HF_AUTO(hf_stmt) set = NULL;
	char detail[32];
	int rc = hf_sql_get(s, HF_SQL_REVOKE, &set, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(set, 1, id);
	(void)sqlite3_bind_int64(set, 2, revoked_at);
	(void)sqlite3_bind_int(set, 3, reason);
	rc = hf_sql_run(s, set, "revoke a certificate", err);
	(void)snprintf(detail, sizeof(detail), "reason=%d", reason);
	return rc < 0 ? rc : hf_sqlite_audit_certificate(s, id, "revoke", detail, at, err);
}

int hf_sqlite_revoke(struct hf_store *store, int64_t id, int reason, int64_t at, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	enum hf_record_state state = HF_RECORD_INTENT;
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = state_of(s, id, &state, err);
	if (rc == 0 && state == HF_RECORD_REVOKED)
		return 1;
	if (rc == 0 && state != HF_RECORD_ISSUED)
		return hf_err_set(err, HF_E_NOENT,
				  "that certificate was never issued, so it cannot be revoked");
	if (rc == 0)
		rc = hf_sqlite_revoke_one(s, id, reason, at, at, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}
