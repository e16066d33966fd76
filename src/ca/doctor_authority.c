/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor at the authority: CA certificates, keys, lists, ledger.  Must never ask for a
 * passphrase. */
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/auditlog.h"
#include "ca/doctor_internal.h"
#include "ca/root.h"
#include "ca/shards.h"
#include "util/home.h"

enum { NO_LIST = -1 }; /* hf_doctor.lists_until while looking */
enum { CA_WARN = 90 * HF_DAY_SECONDS, CLOCK_SLACK = 600 };

/* --- certificates and keys --- */

/* Of whom the authority is, who owns its folder tells: the doctor may be somebody else. */
static int look_at_owner(struct hf_doctor *d, const char *dir, const char *path, struct hf_err *err)
{
	uid_t mine, owner;

	if (!hf_file_owner(dir, &mine) || !hf_file_owner(path, &owner) || owner == mine)
		return 0;
	if (hf_doctor_add(d, HF_DOCTOR_KEY_OWNER, path, err, "of user %u, its folder of user %u",
			  (unsigned)owner, (unsigned)mine) < 0)
		return hf_err_nomem(err);
	return hf_doctor_fix(d, err, "chown %u %s", (unsigned)mine, path);
}

static int look_at_secret(struct hf_doctor *d, const char *dir, const char *path,
			  struct hf_err *err)
{
	int rc = hf_doctor_key_mode(d, path, err);

	d->looked_at++;
	return rc < 0 ? rc : look_at_owner(d, dir, path, err);
}

static bool is_secret(const char *name)
{
	const char *end = strrchr(name, '.');

	return end && (strcmp(end, ".key") == 0 || strcmp(name, HF_KEYGEN_FILE) == 0);
}

/* What signs or makes keys in the service without being a CA's that issues: its OCSP signers' keys,
 * the keys of CAs that went before, what keys for others come from. */
static int look_at_secrets(struct hf_doctor *d, const struct hf_authority *a, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];
	int rc = hf_dir_list(a->dir, &names, err);

	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		if (!is_secret(names.items[i]))
			continue;
		rc = hf_path_join(path, sizeof(path), a->dir, names.items[i], err);
		if (rc == 0 && strcmp(path, a->root.key_path) != 0 &&
		    strcmp(path, a->issuing.key_path) != 0)
			rc = look_at_secret(d, a->dir, path, err);
	}
	for (size_t i = 0; rc == 0 && i < a->before_len; i++) {
		if (hf_file_exists(a->before[i].key_path))
			rc = look_at_secret(d, a->dir, a->before[i].key_path, err);
	}
	return rc;
}

static int look_at_ca(struct hf_doctor *d, const struct hf_authority *a, const struct hf_ca *ca,
		      const char *name, struct hf_err *err)
{
	static const struct hf_doctor_ends ends = { HF_DOCTOR_CA_EXPIRED, HF_DOCTOR_CA_EXPIRES };
	char path[PATH_MAX], since[HF_TIME_TEXT_CAP];
	int64_t warn = d->warn;
	int rc = hf_path_join(path, sizeof(path), a->dir, name, err);

	if (rc < 0)
		return rc;
	d->looked_at++;
	d->warn = HF_MAX(warn, (int64_t)CA_WARN); /* a CA takes longer to renew */
	rc = hf_doctor_cert(d, ca->cert, path, &ends, err);
	d->warn = warn;
	if (rc == 0 && ca == &a->issuing && a->issuing_revoked_at) {
		hf_time_format(a->issuing_revoked_at, since);
		rc = hf_doctor_add(d, HF_DOCTOR_CA_REVOKED, path, err, "since %s", since);
	}
	if (rc < 0)
		return rc;
	if (hf_file_exists(ca->key_path)) {
		rc = hf_doctor_key(d, ca->key_path, ca->cert, err);
		return rc < 0 ? rc : look_at_owner(d, a->dir, ca->key_path, err);
	}
	if (ca == &a->root && !a->single)
		return 0; /* offline, as it should be */
	return hf_doctor_add(d, HF_DOCTOR_KEY_MISSING, ca->key_path, err, "the key of %s",
			     ca->cert->subject);
}

static int look_at_chain(struct hf_doctor *d, const struct hf_authority *a, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	const struct hf_cert *const wanted[] = { a->issuing.cert, a->root.cert };
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "chain.pem", err);

	if (rc == 0)
		rc = hf_doctor_load(d, path, 0, &file, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(wanted); i++) {
		if (wanted[i] && !hf_certs_has(&file.certs, wanted[i]))
			return hf_doctor_add(d, HF_DOCTOR_CHAIN, path, err, "%s is missing",
					     wanted[i]->subject);
	}
	return 0;
}

/* --- lists --- */

/* Lists of an offline root that wait for their dates count: anybody can put them into place. */
static int lasts_until(const struct hf_doctor *d, const struct hf_authority *a,
		       const struct hf_ca *ca, const struct hf_crl *crl, int64_t *ret_until,
		       struct hf_err *err)
{
	struct hf_root_lists lists = { 0 };
	int rc = ca == &a->root && !a->single ? hf_root_lists_look(a->dir, d->now, &lists, err) : 0;

	if (rc == 0)
		*ret_until = HF_MAX(crl->next_update, lists.covered_until);
	return rc;
}

static int look_at_list(struct hf_doctor *d, const struct hf_authority *a, const struct hf_ca *ca,
			int64_t shard, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char path[PATH_MAX];
	int64_t before = d->lists_until, until = 0;
	int rc = hf_ca_list_path(a, ca, shard, path, err);

	d->lists_until = NO_LIST; /* until this one has shown to be good */
	if (rc < 0)
		return rc;
	if (!hf_file_exists(path))
		return hf_doctor_add(d, HF_DOCTOR_CRL_MISSING, path, err, "the list of %s",
				     ca->cert->subject);
	rc = hf_doctor_load(d, path, 0, &file, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (file.crls.len == 0)
		return hf_doctor_add(d, HF_DOCTOR_UNREADABLE, path, err, "it holds no list");
	if (!hf_crl_verify(file.crls.items[0], hf_cert_key_get0(ca->cert)))
		return hf_doctor_add(d, HF_DOCTOR_CRL_FOREIGN, path, err, "%s did not sign it",
				     ca->cert->subject);
	rc = lasts_until(d, a, ca, file.crls.items[0], &until, err);
	if (rc < 0)
		return rc;
	if (before != NO_LIST && until > d->now)
		d->lists_until = before ? HF_MIN(before, until) : until;
	return hf_doctor_crl(d, file.crls.items[0], path, err);
}

struct shards_of {
	struct hf_doctor *d;
	struct hf_authority *a;
	struct hf_ca *ca;
	struct hf_err *err;
};

/* A list that lacks a revocation, or an URL that a certificate names, is out of date however young
 * it is. */
static int look_at_shard(void *arg, const struct hf_shard *shard)
{
	const struct shards_of *of = arg;
	char path[PATH_MAX];
	int rc = look_at_list(of->d, of->a, of->ca, shard->number, of->err);

	if (rc < 0 || !shard->stale || !shard->this_update)
		return rc;
	rc = hf_ca_list_path(of->a, of->ca, shard->number, path, of->err);
	return rc < 0 ? rc
		      : hf_doctor_add(of->d, HF_DOCTOR_CRL_STALE, path, of->err,
				      "it lacks what was revoked since");
}

static int look_at_lists(struct hf_doctor *d, struct hf_authority *a, struct hf_ca *ca,
			 struct hf_err *err)
{
	struct shards_of of = { d, a, ca, err };
	int rc = look_at_list(d, a, ca, HF_CRL_COMPLETE, err);

	return rc < 0 ? rc : hf_shards_alive(a, ca, d->now, look_at_shard, &of, err);
}

/* Only where the root's key is elsewhere do lists wait. */
static int look_at_waiting(struct hf_doctor *d, const struct hf_authority *a, struct hf_err *err)
{
	struct hf_root_lists lists = { 0 };
	char path[PATH_MAX], text[HF_TIME_TEXT_CAP];
	int rc = hf_path_join(path, sizeof(path), a->dir, "root.crls.pem", err);

	if (rc < 0 || !hf_file_exists(path))
		return rc;
	rc = hf_root_lists_look(a->dir, d->now, &lists, err);
	if (rc < 0)
		return rc;
	if (lists.due)
		return hf_doctor_add(d, HF_DOCTOR_RELEASE_DUE, path, err, "%zu more wait",
				     lists.waiting);
	if (!lists.covered_until || lists.covered_until - d->now > CA_WARN)
		return 0;
	hf_time_format(lists.covered_until, text);
	return hf_doctor_add(d, HF_DOCTOR_LISTS_END, path, err, "the last is good until %s", text);
}

/* --- the ledger --- */

struct complaints {
	struct hf_doctor *d;
	const char *where;
	int rc;
	struct hf_err *err;
};

static void complain(void *arg, const char *sentence)
{
	struct complaints *c = arg;

	if (c->rc == 0)
		c->rc = hf_doctor_add(c->d, HF_DOCTOR_AUDIT, c->where, c->err, "%s", sentence);
}

/* Lists signed ahead are in the log with their own dates. */
static int note_time(void *arg, const struct hf_audit_row *row)
{
	int64_t *newest = arg;

	if (strcmp(row->action, "crl") != 0)
		*newest = HF_MAX(*newest, row->at);
	return 0;
}

static int look_at_log(struct hf_doctor *d, struct hf_authority *a, struct hf_err *err)
{
	struct hf_auditlog_result result = { 0 };
	struct complaints c = { d, a->dir, 0, err };
	char text[HF_TIME_TEXT_CAP];
	int64_t newest = 0;
	int rc = hf_auditlog_verify(a, NULL, complain, &c, &result, err);

	if (rc == 0)
		rc = c.rc;
	if (rc == 0)
		rc = hf_store_audit_each(a->store, 0, note_time, &newest, err);
	if (rc < 0 || newest <= d->now + CLOCK_SLACK)
		return rc;
	hf_time_format(newest, text);
	return hf_doctor_add(d, HF_DOCTOR_CLOCK, a->dir, err, "the ledger's last entry is of %s",
			     text);
}

/* --- the whole --- */

/* An authority that is being made, or was not made to its end. */
static int look_for_strays(struct hf_doctor *d, const char *dir, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	int rc = 0;

	if (!hf_file_exists(dir) || hf_dir_list(dir, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		char path[PATH_MAX];

		if (names.items[i][0] != '.')
			continue;
		rc = hf_path_join(path, sizeof(path), dir, names.items[i], err);
		if (rc == 0)
			rc = hf_doctor_add(d, HF_DOCTOR_STRAY, path, err, "%s", "");
	}
	return rc;
}

static int look_around(struct hf_doctor *d, struct hf_err *err)
{
	char dir[PATH_MAX], request[PATH_MAX];
	int rc = hf_path_join(request, sizeof(request), d->home, "ca.request/request.pem", err);

	if (rc == 0 && hf_file_exists(request))
		rc = hf_doctor_add(d, HF_DOCTOR_WAITING, request, err, "for an offline root");
	if (rc == 0)
		rc = look_for_strays(d, d->home, err);
	if (rc == 0)
		rc = hf_home_id(d->home, "", "", dir, err);
	if (rc == 0)
		rc = look_for_strays(d, dir, err);
	if (rc == 0)
		rc = hf_home_ca(d->home, "", dir, err);
	return rc < 0 ? rc : look_for_strays(d, dir, err);
}

static int look(struct hf_doctor *d, struct hf_authority *a, struct hf_err *err)
{
	int rc = look_at_ca(d, a, &a->root, "root.pem", err);

	if (rc == 0 && !a->single)
		rc = look_at_ca(d, a, &a->issuing, "issuing.pem", err);
	if (rc == 0 && !a->single && hf_file_exists(a->root.key_path))
		rc = hf_doctor_add(d, HF_DOCTOR_ROOT_KEY_HERE, a->root.key_path, err, "%s", "");
	if (rc == 0)
		rc = look_at_secrets(d, a, err);
	if (rc == 0)
		rc = look_at_chain(d, a, err);
	if (rc == 0)
		rc = look_at_lists(d, a, &a->root, err);
	if (rc == 0 && !a->single)
		rc = look_at_lists(d, a, &a->issuing, err);
	for (size_t i = 0; rc == 0 && i < a->before_len; i++)
		rc = look_at_lists(d, a, &a->before[i], err);
	if (rc == 0 && !a->single)
		rc = look_at_waiting(d, a, err);
	if (rc == 0 && !a->policy)
		rc = hf_doctor_add(d, HF_DOCTOR_POLICY, a->dir, err, "%s", a->policy_err.msg);
	d->lists_until = HF_MAX(d->lists_until, 0);
	return rc < 0 ? rc : look_at_log(d, a, err);
}

int hf_doctor_authority(struct hf_doctor *d, struct hf_authority **ret_authority,
			struct hf_err *err)
{
	const struct hf_authority_options options = { .now = d->now, .actor = "doctor" };
	HF_AUTO(hf_authority) a = NULL;
	struct hf_err why = HF_ERR_INIT;
	char dir[PATH_MAX];
	int rc = look_around(d, err);

	if (rc == 0)
		rc = hf_home_ca(d->home, "", dir, err);
	if (rc < 0 || !hf_file_exists(dir))
		return rc;
	rc = hf_authority_open(d->home, &options, &a, &why);
	if (rc == -HF_E_NOMEM)
		return hf_err_nomem(err);
	if (rc < 0)
		return hf_doctor_add(d, HF_DOCTOR_LEDGER, dir, err, "%s", why.msg);
	rc = look(d, a, err);
	if (rc == 0)
		*ret_authority = hf_take(a);
	return rc;
}
