/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of every founding: an authority is made in a directory beside its place and moved there
 * when it is whole.  Must never overwrite an authority: an old one is put aside, with its keys and
 * its ledger. */
#include "ca/founding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "ca/draft.h"
#include "util/home.h"

enum { PEM_CAP = 1024 * 1024 };

/* --- files --- */

int hf_founding_file(const char *dir, const char *name, const struct hf_buf *data, mode_t mode,
		     struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), dir, name, err);

	return rc < 0 ? rc : hf_file_write(path, data->data, data->len, mode, 0, err);
}

int hf_founding_key(const struct hf_founding *f, const char *dir, const char *name,
		    const EVP_PKEY *key, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	int rc = hf_key_to_pem(key, f->o->passphrase, &pem, err);

	return rc < 0 ? rc : hf_founding_file(dir, name, &pem, HF_MODE_SECRET, err);
}

int hf_founding_certs(const char *dir, const char *name, const struct hf_cert *first,
		      const struct hf_cert *second, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	int rc = first ? hf_cert_to_pem(first, &pem, err) : 0;

	if (rc == 0 && second)
		rc = hf_cert_to_pem(second, &pem, err);
	return rc < 0 ? rc : hf_founding_file(dir, name, &pem, HF_MODE_PUBLIC, err);
}

/* --- the place --- */

/* The old one gets a name that tells when; *from is where it is now. */
static int put_aside(const char *from, struct hf_founding *f, struct hf_err *err)
{
	char when[HF_TIME_TEXT_CAP];

	hf_time_format(f->now, when);
	for (int n = 0; n < 100; n++) {
		(void)snprintf(f->r->aside, sizeof(f->r->aside), "%.*s.old-%s%s%.0d", PATH_MAX - 64,
			       f->place, when, n ? "-" : "", n);
		if (renameat2(AT_FDCWD, from, AT_FDCWD, f->r->aside, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return hf_err_errno(err, errno, "cannot put the old authority '%s' aside", from);
}

static int already_there(const char *place, struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_EXIST, "there is an authority already: '%s'", place);
	return hf_err_hint(
	    err, "nothing was changed; --force puts it aside and makes a new one, --home DIR makes "
		 "another elsewhere");
}

static int move_into_place(const char *draft, struct hf_founding *f, struct hf_err *err)
{
	const char *place = f->place;
	bool replace = f->o->force && hf_file_exists(place);
	int rc = 0;

	/* both at once, so that there is an authority at every moment */
	if (replace && renameat2(AT_FDCWD, draft, AT_FDCWD, place, RENAME_EXCHANGE) == 0) {
		if (put_aside(draft, f, NULL) < 0) /* it keeps the draft's name */
			(void)hf_str_copy(f->r->aside, sizeof(f->r->aside), draft);
		return 0;
	}
	if (replace) /* a file system that cannot exchange */
		rc = put_aside(place, f, err);
	if (rc < 0)
		return rc;
	if (renameat2(AT_FDCWD, draft, AT_FDCWD, place, RENAME_NOREPLACE) != 0)
		return errno == EEXIST
			   ? already_there(place, err)
			   : hf_err_errno(err, errno, "cannot move '%s' to '%s'", draft, place);
	return 0;
}

static int found(struct hf_founding *f, struct hf_err *err)
{
	struct hf_store_options store = { .create = true, .now = f->now, .actor = f->o->actor };
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), f->a->dir, "ca.db", err);

	if (rc == 0)
		rc = hf_store_open(path, &store, &f->a->store, err);
	return rc < 0 ? rc : f->fill(f, err);
}

/* The home trusts its own root.  While the authority moves, both the old root and the new one are
 * trusted: whichever moment is the last, the authority that is there is among them. */
struct own_trust {
	char path[PATH_MAX];
	struct hf_buf before, root;
};

static void own_trust_done(struct own_trust *t)
{
	hf_buf_done(&t->before);
	hf_buf_done(&t->root);
}
HF_DEFINE_AUTO_DONE(own_trust, struct own_trust, own_trust_done);

static int write_trust(const struct own_trust *t, const struct hf_buf *pem, struct hf_err *err)
{
	return hf_file_write(t->path, pem->data, pem->len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
}

static int begin_trust(struct own_trust *t, const struct hf_founding *f, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) both = HF_BUF_INIT(2 * PEM_CAP);
	char dir[PATH_MAX];
	int rc = hf_home_trust(f->o->home, "", dir, err);

	if (rc == 0)
		rc = hf_home_trust(f->o->home, "own", t->path, err);
	if (rc == 0)
		rc = hf_dir_make(dir, HF_MODE_DIR, err);
	if (rc == 0 && hf_file_exists(t->path))
		rc = hf_file_read(t->path, &t->before, err);
	if (rc == 0)
		rc = hf_cert_to_pem(f->r->root, &t->root, err);
	if (rc < 0)
		return rc;
	(void)hf_buf_append(&both, t->before.data, t->before.len);
	(void)hf_buf_append(&both, t->root.data, t->root.len);
	return hf_buf_failed(&both) ? hf_err_nomem(err) : write_trust(t, &both, err);
}

static int end_trust(const struct own_trust *t, bool moved, struct hf_err *err)
{
	if (!t->path[0])
		return 0;
	if (moved)
		return t->before.len ? write_trust(t, &t->root, err) : 0;
	if (t->before.len)
		return write_trust(t, &t->before, err);
	(void)unlink(t->path);
	return 0;
}

static int move_all(struct hf_founding *f, const char *draft, struct hf_err *err)
{
	HF_AUTO_DONE(own_trust) trust = { .before = HF_BUF_INIT(PEM_CAP),
					  .root = HF_BUF_INIT(PEM_CAP) };
	int rc = begin_trust(&trust, f, err);

	if (rc == 0)
		rc = move_into_place(draft, f, err);
	if (rc < 0) {
		(void)end_trust(&trust, false, NULL);
		hf_draft_remove(draft);
		return rc;
	}
	rc = hf_dir_sync(f->o->home, err);
	return rc < 0 ? rc : end_trust(&trust, true, err);
}

int hf_founding_run(struct hf_founding *f, struct hf_err *err)
{
	HF_AUTO(hf_authority) a = calloc(1, sizeof(*a));
	const struct hf_init_options *o = f->o;
	int rc = hf_home_ca(o->home, "", f->place, err);

	if (!a)
		return hf_err_nomem(err);
	if (rc < 0)
		return rc;
	if (hf_file_exists(f->place) && !o->force)
		return already_there(f->place, err);
	rc = hf_dir_make(o->home, HF_MODE_SECRET_DIR, err);
	if (rc == 0)
		rc = hf_path_join(a->dir, sizeof(a->dir), o->home, ".ca.XXXXXX", err);
	if (rc < 0)
		return rc;
	if (!mkdtemp(a->dir))
		return hf_err_errno(err, errno, "cannot make a directory in '%s'", o->home);
	f->a = a;
	a->single = o->single || o->root_only;
	a->root_only = o->root_only;
	rc = found(f, err);
	hf_store_close(hf_take(a->store)); /* before it moves: SQLite knows it by its path */
	f->a = NULL;
	if (rc < 0) {
		hf_draft_remove(a->dir);
		return rc;
	}
	return move_all(f, a->dir, err);
}
