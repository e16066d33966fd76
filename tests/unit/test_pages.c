/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway/pages: what a child keeps of shared memory.  lib/base/shlock: a lock whose holder
 * died. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/shlock.h"
#include "gateway/notice.h"
#include "gateway/pages.h"

enum { ROWS = 3, MINE = 1, DIED = 9 };

static char *row(const struct hf_pages *pages, size_t i)
{
	return pages->at + i * pages->row_len;
}

/* The exit status of a child that does this; DIED: a signal ended it. */
static int in_child(int (*act)(struct hf_pages *pages), struct hf_pages *pages)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* not cmocka's, which would go on with the next test */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGBUS, SIG_DFL);
		_exit(act(pages));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? DIED : WEXITSTATUS(status);
}

static int write_mine(struct hf_pages *pages)
{
	struct hf_err err = HF_ERR_INIT;

	if (hf_pages_keep(pages, MINE, &err) < 0)
		return 1;
	row(pages, MINE)[7] = 'm';
	return row(pages, 0)[0] == 's' ? 0 : 2; /* it still reads the others */
}

static int write_another(struct hf_pages *pages)
{
	struct hf_err err = HF_ERR_INIT;

	if (hf_pages_keep(pages, MINE, &err) < 0)
		return 1;
	row(pages, 0)[0] = 'x';
	return 0;
}

static int make_writable(struct hf_pages *pages)
{
	struct hf_err err = HF_ERR_INIT;

	if (hf_pages_keep(pages, MINE, &err) < 0)
		return 1;
	return mprotect(row(pages, 0), pages->row_len, PROT_READ | PROT_WRITE) == 0 ? 2 : 0;
}

/* Its own row must not be made to reach into the next one. */
static int grow_mine(struct hf_pages *pages)
{
	struct hf_err err = HF_ERR_INIT;
	char *moved;

	if (hf_pages_keep(pages, MINE, &err) < 0)
		return 1;
	moved = mremap(row(pages, MINE), pages->row_len, 2 * pages->row_len, MREMAP_MAYMOVE);
	if (moved == MAP_FAILED)
		return 0;
	moved[pages->row_len] = 'x'; /* past the end of its file */
	return 0;
}

static void test_child_writes_its_own_row_and_no_other(void **state)
{
	struct hf_pages pages = { 0 };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_pages_map(ROWS, HF_PAGES_ROW, &pages, &err), 0);
	assert_int_equal((uintptr_t)pages.at % HF_PAGES_ROW, 0);
	row(&pages, 0)[0] = 's';
	assert_int_equal(in_child(write_mine, &pages), 0);
	assert_int_equal(row(&pages, MINE)[7], 'm');
	assert_int_equal(in_child(write_another, &pages), DIED);
	assert_int_equal(in_child(make_writable, &pages), 0);
	(void)in_child(grow_mine, &pages);
	assert_int_equal(row(&pages, 0)[0], 's');
	assert_int_equal(row(&pages, MINE + 1)[0], 0);
	hf_pages_done(&pages);
}

static int reopen(struct hf_pages *pages)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", pages->fds[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pwrite(fd, "x", 1, 0) == 1 || ftruncate(fd, 0) == 0)
		return 2;
	return mmap(NULL, pages->row_len, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? 0 : 3;
}

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* Before Linux 5.1 there is no seal for that. */
static bool kernel_seals(const struct hf_pages *pages)
{
	return (fcntl(pages->fds[0], F_GET_SEALS) & F_SEAL_FUTURE_WRITE) != 0;
}

static void test_descriptor_that_is_opened_again_writes_nothing(void **state)
{
	struct hf_pages pages = { 0 };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_pages_map(1, HF_PAGES_ROW, &pages, &err), 0);
	if (kernel_seals(&pages))
		assert_int_equal(in_child(reopen, &pages), 0);
	hf_pages_done(&pages);
}

static void test_notice_that_is_only_read_is_as_it_was_written(void **state)
{
	HF_AUTO(hf_notice) notice = NULL;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(100);
	struct hf_err err = HF_ERR_INIT;
	uint64_t version;
	int64_t mark;

	(void)state;
	assert_int_equal(hf_notice_new(&notice, &err), 0);
	assert_int_equal(hf_notice_write(notice, 5, "hello", 5, &err), 0);
	assert_int_equal(hf_notice_only_read(notice, &err), 0);
	assert_int_equal(hf_notice_only_read(notice, &err), 0);
	assert_int_equal(hf_notice_read(notice, &text, &mark, &version, &err), 0);
	assert_int_equal(text.len, 5);
	assert_memory_equal(text.data, "hello", 5);
	assert_int_equal(mark, 5);
}

static void test_lock_of_a_process_that_died_is_taken_over(void **state)
{
	struct hf_shlock *lock =
	    mmap(NULL, sizeof(*lock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t turn;
	int status;
	pid_t pid;

	(void)state;
	assert_true(lock != MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(hf_shlock_take(lock) & 1 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	turn = hf_shlock_take(lock);
	hf_shlock_give(lock, turn - 2); /* the turn of the one that died is over */
	assert_int_equal(lock->turn, turn);
	hf_shlock_give(lock, turn);
	assert_int_equal(lock->turn & 1, 0);
	(void)munmap(lock, sizeof(*lock));
}

enum { PROCESSES = 4, ROUNDS = 20000 };

static void test_lock_keeps_processes_apart(void **state)
{
	struct shared {
		struct hf_shlock lock;
		volatile uint64_t sum;
	} *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(shared != MAP_FAILED);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			for (int n = 0; n < ROUNDS; n++) {
				uint64_t turn = hf_shlock_take(&shared->lock);

				shared->sum = shared->sum + 1;
				hf_shlock_give(&shared->lock, turn);
			}
			_exit(0);
		}
	for (int i = 0; i < PROCESSES; i++)
		assert_true(wait(NULL) > 0);
	assert_int_equal(shared->sum, PROCESSES * ROUNDS);
	(void)munmap(shared, sizeof(*shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child_writes_its_own_row_and_no_other),
		cmocka_unit_test(test_descriptor_that_is_opened_again_writes_nothing),
		cmocka_unit_test(test_notice_that_is_only_read_is_as_it_was_written),
		cmocka_unit_test(test_lock_of_a_process_that_died_is_taken_over),
		cmocka_unit_test(test_lock_keeps_processes_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
