/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists in the ledger: number, content and record in one transaction, so that no two
 * lists share a number and none is published that is not kept. */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

enum { KEPT = 64 * 1024 }; /* bytes of a list that are kept in the ledger themselves */

/* Which list it is. */
struct list_id {
	int64_t issuer, shard, number;
};

static int each_of_shard(struct hf_sqlite *s, const struct hf_revoked_scope *scope,
			 hf_revoked_fn each, void *arg, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_REVOKED, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, scope->issuer);
	(void)sqlite3_bind_int64(stmt, 2, scope->expired_before);
	(void)sqlite3_bind_int64(stmt, 3, scope->shard);
	while ((rc = hf_sql_step(s, stmt, "list the revoked", err)) > 0) {
		const struct hf_revoked revoked = {
			.serial = sqlite3_column_blob(stmt, 0),
			.serial_len = (size_t)sqlite3_column_bytes(stmt, 0),
			.revoked_at = sqlite3_column_int64(stmt, 1),
			.reason = sqlite3_column_int(stmt, 2),
		};

		rc = each(arg, &revoked);
		if (rc != 0)
			return rc;
	}
	return rc;
}

struct telling {
	struct hf_sqlite *s;
	hf_revoked_fn each;
	void *arg;
};

static int tell_of_shard(void *arg, const struct hf_revoked_scope *scope, struct hf_err *err)
{
	const struct telling *t = arg;

	return each_of_shard(t->s, scope, t->each, t->arg, err);
}

int hf_sqlite_each_revoked(struct hf_store *store, int64_t issuer, int64_t shard,
			   int64_t expired_before, hf_revoked_fn each, void *arg,
			   struct hf_err *err)
{
	const struct hf_revoked_scope scope = { issuer, shard, expired_before };
	struct telling telling = { hf_sqlite_of(store), each, arg };

	return hf_sqlite_in_scope(telling.s, &scope, tell_of_shard, &telling, err);
}

static int read_last(struct hf_sqlite *s, int64_t issuer, int64_t shard, struct hf_crl_draft *draft,
		     struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_CRL_LAST, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, issuer);
	(void)sqlite3_bind_int64(stmt, 2, shard);
	rc = hf_sql_step(s, stmt, "read the last list", err);
	if (rc < 0)
		return rc;
	*draft = (struct hf_crl_draft){ .number = 1 };
	if (rc) {
		draft->number = sqlite3_column_int64(stmt, 0) + 1;
		draft->last_update = sqlite3_column_int64(stmt, 1);
		draft->last_revoked = sqlite3_column_int64(stmt, 2);
	}
	return 0;
}

static int put(struct hf_sqlite *s, const struct list_id *id, const struct hf_crl_final *final,
	       struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_CRL_PUT, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, id->issuer);
	(void)sqlite3_bind_int64(stmt, 2, id->shard);
	(void)sqlite3_bind_int64(stmt, 3, id->number);
	(void)sqlite3_bind_int64(stmt, 4, final->this_update);
	(void)sqlite3_bind_int64(stmt, 5, final->next_update);
	(void)sqlite3_bind_int64(stmt, 6, final->revoked_len);
	/* a large list would go through the disk four times; its hash in the log tells which one
	 * it was */
	(void)sqlite3_bind_blob64(stmt, 7, final->der, final->der_len <= KEPT ? final->der_len : 0,
				  SQLITE_STATIC);
	return hf_sql_run(s, stmt, "keep the list", err);
}

static int keep(struct hf_sqlite *s, const struct list_id *id, const struct hf_crl_final *final,
		struct hf_err *err)
{
	struct hf_audit_row row = { .at = final->this_update,
				    .issuer = id->issuer,
				    .action = "crl" };
	char detail[192], shard[32] = "", hex[2 * HF_STORE_SHA256_LEN + 1];
	uint8_t sha256[HF_STORE_SHA256_LEN];
	int rc = put(s, id, final, err);

	if (rc < 0)
		return rc;
	if (EVP_Digest(final->der, final->der_len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hash the list");
	if (final->ret_sha256)
		memcpy(final->ret_sha256, sha256, sizeof(sha256));
	hf_hex_encode(sha256, HF_STORE_SHA256_LEN, hex);
	if (id->shard != HF_CRL_COMPLETE)
		(void)snprintf(shard, sizeof(shard), HF_AUDIT_CRL_SHARD "%lld ",
			       (long long)id->shard);
	(void)snprintf(detail, sizeof(detail), "%snumber=%lld revoked=%lld sha256=%s", shard,
		       (long long)id->number, (long long) final->revoked_len, hex);
	row.detail = detail;
	return hf_sqlite_audit(s, &row, err);
}

int hf_sqlite_publish_crl(struct hf_store *store, int64_t issuer, int64_t shard,
			  hf_crl_build_fn build, void *arg, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	struct hf_crl_draft draft = { .number = 0 };
	struct hf_crl_final final = { 0, 0, 0, NULL, 0, NULL };
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = read_last(s, issuer, shard, &draft, err);
	if (rc == 0)
		rc = build(arg, store, &draft, &final, err);
	if (rc == 0) {
		const struct list_id id = { issuer, shard, draft.number };

		rc = keep(s, &id, &final, err);
	}
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}
