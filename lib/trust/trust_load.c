/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a trust from files.  Must never take "nothing usable in there" for "nothing to check":
 * a file without what it was named for is an error that says what it holds. */
#include "trust/trust_internal.h"

#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "pki/pemfile.h"

enum { DESCRIPTION_CAP = 256 };

/* RFC 5280 6.1.1 (d): an anchor is what the user says it is; a bundle of root and intermediates
 * says it by the self-issued ones, a bundle without any says it by all. */
static bool has_self_issued(const struct hf_certs *certs)
{
	for (size_t i = 0; i < certs->len; i++) {
		if (certs->items[i]->flags & HF_CERT_SELF_ISSUED)
			return true;
	}
	return false;
}

int hf_trust_load_file(struct hf_trust *trust, const char *path, const char *label,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&file, path, 0, NULL, err);

	if (rc < 0)
		return hf_err_context(err, rc, "reading trusted certificates");
	if (file.certs.len == 0) {
		char what[DESCRIPTION_CAP];

		hf_pemfile_describe(&file, what, sizeof(what));
		hf_err_set(err, HF_MISTAKE_FILE_WRONG,
			   "'%s' holds no certificate to trust: it is %s", path, what);
		return hf_err_hint(err,
				   "give the CA's certificate (root.pem, ca.pem), in PEM or DER");
	}
	bool roots_only = has_self_issued(&file.certs);

	for (size_t i = 0; i < file.certs.len; i++) {
		struct hf_cert *cert = file.certs.items[i];

		if (!roots_only || (cert->flags & HF_CERT_SELF_ISSUED))
			rc = hf_trust_add_anchor(trust, cert, label, err);
		else
			rc = hf_trust_add_intermediate(trust, cert, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_crl_file(struct hf_trust *trust, const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc;

	file.at_hand = trust->at_hand;
	rc = hf_pemfile_load(&file, path, 0, NULL, err);
	if (rc < 0)
		return hf_err_context(err, rc, "reading revocation lists");
	if (file.crls.len == 0) {
		char what[DESCRIPTION_CAP];

		hf_pemfile_describe(&file, what, sizeof(what));
		return hf_err_set(err, HF_MISTAKE_FILE_WRONG,
				  "'%s' holds no revocation list: it is %s", path, what);
	}
	for (size_t i = 0; i < file.crls.len; i++) {
		rc = hf_trust_add_crl(trust, file.crls.items[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Subdirectories and dot files are passed over; every other file must be a list. */
static int load_crl_dir(struct hf_trust *trust, const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	size_t before = trust->crls.len;
	int rc = hf_dir_list(path, &names, err);

	for (size_t i = 0; rc >= 0 && i < names.len; i++) {
		char file[4096];
		struct stat st;

		rc = hf_path_join(file, sizeof(file), path, names.items[i], err);
		if (rc < 0 || names.items[i][0] == '.' ||
		    (stat(file, &st) == 0 && S_ISDIR(st.st_mode)))
			continue;
		rc = load_crl_file(trust, file, err);
	}
	if (rc >= 0 && trust->crls.len == before)
		return hf_err_set(err, HF_E_NOENT, "the directory '%s' holds no revocation list",
				  path);
	return rc;
}

int hf_trust_load_crl(struct hf_trust *trust, const char *path, struct hf_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_crl_dir(trust, path, err);
	return load_crl_file(trust, path, err);
}
