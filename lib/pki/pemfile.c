/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of files.  Must never skip what is damaged, and always say what a file is when it is
 * not what was expected. */
#include "pki/pemfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "pki/der.h"
#include "pki/pem.h"
#include "pki/pemfile_internal.h"

static const struct label {
	const char *label;
	int (*add)(struct hf_reading *r, const uint8_t *der, size_t len, struct hf_err *err);
} labels[] = {
	{ "CERTIFICATE", hf_reading_add_cert },
	{ "X509 CERTIFICATE", hf_reading_add_cert },
	{ "TRUSTED CERTIFICATE", hf_reading_add_trusted },
	{ "CERTIFICATE REQUEST", hf_reading_add_request },
	{ "NEW CERTIFICATE REQUEST", hf_reading_add_request },
	{ "X509 CRL", hf_reading_add_crl },
	{ "PRIVATE KEY", hf_reading_add_key },
	{ "RSA PRIVATE KEY", hf_reading_add_key },
	{ "EC PRIVATE KEY", hf_reading_add_key },
	{ "DSA PRIVATE KEY", hf_reading_add_key },
	{ "ENCRYPTED PRIVATE KEY", hf_reading_add_encrypted },
	{ "PUBLIC KEY", hf_reading_add_public },
	{ "RSA PUBLIC KEY", hf_reading_add_public },
	{ "PKCS7", hf_reading_add_pkcs7 },
	{ "PKCS #7 SIGNED DATA", hf_reading_add_pkcs7 },
	{ "CMS", hf_reading_add_pkcs7 },
};

static int add_old_encrypted_key(struct hf_reading *r, struct hf_pem_block *block,
				 struct hf_err *err)
{
	if (!hf_reading_count_key(r, true))
		return 0;
	return hf_key_from_traditional(hf_buf_str(&block->headers), (uint8_t *)block->der.data,
				       block->der.len, &r->unlock, &r->file->key, err);
}

static int add_block(struct hf_reading *r, struct hf_pem_block *block, struct hf_err *err)
{
	const uint8_t *der = (const uint8_t *)hf_buf_str(&block->der);

	if (strstr(hf_buf_str(&block->headers), "ENCRYPTED") &&
	    hf_str_ends(block->label, "PRIVATE KEY") && block->der.len > 0)
		return add_old_encrypted_key(r, block, err);
	for (size_t i = 0; i < HF_ARRAY_LEN(labels); i++) {
		if (strcmp(labels[i].label, block->label) == 0)
			return labels[i].add(r, der, block->der.len, err);
	}
	if (r->file->unknown_blocks++ == 0)
		(void)hf_str_copy(r->file->unknown_label, sizeof(r->file->unknown_label),
				  block->label);
	return 0;
}

static int parse_pem(struct hf_reading *r, const void *data, size_t len, struct hf_err *err)
{
	struct hf_pem_reader reader;

	hf_pem_begin(&reader, data, len);
	for (;;) {
		HF_CLEANUP(hf_pem_block_done) struct hf_pem_block block;
		int rc = hf_pem_next(&reader, &block, err);

		if (rc <= 0)
			return rc;
		if (reader.number > HF_PEMFILE_BLOCKS)
			return hf_err_set(err, HF_E_LIMIT, "more than %d blocks",
					  (int)HF_PEMFILE_BLOCKS);
		rc = add_block(r, &block, err);
		if (rc < 0)
			return hf_err_context(err, rc, "block %zu (%s)", reader.number,
					      block.label);
	}
}

static bool is_der(const uint8_t *data, size_t len)
{
	/* a SEQUENCE; no text begins with '0' and a byte that is not ASCII */
	return len >= 2 && data[0] == 0x30 && (data[1] >= 0x80 || hf_der_is_whole(data, len));
}

static bool is_nothing(const struct hf_pemfile *f)
{
	return f->certs.len == 0 && f->crls.len == 0 && f->csrs_len == 0 && f->keys_len == 0 &&
	       f->public_keys_len == 0;
}

static bool is_white(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr(" \t\r\n", s[i]) || !s[i])
			return false;
	}
	return true;
}

static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 && !is_white(s + i, 1))
			return false;
	}
	return true;
}

/* What people hand in instead, by the first bytes. */
static const struct looks {
	const char *magic, *what, *hint;
} looks[] = {
	{ "\xfe\xed\xfe\xed", "a Java keystore (JKS)",
	  "convert it: keytool -importkeystore -srckeystore IN -destkeystore OUT -deststoretype pkcs12" },
	{ "\xff\xfe", "text in UTF-16", "convert it to plain text: iconv -f UTF-16 -t ASCII" },
	{ "\xfe\xff", "text in UTF-16", "convert it to plain text: iconv -f UTF-16 -t ASCII" },
	{ "ssh-", "an OpenSSH public key", "TLS needs an X.509 certificate" },
	{ "ecdsa-sha2-", "an OpenSSH public key", "TLS needs an X.509 certificate" },
	{ "PuTTY-User-Key-File", "a PuTTY key", "TLS needs a key in PEM or DER" },
	{ "MII", "base64 without its BEGIN and END lines", "put the BEGIN and END lines back" },
	{ "<", "a web page or XML", "the download went wrong: fetch the file again" },
	{ "{", "JSON", "extract the PEM text from it" },
	{ "PK\x03\x04", "a zip archive", "unpack it first" },
	{ "\x1f\x8b", "a gzip archive", "unpack it first" },
};

static int explain_nothing(const struct hf_pemfile *f, const char *data, size_t len,
			   struct hf_err *err)
{
	if (is_white(data, len)) {
		(void)hf_err_set(err, HF_MISTAKE_FILE_OTHER, "the file is empty");
		return hf_err_hint(err, "restore the file");
	}
	if (f->unknown_blocks > 0)
		return hf_err_set(err, HF_MISTAKE_FILE_OTHER,
				  "it holds nothing but '%s', which is of no use here",
				  f->unknown_label[0] ? f->unknown_label : "bags of other kinds");
	for (size_t i = 0; i < HF_ARRAY_LEN(looks); i++) {
		size_t n = strlen(looks[i].magic);

		if (len < n || memcmp(data, looks[i].magic, n) != 0)
			continue;
		(void)hf_err_set(err, HF_MISTAKE_FILE_OTHER, "it looks like %s", looks[i].what);
		return hf_err_hint(err, "%s", looks[i].hint);
	}
	return hf_err_set(err, HF_MISTAKE_FILE_OTHER,
			  "it holds no certificate, key, request or CRL: %s",
			  is_text(data, HF_MIN(len, 64)) ? "text without any PEM block"
							 : "binary data of no known kind");
}

static int parse(struct hf_reading *r, const void *data, size_t len, struct hf_err *err)
{
	if (!is_der(data, len))
		return parse_pem(r, data, len, err);
	r->file->was_der = true;
	return hf_reading_add_any(r, data, len, err);
}

static int too_large(struct hf_err *err)
{
	return hf_err_hint(err,
			   "a file may have %d MiB: give a list in DER, which takes a quarter less "
			   "than PEM, or have its CA make several lists, each of some certificates",
			   (int)HF_PEMFILE_CAP / (1024 * 1024));
}

int hf_pemfile_parse(struct hf_pemfile *f, const void *data, size_t len, const char *name,
		     unsigned want, const struct hf_passphrase_source *pass, struct hf_err *err)
{
	struct hf_pemfile fresh = HF_PEMFILE_INIT;
	struct hf_reading r = { f, want, HF_UNLOCK_INIT(pass, name) };
	int rc;

	if (len > HF_PEMFILE_CAP) {
		(void)hf_err_set(err, HF_E_LIMIT, "'%s' is larger than %d bytes", name,
				 (int)HF_PEMFILE_CAP);
		return too_large(err);
	}
	fresh.at_hand = f->at_hand;
	hf_pemfile_done(f);
	*f = fresh;
	rc = parse(&r, len > 0 ? data : "", len, err);
	if (rc == 0 && is_nothing(f))
		rc = explain_nothing(f, len > 0 ? data : "", len, err);
	hf_secret_done(&r.unlock.pass);
	return rc < 0 ? hf_err_context(err, rc, "'%s'", name) : 0;
}

int hf_pemfile_read(const char *path, struct hf_buf *out, struct hf_err *err)
{
	int rc = hf_file_read(path, out, err);

	return rc == -HF_E_LIMIT ? too_large(err) : rc;
}

int hf_pemfile_load(struct hf_pemfile *f, const char *path, unsigned want,
		    const struct hf_passphrase_source *pass, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_PEMFILE_CAP);
	int rc = hf_pemfile_read(path, &data, err);

	return rc < 0 ? rc : hf_pemfile_parse(f, data.data, data.len, path, want, pass, err);
}

/* "a CRL of X", or "3 CRLs, the first of X"; who may be NULL. */
static void put_item(struct hf_buf *out, size_t count, const char *one, const char *many,
		     const char *who)
{
	if (count == 0)
		return;
	if (out->len > 0)
		(void)hf_buf_puts(out, ", ");
	if (count == 1)
		(void)hf_buf_puts(out, one);
	else
		(void)hf_buf_printf(out, "%zu %s", count, many);
	if (who)
		(void)hf_buf_printf(out, " %s", who);
}

void hf_pemfile_describe(const struct hf_pemfile *f, char *out, size_t cap)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 22);

	put_item(&text, f->certs.len, "a certificate for", "certificates, the first for",
		 f->certs.len > 0 ? f->certs.items[0]->subject : NULL);
	put_item(&text, f->csrs_len, "a certificate request (CSR) for",
		 "certificate requests, the first for",
		 f->csrs_len > 0 ? f->csrs[0]->subject : NULL);
	put_item(&text, f->crls.len, "a CRL of", "CRLs, the first of",
		 f->crls.len > 0 ? f->crls.items[0]->issuer : NULL);
	put_item(&text, f->keys_len,
		 f->key_encrypted ? "an encrypted private key" : "a private key", "private keys",
		 NULL);
	put_item(&text, f->public_keys_len, "a public key", "public keys", NULL);
	if (text.len == 0)
		(void)hf_buf_puts(&text, f->unknown_blocks > 0 ? f->unknown_label : "nothing");
	(void)hf_str_copy(out, cap, hf_buf_str(&text));
}

void hf_pemfile_done(struct hf_pemfile *f)
{
	struct hf_pemfile fresh = HF_PEMFILE_INIT;

	if (!f)
		return;
	hf_certs_done(&f->certs);
	hf_crls_done(&f->crls);
	for (size_t i = 0; i < f->csrs_len; i++)
		hf_csr_free(f->csrs[i]);
	free(f->csrs);
	EVP_PKEY_free(f->key);
	*f = fresh;
}
