/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolments that wait for a person, in the ledger.  Must never let a second key take the place of
 * the one that is looked at. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

/* The row of a token: 1 and what it says; 0 when nobody asked with it. */
static int get(struct hf_sqlite *s, const char *token, uint8_t ret_spki[HF_STORE_SHA256_LEN],
	       enum hf_approval_state *ret_state, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_APPROVAL_GET, &stmt, err);

	if (rc < 0)
		return rc;
	hf_sql_bind_text(stmt, 1, token);
	rc = hf_sql_step(s, stmt, "look for an enrolment", err);
	if (rc <= 0)
		return rc;
	hf_sql_column_hash(stmt, 0, ret_spki);
	*ret_state = (enum hf_approval_state)sqlite3_column_int(stmt, 1);
	return 1;
}

static int add(struct hf_sqlite *s, const char *token, const uint8_t *spki, const char *address,
	       int64_t at, struct hf_err *err)
{
	HF_AUTO(cstr) detail = hf_str_printf("%s from %s", token, address);
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_APPROVAL_ASK, &stmt, err);

	if (rc < 0)
		return rc;
	hf_sql_bind_text(stmt, 1, token);
	(void)sqlite3_bind_blob(stmt, 2, spki, HF_STORE_SHA256_LEN, SQLITE_STATIC);
	hf_sql_bind_text(stmt, 3, address);
	(void)sqlite3_bind_int64(stmt, 4, at);
	rc = hf_sql_run(s, stmt, "note an enrolment", err);
	return rc < 0 ? rc : hf_sqlite_note(s, "ask", at, detail, err);
}

int hf_sqlite_approval_ask(struct hf_store *store, const char *token, const uint8_t *spki,
			   const char *address, int64_t at, enum hf_approval_state *ret_state,
			   struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	uint8_t there[HF_STORE_SHA256_LEN];
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = get(s, token, there, ret_state, err);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return memcmp(there, spki, sizeof(there)) == 0 ? 0 : 1;
	if (!address)
		return 1;
	rc = add(s, token, spki, address, at, err);
	if (rc == 0)
		rc = hf_tx_commit(&tx, err);
	if (rc == 0)
		*ret_state = HF_APPROVAL_WAITING;
	return rc;
}

static void read_row(sqlite3_stmt *stmt, struct hf_approval *a)
{
	*a = (struct hf_approval){
		.token = hf_sql_column_text(stmt, 0),
		.address = hf_sql_column_text(stmt, 2),
		.asked_at = sqlite3_column_int64(stmt, 3),
		.state = (enum hf_approval_state)sqlite3_column_int(stmt, 4),
		.decided_at = sqlite3_column_int64(stmt, 5),
		.name = hf_sql_column_text(stmt, 6),
		.profile = hf_sql_column_text(stmt, 7),
		.sans = hf_sql_column_text(stmt, 8),
	};
	hf_sql_column_hash(stmt, 1, a->spki);
}

int hf_sqlite_approval_each(struct hf_store *store, hf_approval_fn each, void *arg,
			    struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(hf_stmt) list = NULL;
	int rc = hf_sql_get(s, HF_SQL_APPROVAL_EACH, &list, err);

	if (rc < 0)
		return rc;
	while ((rc = hf_sql_step(s, list, "read the enrolments that wait", err)) > 0) {
		struct hf_approval approval;
		int over;

		read_row(list, &approval);
		over = each(arg, &approval);
		if (over != 0)
			return over;
	}
	return rc;
}

static int decide(struct hf_sqlite *s, const char *token, bool grant, int64_t at,
		  struct hf_err *err)
{
	HF_AUTO(hf_stmt) set = NULL;
	int rc = hf_sql_get(s, HF_SQL_APPROVAL_DECIDE, &set, err);

	if (rc < 0)
		return rc;
	hf_sql_bind_text(set, 1, token);
	(void)sqlite3_bind_int(set, 2, grant ? HF_APPROVAL_GRANTED : HF_APPROVAL_DENIED);
	(void)sqlite3_bind_int64(set, 3, at);
	return hf_sql_run(s, set, "decide on an enrolment", err);
}

int hf_sqlite_approval_decide(struct hf_store *store, const char *token, bool grant,
			      const char *detail, int64_t at, struct hf_err *err)
{
	struct hf_sqlite *s = hf_sqlite_of(store);
	HF_AUTO(cstr) said =
	    hf_str_printf("%s%s%s", token, detail ? " " : "", detail ? detail : "");
	uint8_t spki[HF_STORE_SHA256_LEN];
	enum hf_approval_state state = HF_APPROVAL_WAITING;
	HF_AUTO_DONE(hf_tx) tx = { NULL };
	int rc = hf_tx_begin(&tx, s, err);

	if (rc == 0)
		rc = get(s, token, spki, &state, err);
	if (rc == 0)
		return hf_err_set(err, HF_E_NOENT, "no enrolment waits with the token '%s'", token);
	if (rc > 0 && state != HF_APPROVAL_WAITING)
		return 1;
	if (rc > 0)
		rc = decide(s, token, grant, at, err);
	if (rc == 0)
		rc = hf_sqlite_note(s, grant ? "approve" : "deny", at, said, err);
	return rc < 0 ? rc : hf_tx_commit(&tx, err);
}
