/* SPDX-License-Identifier: Apache-2.0 */
/* Builds, signs and publishes a revocation list (RFC 5280 section 5).  Must never let an older list
 * replace a newer one. */
#include "ca/crl.h"

#include <openssl/pem.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "ca/certificate.h"

enum { BACKDATE_SECONDS = 300 }; /* for peers whose clock is a little behind */

struct draft {
	const struct hf_ca *ca;
	int64_t this_update, next_update;
	X509_CRL *crl;
	int64_t revoked;
	unsigned char *der;
	struct hf_err *err;
};

static int add_revoked(void *arg, const struct hf_revoked *revoked)
{
	struct draft *d = arg;
	HF_AUTO(X509_REVOKED) entry = X509_REVOKED_new();
	HF_AUTO(BIGNUM) number = BN_bin2bn(revoked->serial, (int)revoked->serial_len, NULL);
	HF_AUTO(ASN1_INTEGER) serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	HF_AUTO(ASN1_TIME) at = ASN1_TIME_set(NULL, revoked->revoked_at);
	ASN1_ENUMERATED *reason = NULL;
	bool good = entry && serial && at && X509_REVOKED_set_serialNumber(entry, serial) &&
		    X509_REVOKED_set_revocationDate(entry, at);

	/* RFC 5280 5.3.1: leave it out rather than say "unspecified" */
	if (good && revoked->reason > 0) {
		reason = ASN1_ENUMERATED_new();
		good = reason && ASN1_ENUMERATED_set(reason, revoked->reason) &&
		       X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0,
						 X509V3_ADD_DEFAULT) == 1;
		ASN1_ENUMERATED_free(reason);
	}
	if (!good || !X509_CRL_add0_revoked(d->crl, entry))
		return hf_err_ossl(d->err, HF_E_CRYPTO, "cannot add a certificate to the list");
	(void)hf_take(entry);
	d->revoked++;
	return 0;
}

static bool set_head(const struct draft *d)
{
	HF_AUTO(ASN1_TIME) last = ASN1_TIME_set(NULL, d->this_update);
	HF_AUTO(ASN1_TIME) next = ASN1_TIME_set(NULL, d->next_update);

	return last && next && X509_CRL_set_version(d->crl, X509_CRL_VERSION_2) &&
	       X509_CRL_set_issuer_name(d->crl, X509_get_subject_name(d->ca->cert->x509)) &&
	       X509_CRL_set1_lastUpdate(d->crl, last) && X509_CRL_set1_nextUpdate(d->crl, next);
}

/* Both are required of every list (RFC 5280 5.2.1, 5.2.3). */
static bool set_extensions(const struct draft *d, int64_t number)
{
	HF_AUTO(AUTHORITY_KEYID) akid = hf_authority_keyid(d->ca->cert);
	HF_AUTO(ASN1_INTEGER) serial = ASN1_INTEGER_new();

	return akid && serial && ASN1_INTEGER_set_int64(serial, number) &&
	       X509_CRL_add1_ext_i2d(d->crl, NID_authority_key_identifier, akid, 0,
				     X509V3_ADD_DEFAULT) == 1 &&
	       X509_CRL_add1_ext_i2d(d->crl, NID_crl_number, serial, 0, X509V3_ADD_DEFAULT) == 1;
}

/* The one place that uses the CA's private key for a list. */
static int sign_list(const struct draft *d, struct hf_err *err)
{
	if (X509_CRL_sign(d->crl, d->ca->key, hf_key_signing_digest(d->ca->key)) <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot sign the revocation list");
	return 0;
}

static int build(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
		 struct hf_crl_final *ret_final, struct hf_err *err)
{
	struct draft *d = arg;
	int rc, len;

	d->err = err;
	d->crl = X509_CRL_new();
	if (!d->crl || !set_head(d) || !set_extensions(d, draft->number))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot build the revocation list");
	/* lists signed ahead of time lie in the future; what expires before they begin is on this
	 * one */
	rc = hf_store_each_revoked(store, d->ca->store_id,
				   HF_MIN(draft->last_update, d->this_update), add_revoked, d, err);
	if (rc < 0)
		return rc;
	if (!X509_CRL_sort(d->crl))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot sort the revocation list");
	rc = sign_list(d, err);
	if (rc < 0)
		return rc;
	len = i2d_X509_CRL(d->crl, &d->der);
	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the revocation list");
	*ret_final = (struct hf_crl_final){ d->this_update, d->next_update, d->revoked, d->der,
					    (size_t)len };
	return 0;
}

static int write_pem(X509_CRL *crl, const char *path, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len;

	if (!bio || !PEM_write_bio_X509_CRL(bio, crl))
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the revocation list as PEM");
	len = BIO_get_mem_data(bio, &data);
	return hf_file_write(path, data, (size_t)len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
}

static void draft_done(struct draft *d)
{
	X509_CRL_free(d->crl);
	OPENSSL_free(d->der);
}
HF_DEFINE_AUTO_DONE(draft, struct draft, draft_done);

/* No list lives longer than the certificate that verifies it. */
static int64_t next_update(const struct hf_authority *a, const struct hf_ca *ca, int64_t lifetime,
			   int64_t now)
{
	bool seldom = ca == &a->root && (!a->single || a->root_only);
	int64_t days = seldom ? HF_ROOT_CRL_DAYS : HF_CRL_DAYS;

	return HF_MIN(now + (lifetime ? lifetime : days * HF_DAY_SECONDS), ca->cert->not_after);
}

/* A mistyped --out must not cost a key. */
static int check_copy(const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;

	if (!path || !hf_file_exists(path))
		return 0;
	if (hf_pemfile_load(&file, path, 0, NULL, NULL) == 0 && file.crls.len > 0 &&
	    file.certs.len == 0 && file.keys_len == 0)
		return 0;
	(void)hf_err_set(err, HF_E_EXIST, "'%s' is there already and is no revocation list", path);
	return hf_err_hint(err, "nothing was changed; choose another name, or remove it");
}

int hf_authority_sign_crl(struct hf_authority *a, struct hf_ca *ca, int64_t this_update,
			  int64_t until, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO_DONE(draft) d = { .ca = ca,
				  .this_update = HF_MAX(this_update, ca->cert->not_before),
				  .next_update = HF_MIN(until, ca->cert->not_after) };
	int rc = hf_ca_load_key(a, ca, err);

	if (rc == 0)
		rc = hf_store_publish_crl(a->store, ca->store_id, build, &d, err);
	return rc < 0 ? rc : hf_crl_new(d.crl, ret_crl, err);
}

int hf_authority_publish_crl(struct hf_authority *a, struct hf_ca *ca, int64_t lifetime,
			     const char *copy, int64_t now, struct hf_crl_published *ret_published,
			     struct hf_err *err)
{
	HF_AUTO_DONE(draft) d = { .ca = ca,
				  .this_update =
				      HF_MAX(now - BACKDATE_SECONDS, ca->cert->not_before),
				  .next_update = next_update(a, ca, lifetime, now) };
	HF_AUTO(hf_crl) crl = NULL;
	HF_AUTO(fd) lock = -1;
	char place[PATH_MAX], lock_path[PATH_MAX];
	int rc = check_copy(copy, err);

	if (rc == 0)
		rc = hf_ca_load_key(a, ca, err);
	if (rc == 0)
		rc = hf_path_join(place, sizeof(place), a->dir, ca->crl_name, err);
	if (rc == 0)
		rc = hf_path_join(lock_path, sizeof(lock_path), a->dir, "crl.lock", err);
	/* numbering and writing belong together, or a slower process could put an older list in
	 * place */
	if (rc == 0)
		rc = hf_file_lock(lock_path, true, &lock, err);
	if (rc == 0)
		rc = hf_store_publish_crl(a->store, ca->store_id, build, &d, err);
	if (rc == 0)
		rc = write_pem(d.crl, place, err);
	if (rc == 0 && copy)
		rc = write_pem(d.crl, copy, err);
	if (rc == 0)
		rc = hf_crl_new(d.crl, &crl, err);
	if (rc < 0)
		return rc;
	ret_published->crl = hf_take(crl);
	(void)snprintf(ret_published->path, sizeof(ret_published->path), "%s", copy ? copy : place);
	return 0;
}

void hf_crl_published_done(struct hf_crl_published *p)
{
	hf_crl_unref(p->crl);
	p->crl = NULL;
}
