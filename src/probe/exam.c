/* SPDX-License-Identifier: Apache-2.0 */
/* The examination of files.  Must never say that a file is wrong without saying what it is. */
#include "probe/exam.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"

enum part { PART_CERT, PART_KEY, PART_CA, PART_CRL };
static const char *const part_words[] = { "certificate file", "key file", "CA file", "CRL file" };

struct exam {
	const struct hf_exam_files *files;
	struct hf_case *c;
};

/* What to do, with the file's name in it. */
static const struct {
	enum hf_reason reason;
	const char *before, *after;
} fixes[] = {
	{ HF_REASON_F_DAMAGED, "copy ", " again, whole" },
	{ HF_REASON_F_CA_EMPTY, "restore ", ": it must hold the CA certificate of the other side" },
	{ HF_REASON_F_KEY_MISMATCH,
	  "put the key that was made with this certificate's request in place of ",
	  ", or enrol again (handfast issue, or request and install)" },
	{ HF_REASON_F_KEY_ENCRYPTED,
	  "give the passphrase (--passphrase-file FILE), or store the key decrypted, "
	  "mode 0600: openssl pkey -in ",
	  " -out PLAIN.pem" },
	{ HF_REASON_F_PASSPHRASE, "correct the passphrase of ", " (--passphrase-file)" },
};

static void name_fix(struct hf_file_finding *f, const char *path)
{
	(void)snprintf(f->fix, sizeof(f->fix), "%s", hf_reason_info(f->reason)->remedy);
	for (size_t i = 0; i < HF_ARRAY_LEN(fixes); i++) {
		if (fixes[i].reason == f->reason)
			(void)snprintf(f->fix, sizeof(f->fix), "%s%s%s", fixes[i].before, path,
				       fixes[i].after);
	}
}

static struct hf_file_finding *add(struct exam *x, enum hf_reason reason, const char *path,
				   const char *text)
{
	struct hf_file_finding *f;

	if (x->c->files_len == HF_FILE_FINDINGS_CAP)
		return NULL;
	f = &x->c->files[x->c->files_len++];
	*f = (struct hf_file_finding){ .reason = reason, .server_side = x->files->server_side };
	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	(void)snprintf(f->text, sizeof(f->text), "%s", text);
	name_fix(f, path);
	return f;
}

static void found(struct exam *x, enum hf_reason reason, const char *path, const char *fix,
		  const char *fmt, ...) HF_PRINTF(5, 6);
static void found(struct exam *x, enum hf_reason reason, const char *path, const char *fix,
		  const char *fmt, ...)
{
	struct hf_file_finding *f;
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	f = add(x, reason, path, text);
	if (f && fix)
		(void)snprintf(f->fix, sizeof(f->fix), "%s", fix);
}

static bool has_begin(const struct hf_buf *data)
{
	return strstr(hf_buf_str(data), "-----BEGIN") != NULL;
}

static bool is_directory(const char *path)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;

	return hf_dir_list(path, &names, NULL) == 0;
}

/* The system's own words first: missing and unreadable. */
static bool read_file(struct exam *x, const char *path, enum part part, struct hf_buf *data)
{
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_file_read(path, data, &err);
	char fix[512];

	if (rc == 0)
		return true;
	if (rc == -HF_E_NOENT) {
		(void)snprintf(fix, sizeof(fix), "correct the path of the %s (%s)",
			       part_words[part], path);
		found(x, HF_REASON_F_MISSING, path, fix, "the %s %s does not exist",
		      part_words[part], path);
	} else if (rc == -HF_E_PERM && !x->files->server_side) {
		(void)
		    snprintf(fix, sizeof(fix),
			     "chown the file to the user that runs the client: chown USER %s (keep "
			     "mode 0600 for a key)",
			     path);
		found(x, HF_REASON_F_UNREADABLE, path, fix,
		      "the %s %s may not be read by the user that runs this", part_words[part],
		      path);
	} else if (rc != -HF_E_PERM) {
		found(x, HF_REASON_F_DAMAGED, path,
		      is_directory(path) ? "name a file, not the directory it is in" : NULL, "%s",
		      err.msg);
	}
	return false;
}

static void unreadable_text(struct exam *x, const char *path, enum part part,
			    const struct hf_buf *data, int rc, const struct hf_err *err)
{
	if (rc == -HF_E_UNSUPPORTED && strstr(err->msg, "legacy provider")) {
		found(x, HF_REASON_F_P12_LEGACY, path, err->hint[0] ? err->hint : NULL, "%s",
		      err->msg);
	} else if (rc == -HF_E_PASSPHRASE) {
		enum hf_reason reason =
		    x->files->passphrase_given ? HF_REASON_F_PASSPHRASE : HF_REASON_F_KEY_ENCRYPTED;

		found(x, reason, path, NULL, "the private key in %s is encrypted, and %s", path,
		      x->files->passphrase_given ? "the passphrase given does not open it"
						 : "no passphrase was given");
	} else if (part == PART_CA && !has_begin(data)) {
		found(x, HF_REASON_F_CA_EMPTY, path, NULL,
		      "the CA file %s has no certificate in it: %s", path, err->msg);
	} else {
		found(x, HF_REASON_F_DAMAGED, path, NULL, "the %s is damaged: %s", part_words[part],
		      err->msg);
	}
}

/* True when it could be read and understood. */
static bool load(struct exam *x, const char *path, enum part part, bool want_key,
		 struct hf_pemfile *f)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_PEMFILE_CAP);
	struct hf_err err = HF_ERR_INIT;
	int rc;

	if (!read_file(x, path, part, &data))
		return false;
	rc = hf_pemfile_parse(f, hf_buf_str(&data), data.len, path, want_key ? HF_WANT_KEY : 0,
			      x->files->pass, &err);
	if (rc < 0)
		unreadable_text(x, path, part, &data, rc, &err);
	return rc == 0;
}

static void der(struct exam *x, const struct hf_pemfile *f, const char *path, const char *tool)
{
	char fix[512];

	if (!f->was_der || f->was_pkcs12)
		return;
	(void)snprintf(fix, sizeof(fix), "openssl %s -inform DER -in %s -out %s.pem", tool, path,
		       path);
	found(x, HF_REASON_F_DER, path, fix,
	      "%s is DER (binary): curl, Node, Python, nginx and most others expect PEM", path);
}

static void no_certificate(struct exam *x, const struct hf_pemfile *cert,
			   const struct hf_pemfile *key, const char *path)
{
	char is[256], fix[512];

	hf_pemfile_describe(cert, is, sizeof(is));
	if (cert->csrs_len > 0) {
		found(
		    x, HF_REASON_F_CSR, path,
		    "send the request to the CA (handfast sign), and install the certificate that "
		    "comes back (handfast install)",
		    "the certificate file %s holds no certificate: it is %s", path, is);
	} else if (cert->keys_len > 0) {
		(void)snprintf(fix, sizeof(fix), "exchange the two paths: --cert %s --key %s",
			       x->files->key ? x->files->key : "CERTIFICATE", path);
		found(x, HF_REASON_F_SWAPPED, path, fix,
		      key->certs.len > 0 ? "certificate and key files are swapped: %s holds %s"
					 : "the certificate file %s holds no certificate: it is %s",
		      path, is);
	} else {
		found(x, HF_REASON_F_DAMAGED, path, NULL,
		      "the certificate file %s holds no certificate: it is %s", path, is);
	}
}

static void match(struct exam *x, const struct hf_pemfile *cert, EVP_PKEY *key)
{
	struct hf_file_finding *f;
	const char *where;
	char words[512];

	if (hf_key_same(hf_cert_key_get0(cert->certs.items[0]), key))
		return;
	for (size_t i = 1; i < cert->certs.len; i++) {
		if (!hf_key_same(hf_cert_key_get0(cert->certs.items[i]), key))
			continue;
		(void)snprintf(words, sizeof(words),
			       "%s begins with %s; the key belongs to certificate %zu, %s",
			       x->files->cert, cert->certs.items[0]->subject, i + 1,
			       cert->certs.items[i]->subject);
		f = add(x, HF_REASON_F_ORDER, x->files->cert, words);
		if (f)
			(void)snprintf(f->fix, sizeof(f->fix),
				       "put the leaf (%s) first in %s, then its CA",
				       cert->certs.items[i]->subject, x->files->cert);
		if (f)
			f->cert = hf_cert_ref(cert->certs.items[0]);
		return;
	}
	/* a token's URI may tell more than it should */
	where = x->files->key_in_token ? NULL : x->files->key ? x->files->key : x->files->cert;
	(void)snprintf(words, sizeof(words), "the private key in %s does not belong to %s in %s",
		       where ? where : "the token", cert->certs.items[0]->subject, x->files->cert);
	f = add(x, HF_REASON_F_KEY_MISMATCH, where ? where : x->files->cert, words);
	if (f)
		f->cert = hf_cert_ref(cert->certs.items[0]);
}

static void pair(struct exam *x)
{
	HF_AUTO_DONE(hf_pemfile) cert = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) key = HF_PEMFILE_INIT;
	const char *key_path = x->files->key;
	bool one = !key_path || strcmp(key_path, x->files->cert) == 0;
	bool have = load(x, x->files->cert, PART_CERT, one && !x->files->server_side, &cert);
	bool have_key = one			 ? have
			: x->files->key_in_token ? false
						 : load(x, key_path, PART_KEY, true, &key);
	EVP_PKEY *pkey = one ? cert.key : x->files->key_in_token ? x->files->token_key : key.key;
	char is[256];

	if (have && cert.certs.len == 0) {
		no_certificate(x, &cert, &key, x->files->cert);
		return;
	}
	if (have)
		der(x, &cert, x->files->cert, "x509");
	if (have_key && !pkey && !(one && x->files->server_side)) {
		hf_pemfile_describe(one ? &cert : &key, is, sizeof(is));
		found(x, HF_REASON_F_MISSING, one ? x->files->cert : key_path,
		      "name the file with the private key (--key FILE)",
		      "%s holds no private key, but %s", one ? x->files->cert : key_path, is);
		return;
	}
	if (have_key && !one)
		der(x, &key, key_path, "pkey");
	if (have && pkey && cert.certs.len > 0)
		match(x, &cert, pkey);
}

static void ca_file(struct exam *x, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	char is[256];

	if (!load(x, path, PART_CA, false, &f))
		return;
	if (f.certs.len > 0) {
		der(x, &f, path, "x509");
		return;
	}
	hf_pemfile_describe(&f, is, sizeof(is));
	found(x, HF_REASON_F_CA_EMPTY, path, NULL,
	      "the CA file %s has no certificate in it: it is %s", path, is);
}

static void crl_file(struct exam *x, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	char is[256];

	if (!load(x, path, PART_CRL, false, &f) || f.crls.len > 0)
		return;
	hf_pemfile_describe(&f, is, sizeof(is));
	found(x, HF_REASON_F_DAMAGED, path, "name a file with revocation lists",
	      "the CRL file %s has no revocation list in it: it is %s", path, is);
}

void hf_exam_files(const struct hf_exam_files *files, struct hf_case *c)
{
	struct exam x = { files, c };

	if (files->cert)
		pair(&x);
	for (size_t i = 0; files->ca && i < files->ca->len; i++)
		ca_file(&x, files->ca->items[i]);
	for (size_t i = 0; files->crl && i < files->crl->len; i++) {
		if (!is_directory(files->crl->items[i]))
			crl_file(&x, files->crl->items[i]);
	}
}
