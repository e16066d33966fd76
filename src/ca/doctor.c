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

enum { DETAIL_CAP = 1200, CLOCK_SLACK = 600 };

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
		free(d->items[i].fix);
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
	*f = (struct hf_doctor_finding){ .id = id,
					 .where = hf_str_dup(where),
					 .detail = hf_str_dup(detail) };
	d->len++; /* freed with the others whatever it holds */
	return f->where && f->detail ? 0 : hf_err_nomem(err);
}

void hf_doctor_when(struct hf_doctor *d, int64_t at)
{
	d->items[d->len - 1].at = at;
}

int hf_doctor_fix(struct hf_doctor *d, struct hf_err *err, const char *fmt, ...)
{
	char text[DETAIL_CAP];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(d->items[d->len - 1].fix);
	d->items[d->len - 1].fix = hf_str_dup(text);
	return d->items[d->len - 1].fix ? 0 : hf_err_nomem(err);
}

static int64_t rank_of(const struct hf_doctor *d, const struct hf_doctor_finding *f)
{
	/* errors, then warnings, then notes, each by date; what has none is at once */
	static const int64_t classes[] = {
		[HF_DOCTOR_ERROR] = 0, [HF_DOCTOR_WARNING] = 1, [HF_DOCTOR_NOTE] = 2
	};
	int64_t far = 1LL << 50, at = f->at ? f->at : d->now;

	return classes[infos[f->id].severity] * far + HF_MIN(at, far - 1);
}

/* Few: insertion keeps the order of equals. */
void hf_doctor_sort(struct hf_doctor *d)
{
	for (size_t i = 1; i < d->len; i++) {
		struct hf_doctor_finding x = d->items[i];
		size_t k = i;

		for (; k > 0 && rank_of(d, &d->items[k - 1]) > rank_of(d, &x); k--)
			d->items[k] = d->items[k - 1];
		d->items[k] = x;
	}
}

/* --- one thing at a time --- */

static int64_t warn_for(const struct hf_doctor *d, int64_t from, int64_t until)
{
	return d->exact ? d->warn : HF_MIN(d->warn, (until - from) / 3);
}

/* Notes it with its date. */
static int add_end(struct hf_doctor *d, enum hf_doctor_id id, const char *where, int64_t at,
		   const char *what, struct hf_err *err)
{
	char text[HF_TIME_TEXT_CAP];
	int rc;

	hf_time_format(at, text);
	rc = hf_doctor_add(d, id, where, err, "%s %s", what, text);
	if (rc == 0)
		hf_doctor_when(d, at);
	return rc;
}

int hf_doctor_cert(struct hf_doctor *d, const struct hf_cert *cert, const char *where,
		   const struct hf_doctor_ends *ids, struct hf_err *err)
{
	const char *word = cert->not_after < d->now ? "ended" : "ends";
	char begin[HF_TIME_TEXT_CAP];
	HF_AUTO(cstr) what = hf_str_printf("%s %s", cert->subject, word);

	if (!what)
		return hf_err_nomem(err);
	if (cert->not_before > d->now + HF_DAY_SECONDS) {
		hf_time_format(cert->not_before, begin);
		return hf_doctor_add(d, HF_DOCTOR_CLOCK, where, err, "%s begins %s", cert->subject,
				     begin);
	}
	if (cert->not_after < d->now)
		return add_end(d, ids->over, where, cert->not_after, what, err);
	if (cert->not_after - d->now < warn_for(d, cert->not_before, cert->not_after))
		return add_end(d, ids->soon, where, cert->not_after, what, err);
	return 0;
}

int hf_doctor_crl(struct hf_doctor *d, const struct hf_crl *crl, const char *where,
		  struct hf_err *err)
{
	if (!crl->has_next_update)
		return 0;
	if (crl->next_update < d->now)
		return add_end(d, HF_DOCTOR_CRL_STALE, where, crl->next_update, "nextUpdate was",
			       err);
	if (crl->next_update - d->now < warn_for(d, crl->this_update, crl->next_update))
		return add_end(d, HF_DOCTOR_CRL_DUE, where, crl->next_update, "nextUpdate is", err);
	return 0;
}

int hf_doctor_key_mode(struct hf_doctor *d, const char *path, struct hf_err *err)
{
	mode_t mode;

	if (!hf_file_mode(path, &mode) || !(mode & 0077))
		return 0;
	if (hf_doctor_add(d, HF_DOCTOR_KEY_MODE, path, err, "mode %04o", (unsigned)mode & 07777) <
	    0)
		return hf_err_nomem(err);
	return hf_doctor_fix(d, err, "chmod 600 %s", path);
}

/* Written in the future: by a clock that was wrong then, or is wrong now. */
static int look_at_date(struct hf_doctor *d, const char *path, struct hf_err *err)
{
	char text[HF_TIME_TEXT_CAP];
	int64_t changed;

	if (!hf_file_changed_at(path, &changed) || changed <= d->now + CLOCK_SLACK)
		return 0;
	hf_time_format(changed, text);
	return hf_doctor_add(d, HF_DOCTOR_CLOCK, path, err, "the file was changed %s", text);
}

int hf_doctor_load(struct hf_doctor *d, const char *path, unsigned want, struct hf_pemfile *file,
		   struct hf_err *err)
{
	struct hf_err why = HF_ERR_INIT;
	int rc = hf_pemfile_load(file, path, want, NULL, &why);

	d->looked_at++;
	if (rc == 0)
		return look_at_date(d, path, err);
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
		rc = look_at_date(d, path, err);
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
	if (rc == 0 && f->certs.len > 0 && !(f->certs.items[0]->flags & HF_CERT_CA))
		rc = hf_doctor_worlds(d, f->certs.items[0], path, err);
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
