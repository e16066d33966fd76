/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at work: every process that intends to issue has a session, and holds a lock on one byte
 * of the lock file for it.  The kernel lets go of the lock however the process ends, so "is it
 * alive?" has an exact answer, also across containers that share the directory. Must never call a
 * live process dead. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/store/sqlite.h"

static int open_lock_file(struct hf_sqlite *s, struct hf_err *err)
{
	HF_AUTO(cstr) path = NULL;

	if (s->lock_fd >= 0)
		return 0;
	path = hf_str_printf("%s-sessions", s->path);
	if (!path)
		return hf_err_nomem(err);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, HF_MODE_SECRET);
	if (s->lock_fd < 0)
		return hf_err_errno(err, errno, "cannot open the lock file '%s'", path);
	return 0;
}

/* Open-file-description locks (fcntl(2)): unlike flock they cover single bytes, unlike POSIX locks
 * two handles of one process do not share them. */
static struct flock byte_lock(int64_t session)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)session, .l_len = 1
	};
}

static int hold(struct hf_sqlite *s, int64_t session, struct hf_err *err)
{
	struct flock lock = byte_lock(session);

	if (fcntl(s->lock_fd, F_OFD_SETLK, &lock) != 0)
		return hf_err_errno(err, errno, "cannot lock the ledger '%s' (session %lld)",
				    s->path, (long long)session);
	return 0;
}

static bool is_alive(const struct hf_sqlite *s, int64_t session)
{
	struct flock lock = byte_lock(session);

	if (session == s->session)
		return true;
	return fcntl(s->lock_fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

static int drop_session(struct hf_sqlite *s, int64_t session, struct hf_err *err)
{
	HF_AUTO(hf_stmt) drop = NULL;
	int rc = hf_sql_get(s, HF_SQL_SESSION_DROP, &drop, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(drop, 1, session);
	return hf_sql_run(s, drop, "close a session", err);
}

/* Sessions that ended well leave their row behind, which saves a write at every end; a few go
 * whenever one begins. */
static int sweep(struct hf_sqlite *s, struct hf_err *err)
{
	HF_AUTO(hf_stmt) oldest = NULL;
	int64_t ids[8];
	size_t len = 0;
	int rc = hf_sql_get(s, HF_SQL_SESSIONS_OLDEST, &oldest, err);

	while (rc >= 0 && len < HF_ARRAY_LEN(ids)) {
		rc = hf_sql_step(s, oldest, "look for old sessions", err);
		if (rc <= 0)
			break;
		ids[len++] = sqlite3_column_int64(oldest, 0);
	}
	for (size_t i = 0; rc >= 0 && i < len; i++) {
		if (!is_alive(s, ids[i]))
			rc = drop_session(s, ids[i], err);
	}
	return rc < 0 ? rc : 0;
}

int hf_session_begin(struct hf_sqlite *s, int64_t at, struct hf_err *err)
{
	HF_AUTO(hf_stmt) add = NULL;
	int64_t session;
	int rc = open_lock_file(s, err);

	if (rc == 0)
		rc = sweep(s, err);
	if (rc == 0)
		rc = hf_sql_get(s, HF_SQL_SESSION_ADD, &add, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(add, 1, at);
	(void)sqlite3_bind_int64(add, 2, getpid());
	rc = hf_sql_run(s, add, "open a session", err);
	if (rc < 0)
		return rc;
	session = sqlite3_last_insert_rowid(s->db);
	/* before the commit shows the session to others */
	rc = hold(s, session, err);
	if (rc == 0)
		s->session = session;
	return rc;
}

static int abandon_session(struct hf_sqlite *s, int64_t session, int64_t at, struct hf_err *err)
{
	int rc = 0;

	for (;;) {
		HF_AUTO(hf_stmt) next = NULL;
		int64_t id;

		rc = hf_sql_get(s, HF_SQL_INTENTS_OF_SESSION, &next, err);
		if (rc < 0)
			return rc;
		(void)sqlite3_bind_int64(next, 1, session);
		rc = hf_sql_step(s, next, "look for unfinished work", err);
		if (rc <= 0)
			break;
		id = sqlite3_column_int64(next, 0);
		(void)sqlite3_reset(next);
		rc = hf_sqlite_abandon_one(s, id, at, err);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : drop_session(s, session, err);
}

/* The first session with intents whose process is gone; 0 when there is none. */
static int find_dead(struct hf_sqlite *s, int64_t *ret_session, struct hf_err *err)
{
	HF_AUTO(hf_stmt) each = NULL;
	int rc = hf_sql_get(s, HF_SQL_SESSIONS_WITH_INTENTS, &each, err);

	*ret_session = 0;
	while (rc >= 0) {
		int64_t session;

		rc = hf_sql_step(s, each, "look for unfinished work", err);
		if (rc <= 0)
			return rc;
		session = sqlite3_column_int64(each, 0);
		rc = open_lock_file(s, err);
		if (rc == 0 && !is_alive(s, session)) {
			*ret_session = session;
			return 0;
		}
	}
	return rc;
}

int hf_session_recover(struct hf_sqlite *s, int64_t at, struct hf_err *err)
{
	for (;;) {
		HF_AUTO_DONE(hf_tx) tx = { NULL };
		int64_t session;
		int rc = find_dead(s, &session, err);

		if (rc < 0 || session == 0)
			return rc;
		rc = hf_tx_begin(&tx, s, err);
		if (rc == 0)
			rc = abandon_session(s, session, at, err);
		if (rc == 0)
			rc = hf_tx_commit(&tx, err);
		if (rc < 0)
			return rc;
	}
}
