/* SPDX-License-Identifier: Apache-2.0 */
/* Many small files at once: an fsync each costs more than the certificates in them, so a whole
 * batch is written nameless, synced together, and named.  A process that is killed leaves nothing
 * behind but whole files.  Must never give a name to bytes that are not on the disk. */
#include "cli/sign_outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

enum { SYNC_ALL_FROM = 4 }; /* files, from which on one syncfs is cheaper than an fsync each */

struct hf_outbox_file {
	int fd;
	char *name;	/* in the directory */
	char *tmp_name; /* NULL: it has no name at all (O_TMPFILE) */
};

int hf_outbox_open(struct hf_outbox *box, const char *dir, bool replace, struct hf_err *err)
{
	*box = (struct hf_outbox){ .replace = replace };
	box->dir = hf_str_dup(dir);
	box->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (box->dir_fd < 0)
		return hf_err_errno(err, errno, "cannot open the directory '%s'", dir);
	if (faccessat(box->dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
		(void)hf_err_errno(err, errno, "cannot write to the directory '%s'", dir);
		return hf_err_hint(err, "nothing was signed");
	}
	return box->dir ? 0 : hf_err_nomem(err);
}

/* File systems without nameless files get a name that nobody looks for. */
static int open_named(const struct hf_outbox *box, struct hf_outbox_file *file)
{
	HF_AUTO(cstr) path = hf_str_printf("%s/%s.tmpXXXXXX", box->dir, file->name);
	int fd = path ? mkostemp(path, O_CLOEXEC) : -1;

	if (fd >= 0)
		file->tmp_name = hf_str_dup(strrchr(path, '/') + 1);
	return fd;
}

static int open_file(const struct hf_outbox *box, struct hf_outbox_file *file)
{
	int fd = openat(box->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, HF_MODE_PUBLIC);

	return fd >= 0 ? fd : open_named(box, file);
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	/* the umask may have narrowed it */
	return fchmod(fd, HF_MODE_PUBLIC) == 0;
}

static struct hf_outbox_file *add_slot(struct hf_outbox *box)
{
	if (box->len == box->alloc) {
		size_t alloc = box->alloc ? 2 * box->alloc : 64;
		struct hf_outbox_file *grown =
		    reallocarray(box->files, alloc, sizeof(struct hf_outbox_file));

		if (!grown)
			return NULL;
		box->files = grown;
		box->alloc = alloc;
	}
	box->files[box->len] = (struct hf_outbox_file){ .fd = -1 };
	return &box->files[box->len];
}

static void drop(const struct hf_outbox *box, struct hf_outbox_file *file)
{
	if (file->tmp_name)
		(void)unlinkat(box->dir_fd, file->tmp_name, 0);
	hf_fd_close(file->fd);
	free(file->tmp_name);
	free(file->name);
}

int hf_outbox_add(struct hf_outbox *box, const char *path, const void *data, size_t len,
		  struct hf_err *err)
{
	struct hf_outbox_file *file = add_slot(box);
	const char *slash = strrchr(path, '/');

	if (!file)
		return hf_err_nomem(err);
	file->name = hf_str_dup(slash ? slash + 1 : path);
	if (!file->name)
		return hf_err_nomem(err);
	file->fd = open_file(box, file);
	if (file->fd < 0 || !write_all(file->fd, data, len)) {
		int rc = hf_err_errno(err, errno, "cannot write '%s'", path);

		drop(box, file);
		return rc;
	}
	box->len++;
	return 0;
}

/* --- giving names --- */

static int sync_contents(const struct hf_outbox *box)
{
	if (box->len >= SYNC_ALL_FROM)
		return syncfs(box->dir_fd);
	for (size_t i = 0; i < box->len; i++) {
		if (fsync(box->files[i].fd) != 0)
			return -1;
	}
	return 0;
}

/* From no name to one; linkat(2) by way of /proc needs no privilege. */
static int link_to(const struct hf_outbox *box, const struct hf_outbox_file *file, const char *name)
{
	char self[48];

	if (file->tmp_name)
		return linkat(box->dir_fd, file->tmp_name, box->dir_fd, name, 0);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, self, box->dir_fd, name, AT_SYMLINK_FOLLOW);
}

/* Only rename(2) replaces, and it needs a name to start from. */
static int put_over(const struct hf_outbox *box, struct hf_outbox_file *file)
{
	if (!file->tmp_name) {
		HF_AUTO(cstr) tmp = hf_str_printf("%s.tmp%ld", file->name, (long)getpid());

		if (!tmp) {
			errno = ENOMEM;
			return -1;
		}
		(void)unlinkat(box->dir_fd, tmp, 0); /* of a process that is gone */
		if (link_to(box, file, tmp) != 0)
			return -1;
		file->tmp_name = hf_take(tmp);
	}
	if (renameat(box->dir_fd, file->tmp_name, box->dir_fd, file->name) != 0)
		return -1;
	free(hf_take(file->tmp_name));
	return 0;
}

static void name_file(const struct hf_outbox *box, struct hf_outbox_file *file, struct hf_err *err)
{
	if ((box->replace ? put_over(box, file) : link_to(box, file, file->name)) == 0)
		return;
	if (errno != EEXIST) {
		(void)hf_err_errno(err, errno, "cannot put '%s/%s' in place", box->dir, file->name);
		return;
	}
	(void)hf_err_set(err, HF_E_EXIST, "'%s/%s' exists already", box->dir, file->name);
	(void)hf_err_hint(err, "nothing was changed; use --force to replace it");
}

void hf_outbox_settle(struct hf_outbox *box, struct hf_err *ret_errs)
{
	int sync_errno = box->len && sync_contents(box) != 0 ? errno : 0;

	for (size_t i = 0; i < box->len; i++) {
		hf_err_clear(&ret_errs[i]);
		if (!sync_errno)
			name_file(box, &box->files[i], &ret_errs[i]);
	}
	if (!sync_errno && box->len && fsync(box->dir_fd) != 0 && errno != EINVAL && errno != EROFS)
		sync_errno = errno;
	for (size_t i = 0; i < box->len; i++) {
		if (sync_errno)
			(void)hf_err_errno(&ret_errs[i], sync_errno, "cannot write '%s/%s' durably",
					   box->dir, box->files[i].name);
		drop(box, &box->files[i]);
	}
	box->len = 0;
}

void hf_outbox_done(struct hf_outbox *box)
{
	for (size_t i = 0; i < box->len; i++)
		drop(box, &box->files[i]);
	free(box->files);
	free(box->dir);
	if (box->dir)
		hf_fd_close(box->dir_fd);
	*box = (struct hf_outbox){ .dir_fd = -1 };
}
