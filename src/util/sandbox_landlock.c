/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: which files, and no new listening sockets.  Must never add a right that was not listed.
 * The kernel's structures are written out here: headers are older than kernels. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "util/home.h"
#include "util/sandbox_internal.h"

/* The same numbers on every machine (since Linux 5.13). */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { VERSION_FLAG = 1, PATH_BENEATH = 1 };

struct ruleset {
	uint64_t files, ports, scopes;
};
struct beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

#define WRITE_FILE (UINT64_C(1) << 1)
#define READ_FILE (UINT64_C(1) << 2)
#define READ_DIR (UINT64_C(1) << 3)
#define MAKE_REG (UINT64_C(1) << 8)
#define TRUNCATE (UINT64_C(1) << 14)
#define TO_READ (READ_FILE | READ_DIR)
#define TO_WRITE (WRITE_FILE | MAKE_REG | TRUNCATE)
#define BIND (UINT64_C(1) << 0)
#define CONNECT (UINT64_C(1) << 1)
#define ALL_SCOPES UINT64_C(3) /* abstract unix sockets, signals */

/* What each ABI can forbid (landlock(7), "ABI versions"). */
static struct ruleset everything(int abi)
{
	int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

	return (struct ruleset){ .files = (UINT64_C(1) << bits) - 1,
				 .ports = abi >= 4 ? BIND | CONNECT : 0,
				 .scopes = abi >= 6 ? ALL_SCOPES : 0 };
}

static size_t ruleset_size(int abi)
{
	return abi >= 6	  ? sizeof(struct ruleset)
	       : abi >= 4 ? 2 * sizeof(uint64_t)
			  : sizeof(uint64_t);
}

int hf_landlock_abi(void)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, VERSION_FLAG);

	return abi > 0 ? (int)abi : 0;
}

/* Nothing there, nothing to open. */
static int allow(int rules, const char *path, uint64_t rights, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(path, O_PATH | O_CLOEXEC);
	struct beneath rule = { rights, fd };
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= READ_FILE | WRITE_FILE | TRUNCATE;
	if (syscall(ADD_RULE, rules, PATH_BENEATH, &rule, 0) != 0)
		return hf_err_errno(err, errno, "Landlock, allowing '%s'", path);
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* In the same directory as one that must stay shut. */
static bool is_beside_shut(const struct hf_sandbox *box, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	for (size_t i = 0; box->shut && i < box->shut->len; i++) {
		const char *shut = box->shut->items[i], *other = strrchr(shut, '/');

		if (other ? slash && (size_t)(other - shut) == len && memcmp(shut, path, len) == 0
			  : !slash)
			return true;
	}
	return false;
}

/* The directory itself, or the one that the file is in: a file is replaced by renaming another to
 * its name.  Not where something lies that must stay shut. */
static int allow_around(const struct hf_sandbox *box, int rules, char path[PATH_MAX],
			uint64_t rights, struct hf_err *err)
{
	bool whole = !is_dir(path) && !is_beside_shut(box, path);

	return allow(rules, whole ? dirname(path) : path, rights, err);
}

/* "/" and what stands in it: links there belong to the system, and nobody swaps them. */
static bool is_at_the_top(const char *path)
{
	return path[0] == '/' && strchr(path + 1, '/') == NULL;
}

/* A release or a secret is often replaced by swapping a link to its directory: where such a link
 * is, another may be. */
static int allow_links(int rules, const char *path, uint64_t rights, struct hf_err *err)
{
	int rc = 0;

	for (const char *slash = strchr(path + 1, '/'); rc == 0 && slash;
	     slash = strchr(slash + 1, '/')) {
		char part[PATH_MAX];
		struct stat st;

		(void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode) && !is_at_the_top(part) &&
		    !is_at_the_top(dirname(part)))
			rc = allow(rules, part, rights, err);
	}
	return rc;
}

static bool is_in(const char *path, const char *dir, size_t len)
{
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Whether a file that must stay shut is somewhere below a directory. */
static bool holds_shut(const struct hf_sandbox *box, const char *above)
{
	for (size_t i = 0; box->shut && i < box->shut->len; i++) {
		if (is_in(box->shut->items[i], above, strlen(above)))
			return true;
	}
	return false;
}

/* An identity's directory is replaced as a whole, by renaming (handfast renew): what is read again
 * may be in another of that name. */
static int allow_above(const struct hf_sandbox *box, int rules, const char *path, uint64_t rights,
		       struct hf_err *err)
{
	char part[PATH_MAX];
	char *above;

	if (!hf_str_copy(part, sizeof(part), path) || is_dir(path))
		return 0;
	above = dirname(dirname(part));
	return above[0] == '/' && !is_at_the_top(above) && !holds_shut(box, above)
		   ? allow(rules, above, rights, err)
		   : 0;
}

/* By its name, and where symbolic links lead: both may be replaced. */
static int allow_path(const struct hf_sandbox *box, int rules, const char *path, uint64_t rights,
		      struct hf_err *err)
{
	char named[PATH_MAX], real[PATH_MAX];
	int rc;

	if (strcmp(path, "-") == 0 || !hf_str_copy(named, sizeof(named), path))
		return 0;
	rc = allow_links(rules, path, rights, err);
	if (rc == 0 && (rights & WRITE_FILE) == 0)
		rc = allow_above(box, rules, path, rights, err);
	if (rc == 0)
		rc = allow_around(box, rules, named, rights, err);
	return rc == 0 && realpath(path, real) ? allow_around(box, rules, real, rights, err) : rc;
}

/* What getaddrinfo(3) reads: these files, for keys may lie beside them. */
static const char resolver[] = "/etc/resolv.conf";
static const char *const for_names[] = { resolver,	   "/etc/hosts",    "/etc/nsswitch.conf",
					 "/etc/host.conf", "/etc/gai.conf", "/etc/services" };

/* systemd-resolved and others keep the resolver's file elsewhere, and replace it there. */
static int allow_names(int rules, struct hf_err *err)
{
	const char *roots = hf_home_machine_roots(); /* for responders behind https */
	char real[PATH_MAX];
	int rc = roots ? allow(rules, roots, READ_FILE, err) : 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(for_names); i++)
		rc = allow(rules, for_names[i], READ_FILE, err);
	if (rc == 0 && realpath(resolver, real) && strcmp(dirname(real), "/etc") != 0)
		rc = allow(rules, real, TO_READ, err);
	return rc;
}

bool hf_sandbox_names_readable(void)
{
	HF_AUTO(fd) fd = open(resolver, O_RDONLY | O_CLOEXEC);

	return fd >= 0 || errno != EACCES;
}

static int allow_list(const struct hf_sandbox *box, int rules, const struct hf_strv *paths,
		      uint64_t rights, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && paths && i < paths->len; i++)
		rc = allow_path(box, rules, paths->items[i], rights, err);
	return rc;
}

int hf_landlock_enter(const struct hf_sandbox *box, int abi, struct hf_err *err)
{
	struct ruleset forbidden = everything(abi);
	HF_AUTO(fd) rules = -1;
	int rc;

	if (box->kind != HF_SANDBOX_SIGNER) /* they go to services and authorities */
		forbidden.ports &= ~CONNECT;
	rules = (int)syscall(CREATE_RULESET, &forbidden, ruleset_size(abi), 0);
	if (rules < 0)
		return hf_err_errno(err, errno, "Landlock");
	rc = allow_list(box, rules, box->read, TO_READ & forbidden.files, err);
	if (rc == 0)
		rc = allow_list(box, rules, box->write, TO_WRITE & forbidden.files, err);
	if (rc == 0 && box->kind == HF_SANDBOX_FOLLOWER)
		rc = allow_names(rules, err);
	if (rc == 0 && syscall(RESTRICT_SELF, rules, 0) != 0)
		rc = hf_err_errno(err, errno, "Landlock");
	return rc;
}
