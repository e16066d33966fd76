/* SPDX-License-Identifier: Apache-2.0 */
/* Founding an authority: its names, its certificates, its first lists.  Must never leave a root's
 * key in a home whose root is offline. */
#include "ca/init.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "ca/crl.h"
#include "ca/founding.h"
#include "ca/signer.h"
#include "pki/name.h"

enum { CN_CAP = 64 };

void hf_init_result_done(struct hf_init_result *r)
{
	hf_cert_unref(r->root);
	hf_cert_unref(r->issuing);
	hf_strv_done(&r->notes);
	*r = (struct hf_init_result){ .root = NULL };
}

/* --- names --- */

static int add_part(X509_NAME *name, const char *type, const char *value, struct hf_err *err)
{
	if (X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1,
				       -1, 0))
		return 0;
	(void)hf_err_ossl(err, HF_E_INVALID, "'%s' cannot be the %s of a subject", value, type);
	return hf_err_hint(
	    err,
	    "a part of a subject has at most %d characters: choose a shorter NAME, or --subject",
	    (int)CN_CAP);
}

static int root_subject(const struct hf_init_options *o, X509_NAME **ret_name, struct hf_err *err)
{
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO(cstr) cn = hf_str_printf("%s Root CA", o->name);
	int rc;

	if (o->subject) {
		rc = hf_name_parse(o->subject, ret_name, err);
		if (rc == 0 && hf_name_is_empty(*ret_name))
			return hf_err_set(err, HF_E_INVALID,
					  "a CA needs a subject (RFC 5280 4.1.2.6)");
		return rc;
	}
	name = X509_NAME_new();
	if (!name || !cn)
		return hf_err_nomem(err);
	rc = add_part(name, "O", o->name, err);
	if (rc == 0)
		rc = add_part(name, "CN", cn, err);
	if (rc < 0)
		return rc;
	*ret_name = hf_take(name);
	return 0;
}

static int issuing_cn(const struct hf_init_options *o, const X509_NAME *root, char **ret_cn,
		      struct hf_err *err)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	int rc = hf_name_values(root, NID_commonName, &values, &len, err);

	if (rc < 0)
		return rc;
	*ret_cn = len == 0     ? hf_str_dup("Issuing CA")
		  : o->subject ? hf_str_printf("%s Issuing CA", values[len - 1].utf8)
			       : hf_str_printf("%s Issuing CA", o->name);
	hf_name_values_free(values, len);
	return *ret_cn ? 0 : hf_err_nomem(err);
}

/* The root's subject with another common name, so that the two can be told apart. */
static int below_root(const struct hf_init_options *o, const X509_NAME *root, X509_NAME **ret_name,
		      struct hf_err *err)
{
	HF_AUTO(X509_NAME) name = X509_NAME_dup(root);
	HF_AUTO(cstr) cn = NULL;
	int at, rc;

	if (!name)
		return hf_err_nomem(err);
	rc = issuing_cn(o, root, &cn, err);
	if (rc < 0)
		return rc;
	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, -1)) >= 0)
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
	rc = add_part(name, "CN", cn, err);
	if (rc < 0)
		return rc;
	*ret_name = hf_take(name);
	return 0;
}

int hf_founding_issuing_subject(const struct hf_init_options *o, const X509_NAME *root,
				X509_NAME **ret_name, struct hf_err *err)
{
	HF_AUTO(X509_NAME) name = NULL;
	int rc;

	if (root)
		return below_root(o, root, ret_name, err);
	rc = root_subject(o, &name, err);
	if (rc < 0)
		return rc;
	if (!o->subject)
		return below_root(o, name, ret_name, err);
	*ret_name = hf_take(name); /* as it was asked for */
	return 0;
}

/* --- certificates --- */

static bool has_issuing(const struct hf_init_options *o)
{
	return !o->single && !o->root_only;
}

static int issue_one(struct hf_founding *f, struct hf_order *order, struct hf_err *err)
{
	struct hf_order *orders[] = { order };
	int rc = hf_order_check(f->a, order, f->now, err);

	if (rc == 0)
		rc = hf_issue(f->a, orders, 1, f->now, err);
	if (rc < 0)
		return rc;
	if (!order->cert) {
		if (err)
			*err = order->err;
		return -order->err.code;
	}
	for (size_t i = 0; i < order->notes.len; i++) {
		if (hf_strv_add(&f->r->notes, order->notes.items[i]) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

static int take_root(struct hf_founding *f, struct hf_cert *cert, EVP_PKEY *key, struct hf_err *err)
{
	int rc = hf_authority_adopt(f->a, &f->a->root, cert, "root", f->now, err);

	if (rc < 0)
		return rc;
	if (!EVP_PKEY_up_ref(key))
		return hf_err_nomem(err);
	f->a->root.key = key;
	f->r->root = hf_cert_ref(cert);
	return hf_authority_make_trust(f->a, err);
}

int hf_founding_make_root(struct hf_founding *f, struct hf_err *err)
{
	HF_AUTO_DONE(hf_order) order = { .lifetime = f->o->lifetime };
	int rc = 0;

	if (f->o->root_name)
		order.subject = X509_NAME_dup(f->o->root_name);
	else
		rc = root_subject(f->o, &order.subject, err);
	if (rc == 0 && !order.subject)
		return hf_err_nomem(err);
	order.profile = hf_ca_profile_find(f->o->single ? "single" : "root");
	(void)hf_str_copy(order.name, sizeof(order.name), "root");
	if (rc == 0)
		rc = hf_key_generate(f->o->key_type, &order.key, err);
	if (rc == 0 && f->o->single && f->o->permit) {
		order.permit = ASN1_item_dup(ASN1_ITEM_rptr(NAME_CONSTRAINTS), f->o->permit);
		if (!order.permit)
			return hf_err_nomem(err);
	}
	if (rc == 0)
		rc = issue_one(f, &order, err);
	return rc < 0 ? rc : take_root(f, order.cert, order.key, err);
}

/* What a certificate must be to found an authority on it. */
static int check_root(const struct hf_init_options *o, const struct hf_cert *cert,
		      const EVP_PKEY *key, int64_t now, struct hf_err *err)
{
	const char *why = NULL;

	if (!hf_key_same(key, hf_cert_key_get0(cert))) {
		(void)hf_err_set(err, HF_E_MISMATCH, "'%s' is not the key of '%s'", o->root_key,
				 o->root_cert);
		return hf_err_hint(err, "give the certificate and the key that belong together");
	}
	if (cert->version < 3 || !(cert->flags & HF_CERT_CA))
		why = "it is not a CA certificate (version 3 with CA:TRUE)";
	else if (!(cert->ku & KU_KEY_CERT_SIGN) || !(cert->ku & KU_CRL_SIGN))
		why = "its key usage does not allow signing certificates and revocation lists";
	else if (cert->not_after <= now)
		why = "it has expired";
	else if (cert->pathlen == 0 && !o->single) /* a root alone needs room below it too */
		why = "its path length 0 leaves no room for an issuing CA";
	if (!why)
		return 0;
	(void)hf_err_set(err, HF_E_POLICY, "no authority can be founded on '%s': %s", o->root_cert,
			 why);
	return hf_err_hint(err, "%s",
			   cert->pathlen == 0 ? "use --single to issue from it directly"
					      : "make a root with: handfast init NAME");
}

static int take_existing_root(struct hf_founding *f, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) certs = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) keys = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&certs, f->o->root_cert, 0, &f->o->pass, err);

	if (rc == 0)
		rc = hf_pemfile_load(&keys, f->o->root_key, HF_WANT_KEY, &f->o->pass, err);
	if (rc < 0)
		return rc;
	if (certs.certs.len == 0 || !keys.key)
		return hf_err_set(err, HF_E_PARSE, "'%s' holds no %s",
				  keys.key ? f->o->root_cert : f->o->root_key,
				  keys.key ? "certificate" : "private key");
	rc = check_root(f->o, certs.certs.items[0], keys.key, f->now, err);
	if (rc == 0 && !has_issuing(f->o) && keys.key_encrypted && !f->o->passphrase)
		return hf_err_set(err, HF_E_PASSPHRASE,
				  "the root's key is encrypted and would be kept in plain: "
				  "give --passphrase-file");
	return rc < 0 ? rc : take_root(f, certs.certs.items[0], keys.key, err);
}

/* A key in a token is known by its URI, in the place where the key would be. */
int hf_founding_issuing_key(const struct hf_founding *f, const char *dir, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(64 * 1024);

	if (!f->o->issuing_key)
		return hf_founding_key(f, dir, "issuing.key", f->a->issuing.key, err);
	if (hf_buf_printf(&line, "%s\n", f->o->issuing_key) < 0)
		return hf_err_nomem(err);
	return hf_founding_file(dir, "issuing.key", &line, HF_MODE_SECRET, err);
}

int hf_founding_make_issuing(struct hf_founding *f, struct hf_err *err)
{
	HF_AUTO_DONE(hf_order) order = { .lifetime = f->o->issuing_lifetime };
	int rc = 0;

	if (f->o->issuing_name)
		order.subject = X509_NAME_dup(f->o->issuing_name);
	else
		rc = hf_founding_issuing_subject(f->o, X509_get_subject_name(f->a->root.cert->x509),
						 &order.subject, err);
	if (rc == 0 && !order.subject)
		return hf_err_nomem(err);

	order.profile = hf_ca_profile_find("issuing");
	(void)hf_str_copy(order.name, sizeof(order.name), "issuing");
	if (rc == 0)
		rc = f->o->issuing_key
			 ? hf_signer_from_uri(f->o->issuing_key, &f->o->pin, &order.key, err)
			 : hf_key_generate(f->o->key_type, &order.key, err);
	if (rc == 0 && f->o->permit) {
		order.permit = ASN1_item_dup(ASN1_ITEM_rptr(NAME_CONSTRAINTS), f->o->permit);
		if (!order.permit)
			return hf_err_nomem(err);
	}
	if (rc == 0)
		rc = issue_one(f, &order, err);
	if (rc == 0)
		rc = hf_authority_adopt(f->a, &f->a->issuing, order.cert, "issuing", f->now, err);
	if (rc < 0)
		return rc;
	f->a->issuing.key = hf_take(order.key);
	f->r->issuing = hf_cert_ref(order.cert);
	return hf_authority_make_trust(f->a, err);
}

/* --- the whole --- */

static int publish_lists(struct hf_founding *f, struct hf_err *err)
{
	struct hf_ca *const cas[] = { &f->a->root, has_issuing(f->o) ? &f->a->issuing : NULL };
	int rc = 0;

	f->a->root.crl_name = f->o->single ? "crl.pem" : "root.crl.pem";
	f->a->issuing.crl_name = "crl.pem";
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(cas); i++) {
		HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };

		if (cas[i])
			rc = hf_authority_publish_crl(f->a, cas[i], 0, NULL, f->now, &p, err);
	}
	return rc;
}

/* The key that is taken away is in its place before the authority appears. */
static int take_root_away(struct hf_founding *f, struct hf_err *err)
{
	const char *dir = f->o->root_out;
	int rc;

	if (!dir)
		return 0;
	rc = hf_dir_make(dir, HF_MODE_SECRET_DIR, err);
	if (rc == 0)
		rc = hf_founding_key(f, dir, "root.key", f->a->root.key, err);
	if (rc == 0)
		rc = hf_founding_certs(dir, "root.pem", f->a->root.cert, NULL, err);
	return rc < 0 ? hf_err_context(err, rc, "--root-out") : 0;
}

static int fill(struct hf_founding *f, struct hf_err *err)
{
	const struct hf_init_options *o = f->o;
	int rc = o->root_cert ? take_existing_root(f, err) : hf_founding_make_root(f, err);

	if (rc == 0 && has_issuing(o))
		rc = hf_founding_make_issuing(f, err);
	if (rc == 0)
		rc = hf_founding_certs(f->a->dir, "root.pem", f->a->root.cert, NULL, err);
	if (rc == 0 && has_issuing(o))
		rc = hf_founding_certs(f->a->dir, "issuing.pem", f->a->issuing.cert, NULL, err);
	if (rc == 0)
		rc = hf_founding_certs(f->a->dir, "chain.pem", f->a->issuing.cert, f->a->root.cert,
				       err);
	if (rc == 0 && has_issuing(o))
		rc = hf_founding_issuing_key(f, f->a->dir, err);
	if (rc == 0)
		rc = publish_lists(f, err);
	if (rc == 0 && !o->root_out && (!has_issuing(o) || !o->root_cert))
		rc = hf_founding_key(f, f->a->dir, "root.key", f->a->root.key, err);
	if (rc == 0 && o->root_only)
		rc = hf_store_meta_set(f->a->store, HF_META_ROOT_ONLY, "1", err);
	if (rc == 0)
		rc = hf_store_audit_append(f->a->store, "init", f->a->root.cert->subject, f->now,
					   err);
	return rc < 0 ? rc : take_root_away(f, err);
}

static void describe(struct hf_founding *f)
{
	const char *dir = f->o->root_out ? f->o->root_out : f->place;

	if (f->o->root_cert && has_issuing(f->o) && !f->o->root_out)
		(void)snprintf(f->r->root_key_path, sizeof(f->r->root_key_path), "%s",
			       f->o->root_key);
	else
		(void)hf_path_join(f->r->root_key_path, sizeof(f->r->root_key_path), dir,
				   "root.key", NULL);
}

int hf_authority_init(const struct hf_init_options *options, struct hf_init_result *ret_result,
		      struct hf_err *err)
{
	struct hf_founding f = { .o = options, .r = ret_result, .now = options->now, .fill = fill };
	int rc = hf_founding_run(&f, err);

	if (rc == 0)
		describe(&f);
	return rc;
}
