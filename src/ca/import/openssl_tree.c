/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of `openssl ca`: as its openssl.cnf says, or with the names that everybody uses.  A path
 * of the configuration that begins with $dir is looked for in the directory that was given, since
 * the tree may have come from elsewhere.  Must never write to it. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/import/layout.h"
#include "ca/import/opensslcnf.h"

static const char *const configs[] = { "openssl.cnf", "openssl-ca.cnf", "ca.cnf", "../openssl.cnf",
				       NULL };
static const char *const cert_names[] = { "cacert.pem",
					  "ca.pem",
					  "ca.crt",
					  "ca.cert.pem",
					  "certs/ca.cert.pem",
					  "certs/intermediate.cert.pem",
					  "certs/cacert.pem",
					  "certs/ca.crt",
					  "certs/ca.pem",
					  "root-ca.crt",
					  NULL };
static const char *const key_names[] = { "private/cakey.pem",
					 "private/ca.key.pem",
					 "private/intermediate.key.pem",
					 "private/ca.key",
					 "private/ca-key.pem",
					 "cakey.pem",
					 "ca.key",
					 "ca-key.pem",
					 NULL };
static const char *const crl_names[] = { "crl.pem",	   "crl/crl.pem",
					 "crl/ca.crl.pem", "crl/intermediate.crl.pem",
					 "ca.crl",	   NULL };
static const char *const index_names[] = { "index.txt", NULL };
static const char *const serial_names[] = { "serial", "serial.txt", NULL };
static const char *const crlnumber_names[] = { "crlnumber", "crlnumber.txt", NULL };

/* A path of the configuration; *ret stays "" when nothing is there. */
static int resolve(char out[PATH_MAX], const struct hf_import_tree *tree,
		   const struct hf_opensslcnf *cnf, const char *value, struct hf_err *err)
{
	size_t dir_len = cnf->dir ? strlen(cnf->dir) : 0;

	out[0] = '\0';
	if (!value)
		return 0;
	if (dir_len && strncmp(value, cnf->dir, dir_len) == 0 && value[dir_len] == '/' &&
	    hf_import_path(out, tree->dir, value + dir_len + 1))
		return 0;
	if (hf_opensslcnf_needs_env(value)) {
		(void)hf_err_set(err, HF_E_UNSUPPORTED,
				 "the configuration takes '%s' from the environment, and '%s' has "
				 "no such file",
				 value, tree->dir);
		return hf_err_hint(err, "give the directory that it stands for as DIR");
	}
	(void)hf_import_path(out, tree->dir, value);
	return 0;
}

static int from_config(struct hf_import_tree *tree, const struct hf_opensslcnf *cnf,
		       struct hf_import_layout *l, struct hf_err *err)
{
	const struct {
		char *out;
		const char *value;
		const char *const *usual;
	} paths[] = {
		{ l->certificate, cnf->certificate, cert_names },
		{ l->private_key, cnf->private_key, key_names },
		{ l->database, cnf->database, index_names },
		{ l->serial, cnf->serial, serial_names },
		{ l->crlnumber, cnf->crlnumber, crlnumber_names },
		{ l->crl, cnf->crl, crl_names },
	};
	const char *const dirs[] = { cnf->new_certs_dir ? cnf->new_certs_dir : "newcerts",
				     cnf->certs ? cnf->certs : "certs" };
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(paths); i++) {
		rc = resolve(paths[i].out, tree, cnf, paths[i].value, err);
		if (rc == 0 && !paths[i].out[0])
			hf_import_first(paths[i].out, tree->dir, paths[i].usual);
	}
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(dirs); i++) {
		rc = resolve(path, tree, cnf, dirs[i], err);
		if (rc == 0 && path[0])
			hf_import_add_dir(l, "", path, i == 0, false);
	}
	return rc;
}

static int tell_config(struct hf_import_tree *tree, const struct hf_opensslcnf *cnf,
		       const char *path, struct hf_err *err)
{
	const char *md = cnf->default_md ? cnf->default_md : "";
	int rc = 0;

	if (cnf->copy_extensions && (hf_str_eq(cnf->copy_extensions, "copyall") ||
				     (hf_str_eq(cnf->copy_extensions, "copy") && !cnf->guarded)))
		rc = hf_import_find(&tree->findings, HF_IMPORT_COPY_EXTENSIONS, err,
				    "%s: copy_extensions = %s", path, cnf->copy_extensions);
	if (rc == 0 && (hf_str_case_eq(md, "sha1") || hf_str_case_eq(md, "md5")))
		rc = hf_import_find(&tree->findings, HF_IMPORT_WEAK_DIGEST, err,
				    "%s: default_md = %s", path, md);
	if (rc == 0 && cnf->includes)
		rc = hf_import_find(&tree->findings, HF_IMPORT_CONFIG_INCLUDE, err, "%s", path);
	return rc;
}

static int load_config(struct hf_import_tree *tree, const char *path, const char *section,
		       struct hf_opensslcnf *cnf, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_OPENSSLCNF_CAP);
	int rc = hf_file_read(path, &data, err);

	if (rc == 0)
		rc = hf_opensslcnf_parse(hf_buf_str(&data), data.len, path, section, cnf, err);
	return rc < 0 ? rc : tell_config(tree, cnf, path, err);
}

/* index.txt.attr beats the configuration, as it does for openssl. */
static int tell_unique(struct hf_import_tree *tree, const struct hf_import_layout *l,
		       const struct hf_opensslcnf *cnf, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_OPENSSLCNF_CAP);
	char path[PATH_MAX];
	bool unique = !cnf->unique_subject || !strchr("fFnN0", cnf->unique_subject[0]);
	const char *from = "openssl's default";
	int rc = 0;

	if (cnf->unique_subject)
		from = "the configuration";
	if (strlen(l->database) + strlen(".attr") < sizeof(path)) {
		(void)snprintf(path, sizeof(path), "%.4000s.attr", l->database);
		if (hf_file_exists(path)) {
			from = path;
			rc = hf_file_read(path, &data, err);
			if (rc == 0)
				rc = hf_index_attr_parse(hf_buf_str(&data), data.len, path, &unique,
							 err);
		}
	}
	if (rc < 0 || !unique)
		return rc;
	return hf_import_find(&tree->findings, HF_IMPORT_UNIQUE_SUBJECT, err, "%s", from);
}

int hf_import_read_openssl(struct hf_import_tree *tree, const struct hf_import_options *o,
			   struct hf_err *err)
{
	struct hf_import_layout l = { .dirs_len = 0 };
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	char config[PATH_MAX];
	int rc = 0;

	if (o->config)
		(void)hf_str_copy(config, sizeof(config), o->config);
	else
		hf_import_first(config, tree->dir, configs);
	if (config[0])
		rc = load_config(tree, config, o->section, &cnf, err);
	if (rc == 0)
		rc = from_config(tree, &cnf, &l, err);
	if (rc == 0)
		rc = hf_import_load_ca(tree, &l, o, err);
	if (rc == 0)
		rc = hf_import_load_index(tree, &l, err);
	if (rc == 0)
		rc = hf_import_load_numbers(tree, &l, err);
	if (rc == 0)
		rc = tell_unique(tree, &l, &cnf, err);
	return rc < 0 ? rc : hf_import_scan_certs(tree, &l, err);
}
