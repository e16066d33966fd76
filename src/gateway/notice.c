/* SPDX-License-Identifier: Apache-2.0 */
/* The notice: a file in memory.  A new text is written where the one that is up does not stand,
 * then the page at the front says where it is.  Must never show half of one text and half of
 * another. */
#include "gateway/notice.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

enum { FRONT = 4096, TRIES = 1000 };

/* The version is odd while the rest changes. */
struct front {
	_Atomic uint64_t version;
	_Atomic uint64_t at, len;
	_Atomic int64_t mark;
};

struct hf_notice {
	int fd;
	struct front *front;
};

int hf_notice_new(struct hf_notice **ret_board, struct hf_err *err)
{
	HF_AUTO(hf_notice) notice = calloc(1, sizeof(*notice));
	void *page;

	if (!notice)
		return hf_err_nomem(err);
	notice->fd = memfd_create("handfast-notice", MFD_CLOEXEC);
	if (notice->fd < 0 || ftruncate(notice->fd, FRONT) != 0)
		return hf_err_errno(err, errno, "memory to share between processes");
	page = mmap(NULL, FRONT, PROT_READ | PROT_WRITE, MAP_SHARED, notice->fd, 0);
	if (page == MAP_FAILED)
		return hf_err_errno(err, errno, "memory to share between processes");
	notice->front = page;
	*ret_board = hf_take(notice);
	return 0;
}

void hf_notice_free(struct hf_notice *notice)
{
	if (!notice)
		return;
	if (notice->front)
		(void)munmap(notice->front, FRONT);
	hf_fd_close(notice->fd);
	free(notice);
}

static int put(int fd, const char *data, size_t len, off_t at, struct hf_err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hf_err_errno(err, errno, "writing to shared memory");
		data += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int hf_notice_write(struct hf_notice *notice, int64_t mark, const void *data, size_t len,
		    struct hf_err *err)
{
	struct front *front = notice->front;
	uint64_t version = atomic_load(&front->version), old_at = atomic_load(&front->at);
	/* before the one that is up when there is room, else behind it */
	uint64_t at = old_at > FRONT && len <= old_at - FRONT ? FRONT
		      : old_at				      ? old_at + atomic_load(&front->len)
							      : FRONT;
	int rc = put(notice->fd, data, len, (off_t)at, err);

	if (rc < 0)
		return rc;
	version += version & 1; /* a writer that died in the middle */
	atomic_store(&front->version, version + 1);
	atomic_store(&front->at, at);
	atomic_store(&front->len, len);
	atomic_store(&front->mark, mark);
	atomic_store(&front->version, version + 2);
	return 0;
}

uint64_t hf_notice_version(const struct hf_notice *notice)
{
	return atomic_load(&notice->front->version) & ~(uint64_t)1;
}

/* 0; 1 when the notice changed meanwhile. */
static int try_read(const struct hf_notice *notice, struct hf_buf *out, int64_t *ret_mark,
		    uint64_t version, struct hf_err *err)
{
	struct front *front = notice->front;
	uint64_t at = atomic_load(&front->at), len = atomic_load(&front->len);
	int64_t mark = atomic_load(&front->mark);

	hf_buf_clear(out);
	if (hf_buf_reserve(out, len) < 0)
		return hf_err_nomem(err);
	while (out->len < len) {
		ssize_t n =
		    pread(notice->fd, out->data + out->len, len - out->len, (off_t)(at + out->len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += (size_t)n;
	}
	if (atomic_load(&front->version) != version)
		return 1;
	if (out->len < len)
		return hf_err_set(err, HF_E_IO, "shared memory is cut off");
	*ret_mark = mark;
	return 0;
}

int hf_notice_read(const struct hf_notice *notice, struct hf_buf *out, int64_t *ret_mark,
		   uint64_t *ret_version, struct hf_err *err)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t version = atomic_load(&notice->front->version);
		int rc;

		if (version == 0)
			return 1;
		if (version & 1)
			continue;
		rc = try_read(notice, out, ret_mark, version, err);
		if (rc == 0)
			*ret_version = version;
		if (rc <= 0)
			return rc;
	}
	return hf_err_set(err, HF_E_BUSY, "shared memory changes all the time");
}
