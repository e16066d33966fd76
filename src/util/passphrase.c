/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases.  Must never echo one, and must leave the terminal as it was. */
#include "util/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "util/log.h"

enum { LINE_CAP = 1024 };

/* The length, -EINTR for control-C or the end of input, -E2BIG; nothing is cut silently. */
static int read_line(int tty, char line[LINE_CAP])
{
	size_t len = 0;
	char c = 3;

	while (read(tty, &c, 1) == 1 && c != '\n' && c != '\r' && c != 3) {
		if (len < LINE_CAP - 1)
			line[len] = c;
		len++;
		c = 3;
	}
	line[HF_MIN(len, (size_t)LINE_CAP - 1)] = '\0';
	if (c == 3)
		return -EINTR;
	return len < LINE_CAP ? (int)len : -E2BIG;
}

/* Without echo; signals wait until the terminal is as it was.  The question comes when echo is off:
 * an answer to it must neither be seen nor be thrown away with what was typed before. */
static int read_hidden(int tty, const char *question, char line[LINE_CAP])
{
	struct termios was, hidden;
	sigset_t all, old;
	int rc;

	if (tcgetattr(tty, &was) != 0)
		return -errno;
	hidden = was;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	(void)tcsetattr(tty, TCSAFLUSH, &hidden);
	(void)dprintf(tty, "%s: ", question);
	rc = read_line(tty, line);
	(void)tcsetattr(tty, TCSAFLUSH, &was);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (write(tty, "\n", 1) < 0)
		return -errno;
	return rc;
}

static int ask(const char *question, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	HF_AUTO(fd) tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(64 * 1024);
	char line[LINE_CAP];
	int rc;

	if (tty < 0)
		return 1;
	(void)hf_buf_printf(&safe, "%s ", question);
	(void)hf_str_escape(&safe, what, strlen(what)); /* a file's name may hold anything */
	rc = read_hidden(tty, hf_buf_str(&safe), line);
	if (rc == -E2BIG)
		rc = hf_err_set(err, HF_E_LIMIT, "the passphrase of %s is longer than %d bytes",
				what, LINE_CAP - 1);
	else if (rc == -EINTR)
		rc = hf_err_set(err, HF_E_PASSPHRASE, "no passphrase was given for %s", what);
	else if (rc < 0)
		rc = hf_err_errno(err, -rc, "cannot ask for the passphrase of %s", what);
	else
		rc = hf_secret_set(ret, line, (size_t)rc, err);
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

static int load(const char *path, struct hf_secret *ret, struct hf_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)))
		hf_log_say(
		    "warning: the passphrase file '%s' can be read by others; mend it with: chmod 600",
		    path);
	return hf_secret_load(ret, path, err);
}

static int without_asking(const struct hf_passphrase *from, struct hf_secret *ret,
			  struct hf_err *err)
{
	const char *env = getenv("HANDFAST_PASSPHRASE");

	if (from->file)
		return load(from->file, ret, err);
	return env ? hf_secret_set(ret, env, strlen(env), err) : 1;
}

int hf_passphrase_get(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	const struct hf_passphrase *from = arg;
	int rc = without_asking(from, ret, err);

	if (rc != 1 || from->no_prompt || !isatty(STDIN_FILENO))
		return rc;
	return ask("Passphrase of", what, ret, err);
}

int hf_passphrase_new(const struct hf_passphrase *from, const char *what, struct hf_secret *ret,
		      struct hf_err *err)
{
	HF_AUTO_DONE(hf_secret) again = HF_SECRET_INIT;
	int rc = without_asking(from, ret, err);

	if (rc != 1 || from->no_prompt || !isatty(STDIN_FILENO))
		return rc;
	rc = ask("New passphrase for", what, ret, err);
	if (rc == 0)
		rc = ask("The same again for", what, &again, err);
	if (rc == 0 &&
	    (ret->len != again.len || CRYPTO_memcmp(ret->data, again.data, ret->len) != 0))
		return hf_err_set(err, HF_E_PASSPHRASE, "the two passphrases for %s differ", what);
	return rc;
}
