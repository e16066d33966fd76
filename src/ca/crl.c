/* SPDX-License-Identifier: Apache-2.0 */
/* Builds, signs and publishes a revocation list (RFC 5280 section 5).  Must never let an older list
 * replace a newer one. */
#include "ca/crl.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/auditlog.h"
#include "ca/certificate.h"
#include "ca/crl_entries.h"
#include "ca/derwrite.h"
#include "ca/seal.h"
#include "ca/shards.h"

enum {
	BACKDATE_SECONDS = 300, /* for peers whose clock is a little behind */
	LIST_CAP = 1024 * 1024 * 1024,
	SMALL = 64 * 1024, /* decoded again: what is shown is what was signed */
	VALUE_CAP = 256,
	ENTRY_LEN = 50, /* as a rule: a serial of 16 bytes, a time, a reason */
	BASE64_IN = 48, /* bytes on a line of PEM */
	BASE64_OUT = 64,
};

/* A list on its way. */
struct draft {
	const struct hf_ca *ca;
	int64_t shard; /* HF_CRL_COMPLETE: all of it */
	int64_t this_update, next_update;
	int64_t number, revoked;
	struct hf_buf der;
	uint8_t sha256[HF_SHA256_LEN]; /* of the whole, by the ledger */
};

static int add_head(struct draft *d, struct hf_err *err)
{
	HF_AUTO(ossl_mem) name = NULL;
	int len = i2d_X509_NAME(X509_get_subject_name(d->ca->cert->x509), &name);
	int rc;

	hf_derw_number(&d->der, X509_CRL_VERSION_2);
	rc = hf_seal_algorithm(d->ca->key, &d->der, err);
	if (rc < 0)
		return rc;
	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the issuer's name");
	(void)hf_buf_append(&d->der, name, (size_t)len);
	hf_derw_time(&d->der, d->this_update);
	hf_derw_time(&d->der, d->next_update);
	return 0;
}

static int add_place(void *arg, const char *url)
{
	struct hf_buf *names = arg;

	/* uniformResourceIdentifier [6] */
	hf_derw_put(names, HF_DERW_CONTEXT + 6, url, strlen(url));
	return 0;
}

/* RFC 5280 5.2.5: whom it speaks of, critical.  All places that certificates name, so that each of
 * them finds its own (6.3.3 (b)(2)(i)). */
static int add_scope(struct draft *d, struct hf_store *store, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) point = HF_BUF_INIT(LIST_CAP);
	int rc;

	if (d->shard == HF_CRL_COMPLETE)
		return 0;
	rc = hf_store_each_place(store, d->ca->store_id, d->shard, add_place, &point, err);
	if (rc < 0)
		return rc;
	hf_derw_wrap(&point, 0, HF_DERW_EXPLICIT + 0); /* fullName, implicit but constructed */
	hf_derw_wrap(&point, 0, HF_DERW_EXPLICIT + 0); /* distributionPoint */
	hf_derw_wrap(&point, 0, HF_DERW_SEQUENCE);
	if (hf_buf_failed(&point))
		return hf_err_nomem(err);
	hf_derw_extension(&d->der, NID_issuing_distribution_point, true, point.data, point.len);
	return 0;
}

/* The first two are required of every list (RFC 5280 5.2.1, 5.2.3). */
static int add_extensions(struct draft *d, struct hf_store *store, struct hf_err *err)
{
	HF_AUTO(AUTHORITY_KEYID) akid = hf_authority_keyid(d->ca->cert);
	HF_AUTO(ossl_mem) der = NULL;
	HF_AUTO_DONE(hf_buf) number = HF_BUF_INIT(VALUE_CAP);
	size_t start = d->der.len;
	int len = akid ? i2d_AUTHORITY_KEYID(akid, &der) : 0;
	int rc;

	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write the key identifier");
	hf_derw_number(&number, (uint64_t)d->number);
	hf_derw_extension(&d->der, NID_authority_key_identifier, false, der, (size_t)len);
	hf_derw_extension(&d->der, NID_crl_number, false, number.data, number.len);
	rc = add_scope(d, store, err);
	if (rc < 0)
		return rc;
	hf_derw_wrap(&d->der, start, HF_DERW_SEQUENCE);
	hf_derw_wrap(&d->der, start, HF_DERW_EXPLICIT + 0);
	return 0;
}

/* revokedCertificates is absent when there are none (5.1.2.6). */
static int add_entries(struct draft *d, struct hf_store *store, int64_t expired_before,
		       struct hf_err *err)
{
	const struct hf_revoked_scope scope = { d->ca->store_id, d->shard, expired_before };
	size_t start = d->der.len;
	int rc = hf_crl_entries(store, &scope, &d->der, &d->revoked, err);

	if (rc < 0)
		return rc;
	if (d->revoked > 0)
		hf_derw_wrap(&d->der, start, HF_DERW_SEQUENCE);
	return 0;
}

static int build(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
		 struct hf_crl_final *ret_final, struct hf_err *err)
{
	struct draft *d = arg;
	int rc;

	d->number = draft->number;
	/* a buffer that grows is copied and cleansed each time */
	if (hf_buf_reserve(&d->der, VALUE_CAP + ENTRY_LEN * ((size_t)draft->last_revoked + 64)) < 0)
		return hf_err_nomem(err);
	rc = add_head(d, err);
	/* lists signed ahead of time lie in the future; what expires before they begin is on this
	 * one */
	if (rc == 0)
		rc = add_entries(d, store, HF_MIN(draft->last_update, d->this_update), err);
	if (rc == 0)
		rc = add_extensions(d, store, err);
	if (rc < 0)
		return rc;
	hf_derw_wrap(&d->der, 0, HF_DERW_SEQUENCE);
	rc = hf_seal(d->ca->key, &d->der, 0, err);
	if (rc < 0)
		return rc;
	*ret_final = (struct hf_crl_final){
		.this_update = d->this_update,
		.next_update = d->next_update,
		.revoked_len = d->revoked,
		.der = (const uint8_t *)d->der.data,
		.der_len = d->der.len,
		.ret_sha256 = d->sha256,
	};
	return 0;
}

static void put_pem(const struct hf_buf *der, struct hf_buf *out)
{
	const unsigned char *in = (const unsigned char *)der->data;

	(void)hf_buf_puts(out, "-----BEGIN X509 CRL-----\n");
	if (hf_buf_reserve(out, (der->len / BASE64_IN + 1) * (BASE64_OUT + 2) + VALUE_CAP) < 0)
		return;
	for (size_t i = 0; i < der->len; i += BASE64_IN) {
		size_t len = HF_MIN(der->len - i, (size_t)BASE64_IN);
		int n = EVP_EncodeBlock((unsigned char *)out->data + out->len, in + i, (int)len);

		out->len +=
		    (size_t)n; /* EVP_EncodeBlock ends with a NUL, for which there is room */
		out->data[out->len++] = '\n';
	}
	out->data[out->len] = '\0';
	(void)hf_buf_puts(out, "-----END X509 CRL-----\n");
}

static int write_pem(const struct draft *d, const char *place, const char *copy, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(LIST_CAP);
	int rc;

	put_pem(&d->der, &pem);
	if (hf_buf_failed(&pem))
		return hf_err_nomem(err);
	rc = hf_file_write(place, pem.data, pem.len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
	if (rc == 0 && copy)
		rc = hf_file_write(copy, pem.data, pem.len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
	return rc;
}

static void draft_done(struct draft *d)
{
	hf_buf_done(&d->der);
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

/* Every block of it is a list, and there is one. */
static bool is_list_pem(const char *text)
{
	static const char begin[] = "-----BEGIN ";
	size_t lists = 0;

	for (const char *p = strstr(text, begin); p; p = strstr(p + 1, begin)) {
		if (!hf_str_starts(p + strlen(begin), "X509 CRL-----"))
			return false;
		lists++;
	}
	return lists > 0;
}

/* A mistyped --out must not cost a key. */
static int check_copy(const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_PEMFILE_CAP);

	if (!path || !hf_file_exists(path))
		return 0;
	if (hf_file_read(path, &text, NULL) == 0 && is_list_pem(hf_buf_str(&text)))
		return 0;
	if (hf_pemfile_load(&file, path, 0, NULL, NULL) == 0 && file.crls.len > 0 &&
	    file.certs.len == 0 && file.keys_len == 0)
		return 0;
	(void)hf_err_set(err, HF_E_EXIST, "'%s' is there already and is no revocation list", path);
	return hf_err_hint(err, "nothing was changed; choose another name, or remove it");
}

/* What people want to know of it, without decoding it. */
static int facts_of(const struct draft *d, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = calloc(1, sizeof(*crl));

	if (!crl)
		return hf_err_nomem(err);
	atomic_init(&crl->refs, 1);
	crl->issuer = hf_str_dup(d->ca->cert->subject);
	crl->number = hf_str_printf("%llx", (unsigned long long)d->number);
	crl->this_update = d->this_update;
	crl->next_update = d->next_update;
	crl->has_next_update = true;
	crl->revoked_count = (size_t)d->revoked;
	if (!crl->issuer || !crl->number)
		return hf_err_nomem(err);
	memcpy(crl->sha256, d->sha256, sizeof(crl->sha256)); /* a large list is hashed once */
	*ret_crl = hf_take(crl);
	return 0;
}

int hf_authority_sign_crl(struct hf_authority *a, struct hf_ca *ca, int64_t this_update,
			  int64_t until, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO_DONE(draft) d = { .ca = ca,
				  .this_update = HF_MAX(this_update, ca->cert->not_before),
				  .next_update = HF_MIN(until, ca->cert->not_after),
				  .der = HF_BUF_INIT(LIST_CAP) };
	int rc = hf_ca_load_key(a, ca, err);

	if (rc == 0)
		rc = hf_store_publish_crl(a->store, ca->store_id, d.shard, build, &d, err);
	return rc < 0 ? rc : hf_crl_from_der((const uint8_t *)d.der.data, d.der.len, ret_crl, err);
}

/* Numbering and writing belong together, or a slower process could put an older list in place. */
static int number_and_write(struct hf_authority *a, struct draft *d, const char *place,
			    const char *copy, struct hf_err *err)
{
	HF_AUTO(fd) lock = -1;
	char lock_path[PATH_MAX];
	int rc = hf_path_join(lock_path, sizeof(lock_path), a->dir, "crl.lock", err);

	if (rc == 0)
		rc = hf_file_lock(lock_path, true, &lock, err);
	if (rc == 0)
		rc = hf_store_publish_crl(a->store, d->ca->store_id, d->shard, build, d, err);
	return rc < 0 ? rc : write_pem(d, place, copy, err);
}

static int publish(struct hf_authority *a, struct hf_ca *ca, const struct hf_crl_wish *wish,
		   int64_t now, struct hf_crl_published *ret_published, struct hf_err *err)
{
	HF_AUTO_DONE(draft) d = { .ca = ca,
				  .shard = wish->shard,
				  .this_update =
				      HF_MAX(now - BACKDATE_SECONDS, ca->cert->not_before),
				  .next_update = next_update(a, ca, wish->lifetime, now),
				  .der = HF_BUF_INIT(LIST_CAP) };
	HF_AUTO(hf_crl) crl = NULL;
	char place[PATH_MAX];
	int rc = hf_ca_list_path(a, ca, wish->shard, place, err);

	if (rc == 0)
		rc = number_and_write(a, &d, place, wish->copy, err);
	if (rc == 0 && d.der.len <= SMALL)
		rc = hf_crl_from_der((const uint8_t *)d.der.data, d.der.len, &crl, err);
	else if (rc == 0)
		rc = facts_of(&d, &crl, err);
	if (rc < 0)
		return rc;
	(void)hf_auditlog_seal(a, ca, now, NULL); /* an older seal is still true */
	ret_published->crl = hf_take(crl);
	ret_published->shard = wish->shard;
	(void)snprintf(ret_published->path, sizeof(ret_published->path), "%s",
		       wish->copy ? wish->copy : place);
	return 0;
}

int hf_authority_publish_list(struct hf_authority *a, struct hf_ca *ca,
			      const struct hf_crl_wish *wish, int64_t now,
			      struct hf_crl_published *ret_published, struct hf_err *err)
{
	int rc = check_copy(wish->copy, err);

	if (rc == 0)
		rc = hf_ca_load_key(a, ca, err);
	return rc < 0 ? rc : publish(a, ca, wish, now, ret_published, err);
}

int hf_authority_publish_crl(struct hf_authority *a, struct hf_ca *ca, int64_t lifetime,
			     const char *copy, int64_t now, struct hf_crl_published *ret_published,
			     struct hf_err *err)
{
	const struct hf_crl_wish complete = { .lifetime = lifetime, .copy = copy };
	struct hf_shards_round round = { .which = HF_SHARDS_STALE };
	int rc = check_copy(copy, err);

	if (rc == 0)
		rc = hf_shards_keep(a, ca, &round, now, err);
	return rc < 0 ? rc : hf_authority_publish_list(a, ca, &complete, now, ret_published, err);
}

void hf_crl_published_done(struct hf_crl_published *p)
{
	hf_crl_unref(p->crl);
	p->crl = NULL;
}
