/* SPDX-License-Identifier: Apache-2.0 */
/* Locking a process up.  Must never stop half way without a word: what the kernel has is set up, or
 * the call fails. */
#include "util/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "util/sandbox_internal.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#if !defined(SANITIZED) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static int drop_privileges(struct hf_err *err)
{
	const struct rlimit no_core = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return hf_err_errno(err, errno, "no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0)
		return hf_err_errno(err, errno, "switching core dumps off");
	return 0;
}

void hf_sandbox_probe(struct hf_sandbox_report *ret_report)
{
	*ret_report = (struct hf_sandbox_report){ .sanitized = SANITIZED };
	if (SANITIZED)
		return;
	ret_report->privileges = true;
	ret_report->landlock = hf_landlock_abi();
	ret_report->seccomp = hf_seccomp_here();
}

int hf_sandbox_enter(const struct hf_sandbox *box, struct hf_sandbox_report *ret_report,
		     struct hf_err *err)
{
	struct hf_sandbox_report report;
	int rc = 0;

	hf_sandbox_probe(&report);
	report.token = box->kind == HF_SANDBOX_TOKEN;
	if (!report.sanitized)
		rc = drop_privileges(err);
	if (rc == 0 && report.landlock > 0 && !report.token)
		rc = hf_landlock_enter(box, report.landlock, err);
	if (rc == 0 && report.seccomp && !report.token)
		rc = hf_seccomp_enter(box->kind, err);
	if (rc == 0)
		*ret_report = report;
	return rc;
}

bool hf_sandbox_is_whole(const struct hf_sandbox_report *report)
{
	return report->privileges && report->landlock > 0 && report->seccomp && !report->token;
}

void hf_sandbox_describe(const struct hf_sandbox_report *report, char *out, size_t cap)
{
	char landlock[64] = "no Landlock (this kernel has none, or does not allow it)";

	if (report->landlock > 0)
		(void)snprintf(landlock, sizeof(landlock), "Landlock (ABI %d)", report->landlock);
	if (report->sanitized)
		(void)snprintf(out, cap, "none in this build: sanitizers need what it forbids");
	else if (report->token)
		(void)snprintf(out, cap,
			       "no new privileges; the PKCS#11 module may open what it needs");
	else
		(void)snprintf(out, cap, "no new privileges, %s, %s", landlock,
			       report->seccomp
				   ? "seccomp"
				   : "no seccomp (not in this kernel, or not for this machine)");
}

/* --- users --- */

static const struct passwd *find_user(const char *name)
{
	uint64_t number;

	return hf_str_u64(name, UINT32_MAX - 1, &number) ? getpwuid((uid_t)number) : getpwnam(name);
}

static bool find_group(const char *name, unsigned *ret_gid)
{
	uint64_t number;
	const struct group *group;

	if (hf_str_u64(name, UINT32_MAX - 1, &number)) {
		*ret_gid = (unsigned)number;
		return true;
	}
	group = getgrnam(name);
	if (group)
		*ret_gid = group->gr_gid;
	return group != NULL;
}

int hf_user_parse(const char *text, struct hf_user *ret_user, struct hf_err *err)
{
	const char *colon = strchr(text, ':');
	struct hf_user user = { 0, 0, "" };
	HF_AUTO(cstr) name = hf_str_ndup(text, colon ? (size_t)(colon - text) : strlen(text));
	const struct passwd *found;

	if (!name)
		return hf_err_nomem(err);
	found = find_user(name);
	if (!found)
		return hf_err_set(err, HF_E_INVALID, "--user %s: there is no user '%s' here", text,
				  name);
	user.uid = found->pw_uid;
	user.gid = found->pw_gid;
	if (!hf_str_copy(user.name, sizeof(user.name), found->pw_name))
		return hf_err_set(err, HF_E_LIMIT, "--user %s: the name is too long", text);
	if (colon && !find_group(colon + 1, &user.gid))
		return hf_err_set(err, HF_E_INVALID, "--user %s: there is no group '%s' here", text,
				  colon + 1);
	if (user.uid == 0)
		return hf_err_set(err, HF_E_INVALID, "--user %s: that is root", text);
	*ret_user = user;
	return 0;
}

int hf_user_become(const struct hf_user *user, struct hf_err *err)
{
	if (initgroups(user->name, user->gid) != 0 ||
	    setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		return hf_err_errno(err, errno, "becoming the user %s", user->name);
	if (setuid(0) == 0) /* a saved id, a capability: it must not come back */
		return hf_err_set(err, HF_E_PERM, "root could be regained after becoming %s",
				  user->name);
	return 0;
}
