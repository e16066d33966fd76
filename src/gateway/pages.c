/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in files in memory.  Must never leave a child a descriptor that writes, nor a mapping that
 * can be made to. */
#include "gateway/pages.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1 */
#endif

int hf_pages_failed(struct hf_err *err)
{
	return hf_err_errno(err, errno, "memory to share between processes");
}

/* Before Linux 5.1 a descriptor could be opened for writing again, by whoever gets past the
 * sandbox. */
static void seal(int fd, bool fixed)
{
	int seals = F_SEAL_SHRINK | (fixed ? F_SEAL_GROW : 0);

	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) != 0)
		(void)fcntl(fd, F_ADD_SEALS, seals);
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL);
}

int hf_pages_seal(int fd, bool fixed, int *ret_fd, struct hf_err *err)
{
	char path[64];
	int reader;

	seal(fd, fixed);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	if (reader < 0)
		reader = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (reader < 0)
		return hf_pages_failed(err);
	*ret_fd = reader;
	return 0;
}

static int map_row(struct hf_pages *pages, size_t row, struct hf_err *err)
{
	HF_AUTO(fd) fd = memfd_create("handfast-row", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *at = pages->at + row * pages->row_len;

	if (fd < 0 || ftruncate(fd, (off_t)pages->row_len) != 0 ||
	    mmap(at, pages->row_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		MAP_FAILED)
		return hf_pages_failed(err);
	return hf_pages_seal(fd, true, &pages->fds[row], err);
}

static void forget(struct hf_pages *pages)
{
	for (size_t i = 0; i < pages->rows; i++) {
		hf_fd_close(pages->fds[i]);
		pages->fds[i] = -1;
	}
}

/* Addresses, at a multiple of HF_PAGES_ROW. */
static void *reserve(size_t len)
{
	char *room = mmap(NULL, len + HF_PAGES_ROW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (room == MAP_FAILED)
		return room;
	before = -(uintptr_t)room % HF_PAGES_ROW;
	if (before > 0)
		(void)munmap(room, before);
	(void)munmap(room + before + len, HF_PAGES_ROW - before);
	return room + before;
}

int hf_pages_map(size_t rows, size_t row_len, struct hf_pages *ret_pages, struct hf_err *err)
{
	struct hf_pages pages = { .rows = rows, .row_len = row_len };
	void *room = reserve(rows * row_len);
	int rc = 0;

	assert(rows <= HF_PAGES_ROWS_CAP && row_len % HF_PAGES_ROW == 0);
	if (room == MAP_FAILED)
		return hf_pages_failed(err);
	pages.at = room;
	for (size_t i = 0; i < rows; i++)
		pages.fds[i] = -1;
	for (size_t i = 0; rc == 0 && i < rows; i++)
		rc = map_row(&pages, i, err);
	if (rc < 0)
		hf_pages_done(&pages);
	else
		*ret_pages = pages;
	return rc;
}

int hf_pages_keep(struct hf_pages *pages, size_t mine, struct hf_err *err)
{
	for (size_t i = 0; i < pages->rows; i++)
		if (i != mine && mmap(pages->at + i * pages->row_len, pages->row_len, PROT_READ,
				      MAP_SHARED | MAP_FIXED, pages->fds[i], 0) == MAP_FAILED)
			return hf_pages_failed(err);
	forget(pages);
	return 0;
}

void hf_pages_done(struct hf_pages *pages)
{
	if (pages->at == NULL)
		return;
	forget(pages);
	(void)munmap(pages->at, pages->rows * pages->row_len);
	pages->at = NULL;
	pages->rows = 0;
}
