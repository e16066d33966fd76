/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the ledger.  Must never change it. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

enum { ALL_STATES = 0xf };

static void read_row(sqlite3_stmt *stmt, char serial[2 * HF_SERIAL_BYTES_CAP + 2],
		     struct hf_record *r)
{
	const uint8_t *sha256 = sqlite3_column_blob(stmt, 14);

	hf_serial_from_bytes(sqlite3_column_blob(stmt, 3), (size_t)sqlite3_column_bytes(stmt, 3),
			     serial);
	*r = (struct hf_record){
		.id = sqlite3_column_int64(stmt, 0),
		.issuer = sqlite3_column_int64(stmt, 1),
		.state = (enum hf_record_state)sqlite3_column_int(stmt, 2),
		.serial = serial,
		.name = hf_sql_column_text(stmt, 4),
		.profile = hf_sql_column_text(stmt, 5),
		.subject = hf_sql_column_text(stmt, 6),
		.sans = hf_sql_column_text(stmt, 7),
		.asked_at = sqlite3_column_int64(stmt, 8),
		.not_before = sqlite3_column_int64(stmt, 9),
		.not_after = sqlite3_column_int64(stmt, 10),
		.revoked_at = sqlite3_column_int64(stmt, 11),
		.reason = sqlite3_column_type(stmt, 12) == SQLITE_NULL
			      ? -1
			      : sqlite3_column_int(stmt, 12),
		.der = sqlite3_column_blob(stmt, 13),
		.der_len = (size_t)sqlite3_column_bytes(stmt, 13),
		.shard = sqlite3_column_int64(stmt, 15),
	};
	if (sha256 && sqlite3_column_bytes(stmt, 14) == HF_STORE_SHA256_LEN)
		memcpy(r->sha256, sha256, HF_STORE_SHA256_LEN);
}

/* The statement whose index fits what is looked for, with that bound. */
static int choose(struct hf_sqlite *s, const struct hf_record_filter *f,
		  uint8_t serial[HF_SERIAL_BYTES_CAP], sqlite3_stmt **ret_stmt, struct hf_err *err)
{
	static const enum hf_sql by_order[] = {
		[HF_ORDER_ID] = HF_SQL_LIST_ID,
		[HF_ORDER_NOT_AFTER] = HF_SQL_LIST_NOT_AFTER,
		[HF_ORDER_REVOKED_AT] = HF_SQL_LIST_REVOKED_AT,
	};
	enum hf_sql which = by_order[f->order];
	size_t len = 0;
	int rc = 0;

	if (f->id)
		which = HF_SQL_FIND_ID;
	else if (f->serial)
		which = HF_SQL_FIND_SERIAL;
	else if (f->sha256)
		which = HF_SQL_FIND_SHA256;
	else if (f->name)
		which = HF_SQL_FIND_NAME;
	if (which == HF_SQL_FIND_SERIAL)
		rc = hf_serial_to_bytes(f->serial, serial, &len, err);
	if (rc == 0)
		rc = hf_sql_get(s, which, ret_stmt, err);
	if (rc < 0)
		return rc;
	if (which == HF_SQL_FIND_ID)
		(void)sqlite3_bind_int64(*ret_stmt, 3, f->id);
	else if (which == HF_SQL_FIND_SERIAL)
		(void)sqlite3_bind_blob64(*ret_stmt, 3, serial, len, SQLITE_STATIC);
	else if (which == HF_SQL_FIND_SHA256)
		(void)sqlite3_bind_blob(*ret_stmt, 3, f->sha256, HF_STORE_SHA256_LEN,
					SQLITE_STATIC);
	else if (which == HF_SQL_FIND_NAME)
		(void)sqlite3_bind_text(*ret_stmt, 3, f->name, -1, SQLITE_STATIC);
	return 0;
}

static void bind_filter(sqlite3_stmt *stmt, const struct hf_record_filter *f)
{
	(void)sqlite3_bind_int64(stmt, 1, f->after_key);
	(void)sqlite3_bind_int64(stmt, 2, f->after_id);
	(void)sqlite3_bind_int64(stmt, 4, f->states ? f->states : ALL_STATES);
	(void)sqlite3_bind_int64(stmt, 5, f->issuer);
	(void)sqlite3_bind_int(stmt, 6, f->without_own);
	(void)sqlite3_bind_int64(stmt, 7, f->expires_from);
	(void)sqlite3_bind_int64(stmt, 8, f->expires_until ? f->expires_until : INT64_MAX);
	(void)sqlite3_bind_int64(stmt, 9, f->limit > 0 ? f->limit : -1);
	if (f->like)
		hf_sql_bind_text(stmt, 10, f->like);
}

int hf_sqlite_list(struct hf_store *store, const struct hf_record_filter *filter, hf_record_fn each,
		   void *arg, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	uint8_t wanted[HF_SERIAL_BYTES_CAP];
	char serial[2 * HF_SERIAL_BYTES_CAP + 2];
	struct hf_record row;
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = choose(s, filter, wanted, &stmt, err);

	if (rc < 0)
		return rc;
	bind_filter(stmt, filter);
	while ((rc = hf_sql_step(s, stmt, "list certificates", err)) > 0) {
		read_row(stmt, serial, &row);
		rc = each(arg, &row);
		if (rc != 0)
			return rc;
	}
	return rc;
}
