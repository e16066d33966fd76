/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that talks to strangers, or has a key, can no longer do: gain privileges
 * (no_new_privs), be looked into or dump core, open files that it has no business with (Landlock,
 * landlock(7)), and call what it never calls (seccomp(2)).  Where the kernel lacks one of these the
 * others hold, and the report says so.
 *
 * The filter is written here, not by libseccomp: it is a hundred numbers in a table and ten
 * instructions around them, and one dependency less in the process that has the keys. */
#ifndef HF_UTIL_SANDBOX_H
#define HF_UTIL_SANDBOX_H

#include <stdbool.h>

#include "base/str.h"

enum hf_sandbox_kind {
	HF_SANDBOX_WORKER, /* sockets; files as listed */
	HF_SANDBOX_FOLLOWER, /* sockets and names; no files but what resolving names reads */
	HF_SANDBOX_SIGNER, /* no sockets but those it has; files as listed, to read */
	/* a PKCS#11 module needs what nobody can list: privileges and dumps only */
	HF_SANDBOX_TOKEN,
};

struct hf_sandbox {
	enum hf_sandbox_kind kind;
	/* Files and directories to read; each stands for its directory, since files are replaced by
	 * renaming.  NULL: none. */
	const struct hf_strv *read;
	const struct hf_strv *write; /* likewise, to write and create; NULL: none */
	/* Files that must stay shut, in whatever directory: of what lies beside them only the file
	 * itself is opened, and not one that takes its place.  NULL: none. */
	const struct hf_strv *shut;
};

enum { HF_SANDBOX_WORDS_CAP = 256 };

struct hf_sandbox_report {
	int landlock;	 /* its ABI; 0: the kernel has none, or lets nobody use it */
	bool seccomp;	 /* the filter is there */
	bool privileges; /* no_new_privs */
	bool token;	 /* HF_SANDBOX_TOKEN: the others were not tried */
	/* a build with sanitizers: they need what this forbids; nothing was done */
	bool sanitized;
};

/* For good, for this process and its children.  Fails only when something that the kernel has
 * could not be set up. */
int hf_sandbox_enter(const struct hf_sandbox *box, struct hf_sandbox_report *ret_report,
		     struct hf_err *err);
/* In a follower: whether the files of resolving names can still be opened.  They are let through
 * one by one, and one that was replaced is another: false, and only a new process helps. */
bool hf_sandbox_names_readable(void);
/* What it would be here, without doing it. */
void hf_sandbox_probe(struct hf_sandbox_report *ret_report);
bool hf_sandbox_is_whole(const struct hf_sandbox_report *report);
/* "no new privileges, Landlock (ABI 4), seccomp"; what is missing is named with the reason. */
void hf_sandbox_describe(const struct hf_sandbox_report *report, char *out, size_t cap);

/* --user NAME[:GROUP]; names or numbers. */
struct hf_user {
	unsigned uid, gid;
	char name[64];
};
int hf_user_parse(const char *text, struct hf_user *ret_user, struct hf_err *err);
/* From root to that user and its groups, for good. */
int hf_user_become(const struct hf_user *user, struct hf_err *err);

#endif
