/* SPDX-License-Identifier: Apache-2.0 */
/* Files that matter: capped reads, atomic durable writes, locks.
 * A write goes to a temporary name in the same directory with its final mode from the first byte,
 * is fsynced, renamed, and the directory is fsynced: a crash leaves the old file or the new one.
 * A device or a pipe that is there is written to and never replaced. */
#ifndef HF_BASE_FILE_H
#define HF_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/macros.h"

enum {
	HF_MODE_SECRET = 0600,
	HF_MODE_PUBLIC = 0644,
	HF_MODE_DIR = 0755,
	HF_MODE_SECRET_DIR = 0700,
};

/* Appends the whole regular file (or pipe; "-" is stdin) to out; more than out->cap is -HF_E_LIMIT.
 */
int hf_file_read(const char *path, struct hf_buf *out, struct hf_err *err);

enum hf_file_flags {
	HF_FILE_REPLACE = 1, /* replace what is there; without it an existing path is -HF_E_EXIST */
	HF_FILE_NO_SYNC = 2, /* not durable: reports and caches only */
};
int hf_file_write(const char *path, const void *data, size_t len, mode_t mode, unsigned flags,
		  struct hf_err *err);
bool hf_file_exists(const char *path);
/* The permission bits of what the path leads to; false when it cannot be told ("-" neither). */
bool hf_file_mode(const char *path, mode_t *ret_mode);
/* The user id of who owns it; false when it cannot be told. */
bool hf_file_owner(const char *path, uid_t *ret_owner);
/* When its content was written last (Unix seconds); false when there is none to ask. */
bool hf_file_changed_at(const char *path, int64_t *ret_at);
/* mkdir -p; only the last part gets `mode`, parents 0755.  An existing directory is fine. */
int hf_dir_make(const char *path, mode_t mode, struct hf_err *err);
int hf_dir_sync(const char *path, struct hf_err *err);   /* fsync of a directory */
/* Names in a directory, sorted, without "." and ".."; appended to ret_names. */
struct hf_strv;
int hf_dir_list(const char *path, struct hf_strv *ret_names, struct hf_err *err);
/* "dir/name" into out; -HF_E_LIMIT when it does not fit. */
int hf_path_join(char *out, size_t cap, const char *dir, const char *name, struct hf_err *err);

/* An advisory lock (flock) on a lock file made when missing.  *ret_fd closes it.  With wait false a
 * lock held elsewhere is -HF_E_BUSY. */
int hf_file_lock(const char *path, bool wait, int *ret_fd, struct hf_err *err);

void hf_fd_close(int fd);                                /* ignores -1 */
HF_UNUSED static inline void hf_auto_fd(int *fd)
{
	hf_fd_close(*fd);
}
typedef int hf_auto_t_fd; /* HF_AUTO(fd) fd = -1; */

#endif
