/* SPDX-License-Identifier: Apache-2.0 */
/* The notice: a file in memory.  A new text is written where the one that is up does not stand,
 * then the page at the front says where it is.  Must never show half of one text and half of
 * another. */
#include "gateway/notice.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/pages.h"

enum { FRONT = 4096, TRIES = 1000 };

/* The version is odd while the rest changes. */
struct front {
	_Atomic uint64_t version;
	_Atomic uint64_t at, len;
	_Atomic int64_t mark;
};

struct hf_notice {
	int fd; /* to make it longer; -1: this process only reads */
	int reader;
	struct front *front; /* and, for the one who writes, what is behind it */
	size_t mapped;
};

static int map(struct hf_notice *notice, int fd, int prot, struct hf_err *err)
{
	void *page = mmap(NULL, FRONT, prot, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return hf_pages_failed(err);
	notice->front = page;
	notice->mapped = FRONT;
	return 0;
}

static void unmap(struct hf_notice *notice)
{
	if (notice->front)
		(void)munmap(notice->front, notice->mapped);
	notice->front = NULL;
}

int hf_notice_new(struct hf_notice **ret_board, struct hf_err *err)
{
	HF_AUTO(hf_notice) notice = calloc(1, sizeof(*notice));
	int rc;

	if (!notice)
		return hf_err_nomem(err);
	notice->reader = -1;
	notice->fd = memfd_create("handfast-notice", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (notice->fd < 0 || ftruncate(notice->fd, FRONT) != 0)
		return hf_pages_failed(err);
	rc = map(notice, notice->fd, PROT_READ | PROT_WRITE, err);
	if (rc == 0)
		rc = hf_pages_seal(notice->fd, false, &notice->reader, err);
	if (rc == 0)
		*ret_board = hf_take(notice);
	return rc;
}

int hf_notice_only_read(struct hf_notice *notice, struct hf_err *err)
{
	if (!notice || notice->fd < 0)
		return 0;
	unmap(notice);
	hf_fd_close(notice->fd);
	notice->fd = -1;
	return map(notice, notice->reader, PROT_READ, err);
}

void hf_notice_free(struct hf_notice *notice)
{
	if (!notice)
		return;
	unmap(notice);
	hf_fd_close(notice->fd);
	hf_fd_close(notice->reader);
	free(notice);
}

/* Maps the file up to `end`.  Its pages are taken now, so that want of memory is an error here and
 * not a signal in the middle of the text. */
static int reach(struct hf_notice *notice, uint64_t end, struct hf_err *err)
{
	void *page;

	while (fallocate(notice->fd, 0, 0, (off_t)end) != 0)
		if (errno != EINTR)
			return hf_pages_failed(err);
	if (end <= notice->mapped)
		return 0;
	page = mremap(notice->front, notice->mapped, (size_t)end, MREMAP_MAYMOVE);
	if (page == MAP_FAILED)
		return hf_pages_failed(err);
	notice->front = page;
	notice->mapped = (size_t)end;
	return 0;
}

/* Through the mapping: the seal lets no descriptor write. */
static int put(struct hf_notice *notice, const void *data, size_t len, uint64_t at,
	       struct hf_err *err)
{
	int rc = reach(notice, at + len, err);

	if (rc == 0 && len > 0)
		memcpy((char *)notice->front + at, data, len);
	return rc;
}

/* What was written stays in the file, and need not count as this process's. */
static void let_go(const struct hf_notice *notice)
{
	if (notice->mapped > FRONT)
		(void)madvise((char *)notice->front + FRONT, notice->mapped - FRONT, MADV_DONTNEED);
}

int hf_notice_write(struct hf_notice *notice, int64_t mark, const void *data, size_t len,
		    struct hf_err *err)
{
	uint64_t version = atomic_load(&notice->front->version);
	uint64_t old_at = atomic_load(&notice->front->at);
	/* before the one that is up when there is room, else behind it */
	uint64_t at = old_at > FRONT && len <= old_at - FRONT ? FRONT
		      : old_at ? old_at + atomic_load(&notice->front->len)
			       : FRONT;
	struct front *front;
	int rc;

	assert(notice->fd >= 0);
	rc = put(notice, data, len, at, err);
	if (rc < 0)
		return rc;
	let_go(notice);
	front = notice->front;
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
		ssize_t n = pread(notice->reader, out->data + out->len, len - out->len,
				  (off_t)(at + out->len));

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
