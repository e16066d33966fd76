/* SPDX-License-Identifier: Apache-2.0 */
/* util/sandbox: what a process can no longer do.  Each case is a child of its own, since there is
 * no way back.  Where the kernel lacks Landlock or seccomp the case is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "util/sandbox.h"

enum { PATH_LEN = 256 };

static char folder[PATH_LEN];

static const char *at(const char *name)
{
	static char paths[8][PATH_LEN];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, PATH_LEN, "%.200s/%s", folder, name);
	return path;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(hf_file_write(path, text, strlen(text), 0644, HF_FILE_REPLACE, NULL), 0);
}

static int begin(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/hf-sandbox-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(at("box"), 0755), 0);
	assert_int_equal(mkdir(at("box/in"), 0755), 0);
	assert_int_equal(mkdir(at("out"), 0755), 0);
	assert_int_equal(mkdir(at("log"), 0755), 0);
	put(at("box/in/ca.pem"), "ca");
	assert_int_equal(mkdir(at("box/keys"), 0755), 0);
	put(at("box/keys/key.pem"), "key");
	put(at("out/key.pem"), "key");
	return 0;
}

static int finish(void **state)
{
	char command[PATH_LEN + 16];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

/* The errno of opening it, 0: it opens. */
static int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);
	int got = fd < 0 ? errno : 0;

	hf_fd_close(fd);
	return got;
}

/* What in_a_child keeps shut; NULL: nothing. */
static const struct hf_strv *shut;

/* Runs body in a child that is locked up; its status. */
static int in_a_child(enum hf_sandbox_kind kind, int (*body)(void))
{
	char *read_paths[] = { (char *)(uintptr_t)at("box/in/ca.pem") };
	char *write_paths[] = { (char *)(uintptr_t)at("log/access.log") };
	const struct hf_strv read_list = { .items = read_paths, .len = 1 };
	const struct hf_strv write_list = { .items = write_paths, .len = 1 };
	const struct hf_sandbox box = {
		.kind = kind, .read = &read_list, .write = &write_list, .shut = shut
	};
	struct hf_sandbox_report report;
	struct hf_err err = HF_ERR_INIT;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (hf_sandbox_enter(&box, &report, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.msg);
			_exit(99);
		}
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void passes(enum hf_sandbox_kind kind, int (*body)(void))
{
	int status = in_a_child(kind, body);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("step %d (or signal %d)", WEXITSTATUS(status),
			 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void killed(enum hf_sandbox_kind kind, int (*body)(void))
{
	int status = in_a_child(kind, body);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static struct hf_sandbox_report here(void)
{
	struct hf_sandbox_report report;

	hf_sandbox_probe(&report);
	return report;
}

/* A body returns the number of the step that went wrong. */

static int files(void)
{
	if (opens(at("box/in/ca.pem"), O_RDONLY) != 0)
		return 1;
	if (opens(at("out/key.pem"), O_RDONLY) != EACCES)
		return 2;
	if (opens(at("box/in/ca.pem"), O_WRONLY) != EACCES)
		return 3;
	if (opens(at("box/in/new.pem"), O_WRONLY | O_CREAT) != EACCES)
		return 4;
	if (opens(at("log/access.log"), O_WRONLY | O_CREAT | O_APPEND) != 0)
		return 5;
	if (opens(at("box/../out/key.pem"), O_RDONLY) != EACCES)
		return 6;
	if (opens("/etc/passwd", O_RDONLY) != EACCES)
		return 7;
	return opens("/proc/self/environ", O_RDONLY) == EACCES ? 0 : 8;
}

static void test_a_worker_opens_what_is_listed_and_nothing_else(void **state)
{
	(void)state;
	if (!here().landlock)
		skip();
	passes(HF_SANDBOX_WORKER, files);
}

static int key_is_open(void)
{
	return opens(at("box/keys/key.pem"), O_RDONLY);
}

static int key_is_shut(void)
{
	if (opens(at("box/in/ca.pem"), O_RDONLY) != 0)
		return 1;
	return key_is_open() == EACCES ? 0 : 2;
}

/* The directory above what is read may be read, unless keys are there. */
static void test_keys_beside_what_is_read_stay_shut(void **state)
{
	char *paths[] = { (char *)(uintptr_t)at("box/keys/key.pem") };
	const struct hf_strv keys = { .items = paths, .len = 1 };

	(void)state;
	if (!here().landlock)
		skip();
	passes(HF_SANDBOX_WORKER, key_is_open);
	shut = &keys;
	passes(HF_SANDBOX_WORKER, key_is_shut);
	shut = NULL;
}

static int only_the_file_is_open(void)
{
	if (opens(at("box/in/ca.pem"), O_RDONLY) != 0)
		return 1;
	if (opens(at("box/in/key.pem"), O_RDONLY) != EACCES)
		return 2;
	if (opens(at("box/in"), O_RDONLY | O_DIRECTORY) != EACCES)
		return 3;
	if (opens(at("log/key.pem"), O_WRONLY) != EACCES)
		return 4;
	return opens(at("log/access.log"), O_WRONLY) == 0 ? 0 : 5;
}

/* A key in the very directory: the file that is named is opened, and nothing else in there. */
static void test_a_key_in_the_directory_that_is_read_stays_shut(void **state)
{
	char *paths[] = { (char *)(uintptr_t)at("box/in/key.pem"),
			  (char *)(uintptr_t)at("log/key.pem") };
	const struct hf_strv keys = { .items = paths, .len = 2 };

	(void)state;
	if (!here().landlock)
		skip();
	for (size_t i = 0; i < HF_ARRAY_LEN(paths); i++)
		put(paths[i], "secret");
	put(at("log/access.log"), "");
	shut = &keys;
	passes(HF_SANDBOX_WORKER, only_the_file_is_open);
	shut = NULL;
	for (size_t i = 0; i < HF_ARRAY_LEN(paths); i++)
		assert_int_equal(unlink(paths[i]), 0);
}

static int log_is_not_read(void)
{
	if (opens(at("log/access.log"), O_WRONLY | O_CREAT | O_APPEND) != 0)
		return 1;
	return opens(at("log/access.log"), O_RDONLY) == EACCES ? 0 : 2;
}

static void test_a_log_is_written_and_not_read(void **state)
{
	(void)state;
	if (!here().landlock)
		skip();
	passes(HF_SANDBOX_WORKER, log_is_not_read);
}

static int follower_resolves(void)
{
	struct addrinfo *found = NULL;

	if (opens("/etc/hosts", O_RDONLY) != 0)
		return 1;
	if (opens("/etc/passwd", O_RDONLY) != EACCES)
		return 2;
	if (!hf_sandbox_names_readable())
		return 3;
	if (getaddrinfo("localhost", "80", NULL, &found) != 0)
		return 4;
	freeaddrinfo(found);
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 5;
}

static void test_a_follower_resolves_names_and_reads_nothing_else(void **state)
{
	(void)state;
	if (!here().landlock || !here().seccomp || access("/etc/hosts", R_OK) != 0)
		skip();
	passes(HF_SANDBOX_FOLLOWER, follower_resolves);
}

static int go[2];

/* Its parent renames another file to the name: what reload is about. */
static int replaced(void)
{
	char text[8] = "";
	int fd;

	if (read(go[0], text, 1) != 1)
		return 2;
	memset(text, 0, sizeof(text));
	fd = open(at("box/in/ca.pem"), O_RDONLY);
	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strcmp(text, "newer") == 0 ? 0
											     : 1;
}

static void test_a_file_that_was_replaced_is_still_readable(void **state)
{
	pid_t pid;
	int status = 0;

	(void)state;
	if (!here().landlock)
		skip();
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(in_a_child(HF_SANDBOX_WORKER, replaced) == 0 ? 0 : 1);
	put(at("out/fresh.pem"), "newer");
	/* the file, and then its whole directory */
	assert_int_equal(rename(at("out/fresh.pem"), at("box/in/ca.pem")), 0);
	assert_int_equal(rename(at("box/in"), at("box/old")), 0);
	assert_int_equal(mkdir(at("box/in"), 0755), 0);
	put(at("box/in/ca.pem"), "newer");
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int signer_files(void)
{
	if (opens(at("box/in/ca.pem"), O_RDONLY) != 0)
		return 1;
	return opens(at("log/access.log"), O_WRONLY | O_CREAT) != 0 ? 0 : 2;
}

static int signer_has_no_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == ENOSYS &&
		       socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == ENOSYS
		   ? 0
		   : 1;
}

static void test_a_signer_reads_and_has_no_network(void **state)
{
	(void)state;
	if (!here().seccomp)
		skip();
	passes(HF_SANDBOX_SIGNER, signer_files);
	passes(HF_SANDBOX_SIGNER, signer_has_no_network);
}

static int binds(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return 1;
	return bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 && errno == ENOSYS ? 0 : 2;
}

static int odd_families(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) < 0 && socket(AF_PACKET, SOCK_RAW, 0) < 0 &&
		       socket(AF_ALG, SOCK_SEQPACKET, 0) < 0
		   ? 0
		   : 1;
}

static void test_a_worker_connects_and_binds_nothing_new(void **state)
{
	(void)state;
	if (!here().seccomp)
		skip();
	passes(HF_SANDBOX_WORKER, binds);
	passes(HF_SANDBOX_WORKER, odd_families);
}

static int runs_a_program(void)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)execv("/bin/true", argv);
	return 1;
}

static int traces(void)
{
	return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int forks(void)
{
	return fork() < 0 ? 0 : 1;
}

static int regains(void)
{
	return setuid(0) == 0;
}

static void test_what_only_an_intruder_does_is_deadly(void **state)
{
	(void)state;
	if (!here().seccomp)
		skip();
	for (int kind = HF_SANDBOX_WORKER; kind <= HF_SANDBOX_SIGNER; kind++) {
		killed((enum hf_sandbox_kind)kind, runs_a_program);
		killed((enum hf_sandbox_kind)kind, traces);
		killed((enum hf_sandbox_kind)kind, regains);
		passes((enum hf_sandbox_kind)kind, forks); /* ENOSYS: glibc's fork is clone(2) */
	}
}

static int unknown_calls(void)
{
	if (syscall(SYS_swapoff, "/x") != -1 || errno != ENOSYS)
		return 1;
	return syscall(100000) == -1 && errno == ENOSYS ? 0 : 2;
}

static int executable_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return 1;
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0)
		return 2;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? 0
		   : 3;
}

static void test_the_rest_fails_as_if_unknown(void **state)
{
	(void)state;
	if (!here().seccomp)
		skip();
	passes(HF_SANDBOX_WORKER, unknown_calls);
	passes(HF_SANDBOX_SIGNER, unknown_calls);
	passes(HF_SANDBOX_WORKER, executable_memory);
	passes(HF_SANDBOX_SIGNER, executable_memory);
}

static int no_dumps(void)
{
	struct rlimit limit;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 1;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 2;
	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0
		   ? 0
		   : 3;
}

/* (prctl itself is forbidden to the others.) */
static void test_privileges_and_dumps_go_even_with_a_token(void **state)
{
	(void)state;
	if (here().sanitized)
		skip();
	passes(HF_SANDBOX_TOKEN, no_dumps);
}

static void test_reports(void **state)
{
	static const struct {
		struct hf_sandbox_report report;
		bool whole;
		const char *words;
	} rows[] = {
		{ { .landlock = 4, .seccomp = true, .privileges = true },
		  true,
		  "no new privileges, Landlock (ABI 4), seccomp" },
		{ { .landlock = 0, .seccomp = true, .privileges = true }, false, "no Landlock" },
		{ { .landlock = 1, .seccomp = false, .privileges = true }, false, "no seccomp" },
		{ { .sanitized = true }, false, "sanitizers" },
		{ { .token = true, .privileges = true, .landlock = 4, .seccomp = true },
		  false,
		  "PKCS#11" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char words[HF_SANDBOX_WORDS_CAP];

		hf_sandbox_describe(&rows[i].report, words, sizeof(words));
		assert_non_null(strstr(words, rows[i].words));
		assert_int_equal(hf_sandbox_is_whole(&rows[i].report), rows[i].whole);
	}
}

static void test_users(void **state)
{
	static const char *const bad[] = { "",	      ":",	   "no-such-user-here",
					   "root",    "0",	   "nobody:no-such-group",
					   "nobody:", "4294967295" };
	struct hf_user user = { 7, 7, "untouched" };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		assert_int_equal(hf_user_parse(bad[i], &user, &err), -HF_E_INVALID);
		assert_string_equal(user.name, "untouched");
	}
	assert_int_equal(hf_user_parse("nobody", &user, &err), 0);
	assert_string_equal(user.name, "nobody");
	assert_int_not_equal(user.uid, 0);
	assert_int_equal(hf_user_parse("nobody:daemon", &user, &err), 0);
	assert_int_not_equal(user.gid, 0);
}

static int becomes(void)
{
	struct hf_user user;
	struct hf_err err = HF_ERR_INIT;

	if (hf_user_parse("nobody", &user, &err) < 0 || hf_user_become(&user, &err) < 0)
		return 1;
	return getuid() == user.uid && geteuid() == user.uid && getegid() == user.gid &&
		       getgroups(0, NULL) <= 1 && setuid(0) != 0 && seteuid(0) != 0
		   ? 0
		   : 2;
}

static void test_root_becomes_another_for_good(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	passes(HF_SANDBOX_TOKEN, becomes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_worker_opens_what_is_listed_and_nothing_else),
		cmocka_unit_test(test_keys_beside_what_is_read_stay_shut),
		cmocka_unit_test(test_a_key_in_the_directory_that_is_read_stays_shut),
		cmocka_unit_test(test_a_log_is_written_and_not_read),
		cmocka_unit_test(test_a_follower_resolves_names_and_reads_nothing_else),
		cmocka_unit_test(test_a_file_that_was_replaced_is_still_readable),
		cmocka_unit_test(test_a_signer_reads_and_has_no_network),
		cmocka_unit_test(test_a_worker_connects_and_binds_nothing_new),
		cmocka_unit_test(test_what_only_an_intruder_does_is_deadly),
		cmocka_unit_test(test_the_rest_fails_as_if_unknown),
		cmocka_unit_test(test_privileges_and_dumps_go_even_with_a_token),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_root_becomes_another_for_good),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
