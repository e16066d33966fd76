/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and successions in the ledger.  Must never spend one without the record of its
 * certificate, nor record a certificate whose claim is lost: both are one transaction. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

int hf_sqlite_token_add(struct hf_store *store, const struct hf_token *token, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(cstr) detail = hf_str_printf("%s %s %s%s%s", token->id, token->profile, token->name,
					     token->by ? " by " : "", token->by ? token->by : "");
	HF_AUTO(hf_stmt) add = NULL;
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_TOKEN_ADD, &add, err);
	if (rc < 0)
		return rc;
	hf_sql_bind_text(add, 1, token->id);
	(void)sqlite3_bind_blob(add, 2, token->secret_sha256, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	hf_sql_bind_text(add, 3, token->name);
	hf_sql_bind_text(add, 4, token->profile);
	hf_sql_bind_text(add, 5, token->subject);
	hf_sql_bind_text(add, 6, token->sans);
	(void)sqlite3_bind_int64(add, 7, token->lifetime);
	(void)sqlite3_bind_int64(add, 8, token->made_at);
	(void)sqlite3_bind_int64(add, 9, token->until);
	rc = hf_sql_run(s, add, "keep a token", err);
	if (rc == 0)
		rc = hf_sqlite_note(s, "token", token->made_at, detail, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

static void read_row(sqlite3_stmt *stmt, struct hf_token *t)
{
	*t = (struct hf_token){
		.id = hf_sql_column_text(stmt, 0),
		.name = hf_sql_column_text(stmt, 2),
		.profile = hf_sql_column_text(stmt, 3),
		.subject = hf_sql_column_text(stmt, 4),
		.sans = hf_sql_column_text(stmt, 5),
		.lifetime = sqlite3_column_int64(stmt, 6),
		.made_at = sqlite3_column_int64(stmt, 7),
		.until = sqlite3_column_int64(stmt, 8),
		.state = (enum hf_token_state)sqlite3_column_int(stmt, 9),
		.certificate = sqlite3_column_int64(stmt, 10),
		.address = hf_sql_column_text(stmt, 12),
		.ended_at = sqlite3_column_int64(stmt, 13),
	};
	hf_sql_column_hash(stmt, 1, t->secret_sha256);
	hf_sql_column_hash(stmt, 11, t->spki);
}

int hf_sqlite_token_each(struct hf_store *store, const char *id, int64_t since, hf_token_fn each,
			 void *arg, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) list = NULL;
	int rc = hf_sql_get(s, id ? HF_SQL_TOKEN_GET : HF_SQL_TOKEN_LIST, &list, err);

	if (rc < 0)
		return rc;
	if (id)
		hf_sql_bind_text(list, 1, id);
	else
		(void)sqlite3_bind_int64(list, 2, since);
	while ((rc = hf_sql_step(s, list, "read the tokens", err)) > 0) {
		struct hf_token token;
		int over;

		read_row(list, &token);
		over = each(arg, &token);
		if (over != 0)
			return over;
	}
	return rc;
}

static int stop_at_first(void *arg, const struct hf_token *token)
{
	*(enum hf_token_state *)arg = token->state;
	return 1;
}

int hf_sqlite_token_withdraw(struct hf_store *store, const char *id, int64_t at, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	enum hf_token_state state = HF_TOKEN_OPEN;
	HF_AUTO(hf_stmt) set = NULL;
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = hf_sqlite_token_each(store, id, 0, stop_at_first, &state, err);
	if (rc == 0)
		return hf_err_set(err, HF_E_NOENT, "the ledger has no token '%s'", id);
	if (rc > 0 && state != HF_TOKEN_OPEN)
		return 1;
	if (rc > 0)
		rc = hf_sql_get(s, HF_SQL_TOKEN_WITHDRAW, &set, err);
	if (rc < 0)
		return rc;
	hf_sql_bind_text(set, 1, id);
	(void)sqlite3_bind_int64(set, 2, at);
	rc = hf_sql_run(s, set, "withdraw a token", err);
	if (rc == 0)
		rc = hf_sqlite_note(s, "token-revoke", at, id, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

/* --- claims --- */

static int spend(struct hf_sqlite *s, struct hf_claim *claim, int64_t certificate, int64_t at,
		 struct hf_err *err)
{
	HF_AUTO(cstr) detail = NULL;
	HF_AUTO(hf_stmt) set = NULL;
	int rc = hf_sql_get(s, HF_SQL_TOKEN_SPEND, &set, err);

	if (rc < 0)
		return rc;
	hf_sql_bind_text(set, 1, claim->token);
	(void)sqlite3_bind_int64(set, 2, certificate);
	(void)sqlite3_bind_blob(set, 3, claim->spki, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	hf_sql_bind_text(set, 4, claim->address);
	(void)sqlite3_bind_int64(set, 5, at);
	rc = hf_sql_run(s, set, "spend a token", err);
	if (rc < 0)
		return rc;
	claim->lost = sqlite3_changes(s->db) != 1;
	if (claim->lost)
		return 0;
	detail = hf_str_printf("%s from %s%s", claim->token, claim->address,
			       claim->key_made ? ", key made here" : "");
	return detail ? hf_sqlite_audit_certificate(s, certificate, "redeem", detail, at, err)
		      : hf_err_nomem(err);
}

static int succeed(struct hf_sqlite *s, struct hf_claim *claim, int64_t certificate, int64_t at,
		   struct hf_err *err)
{
	HF_AUTO(cstr) detail = NULL;
	HF_AUTO(hf_stmt) add = NULL;
	int rc = hf_sql_get(s, HF_SQL_SUCCEED, &add, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(add, 1, claim->predecessor);
	(void)sqlite3_bind_int64(add, 2, certificate);
	(void)sqlite3_bind_blob(add, 3, claim->spki, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	rc = hf_sql_run(s, add, "note a succession", err);
	if (rc < 0)
		return rc;
	claim->lost = sqlite3_changes(s->db) != 1;
	if (claim->lost)
		return 0;
	detail = hf_str_printf("from %s", claim->address);
	return detail ? hf_sqlite_audit_certificate(s, certificate, "renew", detail, at, err)
		      : hf_err_nomem(err);
}

/* The claim first: a lost one has no record to take back. */
static int record_claim(struct hf_sqlite *s, const struct hf_outcome *outcome,
			struct hf_claim *claim, int64_t at, struct hf_err *err)
{
	int rc = 0;

	if (claim)
		claim->lost = false;
	if (claim && claim->token)
		rc = spend(s, claim, outcome->id, at, err);
	else if (claim && claim->predecessor)
		rc = succeed(s, claim, outcome->id, at, err);
	if (rc < 0)
		return rc;
	return claim && claim->lost ? hf_sqlite_abandon_one(s, outcome->id, at, err)
				    : hf_sqlite_record_one(s, outcome, at, err);
}

int hf_sqlite_record_claims(struct hf_store *store, const struct hf_outcome *outcomes,
			    struct hf_claim *const *claims, size_t len, int64_t at,
			    struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = record_claim(s, &outcomes[i], claims[i], at, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}

int hf_sqlite_successor(struct hf_store *store, int64_t predecessor, int64_t *ret_successor,
			uint8_t *ret_spki, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) get = NULL;
	int rc = hf_sql_get(s, HF_SQL_SUCCESSOR, &get, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(get, 1, predecessor);
	rc = hf_sql_step(s, get, "look for a successor", err);
	if (rc <= 0)
		return rc < 0 ? rc : 1;
	*ret_successor = sqlite3_column_int64(get, 0);
	hf_sql_column_hash(get, 1, ret_spki);
	return 0;
}
