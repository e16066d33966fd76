/* SPDX-License-Identifier: Apache-2.0 */
/* Capped reads, atomic durable writes.  Must never leave a half-written file under its final name
 * and never create a secret with a mode wider than asked. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

enum { READ_CHUNK = 16384 };

void hf_fd_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* expected: how many bytes are likely to come, so that a large file is not copied while it grows.
 */
static int read_all(int fd, const char *path, size_t expected, struct hf_buf *out,
		    struct hf_err *err)
{
	size_t left = out->cap - out->len;

	/* and room to find that it has ended */
	if (expected > READ_CHUNK && expected <= left &&
	    hf_buf_reserve(out, HF_MIN(expected + READ_CHUNK, left)) < 0)
		return hf_err_nomem(err);
	for (;;) {
		size_t room = HF_MIN(out->cap - out->len, (size_t)READ_CHUNK);
		char probe;
		ssize_t n;

		if (room > 0 && hf_buf_reserve(out, room) < 0)
			return hf_err_nomem(err);
		n = room > 0 ? read(fd, out->data + out->len, room) : read(fd, &probe, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hf_err_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			return 0;
		if (room == 0)
			return hf_err_set(err, HF_E_LIMIT, "'%s' is larger than %zu bytes", path,
					  out->cap);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

/* Says who may not read it and who may: the usual cause is a key that belongs to root. */
static int cannot_open(const char *path, int errnum, struct hf_err *err)
{
	int rc = hf_err_errno(err, errnum, "cannot open '%s'", path);
	struct stat st;

	if (errnum == ENOENT || errnum == ENOTDIR) {
		(void)hf_err_hint(err, "there is no such file: correct the path");
		(void)hf_err_is(err, HF_MISTAKE_FILE_MISSING);
	} else if (errnum == EACCES && stat(path, &st) == 0) {
		(void)hf_err_hint(
		    err,
		    "user %u may not read it (mode %04o, owner %u, group %u): change its "
		    "owner to the user who runs this; keep a private key at mode 0600",
		    (unsigned)geteuid(), (unsigned)st.st_mode & 07777U, (unsigned)st.st_uid,
		    (unsigned)st.st_gid);
	}
	return rc;
}

int hf_file_read(const char *path, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(fd) fd = -1;
	struct stat st;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", 0, out, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cannot_open(path, errno, err);
	if (fstat(fd, &st) != 0)
		return hf_err_errno(err, errno, "cannot read '%s'", path);
	if (S_ISDIR(st.st_mode))
		return hf_err_set(err, HF_MISTAKE_FILE_DIRECTORY, "'%s' is a directory", path);
	return read_all(fd, path, S_ISREG(st.st_mode) ? (size_t)st.st_size : 0, out, err);
}

bool hf_file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

bool hf_file_mode(const char *path, mode_t *ret_mode)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*ret_mode = st.st_mode & 07777;
	return true;
}

bool hf_file_owner(const char *path, uid_t *ret_owner)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*ret_owner = st.st_uid;
	return true;
}

bool hf_file_changed_at(const char *path, int64_t *ret_at)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*ret_at = st.st_mtime;
	return true;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void parent_of(const char *path, char *out, size_t cap)
{
	char *slash;

	(void)hf_str_copy(out, cap, path);
	slash = strrchr(out, '/');
	if (!slash)
		(void)hf_str_copy(out, cap, ".");
	else
		slash[slash == out] = '\0';
}

int hf_dir_sync(const char *path, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL && errno != EROFS))
		return hf_err_errno(err, errno, "cannot sync directory '%s'", path);
	return 0;
}

/* link(2) instead of rename(2) when nothing may be replaced: it fails if the name exists. */
static int put_in_place(const char *tmp, const char *path, unsigned flags, struct hf_err *err)
{
	if (flags & HF_FILE_REPLACE) {
		if (rename(tmp, path) == 0)
			return 0;
	} else if (link(tmp, path) == 0) {
		(void)unlink(tmp);
		return 0;
	}
	if (errno == EEXIST) {
		(void)hf_err_set(err, HF_E_EXIST, "'%s' exists already", path);
		return hf_err_hint(err, "nothing was changed; use --force to replace it");
	}
	return hf_err_errno(err, errno, "cannot put '%s' in place", path);
}

static int fill(int fd, const char *path, const void *data, size_t len, mode_t mode, unsigned flags,
		struct hf_err *err)
{
	int rc = write_all(fd, data, len);

	if (rc < 0)
		return hf_err_errno(err, -rc, "cannot write '%s'", path);
	/* the umask may have narrowed the mode; a secret never gets a wider one than at its birth
	 */
	if (fchmod(fd, mode) != 0 || (!(flags & HF_FILE_NO_SYNC) && fsync(fd) != 0))
		return hf_err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

/* A device, our own pipe, or a link of /dev (/dev/stdout, which may lead to a file): a rename would
 * put a file where it was, for everybody.  Other links and others' pipes, which anybody can lay out
 * in /tmp for a secret to come by, are replaced. */
static bool is_outlet(const char *path)
{
	struct stat there, at_end;

	if (lstat(path, &there) != 0)
		return false;
	if (S_ISLNK(there.st_mode))
		return hf_str_starts(path, "/dev/") && stat(path, &at_end) == 0;
	return S_ISCHR(there.st_mode) || S_ISBLK(there.st_mode) ||
	       (S_ISFIFO(there.st_mode) && there.st_uid == geteuid());
}

static int pour(const char *path, const void *data, size_t len, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : write_all(fd, data, len);

	return rc < 0 ? hf_err_errno(err, -rc, "cannot write '%s'", path) : 0;
}

int hf_file_write(const char *path, const void *data, size_t len, mode_t mode, unsigned flags,
		  struct hf_err *err)
{
	char tmp[PATH_MAX], dir[PATH_MAX];
	HF_AUTO(fd) fd = -1;
	int n, rc;

	if ((flags & HF_FILE_REPLACE) && is_outlet(path))
		return pour(path, data, len, err);
	parent_of(path, dir, sizeof(dir));
	n = snprintf(tmp, sizeof(tmp), "%s.tmpXXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return hf_err_set(err, HF_E_LIMIT, "path is too long: '%s'", path);
	fd = mkostemp(tmp, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return hf_err_errno(err, errno, "cannot create a file in '%s'", dir);
	rc = fill(fd, path, data, len, mode, flags, err);
	if (rc == 0)
		rc = put_in_place(tmp, path, flags, err);
	if (rc < 0) {
		(void)unlink(tmp);
		return rc;
	}
	return flags & HF_FILE_NO_SYNC ? 0 : hf_dir_sync(dir, err);
}

static int make_one(const char *path, mode_t mode, struct hf_err *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0 ||
	    (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return hf_err_errno(err, errno, "cannot create directory '%s'", path);
}

int hf_dir_make(const char *path, mode_t mode, struct hf_err *err)
{
	char part[PATH_MAX];

	if (!hf_str_copy(part, sizeof(part), path))
		return hf_err_set(err, HF_E_LIMIT, "path is too long: '%s'", path);
	for (char *p = part + 1; *p; p++) {
		int rc;

		if (*p != '/')
			continue;
		*p = '\0';
		rc = make_one(part, HF_MODE_DIR, err);
		if (rc < 0)
			return rc;
		*p = '/';
	}
	return make_one(path, mode, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

int hf_dir_list(const char *path, struct hf_strv *ret_names, struct hf_err *err)
{
	HF_CLEANUP(close_dir) DIR *d = opendir(path);
	size_t first = ret_names->len;
	const struct dirent *e;

	if (!d)
		return hf_err_errno(err, errno, "cannot read directory '%s'", path);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (hf_strv_add(ret_names, e->d_name) < 0)
			return hf_err_nomem(err);
	}
	if (ret_names->len > first)
		qsort(ret_names->items + first, ret_names->len - first, sizeof(char *), by_name);
	return 0;
}

int hf_path_join(char *out, size_t cap, const char *dir, const char *name, struct hf_err *err)
{
	int n = snprintf(out, cap, "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= cap)
		return hf_err_set(err, HF_E_LIMIT, "path is too long: '%s/%s'", dir, name);
	return 0;
}

int hf_file_lock(const char *path, bool wait, int *ret_fd, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, HF_MODE_SECRET);
	int rc;

	if (fd < 0)
		return hf_err_errno(err, errno, "cannot open lock file '%s'", path);
	do {
		rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
	} while (rc != 0 && errno == EINTR);
	if (rc != 0 && errno == EWOULDBLOCK)
		return hf_err_set(err, HF_E_BUSY, "'%s' is locked by another process", path);
	if (rc != 0)
		return hf_err_errno(err, errno, "cannot lock '%s'", path);
	*ret_fd = fd;
	fd = -1;
	return 0;
}
