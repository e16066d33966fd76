/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of the admin socket, and where sockets are looked for.  Must never wait for
 * ever. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "net/address.h"
#include "net/admin.h"

static int connect_to(const char *path, int wait_s, int *ret_fd, struct hf_err *err)
{
	const struct timeval limit = { .tv_sec = wait_s };
	struct hf_address found[HF_ADDRESSES_CAP];
	HF_AUTO(cstr) spec = hf_str_printf("unix:%s", path);
	HF_AUTO(fd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	int rc;

	if (spec == NULL)
		return hf_err_nomem(err);
	if (fd < 0)
		return hf_err_errno(err, errno, "making a socket");
	rc = hf_address_resolve(spec, 0, found, &len, err);
	if (rc < 0)
		return rc;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&found[0].sa, found[0].len) != 0)
		return hf_err_errno(err, errno, "'%s'", path);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int send_all(int fd, const struct hf_buf *line, struct hf_err *err)
{
	size_t sent = 0;

	while (sent < line->len) {
		ssize_t n = send(fd, line->data + sent, line->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return hf_err_errno(err, errno, "asking");
		sent += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int receive_all(int fd, struct hf_buf *answer, struct hf_err *err)
{
	char part[16 * 1024];
	ssize_t n;

	while ((n = recv(fd, part, sizeof(part), 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return hf_err_set(err, HF_E_AGAIN, "there was no answer in time");
		if (n < 0)
			return hf_err_errno(err, errno, "waiting for the answer");
		if (hf_buf_append(answer, part, (size_t)n) < 0)
			return hf_err_set(err, HF_E_LIMIT, "the answer is too long");
	}
	if (answer->len == 0 || answer->data[answer->len - 1] != '\n')
		return hf_err_set(err, HF_E_CLOSED, "the service closed without an answer");
	return 0;
}

int hf_admin_ask(const char *path, const struct hf_admin_request *request, int wait_s,
		 struct hf_buf *answer, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(HF_ADMIN_LINE_CAP);
	HF_AUTO(fd) fd = -1;
	int rc = connect_to(path, wait_s, &fd, err);

	if (rc < 0)
		return rc;
	if (hf_admin_request_format(request, &line) < 0)
		return hf_err_nomem(err);
	rc = send_all(fd, &line, err);
	return rc < 0 ? rc : receive_all(fd, answer, err);
}

/* --- places --- */

bool hf_admin_dir(char out[PATH_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (runtime != NULL && runtime[0] == '/')
		n = snprintf(out, PATH_MAX, "%s/handfast", runtime);
	else if (geteuid() == 0)
		n = snprintf(out, PATH_MAX, "/run/handfast");
	else
		return false;
	return n > 0 && n < PATH_MAX;
}

int hf_admin_default_path(const char *command, char out[PATH_MAX], struct hf_err *err)
{
	char dir[PATH_MAX];
	struct stat st;
	int n;

	if (!hf_admin_dir(dir))
		return hf_err_set(err, HF_E_NOENT,
				  "there is no $XDG_RUNTIME_DIR for an admin socket");
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return hf_err_errno(err, errno, "making '%s'", dir);
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022) != 0)
		return hf_err_set(err, HF_E_PERM, "'%s' is not a directory of this user alone",
				  dir);
	n = snprintf(out, PATH_MAX, "%s/%s-%ld.sock", dir, command, (long)getpid());
	return n > 0 && n < PATH_MAX ? 0 : hf_err_set(err, HF_E_LIMIT, "'%s' is too long", dir);
}
