/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in the directories of an authority: certificates, and private keys that should not be
 * there.  Must never read a file that is neither, further than its beginning, nor follow a link to
 * a directory. */
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/import/layout.h"

enum { FILES_CAP = 2000000, KEY_CAP = 64 * 1024, DEPTH = 3, KEYS_CAP = 20000 };

bool hf_import_path(char out[PATH_MAX], const char *dir, const char *name)
{
	char path[PATH_MAX];
	int rc = name[0] == '/' || !dir[0] ? (hf_str_copy(path, sizeof(path), name) ? 0 : -1)
					   : hf_path_join(path, sizeof(path), dir, name, NULL);

	if (rc < 0 || !hf_file_exists(path))
		return false;
	return hf_str_copy(out, PATH_MAX, path);
}

void hf_import_first(char out[PATH_MAX], const char *dir, const char *const *names)
{
	out[0] = '\0';
	for (size_t i = 0; names[i] && !out[0]; i++)
		(void)hf_import_path(out, dir, names[i]);
}

void hf_import_add_dir(struct hf_import_layout *l, const char *dir, const char *name, bool ours,
		       bool named)
{
	struct stat st;

	if (l->dirs_len == HF_IMPORT_DIRS ||
	    !hf_import_path(l->dirs[l->dirs_len].path, dir, name) ||
	    stat(l->dirs[l->dirs_len].path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	l->dirs[l->dirs_len].ours = ours;
	l->dirs[l->dirs_len++].named = named;
}

/* --- certificates --- */

static const char *ending(const char *name)
{
	static const char *const endings[] = { ".pem", ".crt", ".cer", ".der" };

	for (size_t i = 0; i < HF_ARRAY_LEN(endings); i++) {
		if (hf_str_ends(name, endings[i]))
			return endings[i];
	}
	return NULL;
}

static bool is_own(const struct hf_import_tree *tree, const struct hf_cert *cert)
{
	return hf_cert_equal(cert, tree->ca) || (tree->root && hf_cert_equal(cert, tree->root));
}

static bool names_issuer(const struct hf_cert *cert, const struct hf_cert *ca)
{
	return X509_NAME_cmp(X509_get_issuer_name(cert->x509), X509_get_subject_name(ca->x509)) ==
	       0;
}

static int read_cert(struct hf_import_tree *tree, const char *path, const char *name, bool ours,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	struct hf_err why = HF_ERR_INIT;
	const struct hf_cert *cert;
	int rc;

	if (hf_pemfile_load(&file, path, 0, NULL, &why) < 0)
		return ours ? hf_import_find(&tree->findings, HF_IMPORT_UNREADABLE, err, "%s",
					     why.msg)
			    : 0;
	if (file.certs.len == 0)
		return 0;
	cert = file.certs.items[0]; /* what follows is its chain */
	if (is_own(tree, cert) || (!ours && !names_issuer(cert, tree->ca)))
		return 0;
	rc = hf_import_add_cert(tree, cert, path, name, err);
	return rc < 0 ? rc : 0;
}

static int scan_dir(struct hf_import_tree *tree, const char *dir, bool ours, bool named,
		    struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	int rc = hf_dir_list(dir, &names, err);

	if (rc == 0 && names.len > FILES_CAP)
		return hf_err_set(err, HF_E_LIMIT, "'%s' holds more than %d files", dir,
				  (int)FILES_CAP);
	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		const char *end = ending(names.items[i]);
		HF_AUTO(cstr) name = NULL;
		char path[PATH_MAX];
		struct stat st;

		if (!end || hf_path_join(path, sizeof(path), dir, names.items[i], NULL) < 0 ||
		    lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (named)
			name = hf_str_ndup(names.items[i], strlen(names.items[i]) - strlen(end));
		rc = read_cert(tree, path, name, ours, err);
	}
	return rc;
}

int hf_import_scan_certs(struct hf_import_tree *tree, const struct hf_import_layout *l,
			 struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->dirs_len; i++)
		rc = scan_dir(tree, l->dirs[i].path, l->dirs[i].ours, l->dirs[i].named, err);
	return rc;
}

/* --- keys --- */

static bool holds_key(const char *path)
{
	static const char *const endings[] = { ".p12", ".pfx" };
	HF_AUTO_DONE(hf_buf) head = HF_BUF_INIT(KEY_CAP);

	for (size_t i = 0; i < HF_ARRAY_LEN(endings); i++) {
		if (hf_str_ends(path, endings[i]))
			return true;
	}
	return hf_file_read(path, &head, NULL) == 0 &&
	       strstr(hf_buf_str(&head), "PRIVATE KEY-----") != NULL;
}

static bool same_file(const struct stat *st, const char *path)
{
	struct stat other;

	return path[0] && stat(path, &other) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

static int look_at(struct hf_import_tree *tree, const char *path, const struct stat *st,
		   struct hf_err *err)
{
	int rc = 0;

	if (st->st_size > KEY_CAP || !holds_key(path))
		return 0;
	if (!same_file(st, tree->key_path) &&
	    !(tree->above && same_file(st, tree->above->key_path)))
		rc = hf_import_find(&tree->findings, HF_IMPORT_LEAF_KEY, err, "%s", path);
	if (rc == 0 && (st->st_mode & 077))
		rc = hf_import_find(&tree->findings, HF_IMPORT_READABLE_KEY, err, "%s (mode %04o)",
				    path, (unsigned)st->st_mode & 07777U);
	return rc;
}

/* One directory; those in it go to `below`. */
static int look_into(struct hf_import_tree *tree, const char *dir, struct hf_strv *below,
		     size_t *left, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	int rc = 0;

	if (hf_dir_list(dir, &names, NULL) < 0)
		return 0; /* not ours to read: whoever may, has his own problem */
	for (size_t i = 0; rc == 0 && *left > 0 && i < names.len; i++) {
		char path[PATH_MAX];
		struct stat st;

		if (hf_path_join(path, sizeof(path), dir, names.items[i], NULL) < 0 ||
		    lstat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			rc = hf_strv_add(below, path) < 0 ? hf_err_nomem(err) : 0;
		if (!S_ISREG(st.st_mode))
			continue;
		(*left)--;
		rc = look_at(tree, path, &st, err);
	}
	return rc;
}

int hf_import_scan_keys(struct hf_import_tree *tree, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) level = HF_STRV_INIT;
	size_t left = KEYS_CAP;
	int rc = hf_strv_add(&level, tree->dir) < 0 ? hf_err_nomem(err) : 0;

	for (int depth = 0; rc == 0 && depth < DEPTH; depth++) {
		struct hf_strv below = HF_STRV_INIT;

		for (size_t i = 0; rc == 0 && i < level.len; i++)
			rc = look_into(tree, level.items[i], &below, &left, err);
		hf_strv_done(&level);
		level = below;
	}
	return rc;
}
