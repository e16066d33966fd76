/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the command of `renew --exec`.  Must never hand a passphrase on. */
#include "cli/renew_exec.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

static int add_variable(struct hf_strv *env, const char *name, const char *dir, const char *value)
{
	HF_AUTO(cstr) text = hf_str_printf("HANDFAST_%s=%s%s%s", name, dir, *dir ? "/" : "", value);

	return text ? hf_strv_add(env, text) : -HF_E_NOMEM;
}

static int build_environment(struct hf_strv *env, const char *home, const char *name,
			     const char *dir, const char *serial)
{
	int rc = 0;

	for (char **e = environ; rc == 0 && *e; e++) {
		if (!hf_str_starts(*e, "HANDFAST_"))
			rc = hf_strv_add(env, *e);
	}
	if (rc == 0)
		rc = add_variable(env, "HOME", "", home);
	if (rc == 0)
		rc = add_variable(env, "NAME", "", name);
	if (rc == 0)
		rc = add_variable(env, "SERIAL", "", serial);
	if (rc == 0 && *name)
		rc = add_variable(env, "CERT", dir, "cert.pem");
	if (rc == 0 && *name)
		rc = add_variable(env, "KEY", dir, "key.pem");
	if (rc == 0 && *name)
		rc = add_variable(env, "CA", dir, "ca.pem");
	return rc;
}

/* Signals as a program expects them, whatever --watch blocks; the result's stdout stays clean. */
static int start(const char *command, char **env, pid_t *ret_pid)
{
	char shell[] = "/bin/sh", dash_c[] = "-c";
	HF_AUTO(cstr) text = hf_str_dup(command);
	char *argv[] = { shell, dash_c, text, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int rc;

	if (!text)
		return ENOMEM;
	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &defaults);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(ret_pid, shell, &actions, &attributes, argv, env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return rc;
}

int hf_renew_exec(const char *command, const char *home, const char *name, const char *dir,
		  const char *serial, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) env = HF_STRV_INIT;
	int status = 0, rc;
	pid_t pid = 0;

	if (build_environment(&env, home, name, dir, serial) < 0)
		return hf_err_nomem(err);
	rc = start(command, env.items, &pid);
	if (rc != 0)
		return hf_err_errno(err, rc, "cannot run '%s'", command);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return hf_err_errno(err, errno, "cannot wait for '%s'", command);
	}
	if (status == 0)
		return 0;
	(void)hf_err_set(err, HF_E_IO, "%s%srenewed, but '%s' ended with %s %d", name,
			 *name ? " was " : "", command, WIFSIGNALED(status) ? "signal" : "status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return hf_err_hint(err, "run it by hand: the new files are in '%s'", dir);
}
