/* SPDX-License-Identifier: Apache-2.0 */
/* Who is left below a CA that a rollover has replaced, and its end.  Must never end one under which
 * anybody's certificate stands. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/crl.h"
#include "ca/revoke.h"
#include "ca/rollover_files.h"
#include "pki/crl.h"

enum { PEM_CAP = 1024 * 1024 };

void hf_retired_done(struct hf_retired *r)
{
	hf_strv_done(&r->subjects);
	hf_strv_done(&r->notes);
}

/* --- who is left --- */

bool hf_ca_is_below(const struct hf_ca *issuing, const struct hf_ca *root)
{
	return issuing != root &&
	       X509_check_issued(root->cert->x509, issuing->cert->x509) == X509_V_OK;
}

struct search {
	struct hf_authority *a;
	const struct hf_record *record;
	int64_t now, count;
	struct hf_err *err;
};

static bool is_of_before(const struct hf_authority *a, int64_t issuer)
{
	for (size_t i = 0; i < a->before_len; i++) {
		if (a->before[i].store_id == issuer)
			return true;
	}
	return false;
}

static int is_successor(void *arg, const struct hf_record *record)
{
	const struct search *s = arg;

	return !is_of_before(s->a, record->issuer) &&
	       strcmp(record->profile, s->record->profile) == 0;
}

int hf_record_is_left(struct hf_authority *a, const struct hf_record *record, int64_t now,
		      struct hf_err *err)
{
	struct search s = { .a = a, .record = record };
	const struct hf_record_filter filter = { .name = record->name,
						 .states = 1U << HF_RECORD_ISSUED,
						 .expires_from = now };
	int rc = hf_store_list(a->store, &filter, is_successor, &s, err);

	return rc < 0 ? rc : rc == 0;
}

static int count_left(void *arg, const struct hf_record *record)
{
	struct search *s = arg;
	int rc = hf_record_is_left(s->a, record, s->now, s->err);

	if (rc < 0)
		return rc;
	s->count += rc;
	return 0;
}

static int count_of(struct hf_authority *a, const struct hf_ca *ca, int64_t now, int64_t *count,
		    struct hf_err *err)
{
	struct search s = { .a = a, .now = now, .err = err };
	int rc;
	const struct hf_record_filter filter = { .issuer = ca->store_id,
						 .states = 1U << HF_RECORD_ISSUED,
						 .expires_from = now,
						 .without_own = true };

	rc = hf_store_list(a->store, &filter, count_left, &s, err);
	*count += s.count;
	return rc;
}

static bool is_called(const struct hf_cert *cert, const char *what)
{
	return (cert->common_name && hf_str_case_eq(cert->common_name, what)) ||
	       hf_str_case_eq(cert->subject, what) || hf_str_case_eq(cert->serial, what);
}

int hf_authority_find_ca(struct hf_authority *a, const char *what, struct hf_ca **ret_ca,
			 struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) all = HF_BUF_INIT(HF_ERR_HINT_CAP);
	struct hf_ca *ca;

	for (size_t i = 0; (ca = hf_authority_ca(a, i)); i++) {
		if (is_called(ca->cert, what)) {
			*ret_ca = ca;
			return 0;
		}
		(void)hf_buf_printf(&all, "%s%s", i ? "; " : "", ca->cert->subject);
	}
	(void)hf_err_set(err, HF_E_NOENT, "this authority has no CA '%s'", what);
	return hf_err_hint(err, "by common name, subject or serial: %s", hf_buf_str(&all));
}

/* --- the end --- */

static int still_needed(const struct hf_ca *ca, int64_t count, struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_POLICY,
			 "%lld certificate%s still stand%s below '%s', with none in %s place yet",
			 (long long)count, count == 1 ? "" : "s", count == 1 ? "s" : "",
			 ca->cert->subject, count == 1 ? "its" : "their");
	return hf_err_hint(err,
			   "whose: handfast list --under '%s'; they go with their next renewal",
			   ca->cert->common_name ? ca->cert->common_name : ca->cert->serial);
}

static int check_nobody(struct hf_authority *a, int64_t now, struct hf_err *err)
{
	int64_t count = 0;

	if (a->before_len == 0)
		return hf_err_set(err, HF_E_NOENT, "no CA went before: there is nothing to retire");
	for (size_t i = 0; i < a->before_len; i++) {
		int rc = count_of(a, &a->before[i], now, &count, err);

		if (rc < 0)
			return rc;
		if (count > 0)
			return still_needed(&a->before[i], count, err);
	}
	return 0;
}

static int keep_record(void *arg, const struct hf_record *record)
{
	*(struct hf_record **)arg = hf_record_dup(record);
	return 0;
}

/* On the list of its root too: who still has it in a file is told. */
static int revoke_ca(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
		     struct hf_retired *r, struct hf_err *err)
{
	const struct hf_record_filter filter = { .sha256 = ca->cert->sha256, .limit = 1 };
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	HF_AUTO(hf_record) record = NULL;
	HF_AUTO(cstr) note = NULL;
	int rc;

	if (!hf_ca_is_below(ca, &a->root)) /* a root, or below one that ends as well */
		return 0;
	if (!hf_ca_has_key(&a->root)) {
		note = hf_str_printf("'%s' is not on its root's list, since the root's key is not "
				     "here; when it is: handfast revoke %s",
				     ca->cert->subject, ca->cert->serial);
		return note && hf_strv_add(&r->notes, note) == 0 ? 0 : hf_err_nomem(err);
	}
	rc = hf_store_list(a->store, &filter, keep_record, &record, err);
	if (rc < 0 || !record || record->state != HF_RECORD_ISSUED)
		return rc;
	rc = hf_revoke(a, record, hf_crl_reason_parse("superseded"), now, err);
	return rc < 0 ? rc : hf_authority_publish_crl(a, &a->root, 0, NULL, now, &p, err);
}

static int retire_one(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
		      struct hf_retired *r, struct hf_err *err)
{
	int rc = revoke_ca(a, ca, now, r, err);

	if (rc == 0)
		rc = hf_store_audit_append(a->store, "retire", ca->cert->subject, now, err);
	if (rc == 0)
		rc = hf_rollover_put_away(a, ca, err);
	if (rc == 0 && hf_strv_add(&r->subjects, ca->cert->subject) < 0)
		return hf_err_nomem(err);
	return rc;
}

/* The chain needs no bridge any more, and the home trusts the root that is left. */
static int narrow(struct hf_authority *a, const char *home, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) roots = HF_BUF_INIT(PEM_CAP);
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "cross.pem", err);

	if (rc == 0)
		(void)remove(path);
	if (rc == 0)
		rc = hf_cert_to_pem(a->root.cert, &roots, err);
	return rc < 0 ? rc : hf_rollover_trust(a, home, &roots, err);
}

int hf_authority_retire(struct hf_authority *a, const char *home, int64_t now,
			struct hf_retired *ret_retired, struct hf_err *err)
{
	bool crossed = a->cross != NULL;
	int rc = check_nobody(a, now, err);

	/* in this order a retirement that is cut off can be run again */
	if (rc == 0 && crossed)
		rc = narrow(a, home, err);
	for (size_t i = 0; rc == 0 && i < a->before_len; i++)
		rc = retire_one(a, &a->before[i], now, ret_retired, err);
	return rc;
}
