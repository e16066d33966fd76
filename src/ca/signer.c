/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign: from a file or from a token.  Must never repeat a URI that it was given. */
#include "ca/signer.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/signer_provider.h"
#include "pki/pemfile.h"

bool hf_signer_is_uri(const char *where)
{
	return hf_str_starts(where, "pkcs11:");
}

int hf_signer_from_uri(const char *uri, const struct hf_passphrase_source *pin, EVP_PKEY **ret_key,
		       struct hf_err *err)
{
	struct hf_pkcs11_uri parsed;
	HF_AUTO(hf_token) token = NULL;
	int rc = hf_pkcs11_uri_parse(uri, &parsed, err);

	if (rc == 0)
		rc = hf_token_open(&parsed, pin, &token, err);
	return rc < 0 ? rc : hf_token_pkey(token, ret_key, err);
}

/* The first line, when the file is a URI and not a key. */
static char *uri_of(const struct hf_buf *data)
{
	const char *text = hf_buf_str(data);

	return hf_signer_is_uri(text) ? hf_str_ndup(text, strcspn(text, "\r\n")) : NULL;
}

bool hf_signer_file_has_uri(const char *path)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_PEMFILE_CAP);

	return hf_file_read(path, &data, NULL) == 0 && hf_signer_is_uri(hf_buf_str(&data));
}

int hf_signer_load(const char *path, const struct hf_passphrase_source *pass, EVP_PKEY **ret_key,
		   struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_PEMFILE_CAP);
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO(cstr) uri = NULL;
	int rc = hf_file_read(path, &data, err);

	if (rc < 0)
		return rc;
	uri = uri_of(&data);
	if (uri) {
		rc = hf_signer_from_uri(uri, pass, ret_key, err);
		return rc < 0 ? hf_err_context(err, rc, "the key named in '%s'", path) : 0;
	}
	rc = hf_pemfile_parse(&file, data.data, data.len, path, HF_WANT_KEY, pass, err);
	if (rc < 0)
		return rc;
	if (!file.key)
		return hf_err_set(err, HF_E_PARSE, "'%s' holds no private key", path);
	*ret_key = hf_take(file.key);
	return 0;
}
