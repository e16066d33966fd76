/* SPDX-License-Identifier: Apache-2.0 */
/* Writing an identity as a whole.  Must never leave a private key readable by others, and never a
 * directory in which the key is not the certificate's. */
#include "ca/idfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "ca/draft.h"

struct row {
	const char *name;
	const struct hf_buf *data;
	mode_t mode;
};
enum { ROWS = 4, STALE_SECONDS = 60, NURSERY_TRIES = 100 };

/* Keys first: whoever sees the certificate finds the key. */
static void rows_of(const struct hf_idfiles *f, struct row rows[ROWS])
{
	rows[0] = (struct row){ "key.pem", f->key, HF_MODE_SECRET };
	rows[1] = (struct row){ "ca.pem", f->ca, HF_MODE_PUBLIC };
	rows[2] = (struct row){ "cert.pem", f->cert, HF_MODE_PUBLIC };
	rows[3] = (struct row){ "request.pem", f->request, HF_MODE_PUBLIC };
}

const char *hf_idfiles_in_the_way(const char *dir, const struct hf_idfiles *files, char *path)
{
	struct row rows[ROWS];

	rows_of(files, rows);
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].data && hf_path_join(path, PATH_MAX, dir, rows[i].name, NULL) == 0 &&
		    hf_file_exists(path))
			return path;
	}
	return NULL;
}

static int write_rows(const char *dir, const struct hf_idfiles *files, unsigned flags,
		      struct hf_err *err)
{
	struct row rows[ROWS];
	char path[PATH_MAX];

	rows_of(files, rows);
	for (size_t i = 0; i < ROWS; i++) {
		int rc;

		if (!rows[i].data)
			continue;
		rc = hf_path_join(path, sizeof(path), dir, rows[i].name, err);
		if (rc == 0)
			rc = hf_file_write(path, rows[i].data->data, rows[i].data->len,
					   rows[i].mode, flags, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool will_write(const struct hf_idfiles *files, const char *name)
{
	struct row rows[ROWS];

	rows_of(files, rows);
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].data && strcmp(rows[i].name, name) == 0)
			return true;
	}
	return files->drop_request && strcmp(name, "request.pem") == 0;
}

/* What stays moves into the new directory as a second link; false when something cannot (a
 * directory). */
static bool link_the_rest(const char *from, const char *to, const struct hf_idfiles *files)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char old[PATH_MAX], new[PATH_MAX];

	if (hf_dir_list(from, &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.len; i++) {
		if (will_write(files, names.items[i]))
			continue;
		if (hf_path_join(old, sizeof(old), from, names.items[i], NULL) < 0 ||
		    hf_path_join(new, sizeof(new), to, names.items[i], NULL) < 0 ||
		    link(old, new) != 0)
			return false;
	}
	return true;
}

/* --- where it grows --- */

/* A directory that is being filled, under a lock that ends with its process. */
struct fresh {
	char nursery[PATH_MAX]; /* "/home/id/.handfast-new", which holds all of them */
	char path[PATH_MAX];	/* "/home/id/.handfast-new/amy.XXXXXX" */
	int lock_fd;
};
#define FRESH_INIT         \
	{                  \
		"", "", -1 \
	}

static void fresh_done(struct fresh *f)
{
	if (f->path[0])
		hf_draft_remove(f->path);
	hf_fd_close(f->lock_fd);
	if (f->nursery[0])
		(void)rmdir(f->nursery); /* unless others grow in it */
}
HF_DEFINE_AUTO_DONE(fresh, struct fresh, fresh_done);

/* Nobody holds its lock, and it is older than the moment between making and locking one. */
static bool is_stale(const char *path)
{
	HF_AUTO(fd) fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > STALE_SECONDS &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* What processes left behind that were killed: keys and certificates that never got their name. */
static void sweep(const char *nursery)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];

	if (hf_dir_list(nursery, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		if (hf_path_join(path, sizeof(path), nursery, names.items[i], NULL) == 0 &&
		    is_stale(path))
			hf_draft_remove(path);
	}
}

static bool make_in(struct fresh *f, const char *name)
{
	int n = snprintf(f->path, sizeof(f->path), "%s/%s.XXXXXX", f->nursery, name);

	if (n <= 0 || n >= PATH_MAX || !mkdtemp(f->path)) {
		f->path[0] = '\0';
		return false;
	}
	f->lock_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->lock_fd >= 0 && flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

/* A directory beside `dir`, on the same file system. */
static bool fresh_make(struct fresh *f, const char *dir)
{
	const char *slash = strrchr(dir, '/');
	int n = snprintf(f->nursery, sizeof(f->nursery), "%.*s.handfast-new",
			 slash ? (int)(slash + 1 - dir) : 0, dir);

	if (n <= 0 || n >= PATH_MAX) {
		f->nursery[0] = '\0';
		return false;
	}
	for (int tries = 0; tries < NURSERY_TRIES; tries++) {
		if (mkdir(f->nursery, HF_MODE_SECRET_DIR) != 0 && errno != EEXIST)
			return false;
		sweep(f->nursery);
		if (make_in(f, slash ? slash + 1 : dir))
			return true;
		if (errno != ENOENT) /* another process was done, and removed it */
			return false;
	}
	return false;
}

/* Root may renew what a service's user owns: it stays that user's. */
static bool keep_owner(const char *fresh, const struct stat *was)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];

	if (chmod(fresh, was->st_mode & 07777) != 0)
		return false;
	if (geteuid() != 0)
		return true;
	if (hf_dir_list(fresh, &names, NULL) < 0 || lchown(fresh, was->st_uid, was->st_gid) != 0)
		return false;
	for (size_t i = 0; i < names.len; i++) {
		if (hf_path_join(path, sizeof(path), fresh, names.items[i], NULL) < 0 ||
		    lchown(path, was->st_uid, was->st_gid) != 0)
			return false;
	}
	return true;
}

/* 1 done, 0 not possible here, negative failed. */
static int exchange(const char *dir, const struct hf_idfiles *files, struct hf_err *err)
{
	HF_AUTO_DONE(fresh) fresh = FRESH_INIT;
	struct stat was;
	int rc;

	/* what a symbolic link leads to is not ours to exchange */
	if (lstat(dir, &was) != 0 || !S_ISDIR(was.st_mode) || !fresh_make(&fresh, dir))
		return 0;
	rc = write_rows(fresh.path, files, 0, err);
	if (rc < 0 || !keep_owner(fresh.path, &was) || !link_the_rest(dir, fresh.path, files) ||
	    renameat2(AT_FDCWD, fresh.path, AT_FDCWD, dir, RENAME_EXCHANGE) != 0)
		return rc < 0 ? rc : 0;
	return 1; /* what is removed now holds the old files */
}

static int replace_one_by_one(const char *dir, const struct hf_idfiles *files, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = write_rows(dir, files, HF_FILE_REPLACE, err);

	if (rc == 0 && files->drop_request &&
	    hf_path_join(path, sizeof(path), dir, "request.pem", err) == 0)
		(void)unlink(path);
	return rc;
}

/* A new identity appears whole: 1 done, 0 not possible here, negative failed. */
static int appear(const char *dir, const struct hf_idfiles *files, struct hf_err *err)
{
	HF_AUTO_DONE(fresh) fresh = FRESH_INIT;
	char parent[PATH_MAX];
	char *slash;
	int rc;

	if (!hf_str_copy(parent, sizeof(parent), dir))
		return hf_err_set(err, HF_E_LIMIT, "the path is too long: '%s'", dir);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent || !slash[1])
		return 0;
	*slash = '\0';
	rc = hf_dir_make(parent, HF_MODE_DIR, err);
	if (rc < 0)
		return rc;
	if (!fresh_make(&fresh, dir))
		return 0;
	rc = write_rows(fresh.path, files, 0, err);
	if (rc < 0 || renameat2(AT_FDCWD, fresh.path, AT_FDCWD, dir, RENAME_NOREPLACE) != 0)
		return rc;
	fresh.path[0] = '\0'; /* it has its name */
	rc = hf_dir_sync(parent, err);
	return rc < 0 ? rc : 1;
}

int hf_idfiles_write(const char *dir, const struct hf_idfiles *files, bool replace,
		     struct hf_err *err)
{
	int rc = hf_file_exists(dir) ? 0 : appear(dir, files, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = hf_dir_make(dir, HF_MODE_SECRET_DIR, err);
	if (rc < 0)
		return rc;
	if (!replace)
		return write_rows(dir, files, 0, err);
	rc = exchange(dir, files, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return replace_one_by_one(dir, files, err);
}
