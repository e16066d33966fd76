/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate and key, from files or with a key in a PKCS#11 token.  Must never repeat a token's
 * URI in a message: it may tell more than it should. */
#include "cli/credential.h"

#include <assert.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/signer.h"

bool hf_cli_is_token_key(const char *key)
{
	return key && (hf_signer_is_uri(key) || hf_signer_file_has_uri(key));
}

int hf_cli_read_token_key(const char *key, const struct hf_passphrase_source *pass,
			  EVP_PKEY **ret_key, struct hf_err *err)
{
	return hf_signer_is_uri(key) ? hf_signer_from_uri(key, pass, ret_key, err)
				     : hf_signer_load(key, pass, ret_key, err);
}

int hf_cli_read_credential_of(const char *cert, EVP_PKEY *key,
			      struct hf_credential **ret_credential, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO(hf_credential) credential = NULL;
	int rc = hf_pemfile_load(&file, cert, 0, NULL, err);

	if (rc < 0)
		return hf_err_context(err, rc, "certificate");
	rc = hf_credential_new(key, &file.certs, &credential, err);
	if (rc < 0)
		return hf_err_context(err, rc, "the key of '%s'", cert);
	assert(credential);
	credential->cert_path = hf_str_dup(cert);
	if (!credential->cert_path)
		return hf_err_nomem(err);
	*ret_credential = hf_take(credential);
	return 0;
}

static int read_with_token(const char *cert, const char *key,
			   const struct hf_passphrase_source *pass,
			   struct hf_credential **ret_credential, struct hf_err *err)
{
	HF_AUTO(EVP_PKEY) pkey = NULL;
	int rc = hf_cli_read_token_key(key, pass, &pkey, err);

	if (rc < 0)
		return hf_err_context(err, rc, "the key of '%s'", cert);
	return hf_cli_read_credential_of(cert, pkey, ret_credential, err);
}

int hf_cli_read_credential(const char *cert, const char *key,
			   const struct hf_passphrase_source *pass,
			   struct hf_credential **ret_credential, struct hf_err *err)
{
	return hf_cli_is_token_key(key) ? read_with_token(cert, key, pass, ret_credential, err)
					: hf_credential_load(cert, key, pass, ret_credential, err);
}
