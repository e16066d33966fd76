/* SPDX-License-Identifier: Apache-2.0 */
/* Key and chain that belong together.  Must never hand out a credential whose key does not match
 * its leaf, and always say which of the usual mistakes it met. */
#include "pki/credential.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "pki/der.h"

enum { WORDS_CAP = 256 };

/* True when `issuer` signed `cert`: by name, then by signature, so that a CA of the same name with
 * another key is not mistaken for it. */
static bool issued_by(const struct hf_cert *cert, const struct hf_cert *issuer)
{
	EVP_PKEY *key = hf_cert_key_get0(issuer);
	bool ok;

	if (!key || X509_NAME_cmp(X509_get_issuer_name(cert->x509),
				  X509_get_subject_name(issuer->x509)) != 0)
		return false;
	(void)ERR_set_mark();
	ok = X509_verify(cert->x509, key) == 1;
	(void)ERR_pop_to_mark();
	return ok;
}

static bool is_self_signed(const struct hf_cert *cert)
{
	return (cert->flags & HF_CERT_SELF_ISSUED) && issued_by(cert, cert);
}

/* Which certificate the key belongs to; -1 when none.  One that is no CA is preferred: a CA may
 * have issued itself a certificate for the same key. */
static ssize_t find_leaf(const struct hf_certs *certs, const EVP_PKEY *key)
{
	ssize_t found = -1;

	for (size_t i = 0; i < certs->len; i++) {
		const struct hf_cert *cert = certs->items[i];

		if (!hf_key_same(hf_cert_key_get0(cert), key))
			continue;
		if (i == 0 || !(cert->flags & HF_CERT_CA))
			return (ssize_t)i;
		if (found < 0)
			found = (ssize_t)i;
	}
	return found;
}

static struct hf_cert *find_issuer(const struct hf_certs *certs, const struct hf_certs *chain,
				   const struct hf_cert *cert)
{
	for (size_t i = 0; i < certs->len; i++) {
		if (!hf_certs_has(chain, certs->items[i]) && issued_by(cert, certs->items[i]))
			return certs->items[i];
	}
	return NULL;
}

/* Appends issuer after issuer.  A root that is in the file ends the path and stays: what is sent is
 * what the file says, although peers must have it anyway (RFC 8446 4.4.2). */
static int follow_issuers(struct hf_credential *c, const struct hf_certs *certs, struct hf_err *err)
{
	struct hf_cert *cert = c->chain.items[0];

	while (!is_self_signed(cert)) {
		struct hf_cert *issuer = find_issuer(certs, &c->chain, cert);
		int rc;

		if (!issuer)
			return 0;
		rc = hf_certs_add(&c->chain, issuer, err);
		if (rc < 0)
			return rc;
		cert = issuer;
	}
	return 0;
}

/* What is not on the path follows as it stands in the file: cross certificates belong there, and a
 * wrong intermediate is for the judge to name. */
static int append_rest(struct hf_credential *c, const struct hf_certs *certs, struct hf_err *err)
{
	for (size_t i = 0; i < certs->len; i++) {
		int rc;

		if (hf_certs_has(&c->chain, certs->items[i]))
			continue;
		if (is_self_signed(certs->items[i])) {
			c->stray_dropped = true;
			continue;
		}
		rc = hf_certs_add(&c->chain, certs->items[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* True when the chain's certificates stand in another order in the file. */
static bool was_reordered(const struct hf_certs *chain, const struct hf_certs *file)
{
	size_t next = 0;

	for (size_t i = 0; i < file->len && next < chain->len; i++) {
		if (hf_cert_equal(file->items[i], chain->items[next]))
			next++;
	}
	return next < chain->len;
}

static int arrange(struct hf_credential *c, const struct hf_certs *certs, size_t leaf,
		   struct hf_err *err)
{
	int rc = hf_certs_add(&c->chain, certs->items[leaf], err);

	if (rc == 0)
		rc = follow_issuers(c, certs, err);
	if (rc == 0)
		rc = append_rest(c, certs, err);
	if (rc == 0)
		c->reordered = was_reordered(&c->chain, certs);
	return rc;
}

static int mismatch(const EVP_PKEY *key, const struct hf_cert *leaf, struct hf_err *err)
{
	char have[WORDS_CAP], want[WORDS_CAP];

	hf_key_describe(key, have, sizeof(have));
	hf_key_describe(hf_cert_key_get0(leaf), want, sizeof(want));
	if (strcmp(have, want) == 0)
		(void)hf_err_set(
		    err, HF_MISTAKE_KEY_MISMATCH,
		    "the private key does not belong to the certificate for %s: both are %s, but "
		    "not the same key",
		    leaf->subject, have);
	else
		(void)hf_err_set(
		    err, HF_MISTAKE_KEY_MISMATCH,
		    "the private key (%s) does not belong to the certificate for %s (%s)", have,
		    leaf->subject, want);
	return hf_err_hint(err, "use the key made with this certificate's request, or enrol again");
}

int hf_credential_new(EVP_PKEY *key, const struct hf_certs *chain,
		      struct hf_credential **ret_credential, struct hf_err *err)
{
	HF_AUTO(hf_credential) c = calloc(1, sizeof(*c));
	ssize_t leaf;
	int rc;

	if (!c)
		return hf_err_nomem(err);
	if (chain->len == 0)
		return hf_err_set(err, HF_E_INVALID, "a credential needs a certificate");
	leaf = find_leaf(chain, key);
	if (leaf < 0)
		return mismatch(key, chain->items[0], err);
	rc = arrange(c, chain, (size_t)leaf, err);
	if (rc < 0)
		return rc;
	if (!EVP_PKEY_up_ref(key))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hold the private key");
	c->key = key;
	*ret_credential = hf_take(c);
	return 0;
}

void hf_credential_free(struct hf_credential *c)
{
	if (!c)
		return;
	EVP_PKEY_free(c->key);
	hf_certs_done(&c->chain);
	free(c->staple);
	free(c->cert_path);
	free(c->key_path);
	free(c);
}

/* --- from files -------------------------------------------------------------------------- */

struct paths {
	const char *cert, *key; /* key: NULL when the certificate file holds it */
};

static bool holds_key_only(const struct hf_pemfile *f)
{
	return f->certs.len == 0 && f->keys_len > 0;
}

/* The certificate file has no certificate: is it the key, a request, or what? */
static int no_certificate(const struct paths *p, const struct hf_pemfile *f, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) other = HF_PEMFILE_INIT;
	char words[WORDS_CAP];

	if (p->key && holds_key_only(f) && hf_pemfile_load(&other, p->key, 0, NULL, NULL) == 0 &&
	    other.certs.len > 0) {
		(void)hf_err_set(
		    err, HF_MISTAKE_KEY_SWAPPED,
		    "certificate and key are swapped: '%s' holds the private key, '%s' the certificate",
		    p->cert, p->key);
		return hf_err_hint(err, "exchange the two paths");
	}
	hf_pemfile_describe(f, words, sizeof(words));
	(void)hf_err_set(err, HF_MISTAKE_CERT_MISSING, "'%s' holds no certificate, but %s", p->cert,
			 words);
	if (f->csrs_len > 0)
		return hf_err_hint(
		    err, "send the request to the CA and install the certificate that comes back");
	return hf_err_hint(err, "name the file that holds the certificate");
}

static int no_key(const char *path, bool same_file, const struct hf_pemfile *f, struct hf_err *err)
{
	char words[WORDS_CAP];

	hf_pemfile_describe(f, words, sizeof(words));
	(void)hf_err_set(err, HF_MISTAKE_KEY_MISSING, "'%s' holds no private key, but %s", path,
			 words);
	if (same_file)
		return hf_err_hint(err, "name the key's file too (--key)");
	return hf_err_hint(
	    err, "name the file with the private key that was made with the certificate's request");
}

/* One file for both is read once: it may be a pipe, and a PKCS#12 file asks for its passphrase. */
static int load_both(const struct paths *p, const struct hf_passphrase_source *pass,
		     struct hf_pemfile *certs, struct hf_pemfile *keys, struct hf_err *err)
{
	int rc = hf_pemfile_load(certs, p->cert, p->key ? 0 : HF_WANT_KEY, pass, err);

	if (rc < 0)
		return hf_err_context(err, rc, "certificate");
	if (certs->certs.len == 0)
		return no_certificate(p, certs, err);
	if (!p->key)
		return certs->key ? 0 : no_key(p->cert, true, certs, err);
	rc = hf_pemfile_load(keys, p->key, HF_WANT_KEY, pass, err);
	if (rc < 0)
		return hf_err_context(err, rc, "private key");
	return keys->key ? 0 : no_key(p->key, false, keys, err);
}

static int remember_paths(struct hf_credential *c, const struct paths *p, struct hf_err *err)
{
	const char *secret = p->key ? p->key : p->cert;
	mode_t mode;

	c->cert_path = hf_str_dup(p->cert);
	c->key_path = p->key ? hf_str_dup(p->key) : NULL;
	if (!c->cert_path || (p->key && !c->key_path))
		return hf_err_nomem(err);
	c->key_world_readable = hf_file_mode(secret, &mode) && (mode & 044) != 0;
	return 0;
}

int hf_credential_load(const char *cert_path, const char *key_path,
		       const struct hf_passphrase_source *pass,
		       struct hf_credential **ret_credential, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) certs = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) keys = HF_PEMFILE_INIT;
	HF_AUTO(hf_credential) c = NULL;
	struct paths p = { cert_path,
			   key_path && strcmp(cert_path, key_path) != 0 ? key_path : NULL };
	int rc = load_both(&p, pass, &certs, &keys, err);

	if (rc < 0)
		return rc;
	rc = hf_credential_new(keys.key ? keys.key : certs.key, &certs.certs, &c, err);
	if (rc < 0)
		return hf_err_context(err, rc, "'%s' and '%s'", p.key ? p.key : p.cert, p.cert);
	assert(c);
	rc = remember_paths(c, &p, err);
	if (rc < 0)
		return rc;
	*ret_credential = hf_take(c);
	return 0;
}
