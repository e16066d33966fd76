/* SPDX-License-Identifier: Apache-2.0 */
/* Output, commands and what systemd is told: what reaches stdout and stderr, and the exit status.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "util/cmd.h"
#include "util/daemon.h"
#include "util/help.h"
#include "util/passphrase.h"

/* --- capturing the standard streams --- */

struct capture {
	int target, saved, fd;
};

static struct capture capture_begin(int target)
{
	struct capture c = { target, dup(target), -1 };

	c.fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(c.saved >= 0 && c.fd >= 0);
	assert_int_equal(dup2(c.fd, target), target);
	return c;
}

static const char *capture_end(struct capture *c)
{
	static char text[16384];
	ssize_t n;

	(void)fflush(NULL);
	assert_int_equal(dup2(c->saved, c->target), c->target);
	n = pread(c->fd, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	(void)close(c->saved);
	(void)close(c->fd);
	return text;
}

/* --- messages --- */

static void test_foreign_bytes_in_messages_are_escaped_and_lines_stay_apart(void **state)
{
	static const struct {
		const char *label, *text, *wanted;
	} rows[] = {
		{ "plain words", "all is well", "handfast: all is well\n" },
		{ "an escape sequence", "\x1b[31mred", "handfast: \\x1b[31mred\n" },
		{ "a carriage return", "good\rbad", "handfast: good\\x0dbad\n" },
		{ "a second line is indented, not a message of its own", "one\nhandfast: two",
		  "handfast: one\n  handfast: two\n" },
		{ "bytes that are no UTF-8", "a\xff", "handfast: a\\xff\n" },
		{ "letters of other scripts stay", "M\xc3\xbcller", "handfast: M\xc3\xbcller\n" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_out out;
		struct capture c;

		print_message("  %s\n", rows[i].label);
		hf_out_init(&out, false, false, false, true);
		c = capture_begin(STDERR_FILENO);
		hf_out_note(&out, "%s", rows[i].text);
		assert_string_equal(capture_end(&c), rows[i].wanted);
	}
}

static void test_quiet_drops_notes_and_keeps_warnings(void **state)
{
	struct hf_out out;
	struct capture c;

	(void)state;
	hf_out_init(&out, false, true, false, true);
	c = capture_begin(STDERR_FILENO);
	hf_out_note(&out, "a note");
	hf_out_debug(&out, "a detail");
	hf_out_warn(&out, "a warning");
	assert_string_equal(capture_end(&c), "handfast: warning: a warning\n");
}

static void test_failure_is_a_json_object_instead_of_half_a_result(void **state)
{
	struct hf_err err = HF_ERR_INIT, ignored = HF_ERR_INIT;
	struct capture c, e;
	struct hf_out out;
	const char *text;

	(void)state;
	(void)hf_err_set(&err, HF_E_NOENT, "no \"such\" file");
	(void)hf_err_hint(&err, "look elsewhere");
	hf_out_init(&out, true, false, false, true);
	c = capture_begin(STDOUT_FILENO);
	e = capture_begin(STDERR_FILENO);
	hf_out_json_begin(&out);
	hf_json_array_begin(&out.json, "rows");
	hf_json_string(&out.json, NULL, "half of");
	hf_out_print(&out, "text is not for this mode");
	hf_out_error(&out, &err);
	assert_int_equal(hf_out_finish(&out, &ignored), 0);
	text = capture_end(&e);
	assert_string_equal(text, "handfast: no \"such\" file [E-NOT-FOUND]\n"
				  "  help: look elsewhere\n");
	text = capture_end(&c);
	assert_string_equal(
	    text,
	    "{\n  \"error\": {\n    \"code\": \"E-NOT-FOUND\",\n    \"kind\": \"not-found\",\n"
	    "    \"message\": \"no \\\"such\\\" file\",\n    \"place\": null,\n    \"hint\": \"look elsewhere\"\n"
	    "  }\n}\n");
}

static void test_output_that_does_not_fit_is_a_failure(void **state)
{
	static const char *const words[] = { "short", "long enough to be written before the end" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(words); i++) {
		struct hf_err err = HF_ERR_INIT;
		int saved = dup(STDOUT_FILENO);
		int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
		struct hf_out out;
		int rc;

		assert_true(saved >= 0 && full >= 0);
		(void)fflush(stdout);
		assert_int_equal(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
		hf_out_init(&out, false, false, false, true);
		for (int n = 0; n < (i ? 10000 : 1); n++)
			hf_out_print(&out, "%s\n", words[i]);
		rc = hf_out_finish(&out, &err);
		clearerr(stdout);
		assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
		(void)close(saved);
		(void)close(full);
		assert_int_equal(rc, -HF_E_IO);
		assert_non_null(strstr(err.msg, "No space left on device"));
	}
}

static void test_columns_are_aligned_by_what_is_seen(void **state)
{
	static const char *const cells[] = { "NAME", "UNTIL", "M\xc3\xbcller",
					     "soon", "a\nb",  "later" };
	struct hf_table t = { HF_STRV_INIT, 2 };
	struct hf_out out;

	(void)state;
	hf_out_init(&out, false, false, false, true);
	for (size_t i = 0; i < HF_ARRAY_LEN(cells); i++)
		assert_int_equal(hf_table_add(&t, cells[i]), 0);
	hf_table_print(&t, &out);
	assert_string_equal(hf_buf_str(&out.text), "NAME    UNTIL\n"
						   "M\xc3\xbcller  soon\n"
						   "a\\x0ab  later\n");
	hf_table_done(&t);
	hf_buf_done(&out.text);
}

/* --- commands --- */

struct paint_opts {
	int64_t size;
	const char *color;
};

static const struct hf_option paint_options[] = {
	{ .name = "size",
	  .kind = HF_OPT_SIZE,
	  .offset = offsetof(struct paint_opts, size),
	  .arg = "SIZE",
	  .initial = "16k",
	  .min = 1,
	  .max = 1 << 30,
	  .help = "no more than this" },
	{ .name = "color",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct paint_opts, color),
	  .arg = "Ar",
	  .help = ".sp is how it starts. No comma, \\fBbold\\fP" },
	{ .name = "secret", .kind = HF_OPT_FLAG, .hidden = true, .help = "hidden" },
	{ .name = NULL },
};
static const struct hf_option_group paint_groups[] = { { "Options", paint_options, 0 },
						       { NULL, NULL, 0 } };

static int paint_returns;
static struct paint_opts painted;

static int paint(struct hf_cmd_ctx *ctx)
{
	painted = *(const struct paint_opts *)ctx->opts;
	if (paint_returns < 0)
		return hf_err_set(&ctx->err, -paint_returns, "the brush broke");
	hf_out_print(&ctx->out, "painted\n");
	return paint_returns;
}

static const struct hf_command paint_wall = {
	.name = "paint wall",
	.arguments = "WALL",
	.summary = "paint a wall",
	.groups = paint_groups,
	.opts_size = sizeof(struct paint_opts),
	.min_args = 1,
	.max_args = 1,
	.run = paint,
};
static const struct hf_command *const paint_subcommands[] = { &paint_wall, NULL };
static const struct hf_example paint_examples[] = {
	{ "handfast paint wall .x", "No wall is spared" }, { NULL, NULL }
};
static const struct hf_command cmd_paint = {
	.name = "paint",
	.group = "Arts",
	.arguments = "wall WALL",
	.summary = "paint No thing",
	.description = "'Tis a line that roff would eat.\n\n.and another",
	.subcommands = paint_subcommands,
	.examples = paint_examples,
	.see_also = "issue, verify, get",
	.max_args = -1,
};
static const struct hf_command *const commands[] = { &cmd_paint, NULL };

/* Runs "paint LINE"; gives the exit status, and what was said on stdout (json) or stderr. */
static int run_line(const char *line, bool json_wanted, char *said, size_t cap)
{
	HF_AUTO_DONE(hf_strv) words = HF_STRV_INIT;
	struct hf_globals globals = { 0 };
	struct hf_cmd_ctx ctx = { .home = "/h", .globals = &globals };
	struct capture out, err;
	struct hf_err ignored;
	int rc;

	if (*line)
		assert_int_equal(hf_strv_split(&words, line, ' '), 0);
	hf_out_init(&ctx.out, false, false, false, true);
	out = capture_begin(STDOUT_FILENO);
	err = capture_begin(STDERR_FILENO);
	rc = hf_command_run(&cmd_paint, &ctx, (int)words.len, words.items);
	(void)hf_out_finish(&ctx.out, &ignored);
	(void)hf_str_copy(said, cap, capture_end(&err));
	if (json_wanted)
		(void)hf_str_copy(said, cap, capture_end(&out));
	else
		(void)capture_end(&out);
	return rc;
}

static void test_words_of_a_command_line_lead_to_the_right_exit_and_message(void **state)
{
	static const struct {
		const char *label, *line;
		int returns, exit;
		const char *said;
	} rows[] = {
		{ "a subcommand runs", "wall west", 0, 0, "" },
		{ "globals may stand in between", "--json -q wall west", 0, 0, "" },
		{ "no is an answer", "wall west", 1, 1, "" },
		{ "a failure that is nobody's mistake", "wall west", -HF_E_CRYPTO, 3,
		  "handfast: the brush broke\n" },
		{ "a refusal to overwrite", "wall west", -HF_E_EXIST, 1,
		  "handfast: the brush broke [E-EXISTS]\n  help: choose another name, or add "
		  "--force where the command takes it\n" },
		{ "a refusal by policy", "wall west", -HF_E_POLICY, 1,
		  "handfast: the brush broke [E-POLICY]\n  help: handfast policy show tells the "
		  "rules; --dry-run tells which one decides\n" },
		{ "a value that makes no sense", "wall west", -HF_E_INVALID, 2,
		  "handfast: the brush broke [E-USAGE]\n"
		  "  help: handfast help paint wall shows what it takes\n" },
		{ "no subcommand", "", 0, 2,
		  "handfast: paint needs a subcommand [E-COMMAND]\n  help: it has: wall; see handfast help paint\n" },
		{ "a subcommand with a slip", "wal x", 0, 2,
		  "handfast: paint has no subcommand 'wal' [E-COMMAND]\n  wal\n  ^^^ help: did you mean paint wall?\n" },
		{ "too few words", "wall", 0, 2,
		  "handfast: paint wall needs WALL [E-ARGUMENT]\n  help: usage: handfast paint wall [options] WALL\n" },
		{ "too many words", "wall a b", 0, 2,
		  "handfast: paint wall does not take 'b' [E-ARGUMENT]\n  b\n  ^ help: usage: handfast paint wall [options] WALL\n" },
		{ "an option of the subcommand before it", "--size 1 wall x", 0, 2,
		  "handfast: unknown option --size [E-OPTION]\n  --size\n"
		  "  ^^^^^^ help: handfast help paint shows what it takes\n" },
		{ "an empty home is not the root directory", "--home= wall x", 0, 2,
		  "handfast: --home needs a directory, not '' [E-OPTION-VALUE]\n"
		  "  help: handfast help paint wall shows what it takes\n" },
		{ "a hidden option is not suggested", "wall x --secre", 0, 2,
		  "handfast: unknown option --secre [E-OPTION]\n  --secre\n"
		  "  ^^^^^^^ help: handfast help paint wall shows what it takes\n" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char said[1024];

		print_message("  %s\n", rows[i].label);
		paint_returns = rows[i].returns;
		assert_int_equal(run_line(rows[i].line, false, said, sizeof(said)), rows[i].exit);
		assert_string_equal(said, rows[i].said);
	}
}

static void test_mistake_before_json_is_still_told_in_json(void **state)
{
	char said[1024];

	(void)state;
	paint_returns = 0;
	assert_int_equal(run_line("wall west --bogus --json", true, said, sizeof(said)), 2);
	assert_non_null(strstr(said, "\"code\": \"E-OPTION\""));
	assert_int_equal(run_line("wall west --bogus -- --json", true, said, sizeof(said)), 2);
	assert_string_equal(said, "");
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} rows[] = {
		{ "1", 1 },
		{ "4096", 4096 },
		{ "16k", 16384 },
		{ "16K", 16384 },
		{ "4M", 4 << 20 },
		{ "1G", 1 << 30 },
		{ "", -1 },
		{ "k", -1 },
		{ "0", -1 },
		{ "-1", -1 },
		{ "1.5k", -1 },
		{ "1kk", -1 },
		{ "1 k", -1 },
		{ "1T", -1 },
		{ "2G", -1 },
		{ "0x10", -1 },
		{ "9223372036854775807k", -1 },
		{ "99999999999999999999", -1 },
	};

	(void)state;
	paint_returns = 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char line[80], said[1024];
		int rc;

		print_message("  '%s'\n", rows[i].text);
		(void)snprintf(line, sizeof(line), "wall x --size=%s", rows[i].text);
		rc = run_line(line, false, said, sizeof(said));
		assert_int_equal(rc, rows[i].bytes < 0 ? 2 : 0);
		if (rc == 0)
			assert_int_equal(painted.size, rows[i].bytes);
	}
	assert_int_equal(run_line("wall x", false, (char[16]){ "" }, 16), 0);
	assert_int_equal(painted.size, 16384); /* the default is parsed like an argument */
}

/* --- man pages --- */

static void test_no_line_of_a_man_page_is_taken_for_a_macro(void **state)
{
	struct hf_out out;
	const char *text;

	(void)state;
	hf_out_init(&out, false, false, false, true);
	hf_help_man(commands, &cmd_paint, &out);
	text = hf_buf_str(&out.text);
	assert_non_null(strstr(text, ".Nd paint \\&No thing\n"));
	assert_non_null(
	    strstr(text, "\n\\&'Tis a line that roff would eat.\n.Pp\n\\&.and another.\n"));
	assert_non_null(strstr(text, "\nhandfast paint wall .x\n"));
	assert_non_null(strstr(text, "Fl \\-color Ar \\&Ar\n\\&.sp is how it starts.\n"
				     "No comma, \\efBbold\\efP.\n"));
	assert_non_null(strstr(text,
			       ".Xr handfast 1 ,\n.Xr handfast-get 1 ,\n.Xr handfast-issue 1 ,\n"
			       ".Xr handfast-verify 1\n"));
	assert_null(strstr(text, "secret"));
	hf_buf_done(&out.text);
}

/* --- systemd --- */

static void test_state_reaches_the_socket_that_systemd_names(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[64], text[200];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	(void)snprintf(name, sizeof(name), "@handfast-test-%d", (int)getpid());
	(void)hf_str_copy(address.sun_path + 1, sizeof(address.sun_path) - 1, name + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	hf_daemon_notify("READY=1");
	n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	assert_int_equal(n, 7);
	assert_memory_equal(text, "READY=1", 7);
	hf_daemon_notify_reloading();
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	text[n] = '\0';
	assert_true(hf_str_starts(text, "RELOADING=1\nMONOTONIC_USEC="));
	assert_int_equal(setenv("NOTIFY_SOCKET", "relative/path", 1), 0);
	hf_daemon_notify("READY=1"); /* nobody: nothing happens */
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	hf_daemon_notify("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
	(void)close(fd);
}

static void test_watchdog_is_ours_only(void **state)
{
	static const struct {
		const char *label, *usec;
		int pid; /* 0: not said, 1: ours, 2: another */
		int64_t ms;
	} rows[] = {
		{ "half of thirty seconds", "30000000", 1, 15000 },
		{ "no process is named", "30000000", 0, 15000 },
		{ "of another process", "30000000", 2, 0 },
		{ "shorter than a millisecond", "100", 1, 1 },
		{ "no number", "soon", 1, 0 },
		{ "not set", NULL, 1, 0 },
	};
	char pid[16];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		print_message("  %s\n", rows[i].label);
		(void)unsetenv("WATCHDOG_USEC");
		(void)unsetenv("WATCHDOG_PID");
		(void)snprintf(pid, sizeof(pid), "%d", (int)getpid() + (rows[i].pid == 2));
		if (rows[i].usec)
			assert_int_equal(setenv("WATCHDOG_USEC", rows[i].usec, 1), 0);
		if (rows[i].pid)
			assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
		assert_int_equal(hf_daemon_watchdog_ms(), rows[i].ms);
	}
}

static int listen_fds(const char *count, int pid)
{
	struct hf_err err;
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
	return hf_daemon_listen_fds(&err);
}

static void test_sockets_of_systemd_are_taken_once_and_closed_on_exec(void **state)
{
	struct hf_err err;
	int mine = (int)getpid();
	int saved = fcntl(HF_DAEMON_FIRST_FD, F_DUPFD_CLOEXEC, 100);
	int fd = dup(STDIN_FILENO);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, HF_DAEMON_FIRST_FD), HF_DAEMON_FIRST_FD);
	assert_int_equal(listen_fds("1", mine), 1);
	assert_true(fcntl(HF_DAEMON_FIRST_FD, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(hf_daemon_listen_fds(&err), 0); /* the variables are gone */
	assert_null(getenv("LISTEN_FDS"));
	assert_int_equal(listen_fds("1", mine + 1), 0);
	assert_int_equal(listen_fds("0", mine), 0);
	assert_int_equal(listen_fds("many", mine), -HF_E_INVALID);
	assert_int_equal(listen_fds("-1", mine), -HF_E_INVALID);
	assert_int_equal(listen_fds("65", mine), -HF_E_INVALID);
	assert_int_equal(listen_fds("64", mine), -HF_E_INVALID); /* not that many are open */
	if (saved >= 0) {
		assert_int_equal(dup2(saved, HF_DAEMON_FIRST_FD), HF_DAEMON_FIRST_FD);
		(void)close(saved);
	}
	if (fd != HF_DAEMON_FIRST_FD)
		(void)close(fd);
}

static void test_blocked_signals_wait(void **state)
{
	static const int signals[] = { SIGUSR1, 0 };
	sigset_t old, pending;

	(void)state;
	hf_daemon_block(signals, &old);
	assert_int_equal(raise(SIGUSR1), 0); /* it would end this process */
	assert_int_equal(sigpending(&pending), 0);
	assert_int_equal(sigismember(&pending, SIGUSR1), 1);
	assert_true(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	hf_daemon_unblock(&old);
	assert_true(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
}

/* --- passphrases --- */

static void test_passphrase_comes_from_the_file_then_the_environment(void **state)
{
	char path[] = "/tmp/handfast-pass-XXXXXX";
	struct hf_passphrase from = { NULL, true };
	struct hf_err err = HF_ERR_INIT;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "of the file\nmore\n", 17), 17);
	(void)close(fd);
	for (int i = 0; i < 4; i++) {
		HF_AUTO_DONE(hf_secret) secret = HF_SECRET_INIT;
		static const char *const wanted[] = { "of the file", "of the environment", NULL,
						      NULL };
		int rc;

		from.file = i == 0 ? path : i == 3 ? "/nonexistent/pass" : NULL;
		if (i < 2)
			assert_int_equal(setenv("HANDFAST_PASSPHRASE", "of the environment", 1), 0);
		else
			assert_int_equal(unsetenv("HANDFAST_PASSPHRASE"), 0);
		rc = hf_passphrase_get(&from, "key.pem", &secret, &err);
		assert_int_equal(rc, i < 2 ? 0 : i == 2 ? 1 : -HF_E_NOENT);
		if (i < 2)
			assert_string_equal(secret.data, wanted[i]);
	}
	(void)unlink(path);
}

static void test_passphrase_file_that_others_can_read_is_named(void **state)
{
	HF_AUTO_DONE(hf_secret) secret = HF_SECRET_INIT;
	char path[] = "/tmp/handfast-pass-XXXXXX";
	struct hf_passphrase from = { path, true };
	struct capture c;
	struct hf_err err;
	int fd = mkstemp(path);
	const char *said;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "s3cret\n", 7), 7);
	assert_int_equal(fchmod(fd, 0644), 0);
	c = capture_begin(STDERR_FILENO);
	assert_int_equal(hf_passphrase_get(&from, "key.pem", &secret, &err), 0);
	said = capture_end(&c);
	assert_non_null(strstr(said, path));
	assert_null(strstr(said, "s3cret"));
	(void)close(fd);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_bytes_in_messages_are_escaped_and_lines_stay_apart),
		cmocka_unit_test(test_quiet_drops_notes_and_keeps_warnings),
		cmocka_unit_test(test_failure_is_a_json_object_instead_of_half_a_result),
		cmocka_unit_test(test_output_that_does_not_fit_is_a_failure),
		cmocka_unit_test(test_columns_are_aligned_by_what_is_seen),
		cmocka_unit_test(test_words_of_a_command_line_lead_to_the_right_exit_and_message),
		cmocka_unit_test(test_mistake_before_json_is_still_told_in_json),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_line_of_a_man_page_is_taken_for_a_macro),
		cmocka_unit_test(test_state_reaches_the_socket_that_systemd_names),
		cmocka_unit_test(test_watchdog_is_ours_only),
		cmocka_unit_test(test_sockets_of_systemd_are_taken_once_and_closed_on_exec),
		cmocka_unit_test(test_blocked_signals_wait),
		cmocka_unit_test(test_passphrase_comes_from_the_file_then_the_environment),
		cmocka_unit_test(test_passphrase_file_that_others_can_read_is_named),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
