/* SPDX-License-Identifier: Apache-2.0 */
/* Full dumps of what is public in a file.  Must never print a private key: of a key, its public
 * half. */
#include <string.h>

#include <openssl/pem.h>

#include "base/err.h"
#include "base/ossl.h"
#include "cli/show_parts.h"

/* OpenSSL prints some strings byte for byte. */
static void add_safe_lines(const char *text, size_t len, struct hf_buf *out)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((newline ? newline : end) - text);

		(void)hf_str_escape(out, text, line);
		(void)hf_buf_putc(out, '\n');
		text += line + 1;
	}
}

static int add_text(BIO *bio, int printed, const char *what, struct hf_buf *out, struct hf_err *err)
{
	char *text = NULL;
	long len;

	if (printed != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot print the %s", what);
	len = BIO_get_mem_data(bio, &text);
	if (len > 0)
		add_safe_lines(text, (size_t)len, out);
	return hf_buf_failed(out) ? hf_err_nomem(err) : 0;
}

static int add_pem(BIO *bio, int written, const char *what, struct hf_buf *out, struct hf_err *err)
{
	char *text = NULL;
	long len;

	if (written != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the %s as PEM", what);
	len = BIO_get_mem_data(bio, &text);
	return len > 0 && hf_buf_append(out, text, (size_t)len) < 0 ? hf_err_nomem(err) : 0;
}

static int crl_text(const struct hf_crl *crl, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());
	HF_AUTO(X509_CRL) list = hf_crl_decode(crl);

	return add_text(bio, bio && list ? X509_CRL_print(bio, list) : 0, "revocation list", out,
			err);
}

static int csr_text(X509_REQ *req, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());

	return add_text(bio, bio ? X509_REQ_print(bio, req) : 0, "request", out, err);
}

static int key_text(const EVP_PKEY *key, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());

	return add_text(bio, bio ? EVP_PKEY_print_public(bio, key, 0, NULL) : 0, "public key", out,
			err);
}

static int key_pem(const EVP_PKEY *key, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());

	return add_pem(bio, bio ? PEM_write_bio_PUBKEY(bio, key) : 0, "public key", out, err);
}

int hf_show_text(const struct hf_pemfile *f, struct hf_buf *out, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->certs.len; i++)
		rc = hf_cert_print(f->certs.items[i], out, err);
	for (size_t i = 0; rc == 0 && i < f->csrs_len; i++)
		rc = csr_text(f->csrs[i]->req, out, err);
	for (size_t i = 0; rc == 0 && i < f->crls.len; i++)
		rc = crl_text(f->crls.items[i], out, err);
	return rc == 0 && f->key ? key_text(f->key, out, err) : rc;
}

/* A key beside certificates is theirs: what they say of it is enough. */
int hf_show_pem(const struct hf_pemfile *f, struct hf_buf *out, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->certs.len; i++)
		rc = hf_cert_to_pem(f->certs.items[i], out, err);
	for (size_t i = 0; rc == 0 && i < f->csrs_len; i++)
		rc = hf_csr_to_pem(f->csrs[i], out, err);
	for (size_t i = 0; rc == 0 && i < f->crls.len; i++)
		rc = hf_crl_to_pem(f->crls.items[i], out, err);
	return rc == 0 && f->key && f->certs.len == 0 ? key_pem(f->key, out, err) : rc;
}
