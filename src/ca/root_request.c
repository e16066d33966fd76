/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an offline root.  Must never send a private key along. */
#include "ca/root.h"

#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/founding.h"
#include "ca/signer.h"
#include "pki/name.h"

enum { PEM_CAP = 256 * 1024 };

static int waiting_place(const char *home, bool force, char dir[PATH_MAX], char path[PATH_MAX],
			 struct hf_err *err)
{
	int rc = hf_path_join(dir, PATH_MAX, home, "ca.request", err);

	if (rc == 0)
		rc = hf_path_join(path, PATH_MAX, dir, "request.pem", err);
	if (rc < 0)
		return rc;
	if (hf_file_exists(path) && !force) {
		(void)hf_err_set(err, HF_E_EXIST, "a request waits for its answer: '%s'", path);
		return hf_err_hint(err, "have the root sign that one, or --force for a new one");
	}
	rc = hf_dir_make(home, HF_MODE_SECRET_DIR, err);
	return rc < 0 ? rc : hf_dir_make(dir, HF_MODE_SECRET_DIR, err);
}

static int write_request(const struct hf_csr *csr, const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	int rc = hf_csr_to_pem(csr, &pem, err);

	return rc < 0
		   ? rc
		   : hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
}

/* Of a key in a token its URI. */
static int write_key(const EVP_PKEY *key, const struct hf_root_request *r, const char *dir,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), dir, "issuing.key", err);

	if (rc == 0)
		rc = r->issuing_key ? hf_buf_printf(&pem, "%s\n", r->issuing_key)
				    : hf_key_to_pem(key, r->passphrase, &pem, err);
	return rc < 0
		   ? rc
		   : hf_file_write(path, pem.data, pem.len, HF_MODE_SECRET, HF_FILE_REPLACE, err);
}

int hf_root_request_new(const struct hf_root_request *r, char ret_path[PATH_MAX],
			struct hf_csr **ret_csr, struct hf_err *err)
{
	const struct hf_init_options names = { .name = r->name, .subject = r->subject };
	HF_AUTO(X509_NAME) subject = NULL;
	HF_AUTO(EVP_PKEY) key = NULL;
	HF_AUTO(hf_csr) csr = NULL;
	char dir[PATH_MAX];
	int rc = hf_founding_issuing_subject(&names, NULL, &subject, err);

	if (rc == 0)
		rc = waiting_place(r->home, r->force, dir, ret_path, err);
	if (rc == 0)
		rc = r->issuing_key ? hf_signer_from_uri(r->issuing_key, &r->pin, &key, err)
				    : hf_key_generate(r->key_type, &key, err);
	if (rc == 0)
		rc = hf_csr_make(key, subject, NULL, &csr, err);
	/* the key first: a request whose key is lost would be signed for nothing */
	if (rc == 0)
		rc = write_key(key, r, dir, err);
	if (rc == 0)
		rc = write_request(csr, ret_path, err);
	if (rc == 0)
		*ret_csr = hf_take(csr);
	return rc;
}

int hf_root_request_renewal(const char *home, struct hf_authority *a, bool force,
			    char ret_path[PATH_MAX], struct hf_csr **ret_csr, struct hf_err *err)
{
	const struct hf_cert *cert = a->issuing.cert;
	HF_AUTO(hf_csr) csr = NULL;
	char dir[PATH_MAX];
	int rc;

	if (a->single)
		return hf_err_set(err, HF_E_POLICY,
				  "this authority has no issuing CA that a root could certify");
	if (a->issuing_revoked_at) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "'%s' was revoked by its root: its key is not certified again",
				 cert->subject);
		return hf_err_hint(err, "ask for a new one from another home: --home DIR");
	}
	rc = hf_ca_load_key(a, &a->issuing, err);
	if (rc == 0)
		rc = waiting_place(home, force, dir, ret_path, err);
	if (rc == 0)
		rc =
		    hf_csr_make(a->issuing.key, X509_get_subject_name(cert->x509), NULL, &csr, err);
	if (rc == 0)
		rc = write_request(csr, ret_path, err);
	if (rc == 0)
		*ret_csr = hf_take(csr);
	return rc;
}
