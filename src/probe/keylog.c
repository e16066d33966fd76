/* SPDX-License-Identifier: Apache-2.0 */
/* The key log.  Must never create a file that others can read, nor write into one that they can. */
#include "probe/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "util/log.h"

int hf_keylog_open(const char *path, int *ret_fd, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return hf_err_errno(err, errno, "key log '%s'", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
		(void)hf_err_set(err, HF_E_PERM, "the key log '%s' can be read by others", path);
		return hf_err_hint(err, "chmod 600 %s", path);
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

void hf_keylog_line(void *fd, const char *line)
{
	hf_log_line(*(const int *)fd, line, strlen(line));
}
