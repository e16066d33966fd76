/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor at the identities of a home and at its trust.  Must never ask for a passphrase. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/doctor_internal.h"
#include "util/home.h"

/* --- one identity --- */

static int look_at_chain(struct hf_doctor *d, const struct hf_certs *certs, const char *path,
			 struct hf_err *err)
{
	const struct hf_cert *leaf = certs->items[0];
	char until[HF_TIME_TEXT_CAP];

	if (certs->len == 1)
		return 0; /* a root may have issued it; look_at_issuer tells */
	if (leaf->not_after <= certs->items[1]->not_after)
		return 0;
	hf_time_format(certs->items[1]->not_after, until);
	return hf_doctor_add(d, HF_DOCTOR_OUTLIVES, path, err, "%s ends %s",
			     certs->items[1]->subject, until);
}

/* Of our own authority we know what stands above, and what was revoked. */
static int look_at_issuer(struct hf_doctor *d, struct hf_authority *a, const struct hf_certs *certs,
			  const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_record_filter filter = { .sha256 = certs->items[0]->sha256, .limit = 1 };
	const struct hf_record *r;
	char when[HF_TIME_TEXT_CAP];
	int rc = a ? hf_store_collect(a->store, &filter, &found, err) : 0;

	if (rc < 0 || found.len == 0)
		return rc;
	r = found.items[0];
	if (r->state == HF_RECORD_REVOKED) {
		hf_time_format(r->revoked_at, when);
		return hf_doctor_add(d, HF_DOCTOR_REVOKED, path, err, "serial %s, since %s",
				     r->serial, when);
	}
	if (a->issuing.cert && r->issuer == a->issuing.store_id && certs->len == 1)
		return hf_doctor_add(d, HF_DOCTOR_NO_CHAIN, path, err, "%s",
				     a->issuing.cert->subject);
	return 0;
}

static int look_at_leaf(struct hf_doctor *d, const struct hf_pemfile *file, const char *name,
			const char *path, const struct hf_doctor_ends *ends, struct hf_err *err)
{
	size_t before = d->len;
	int rc = hf_doctor_cert(d, file->certs.items[0], path, ends, err);

	if (rc == 0 && d->len > before &&
	    (d->items[before].id == ends->over || d->items[before].id == ends->soon))
		rc = hf_doctor_fix(d, err, "handfast renew %s", name);
	return rc < 0 ? rc : hf_doctor_worlds(d, file->certs.items[0], path, err);
}

static int look_at_cert(struct hf_doctor *d, struct hf_authority *a, const char *name,
			const char *path, const char *key_path, struct hf_err *err)
{
	static const struct hf_doctor_ends ends = { HF_DOCTOR_EXPIRED, HF_DOCTOR_EXPIRES };
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_doctor_load(d, path, 0, &file, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (file.certs.len == 0)
		return hf_doctor_add(d, HF_DOCTOR_UNREADABLE, path, err, "it holds no certificate");
	rc = look_at_leaf(d, &file, name, path, &ends, err);
	if (rc == 0)
		rc = look_at_chain(d, &file.certs, path, err);
	if (rc == 0)
		rc = look_at_issuer(d, a, &file.certs, path, err);
	if (rc < 0)
		return rc;
	if (!hf_file_exists(key_path))
		return hf_doctor_add(d, HF_DOCTOR_KEY_MISSING, key_path, err, "the key of %s",
				     file.certs.items[0]->subject);
	return hf_doctor_key(d, key_path, file.certs.items[0], err);
}

static int look_at_identity(struct hf_doctor *d, struct hf_authority *a, const char *name,
			    struct hf_err *err)
{
	char cert[PATH_MAX], key[PATH_MAX], request[PATH_MAX];
	int rc = hf_home_id(d->home, name, "cert.pem", cert, err);

	if (rc == 0)
		rc = hf_home_id(d->home, name, "key.pem", key, err);
	if (rc == 0)
		rc = hf_home_id(d->home, name, "request.pem", request, err);
	if (rc < 0)
		return rc;
	if (hf_file_exists(cert))
		return look_at_cert(d, a, name, cert, key, err);
	if (hf_file_exists(key))
		rc = hf_doctor_key(d, key, NULL, err);
	if (rc == 0 && hf_file_exists(request))
		rc = hf_doctor_add(d, HF_DOCTOR_WAITING, request, err, "of %s", name);
	return rc;
}

/* --- trust --- */

static int look_at_anchors(struct hf_doctor *d, const char *dir, const char *name,
			   struct hf_err *err)
{
	static const struct hf_doctor_ends ends = { HF_DOCTOR_ANCHOR_EXPIRED,
						    HF_DOCTOR_ANCHOR_EXPIRES };
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), dir, name, err);

	if (rc == 0)
		rc = hf_doctor_load(d, path, 0, &file, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (size_t i = 0; rc == 0 && i < file.certs.len; i++) {
		const struct hf_cert *cert = file.certs.items[i];

		rc = hf_doctor_cert(d, cert, path, &ends, err);
		if (rc == 0 && cert->version == 3 && !(cert->flags & HF_CERT_CA))
			rc = hf_doctor_add(d, HF_DOCTOR_TRUST_LEAF, path, err, "%s", cert->subject);
	}
	return rc;
}

/* --- all of them --- */

static int list(const char *dir, struct hf_strv *names, struct hf_err *err)
{
	return hf_file_exists(dir) ? hf_dir_list(dir, names, err) : 0;
}

int hf_doctor_identities(struct hf_doctor *d, struct hf_authority *a, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) ids = HF_STRV_INIT;
	HF_AUTO_DONE(hf_strv) trusts = HF_STRV_INIT;
	char dir[PATH_MAX];
	int rc = hf_home_id(d->home, "", "", dir, err);

	if (rc == 0)
		rc = list(dir, &ids, err);
	for (size_t i = 0; rc == 0 && i < ids.len; i++) {
		if (ids.items[i][0] != '.') /* those are strays */
			rc = look_at_identity(d, a, ids.items[i], err);
	}
	if (rc == 0)
		rc = hf_home_trust(d->home, "", dir, err);
	if (rc == 0)
		rc = list(dir, &trusts, err);
	for (size_t i = 0; rc == 0 && i < trusts.len; i++) {
		if (hf_str_ends(trusts.items[i], ".pem"))
			rc = look_at_anchors(d, dir, trusts.items[i], err);
	}
	return rc;
}
