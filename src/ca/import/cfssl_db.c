/* SPDX-License-Identifier: Apache-2.0 */
/* An authority of cfssl: ca.pem, ca-key.pem and its SQLite data base.  Must never write to them. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/import/layout.h"
#include "ca/store/cfssl.h"

static const char *const databases[] = { "certs.db", "certdb.db",	"certstore.db",
					 "cfssl.db", "certificates.db", "certstore_development.db",
					 NULL };
static const char *const lists[] = { "crl.pem", "ca.crl", "crl.der", "crl", NULL };

struct reading {
	struct hf_import_tree *tree;
	const char *path;
	size_t row;
	struct hf_err *err;
};

/* Its row of an index, as openssl would have written it. */
static int add_status(struct reading *r, const struct hf_cfssl_row *row, const struct hf_cert *cert)
{
	char file[] = "unknown";
	struct hf_index_row index = {
		.status = row->revoked ? 'R' : 'V',
		.not_after = cert->not_after,
		.revoked_at = row->revoked_at,
		.reason = row->reason,
		.file = file,
		.subject = cert->subject,
		.line = r->row,
	};

	if (!hf_str_copy(index.serial, sizeof(index.serial), cert->serial))
		return hf_err_set(r->err, HF_E_UNSUPPORTED, "%s: the serial number %s is too long",
				  r->path, cert->serial);
	return hf_import_add_row(r->tree, &index, r->err);
}

static int each(void *arg, const struct hf_cfssl_row *row)
{
	struct reading *r = arg;
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char where[PATH_MAX + 80];
	int rc;

	r->row++;
	(void)snprintf(where, sizeof(where), "%s: serial %.60s", r->path, row->serial);
	rc = hf_pemfile_parse(&file, row->pem, row->pem_len, where, 0, NULL, r->err);
	if (rc < 0)
		return rc;
	if (file.certs.len != 1)
		return hf_err_set(r->err, HF_E_PARSE, "%s: no certificate in the row", where);
	if (hf_cert_equal(file.certs.items[0], r->tree->ca))
		return 0;
	rc = hf_import_add_cert(r->tree, file.certs.items[0], r->path, NULL, r->err);
	if (rc != 0) /* 1: another CA's, which may share the data base */
		return rc < 0 ? rc : 0;
	return add_status(r, row, file.certs.items[0]);
}

int hf_import_read_cfssl(struct hf_import_tree *tree, const struct hf_import_options *o,
			 struct hf_err *err)
{
	struct hf_import_layout l = { .dirs_len = 0 };
	struct reading r = { .tree = tree, .err = err };
	char database[PATH_MAX];
	int rc;

	(void)hf_import_path(l.certificate, tree->dir, "ca.pem");
	(void)hf_import_path(l.private_key, tree->dir, "ca-key.pem");
	hf_import_first(l.crl, tree->dir, lists);
	if (o->database)
		(void)hf_str_copy(database, sizeof(database), o->database);
	else
		hf_import_first(database, tree->dir, databases);
	rc = hf_import_load_ca(tree, &l, o, err);
	if (rc < 0)
		return rc;
	if (!database[0]) {
		(void)hf_err_set(err, HF_E_NOENT, "there is no data base of cfssl in '%s'",
				 tree->dir);
		return hf_err_hint(err, "name its SQLite file with --database");
	}
	r.path = database;
	rc = hf_cfssl_each(database, each, &r, err);
	return rc < 0 ? rc : hf_import_load_numbers(tree, &l, err);
}
