/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of easy-rsa 3: the directory pki/, or the one it is in.  Its index is openssl's; its files
 * are called after the names they were made for.  Must never write to it. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/import/layout.h"

/* Where easy-rsa 3.0 to 3.2 put certificates; only issued/ has names. */
static const struct {
	const char *name;
	bool ours, named;
} dirs[] = {
	{ "issued", true, true },
	{ "renewed/issued", true, true },
	{ "expired", true, true },
	{ "certs_by_serial", true, false },
	{ "revoked/certs_by_serial", true, false },
	{ "renewed/certs_by_serial", true, false },
};

int hf_import_read_easyrsa(struct hf_import_tree *tree, const struct hf_import_options *o,
			   struct hf_err *err)
{
	struct hf_import_layout l = { .dirs_len = 0 };
	char pki[PATH_MAX];
	int rc;

	if (hf_import_path(pki, tree->dir, "pki"))
		(void)hf_str_copy(tree->dir, sizeof(tree->dir), pki);
	(void)hf_import_path(l.certificate, tree->dir, "ca.crt");
	(void)hf_import_path(l.private_key, tree->dir, "private/ca.key");
	(void)hf_import_path(l.database, tree->dir, "index.txt");
	(void)hf_import_path(l.serial, tree->dir, "serial");
	(void)hf_import_path(l.crlnumber, tree->dir, "crlnumber");
	(void)hf_import_path(l.crl, tree->dir, "crl.pem");
	for (size_t i = 0; i < HF_ARRAY_LEN(dirs); i++)
		hf_import_add_dir(&l, tree->dir, dirs[i].name, dirs[i].ours, dirs[i].named);
	rc = hf_import_load_ca(tree, &l, o, err);
	if (rc == 0)
		rc = hf_import_load_index(tree, &l, err);
	if (rc == 0)
		rc = hf_import_load_numbers(tree, &l, err);
	return rc < 0 ? rc : hf_import_scan_certs(tree, &l, err);
}
