/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases.  Must never echo one, and must leave the terminal as it was. */
#include "util/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/file.h"

enum { LINE_CAP = 1024 };

/* Reads one line without echo; signals wait until the terminal is as it was. */
static int read_hidden(int tty, char line[LINE_CAP])
{
	struct termios was, hidden;
	sigset_t all, old;
	size_t len = 0;
	char c;

	if (tcgetattr(tty, &was) != 0)
		return -errno;
	hidden = was;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	(void)tcsetattr(tty, TCSAFLUSH, &hidden);
	while (read(tty, &c, 1) == 1 && c != '\n' && c != '\r' && c != 3 && len < LINE_CAP - 1)
		line[len++] = c;
	line[len] = '\0';
	(void)tcsetattr(tty, TCSAFLUSH, &was);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (write(tty, "\n", 1) < 0)
		return -errno;
	return c == 3 ? -EINTR : (int)len;
}

static int ask(const char *question, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	HF_AUTO(fd) tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char line[LINE_CAP];
	int rc;

	if (tty < 0)
		return 1;
	(void)dprintf(tty, "%s %s: ", question, what);
	rc = read_hidden(tty, line);
	if (rc == -EINTR)
		rc = hf_err_set(err, HF_E_PASSPHRASE, "no passphrase was given for %s", what);
	else if (rc < 0)
		rc = hf_err_errno(err, -rc, "cannot ask for the passphrase of %s", what);
	else
		rc = hf_secret_set(ret, line, (size_t)rc, err);
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

static int without_asking(const struct hf_passphrase *from, struct hf_secret *ret, struct hf_err *err)
{
	const char *env = getenv("HANDFAST_PASSPHRASE");

	if (from->file)
		return hf_secret_load(ret, from->file, err);
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
	if (rc == 0 && (ret->len != again.len || CRYPTO_memcmp(ret->data, again.data, ret->len) != 0))
		return hf_err_set(err, HF_E_PASSPHRASE, "the two passphrases for %s differ", what);
	return rc;
}
