/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the data base of cfssl, of which only the columns of its first version are asked for.  Must
 * never write to it, and take no status for "good" that it does not know. */
#include "ca/store/cfssl.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/store/libsqlite.h"

enum { PEM_CAP = 256 * 1024, BUSY_MS = 5000 };

static const char query[] =
    "SELECT serial_number, status, reason, revoked_at, pem FROM certificates ORDER BY rowid";

HF_DEFINE_AUTO(sqlite3, sqlite3, (void)sqlite3_close);
HF_DEFINE_AUTO(sqlite3_stmt, sqlite3_stmt, (void)sqlite3_finalize);

static int failed(sqlite3 *db, const char *path, struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_PARSE, "cannot read '%s' as the data base of cfssl: %s", path,
			 db ? sqlite3_errmsg(db) : "no memory");
	return hf_err_hint(err, "name its SQLite file with --database; other data bases cannot be "
				"taken over");
}

static const char *text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *s = sqlite3_column_text(stmt, column);

	return s ? (const char *)s : "";
}

/* "2026-11-21 10:52:00", with a T between, a fraction, or an offset of zero behind it. */
static bool parse_time(const char *s, int64_t *ret_at)
{
	char head[20];
	size_t len = strnlen(s, sizeof(head));

	if (len < sizeof(head) - 1)
		return false;
	memcpy(head, s, sizeof(head) - 1);
	head[sizeof(head) - 1] = '\0';
	if (head[10] == 'T')
		head[10] = ' ';
	return hf_time_parse(head, ret_at);
}

static int read_row(sqlite3_stmt *stmt, const char *path, struct hf_cfssl_row *row,
		    struct hf_err *err)
{
	const char *status = text(stmt, 1);

	*row = (struct hf_cfssl_row){
		.serial = text(stmt, 0),
		.revoked = strcmp(status, "revoked") == 0,
		.reason = sqlite3_column_int(stmt, 2),
		.pem = text(stmt, 4),
		.pem_len = (size_t)sqlite3_column_bytes(stmt, 4),
	};
	if (!row->revoked && strcmp(status, "good") != 0)
		return hf_err_set(err, HF_E_PARSE, "%s: serial %.60s has the status '%.20s'", path,
				  row->serial, status);
	if (row->revoked && !parse_time(text(stmt, 3), &row->revoked_at))
		return hf_err_set(err, HF_E_PARSE,
				  "%s: serial %.60s was revoked at no time that can be read", path,
				  row->serial);
	if (row->reason < 0 || row->reason > 10 || row->reason == 7)
		return hf_err_set(err, HF_E_PARSE, "%s: serial %.60s was revoked for the reason %d",
				  path, row->serial, row->reason);
	if (row->pem_len > PEM_CAP)
		return hf_err_set(err, HF_E_LIMIT, "%s: the certificate %.60s is too large", path,
				  row->serial);
	return 0;
}

int hf_cfssl_each(const char *path, hf_cfssl_fn each, void *arg, struct hf_err *err)
{
	HF_AUTO(sqlite3) db = NULL;
	HF_AUTO(sqlite3_stmt) stmt = NULL;
	int rc = hf_libsqlite_load(err);

	if (rc < 0)
		return rc;
	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return failed(db, path, err);
	(void)sqlite3_busy_timeout(db, BUSY_MS);
	/* a view or a trigger of a foreign file may call nothing */
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK)
		return failed(db, path, err);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct hf_cfssl_row row;
		int told = read_row(stmt, path, &row, err);

		if (told == 0)
			told = each(arg, &row);
		if (told != 0)
			return told;
	}
	return rc == SQLITE_DONE ? 0 : failed(db, path, err);
}
