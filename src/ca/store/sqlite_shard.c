/* SPDX-License-Identifier: Apache-2.0 */
/* The shards that revocation lists come in: which there are, where they are looked for, and what
 * the complete list is put together from. */
#include <stdlib.h>

#include "base/err.h"
#include "ca/store/sqlite.h"

struct numbers {
	int64_t data[HF_CRL_SHARDS_CAP + 1]; /* and 0 */
	size_t len;
};

/* All at once: what is done for each may run the statement again. */
static int read_numbers(struct hf_sqlite *s, int64_t issuer, struct numbers *numbers,
			struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_SHARDS_REVOKED, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, issuer);
	while ((rc = hf_sql_step(s, stmt, "read the shards", err)) > 0) {
		if (numbers->len == HF_ARRAY_LEN(numbers->data))
			return hf_err_set(err, HF_E_LIMIT, "the ledger '%s' has too many shards",
					  s->path);
		numbers->data[numbers->len++] = sqlite3_column_int64(stmt, 0);
	}
	return rc;
}

int hf_sqlite_in_scope(struct hf_sqlite *s, const struct hf_revoked_scope *scope, hf_scope_fn each,
		       void *arg, struct hf_err *err)
{
	struct hf_revoked_scope one = *scope;
	struct numbers numbers = { .len = 0 };
	int rc;

	if (scope->shard != HF_CRL_COMPLETE)
		return each(arg, scope, err);
	rc = read_numbers(s, scope->issuer, &numbers, err);
	for (size_t i = 0; rc == 0 && i < numbers.len; i++) {
		one.shard = numbers.data[i];
		rc = each(arg, &one, err);
	}
	return rc;
}

static int plan_one(struct hf_sqlite *s, int64_t issuer, int64_t shard, const char *url,
		    struct hf_err *err)
{
	HF_AUTO(hf_stmt) add = NULL;
	int rc = hf_sql_get(s, HF_SQL_SHARD_PLAN, &add, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(add, 1, issuer);
	(void)sqlite3_bind_int64(add, 2, shard);
	hf_sql_bind_text(add, 3, url);
	return hf_sql_run(s, add, "note where a list is", err);
}

int hf_sqlite_plan_shards(struct hf_store *store, int64_t issuer, char *const *urls, size_t len,
			  struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc;

	if (len > HF_CRL_SHARDS_CAP)
		return hf_err_set(err, HF_E_LIMIT, "there are %d shards at most",
				  (int)HF_CRL_SHARDS_CAP);
	rc = hf_tx_begin(&tx, s, err);
	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = plan_one(s, issuer, (int64_t)i + 1, urls[i], err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

int hf_sqlite_note_place(struct hf_store *store, int64_t issuer, int64_t shard, const char *url,
			 struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = plan_one(s, issuer, shard, url, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

int hf_sqlite_each_owner(struct hf_store *store, const char *url, hf_owner_fn each, void *arg,
			 struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_PLACE_OWNERS, &stmt, err);

	if (rc < 0)
		return rc;
	hf_sql_bind_text(stmt, 1, url);
	while ((rc = hf_sql_step(s, stmt, "read whose place it is", err)) > 0) {
		rc = each(arg, sqlite3_column_int64(stmt, 0));
		if (rc != 0)
			return rc;
	}
	return rc;
}

int hf_sqlite_shards_ready(struct hf_store *store, int64_t issuer, int64_t len,
			   const char *last_url, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_SHARDS_READY, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, issuer);
	(void)sqlite3_bind_int64(stmt, 2, len);
	hf_sql_bind_text(stmt, 3, last_url);
	return hf_sql_step(s, stmt, "look at the shards", err);
}

int hf_sqlite_each_shard(struct hf_store *store, int64_t issuer, int64_t now, hf_shard_fn each,
			 void *arg, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_SHARDS, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, issuer);
	(void)sqlite3_bind_int64(stmt, 2, now);
	while ((rc = hf_sql_step(s, stmt, "list the shards", err)) > 0) {
		const struct hf_shard shard = {
			.number = sqlite3_column_int64(stmt, 0),
			.named = sqlite3_column_int(stmt, 1) != 0,
			.stale = sqlite3_column_int(stmt, 2) != 0,
			.this_update = sqlite3_column_int64(stmt, 3),
			.next_update = sqlite3_column_int64(stmt, 4),
		};

		rc = each(arg, &shard);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int hf_sqlite_each_place(struct hf_store *store, int64_t issuer, int64_t shard, hf_place_fn each,
			 void *arg, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_PLACES, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, issuer);
	(void)sqlite3_bind_int64(stmt, 2, shard);
	while ((rc = hf_sql_step(s, stmt, "read where a shard is", err)) > 0) {
		rc = each(arg, hf_sql_column_text(stmt, 0));
		if (rc != 0)
			return rc;
	}
	return rc;
}
