/* SPDX-License-Identifier: Apache-2.0 */
/* The root above an issuing CA: its certificate, found by its signature, and its own books when
 * they lie beside.  Must never take a root that did not sign the CA. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/import/layout.h"

static bool is_issuer(const struct hf_cert *issuer, const struct hf_cert *cert)
{
	bool yes = X509_NAME_cmp(X509_get_subject_name(issuer->x509),
				 X509_get_issuer_name(cert->x509)) == 0 &&
		   X509_verify(cert->x509, hf_cert_key_get0(issuer)) == 1;

	ERR_clear_error();
	return yes;
}

/* Looks through one file for the root above the CA. */
static bool root_in(struct hf_import_tree *tree, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;

	if (hf_pemfile_load(&file, path, 0, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < file.certs.len && !tree->root; i++) {
		struct hf_cert *cert = file.certs.items[i];

		if ((cert->flags & HF_CERT_SELF_ISSUED) && is_issuer(cert, tree->ca))
			tree->root = hf_cert_ref(cert);
	}
	return tree->root != NULL;
}

static bool look_for_root(struct hf_import_tree *tree)
{
	static const char *const dirs[] = { "", "certs", "..", "../certs", "../root" };

	for (size_t d = 0; d < HF_ARRAY_LEN(dirs); d++) {
		HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
		char dir[PATH_MAX], path[PATH_MAX];

		if (hf_path_join(dir, sizeof(dir), tree->dir, dirs[d], NULL) < 0 ||
		    hf_dir_list(dir, &names, NULL) < 0)
			continue;
		for (size_t i = 0; i < names.len; i++) {
			if ((hf_str_ends(names.items[i], ".pem") ||
			     hf_str_ends(names.items[i], ".crt")) &&
			    hf_path_join(path, sizeof(path), dir, names.items[i], NULL) == 0 &&
			    root_in(tree, path))
				return true;
		}
	}
	return false;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* That a root issues CAs is its office. */
static bool is_office(enum hf_import_id id)
{
	return id == HF_IMPORT_LEAF_FROM_ROOT || id == HF_IMPORT_SUB_CA;
}

static int take_findings(struct hf_import_tree *tree, struct hf_err *err)
{
	int rc = 0;

	for (int id = 0; rc == 0 && id < HF_IMPORT_COUNT; id++) {
		const struct hf_strv *at = &tree->above->findings.at[id];

		for (size_t i = 0; rc == 0 && i < at->len && !is_office((enum hf_import_id)id); i++)
			rc = hf_import_find(&tree->findings, (enum hf_import_id)id, err, "root: %s",
					    at->items[i]);
	}
	return rc;
}

/* The root's own tree of openssl ca. */
static int read_above(struct hf_import_tree *tree, const char *dir,
		      const struct hf_import_options *o, struct hf_err *err)
{
	struct hf_import_options options = {
		.dir = dir, .pass = o->pass, .dry_run = o->dry_run, .now = o->now, .keyless = true
	};
	int rc = hf_import_read("openssl", &options, &tree->above, err);

	if (rc < 0)
		return hf_err_context(err, rc, "the root's tree '%s'", dir);
	if (!(tree->above->ca->flags & HF_CERT_SELF_ISSUED) ||
	    !is_issuer(tree->above->ca, tree->ca)) {
		(void)hf_err_set(err, HF_E_MISMATCH, "the CA of '%s' is not the root above '%s'",
				 dir, tree->ca_path);
		return hf_err_hint(err, "name the root's tree or certificate with --root");
	}
	tree->root = hf_cert_ref(tree->above->ca);
	return take_findings(tree, err);
}

/* Where `export openssl` puts it. */
static bool has_tree(const struct hf_import_tree *tree, char dir[PATH_MAX])
{
	char index[PATH_MAX];

	return hf_import_path(dir, tree->dir, "root") && is_dir(dir) &&
	       hf_import_path(index, dir, "index.txt");
}

int hf_import_find_root(struct hf_import_tree *tree, const struct hf_import_options *o,
			struct hf_err *err)
{
	const char *given = o->root;
	char beside[PATH_MAX];

	if (tree->ca->flags & HF_CERT_SELF_ISSUED)
		return 0;
	if (given && is_dir(given))
		return read_above(tree, given, o, err);
	if (!given && has_tree(tree, beside))
		return read_above(tree, beside, o, err);
	if (given ? root_in(tree, given) : look_for_root(tree))
		return 0;
	(void)hf_err_set(err, HF_E_POLICY,
			 "'%s' was issued by '%s', and %s is not the root that signed it",
			 tree->ca_path, tree->ca->issuer, given ? given : "nothing in the tree");
	return hf_err_hint(err,
			   "name the root's certificate with --root FILE; a CA two steps below "
			   "its root cannot be taken over");
}
