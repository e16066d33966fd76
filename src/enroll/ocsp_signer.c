/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that OCSP answers are signed with: issued by the CA it answers for, and renewed
 * in place.  Must never be used with a key that is not its own. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/order.h"
#include "enroll/ocsp.h"
#include "util/log.h"

enum { PEM_CAP = 64 * 1024 };

void hf_ocsp_signer_done(struct hf_ocsp_signer *s)
{
	hf_cert_unref(s->issuer);
	hf_cert_unref(s->cert);
	EVP_PKEY_free(s->key);
	*s = (struct hf_ocsp_signer){ .issuer = NULL };
}

/* Beside the CA's list: ca/ocsp.pem of the CA that issues leaves, ca/root.ocsp.pem of the root. */
static int paths(const struct hf_authority *a, const struct hf_ca *ca, char cert[PATH_MAX],
		 char key[PATH_MAX], struct hf_err *err)
{
	int stem = (int)(strlen(ca->crl_name) - strlen("crl.pem"));
	char name[HF_ORDER_NAME_CAP];
	int rc;

	(void)snprintf(name, sizeof(name), "%.*socsp.pem", stem, ca->crl_name);
	rc = hf_path_join(cert, PATH_MAX, a->dir, name, err);
	(void)snprintf(name, sizeof(name), "%.*socsp.key", stem, ca->crl_name);
	return rc < 0 ? rc : hf_path_join(key, PATH_MAX, a->dir, name, err);
}

/* Has it a third of its life left, and is it of this CA? */
static bool is_good(const struct hf_cert *cert, const struct hf_ca *ca, int64_t now)
{
	return cert && now >= cert->not_before &&
	       cert->not_after - now >= (cert->not_after - cert->not_before) / 3 &&
	       X509_verify(cert->x509, hf_cert_key_get0(ca->cert)) == 1;
}

static int load(const struct hf_ca *ca, const char *cert_path, const char *key_path, int64_t now,
		struct hf_ocsp_signer *ret_signer)
{
	HF_AUTO_DONE(hf_pemfile) cert = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) key = HF_PEMFILE_INIT;

	if (!hf_file_exists(cert_path) || hf_pemfile_load(&cert, cert_path, 0, NULL, NULL) < 0 ||
	    hf_pemfile_load(&key, key_path, HF_WANT_KEY, NULL, NULL) < 0 || cert.certs.len == 0 ||
	    !key.key || !hf_key_same(key.key, hf_cert_key_get0(cert.certs.items[0])) ||
	    !is_good(cert.certs.items[0], ca, now))
		return 1;
	ret_signer->cert = hf_cert_ref(cert.certs.items[0]);
	ret_signer->key = hf_take(key.key);
	return 0;
}

/* RFC 6960 4.2.2.2.1: it is not looked up anywhere. */
static int add_nocheck(struct hf_order *order, struct hf_err *err)
{
	HF_AUTO(X509_EXTENSION_stack) list = sk_X509_EXTENSION_new_null();
	HF_AUTO(X509_EXTENSION) ext =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_id_pkix_OCSP_noCheck, "ignored");

	if (!list || !ext || sk_X509_EXTENSION_push(list, ext) <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot make an extension");
	ext = NULL;
	return hf_order_add_extra(order, list, err);
}

static int issue(struct hf_authority *a, struct hf_ca *ca, struct hf_order *order, int64_t now,
		 struct hf_err *err)
{
	struct hf_order *orders[] = { order };
	HF_AUTO(X509_NAME) subject = X509_NAME_dup(X509_get_subject_name(ca->cert->x509));
	int rc = 0;

	order->profile = hf_ca_profile_find("ocsp");
	order->renews = true;
	order->lifetime = HF_MIN(order->profile->days * HF_DAY_SECONDS, ca->cert->not_after - now);
	(void)hf_str_copy(order->name, sizeof(order->name), "ocsp-responder");
	if (!subject ||
	    X509_NAME_add_entry_by_NID(subject, NID_organizationalUnitName, MBSTRING_UTF8,
				       (const unsigned char *)"OCSP responder", -1, -1, 0) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot name the OCSP responder");
	order->subject = hf_take(subject);
	rc = hf_key_generate(HF_KEY_P256, &order->key, err);
	if (rc == 0)
		rc = add_nocheck(order, err);
	if (rc == 0)
		rc = hf_order_check(a, order, now, err);
	order->issuer = ca; /* of either CA: whoever is answered for */
	if (rc == 0)
		rc = hf_issue(a, orders, 1, now, err);
	if (rc >= 0 && !order->cert) {
		*err = order->err;
		return -order->err.code;
	}
	return rc < 0 ? rc : 0;
}

static int write_files(const struct hf_order *order, const char *cert_path, const char *key_path,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) cert = HF_BUF_INIT(PEM_CAP);
	HF_AUTO_DONE(hf_buf) key = HF_BUF_INIT(PEM_CAP);
	int rc = hf_key_to_pem(order->key, NULL, &key, err);

	if (rc == 0)
		rc = hf_cert_to_pem(order->cert, &cert, err);
	if (rc == 0)
		rc = hf_file_write(key_path, key.data, key.len, HF_MODE_SECRET, HF_FILE_REPLACE,
				   err);
	return rc < 0 ? rc
		      : hf_file_write(cert_path, cert.data, cert.len, HF_MODE_PUBLIC,
				      HF_FILE_REPLACE, err);
}

int hf_ocsp_keep_signer(struct hf_authority *a, struct hf_ca *ca,
			const struct hf_ocsp_signer *known, int64_t now,
			struct hf_ocsp_signer *ret_signer, struct hf_err *err)
{
	struct hf_ocsp_signer fresh = { .store_id = ca->store_id };
	HF_AUTO_DONE(hf_order) order = { .profile = NULL };
	char cert[PATH_MAX], key[PATH_MAX];
	int rc = paths(a, ca, cert, key, err);

	if (rc < 0)
		return rc;
	if (known->cert && hf_cert_equal(known->issuer, ca->cert) && is_good(known->cert, ca, now))
		return 1;
	if (load(ca, cert, key, now, &fresh) != 0) {
		if (!hf_ca_has_key(ca))
			return 1; /* an offline root: nobody answers in its name */
		rc = hf_ca_load_key(a, ca, err);
		if (rc == 0)
			rc = issue(a, ca, &order, now, err);
		if (rc == 0)
			rc = write_files(&order, cert, key, err);
		if (rc < 0)
			return hf_err_context(err, rc, "the certificate of the OCSP responder");
		fresh.cert = hf_cert_ref(order.cert);
		fresh.key = hf_take(order.key);
	}
	fresh.issuer = hf_cert_ref(ca->cert);
	*ret_signer = fresh;
	return 0;
}
