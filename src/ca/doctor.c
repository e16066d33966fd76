/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: findings, and what looks at one file at a time.  Must never change anything. */
#include "ca/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/doctor_internal.h"
#include "ca/signer.h"

enum { DETAIL_CAP = 600 };

static const struct hf_doctor_info infos[] = {
#define HF_DOCTOR(name, id, severity, sentence, fix) { id, sentence, fix, HF_DOCTOR_##severity },
#include "ca/doctor.def"
#undef HF_DOCTOR
};

const struct hf_doctor_info *hf_doctor_info(enum hf_doctor_id id)
{
	return &infos[id];
}

const char *hf_doctor_severity_name(enum hf_doctor_severity severity)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[severity];
}

void hf_doctor_done(struct hf_doctor *d)
{
	for (size_t i = 0; i < d->len; i++) {
		free(d->items[i].where);
		free(d->items[i].detail);
	}
	free(d->items);
	*d = (struct hf_doctor){ .home = NULL };
}

enum hf_doctor_severity hf_doctor_worst(const struct hf_doctor *d)
{
	enum hf_doctor_severity worst = HF_DOCTOR_NOTE;

	for (size_t i = 0; i < d->len; i++)
		worst = HF_MAX(worst, infos[d->items[i].id].severity);
	return worst;
}

int hf_doctor_add(struct hf_doctor *d, enum hf_doctor_id id, const char *where, struct hf_err *err,
		  const char *fmt, ...)
{
	struct hf_doctor_finding *f;
	char detail[DETAIL_CAP];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (d->len == d->alloc) {
		size_t alloc = d->alloc ? 2 * d->alloc : 16;
		struct hf_doctor_finding *more = reallocarray(d->items, alloc, sizeof(*more));

		if (!more)
			return hf_err_nomem(err);
		d->items = more;
		d->alloc = alloc;
	}
	f = &d->items[d->len];
	*f = (struct hf_doctor_finding){ id, hf_str_dup(where), hf_str_dup(detail) };
	d->len++; /* freed with the others whatever it holds */
	return f->where && f->detail ? 0 : hf_err_nomem(err);
}

/* --- one thing at a time --- */

static int64_t warn_for(const struct hf_doctor *d, int64_t from, int64_t until)
{
	return HF_MIN(d->warn, (until - from) / 3);
}

int hf_doctor_cert(struct hf_doctor *d, const struct hf_cert *cert, const char *where,
		   const struct hf_doctor_ends *ids, struct hf_err *err)
{
	char until[HF_TIME_TEXT_CAP];

	hf_time_format(cert->not_after, until);
	if (cert->not_before > d->now + HF_DAY_SECONDS) {
		hf_time_format(cert->not_before, until);
		return hf_doctor_add(d, HF_DOCTOR_CLOCK, where, err, "%s begins %s", cert->subject,
				     until);
	}
	if (cert->not_after < d->now)
		return hf_doctor_add(d, ids->over, where, err, "%s ended %s", cert->subject, until);
	if (cert->not_after - d->now < warn_for(d, cert->not_before, cert->not_after))
		return hf_doctor_add(d, ids->soon, where, err, "%s ends %s", cert->subject, until);
	return 0;
}

int hf_doctor_crl(struct hf_doctor *d, const struct hf_crl *crl, const char *where,
		  struct hf_err *err)
{
	char until[HF_TIME_TEXT_CAP];

	if (!crl->has_next_update)
		return 0;
	hf_time_format(crl->next_update, until);
	if (crl->next_update < d->now)
		return hf_doctor_add(d, HF_DOCTOR_CRL_STALE, where, err, "nextUpdate was %s",
				     until);
	if (crl->next_update - d->now < warn_for(d, crl->this_update, crl->next_update))
		return hf_doctor_add(d, HF_DOCTOR_CRL_DUE, where, err, "nextUpdate is %s", until);
	return 0;
}

int hf_doctor_key_mode(struct hf_doctor *d, const char *path, struct hf_err *err)
{
	mode_t mode;

	if (!hf_file_mode(path, &mode) || !(mode & 0077))
		return 0;
	return hf_doctor_add(d, HF_DOCTOR_KEY_MODE, path, err, "mode %04o", (unsigned)mode & 07777);
}

int hf_doctor_load(struct hf_doctor *d, const char *path, unsigned want, struct hf_pemfile *file,
		   struct hf_err *err)
{
	struct hf_err why = HF_ERR_INIT;
	int rc = hf_pemfile_load(file, path, want, NULL, &why);

	d->looked_at++;
	if (rc == 0)
		return 0;
	if (rc == -HF_E_NOMEM)
		return hf_err_nomem(err);
	rc = hf_doctor_add(d, HF_DOCTOR_UNREADABLE, path, err, "%s", why.msg);
	return rc < 0 ? rc : 1;
}

int hf_doctor_key(struct hf_doctor *d, const char *path, const struct hf_cert *cert,
		  struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	struct hf_err why = HF_ERR_INIT;
	int rc = hf_doctor_key_mode(d, path, err);

	d->looked_at++;
	if (rc < 0 || hf_signer_file_has_uri(path))
		return rc;
	rc = hf_pemfile_load(&file, path, HF_WANT_KEY, NULL, &why);
	if (rc == -HF_E_PASSPHRASE)
		return 0;
	if (rc < 0 || !file.key)
		return hf_doctor_add(d, HF_DOCTOR_UNREADABLE, path, err, "%s",
				     rc < 0 ? why.msg : "it holds no private key");
	if (!cert || hf_key_same(file.key, hf_cert_key_get0(cert)))
		return 0;
	return hf_doctor_add(d, HF_DOCTOR_KEY_MISMATCH, path, err, "it is not the key of %s",
			     cert->subject);
}

/* --- files that were named --- */

static const struct hf_doctor_ends leaf_ends = { HF_DOCTOR_EXPIRED, HF_DOCTOR_EXPIRES };
static const struct hf_doctor_ends ca_ends = { HF_DOCTOR_CA_EXPIRED, HF_DOCTOR_CA_EXPIRES };

static int look_at_key(struct hf_doctor *d, const struct hf_pemfile *file, const char *path,
		       struct hf_err *err)
{
	int rc = file->keys_len ? hf_doctor_key_mode(d, path, err) : 0;

	if (rc < 0 || !file->key || file->certs.len == 0 ||
	    hf_key_same(file->key, hf_cert_key_get0(file->certs.items[0])))
		return rc;
	return hf_doctor_add(d, HF_DOCTOR_KEY_MISMATCH, path, err,
			     "its key is not that of its first certificate, %s",
			     file->certs.items[0]->subject);
}

int hf_doctor_file(struct hf_doctor *d, const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) locked = HF_PEMFILE_INIT;
	struct hf_pemfile *f = &file;
	struct hf_err ignored = HF_ERR_INIT;
	int rc = hf_pemfile_load(&file, path, HF_WANT_KEY, NULL, &ignored);

	if (rc == 0) {
		d->looked_at++;
	} else { /* an encrypted key is no finding; what else is wrong is said */
		f = &locked;
		rc = hf_doctor_load(d, path, 0, f, err);
	}
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = look_at_key(d, f, path, err);
	for (size_t i = 0; rc == 0 && i < f->certs.len; i++) {
		const struct hf_cert *cert = f->certs.items[i];

		rc = hf_doctor_cert(d, cert, path, cert->flags & HF_CERT_CA ? &ca_ends : &leaf_ends,
				    err);
	}
	for (size_t i = 0; rc == 0 && i < f->crls.len; i++)
		rc = hf_doctor_crl(d, f->crls.items[i], path, err);
	return rc;
}

int hf_doctor_home(struct hf_doctor *d, struct hf_err *err)
{
	HF_AUTO(hf_authority) a = NULL;
	int rc = hf_doctor_authority(d, &a, err);

	return rc < 0 ? rc : hf_doctor_identities(d, a, err);
}
