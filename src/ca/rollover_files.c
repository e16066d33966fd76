/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rollover's files go.  Must never leave a key beside another key's certificate for longer
 * than it takes to open the authority again. */
#include "ca/rollover_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/draft.h"
#include "ca/shards.h"
#include "util/home.h"

enum { FILE_CAP = 256 * 1024 * 1024, NUMBERS_CAP = 10000 };

/* What a rollover may make. */
static const char *const names[] = { "root.key",    "root.pem",	   "root.crl.pem", "cross.pem",
				     "issuing.key", "issuing.pem", "chain.pem",	   "crl.pem" };

int hf_rollover_begin(const char *dir, char ret_draft[PATH_MAX], struct hf_err *err)
{
	int rc = hf_path_join(ret_draft, PATH_MAX, dir, "next.tmp", err);

	if (rc < 0)
		return rc;
	hf_draft_remove(ret_draft); /* of one that was cut off */
	return hf_dir_make(ret_draft, HF_MODE_SECRET_DIR, err);
}

int hf_rollover_commit(const char *dir, const char *draft, struct hf_err *err)
{
	char next[PATH_MAX];
	int rc = hf_path_join(next, sizeof(next), dir, "next", err);

	if (rc == 0)
		rc = hf_dir_sync(draft, err);
	if (rc < 0)
		return rc;
	if (rename(draft, next) != 0)
		return hf_err_errno(err, errno, "cannot rename '%s' to '%s'", draft, next);
	rc = hf_dir_sync(dir, err);
	return rc < 0 ? rc : hf_rollover_finish(dir, err);
}

/* Several processes may be at it: a name that is gone was moved by another. */
int hf_rollover_finish(const char *dir, struct hf_err *err)
{
	char next[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
	int rc = hf_path_join(next, sizeof(next), dir, "next", err);

	if (rc < 0 || !hf_file_exists(next))
		return rc;
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(names); i++) {
		rc = hf_path_join(from, sizeof(from), next, names[i], err);
		if (rc == 0)
			rc = hf_path_join(to, sizeof(to), dir, names[i], err);
		if (rc == 0 && rename(from, to) != 0 && errno != ENOENT)
			rc = hf_err_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
	}
	if (rc == 0)
		rc = hf_dir_sync(dir, err);
	if (rc < 0)
		return hf_err_context(err, rc, "finishing the rollover");
	(void)rmdir(next);
	return 0;
}

/* --- before/N --- */

static int copy(const char *from, const char *dir, const char *name, mode_t mode,
		struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(FILE_CAP);
	char to[PATH_MAX];
	int rc;

	if (!hf_file_exists(from)) /* a root's key that is elsewhere */
		return 0;
	rc = hf_path_join(to, sizeof(to), dir, name, err);
	if (rc == 0)
		rc = hf_file_read(from, &data, err);
	return rc < 0 ? rc : hf_file_write(to, data.data, data.len, mode, 0, err);
}

static int fill(const struct hf_authority *a, const struct hf_ca *ca, const char *draft,
		struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(1024 * 1024);
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), draft, "cert.pem", err);

	if (rc == 0)
		rc = hf_cert_to_pem(ca->cert, &pem, err);
	if (rc == 0)
		rc = hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC, 0, err);
	if (rc == 0)
		rc = copy(ca->key_path, draft, "key.pem", HF_MODE_SECRET, err);
	if (rc == 0)
		rc = hf_path_join(path, sizeof(path), a->dir, ca->crl_name, err);
	if (rc == 0)
		rc = copy(path, draft, "crl.pem", HF_MODE_PUBLIC, err);
	return rc < 0 ? rc : hf_dir_sync(draft, err);
}

/* One more than the last: their order is the order of time. */
static int next_place(const char *parent, char ret_place[PATH_MAX], struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) there = HF_STRV_INIT;
	uint64_t last = 0;
	char number[32];
	int rc = hf_dir_list(parent, &there, err);

	for (size_t i = 0; rc == 0 && i < there.len; i++) {
		uint64_t n = 0;

		if (hf_str_u64(there.items[i], NUMBERS_CAP, &n))
			last = HF_MAX(last, n);
	}
	(void)snprintf(number, sizeof(number), "%04llu", (unsigned long long)last + 1);
	return rc < 0 ? rc : hf_path_join(ret_place, PATH_MAX, parent, number, err);
}

int hf_rollover_keep(const struct hf_authority *a, const struct hf_ca *ca, struct hf_err *err)
{
	char parent[PATH_MAX], draft[PATH_MAX], place[PATH_MAX];
	int rc = hf_path_join(parent, sizeof(parent), a->dir, "before", err);

	if (rc == 0)
		rc = hf_dir_make(parent, HF_MODE_SECRET_DIR, err);
	if (rc == 0)
		rc = hf_path_join(draft, sizeof(draft), parent, ".tmp", err);
	if (rc < 0)
		return rc;
	hf_draft_remove(draft);
	rc = hf_dir_make(draft, HF_MODE_SECRET_DIR, err);
	if (rc == 0)
		rc = fill(a, ca, draft, err);
	if (rc == 0)
		rc = next_place(parent, place, err);
	if (rc == 0 && rename(draft, place) != 0)
		rc = hf_err_errno(err, errno, "cannot rename '%s' to '%s'", draft, place);
	return rc < 0 ? rc : hf_dir_sync(parent, err);
}

int hf_rollover_put_away(const struct hf_authority *a, const struct hf_ca *ca, struct hf_err *err)
{
	char parent[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
	int rc = hf_path_join(parent, sizeof(parent), a->dir, "retired", err);

	if (rc == 0)
		rc = hf_path_join(from, sizeof(from), a->dir, ca->crl_name, err);
	if (rc == 0)
		rc = hf_dir_make(parent, HF_MODE_SECRET_DIR, err);
	if (rc == 0)
		rc = next_place(parent, to, err);
	if (rc < 0)
		return rc;
	*strrchr(from, '/') = '\0'; /* before/N/crl.pem */
	if (unlink(ca->key_path) != 0 && errno != ENOENT)
		return hf_err_errno(err, errno, "cannot delete '%s'", ca->key_path);
	rc =
	    hf_shards_put_away(a, ca, from, err); /* as the complete one: the last, with the rest */
	if (rc < 0)
		return rc;
	if (rename(from, to) != 0)
		return hf_err_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
	return hf_dir_sync(a->dir, err);
}

/* --- who trusts --- */

static bool is_ours(const struct hf_authority *a, const struct hf_cert *cert)
{
	if (hf_cert_equal(cert, a->root.cert))
		return true;
	for (size_t i = 0; i < a->before_len; i++) {
		if (hf_cert_equal(cert, a->before[i].cert))
			return true;
	}
	return false;
}

/* An identity whose anchors are this authority's; one that somebody else issued has others. */
static bool hangs_on_us(const struct hf_authority *a, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;

	if (!hf_file_exists(path) || hf_pemfile_load(&file, path, 0, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < file.certs.len; i++) {
		if (!is_ours(a, file.certs.items[i]))
			return false;
	}
	return file.certs.len > 0;
}

static int write_roots(const char *path, const struct hf_buf *roots, struct hf_err *err)
{
	return hf_file_write(path, roots->data, roots->len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
}

int hf_rollover_trust(const struct hf_authority *a, const char *home, const struct hf_buf *roots,
		      struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) identities = HF_STRV_INIT;
	char path[PATH_MAX];
	int rc = hf_home_trust(home, "own", path, err);

	if (rc == 0)
		rc = write_roots(path, roots, err);
	if (rc == 0)
		rc = hf_home_id(home, "", "", path, err);
	if (rc == 0 && hf_file_exists(path))
		rc = hf_dir_list(path, &identities, err);
	for (size_t i = 0; rc == 0 && i < identities.len; i++) {
		if (identities.items[i][0] != '.' &&
		    hf_home_id(home, identities.items[i], "ca.pem", path, NULL) == 0 &&
		    hangs_on_us(a, path))
			rc = write_roots(path, roots, err);
	}
	return rc;
}
