/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of encoded entries that revocation lists are put together from.  Must never give an
 * entry that the certificates no longer bear out: the schema's triggers say which page is stale. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ca/store/sqlite.h"

enum {
	PAGE_LEN = 1024,      /* entries: some 40 kB */
	SHARD_PAGE_LEN = 256, /* of many shards: what is not a page yet is encoded for each list */
	SERIAL_LEN_MAX = 20,  /* the schema's */
};

/* A place in the order of revocation. */
struct place {
	int64_t at;
	uint8_t serial[SERIAL_LEN_MAX];
	size_t serial_len;
};
static const struct place before_all = { INT64_MIN, { 0 }, 0 };

struct page {
	int64_t id;
	struct place last;
	bool usable; /* fresh, and of entries that are neither too few nor expired */
};

struct pages {
	struct page *data;
	size_t len, alloc;
};

static void pages_done(struct pages *pages)
{
	free(pages->data);
}
HF_DEFINE_AUTO_DONE(pages, struct pages, pages_done);

static void read_place(sqlite3_stmt *stmt, int at, int serial, struct place *ret_place)
{
	const void *bytes = sqlite3_column_blob(stmt, serial);

	ret_place->at = sqlite3_column_int64(stmt, at);
	ret_place->serial_len =
	    HF_MIN((size_t)sqlite3_column_bytes(stmt, serial), sizeof(ret_place->serial));
	if (bytes)
		memcpy(ret_place->serial, bytes, ret_place->serial_len);
}

static void bind_place(sqlite3_stmt *stmt, int at, const struct place *place)
{
	(void)sqlite3_bind_int64(stmt, at, place->at);
	(void)sqlite3_bind_blob(stmt, at + 1, place->serial, (int)place->serial_len, SQLITE_STATIC);
}

static bool is_same_place(const struct place *a, const struct place *b)
{
	return a->at == b->at && a->serial_len == b->serial_len &&
	       memcmp(a->serial, b->serial, a->serial_len) == 0;
}

static int add_page(struct pages *pages, sqlite3_stmt *stmt, struct hf_err *err)
{
	struct page *page;

	if (pages->len == pages->alloc) {
		size_t alloc = pages->alloc ? 2 * pages->alloc : 16;
		struct page *data = reallocarray(pages->data, alloc, sizeof(*data));

		if (!data)
			return hf_err_nomem(err);
		pages->data = data;
		pages->alloc = alloc;
	}
	page = &pages->data[pages->len++];
	page->id = sqlite3_column_int64(stmt, 0);
	read_place(stmt, 1, 2, &page->last);
	page->usable = sqlite3_column_int(stmt, 3) != 0;
	return 0;
}

static int read_pages(struct hf_sqlite *s, const struct hf_revoked_scope *scope,
		      struct pages *pages, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_PAGES, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, scope->issuer);
	(void)sqlite3_bind_int64(stmt, 2, scope->expired_before);
	(void)sqlite3_bind_int64(stmt, 3, scope->shard);
	while (rc == 0 && (rc = hf_sql_step(s, stmt, "read the pages of lists", err)) > 0)
		rc = add_page(pages, stmt, err);
	return rc;
}

/* What is being put together: a list, and the page that its end may become. */
struct work {
	struct hf_sqlite *s;
	struct hf_revoked_scope scope; /* of one shard at a time */
	hf_revoked_encode_fn encode;
	void *arg;
	struct hf_buf *out;
	int64_t len;
	/* the page: entries from out->data + start on */
	size_t start;
	int64_t page_len, first_expiry;
	struct place after, last;
};

static int copy_page(struct work *w, int64_t id, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(w->s, HF_SQL_PAGE_GET, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, id);
	rc = hf_sql_step(w->s, stmt, "read a page of a list", err);
	if (rc <= 0)
		return rc;
	w->len += sqlite3_column_int64(stmt, 0);
	if (hf_buf_append(w->out, sqlite3_column_blob(stmt, 1),
			  (size_t)sqlite3_column_bytes(stmt, 1)) < 0)
		return hf_err_nomem(err);
	return 0;
}

static int drop_page(struct hf_sqlite *s, int64_t id, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(s, HF_SQL_PAGE_DROP, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, id);
	return hf_sql_run(s, stmt, "drop a page of a list", err);
}

static void begin_page(struct work *w, const struct place *after)
{
	w->after = *after;
	w->start = w->out->len;
	w->page_len = 0;
	w->first_expiry = INT64_MAX;
}

/* INT64_MIN when nothing was left out of the page. */
static int read_dropped(struct work *w, const struct place *last, int64_t *ret_dropped,
			struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc = hf_sql_get(w->s, HF_SQL_PAGE_DROPPED, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, w->scope.issuer);
	(void)sqlite3_bind_int64(stmt, 2, w->scope.expired_before);
	bind_place(stmt, 3, &w->after);
	(void)sqlite3_bind_int64(stmt, 5, w->scope.shard);
	bind_place(stmt, 6, last);
	rc = hf_sql_step(w->s, stmt, "look at the expired", err);
	if (rc < 0)
		return rc;
	*ret_dropped =
	    sqlite3_column_type(stmt, 0) == SQLITE_NULL ? INT64_MIN : sqlite3_column_int64(stmt, 0);
	return 0;
}

static int put_page(struct work *w, const struct place *last, struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int64_t dropped = 0;
	int rc = read_dropped(w, last, &dropped, err);

	if (rc == 0)
		rc = hf_sql_get(w->s, HF_SQL_PAGE_PUT, &stmt, err);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, w->scope.issuer);
	bind_place(stmt, 2, last);
	(void)sqlite3_bind_int64(stmt, 4, w->scope.expired_before);
	(void)sqlite3_bind_int64(stmt, 5, w->first_expiry);
	(void)sqlite3_bind_int64(stmt, 6, w->page_len);
	/* a NULL pointer would bind NULL, and not no bytes */
	(void)sqlite3_bind_blob64(stmt, 7, hf_buf_str(w->out) + w->start, w->out->len - w->start,
				  SQLITE_STATIC);
	(void)sqlite3_bind_int64(stmt, 8, w->scope.shard);
	(void)sqlite3_bind_int64(stmt, 9, dropped);
	rc = hf_sql_run(w->s, stmt, "keep a page of a list", err);
	begin_page(w, last);
	return rc;
}

static int add_row(struct work *w, sqlite3_stmt *stmt, struct hf_err *err)
{
	const struct hf_revoked revoked = {
		.serial = sqlite3_column_blob(stmt, 0),
		.serial_len = (size_t)sqlite3_column_bytes(stmt, 0),
		.revoked_at = sqlite3_column_int64(stmt, 1),
		.reason = sqlite3_column_int(stmt, 2),
	};
	int rc = w->encode(w->arg, &revoked, w->out);

	if (rc < 0 || hf_buf_failed(w->out))
		return hf_err_nomem(err);
	w->len++;
	w->page_len++;
	w->first_expiry = HF_MIN(w->first_expiry, sqlite3_column_int64(stmt, 3));
	read_place(stmt, 1, 0, &w->last);
	return w->page_len < (w->scope.shard ? SHARD_PAGE_LEN : PAGE_LEN)
		   ? 0
		   : put_page(w, &w->last, err);
}

/* The rows after one place and up to another (NULL: all the rest), into out and into pages.  The
 * last page ends where it is told to; of all the rest only full pages are kept. */
static int encode_rows(struct work *w, const struct place *after, const struct place *until,
		       struct hf_err *err)
{
	HF_AUTO(hf_stmt) stmt = NULL;
	int rc =
	    hf_sql_get(w->s, until ? HF_SQL_REVOKED_BETWEEN : HF_SQL_REVOKED_AFTER, &stmt, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, w->scope.issuer);
	(void)sqlite3_bind_int64(stmt, 2, w->scope.expired_before);
	bind_place(stmt, 3, after);
	(void)sqlite3_bind_int64(stmt, 5, w->scope.shard);
	if (until)
		bind_place(stmt, 6, until);
	begin_page(w, after);
	w->last = *after;
	while (rc == 0 && (rc = hf_sql_step(w->s, stmt, "list the revoked", err)) > 0)
		rc = add_row(w, stmt, err);
	if (rc < 0 || !until || (w->page_len == 0 && is_same_place(&w->last, until)))
		return rc;
	return put_page(w, until, err);
}

static int remake_page(struct work *w, const struct page *page, const struct place *after,
		       struct hf_err *err)
{
	int rc = drop_page(w->s, page->id, err);

	return rc < 0 ? rc : encode_rows(w, after, &page->last, err);
}

static int add_shard(void *arg, const struct hf_revoked_scope *scope, struct hf_err *err)
{
	struct work *w = arg;
	HF_AUTO_DONE(pages) pages = { NULL, 0, 0 };
	const struct place *after = &before_all;
	int rc;

	w->scope = *scope;
	rc = read_pages(w->s, scope, &pages, err);
	for (size_t i = 0; rc == 0 && i < pages.len; i++) {
		const struct page *page = &pages.data[i];

		rc = page->usable ? copy_page(w, page->id, err) : remake_page(w, page, after, err);
		after = &page->last;
	}
	return rc == 0 ? encode_rows(w, after, NULL, err) : rc;
}

int hf_sqlite_revoked_entries(struct hf_store *store, const struct hf_revoked_scope *scope,
			      hf_revoked_encode_fn encode, void *arg, struct hf_buf *out,
			      int64_t *ret_len, struct hf_err *err)
{
	struct work w = { .s = hf_sqlite_of(store), .encode = encode, .arg = arg, .out = out };
	int rc = hf_sqlite_in_scope(w.s, scope, add_shard, &w, err);

	*ret_len = w.len;
	return rc;
}
