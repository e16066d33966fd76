/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of serve and tunnel, by whichever process has the keys.  Must never read a key
 * where there is a signer to do it. */
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/credential.h"
#include "cli/serve_file.h"
#include "util/home.h"

/* --- passphrases: asked for once --- */

struct asked {
	struct hf_serve_source *source;
	const char *file; /* NULL: the terminal */
	bool silent;	  /* no questions */
};

static struct hf_serve_secret *secret_of(struct hf_serve_source *source, const char *file)
{
	struct hf_serve_secret *secret = source->secrets;

	while (secret != NULL && !hf_str_eq(secret->file, file))
		secret = secret->next;
	return secret;
}

static int ask(const struct asked *asked, const char *what, struct hf_err *err)
{
	struct hf_serve_source *source = asked->source;
	const char *file = asked->file;
	struct hf_passphrase passphrase = { file, asked->silent };
	struct hf_serve_secret *secret = calloc(1, sizeof(*secret));
	int rc;

	if (secret == NULL)
		return hf_err_nomem(err);
	secret->secret = (struct hf_secret)HF_SECRET_INIT;
	rc = hf_passphrase_get(&passphrase, what, &secret->secret, err);
	if (rc == 0 && file != NULL && (secret->file = hf_str_dup(file)) == NULL)
		rc = hf_err_nomem(err);
	if (rc < 0) {
		hf_secret_done(&secret->secret);
		free(secret);
		return rc;
	}
	secret->next = source->secrets;
	source->secrets = secret;
	return 0;
}

static int passphrase_once(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	const struct asked *asked = arg;
	const struct hf_serve_secret *secret = secret_of(asked->source, asked->file);
	int rc = secret == NULL ? ask(asked, what, err) : 0;

	if (rc < 0)
		return rc;
	secret = secret_of(asked->source, asked->file);
	return hf_secret_set(ret, secret->secret.data, secret->secret.len, err);
}

void hf_serve_source_done(struct hf_serve_source *source)
{
	hf_notice_free(source->read);
	source->read = NULL;
	hf_crls_done(&source->lists);
	while (source->secrets != NULL) {
		struct hf_serve_secret *secret = source->secrets;

		source->secrets = secret->next;
		hf_secret_done(&secret->secret);
		free(secret->file);
		free(secret);
	}
}

/* --- credentials --- */

/* A file that makes no sense is no mistake of usage. */
static int file_failure(int rc, struct hf_err *err)
{
	if (rc != -HF_E_INVALID)
		return rc;
	err->code = HF_E_MISMATCH;
	return -HF_E_MISMATCH;
}

int hf_serve_read_credential(struct hf_serve_source *source, const struct hf_custody_files *files,
			     bool may_ask, struct hf_credential **ret_credential,
			     struct hf_err *err)
{
	struct asked asked = { source, files->passphrase, !may_ask };
	const struct hf_passphrase_source pass = { passphrase_once, &asked };

	return hf_cli_read_credential(files->cert, files->key, &pass, ret_credential, err);
}

static int get_credential(struct hf_serve_source *source, uint64_t number,
			  const struct hf_custody_files *files,
			  struct hf_credential **ret_credential, struct hf_err *err)
{
	if (source->custody)
		return hf_custody_credential(source->custody, number, files, ret_credential, err);
	if (source->file->opts.guard.key_in_process && hf_cli_is_token_key(files->key)) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "a key in a PKCS#11 token cannot be in every process");
		return hf_err_hint(err, "leave --key-in-process away");
	}
	return hf_serve_read_credential(source, files, true, ret_credential, err);
}

int hf_serve_load_credential(struct hf_serve_source *source, const struct hf_credential_opts *opts,
			     uint64_t number, struct hf_credential **ret_credential,
			     struct hf_err *err)
{
	struct hf_custody_files files = { opts->cert, opts->key, opts->passphrase_file };
	char cert[PATH_MAX], key[PATH_MAX];
	int rc = 0;

	if (opts->as) {
		rc = hf_home_id(source->ctx->home, opts->as, "cert.pem", cert, err);
		if (rc == 0)
			rc = hf_home_id(source->ctx->home, opts->as, "key.pem", key, err);
		files.cert = cert;
		files.key = key;
	}
	if (rc == 0)
		rc = get_credential(source, number, &files, ret_credential, err);
	if (rc == -HF_E_NOENT && opts->as && !hf_file_exists(files.cert))
		hf_cli_hint_identity(source->ctx->home, opts->as, err);
	return file_failure(rc, err);
}
