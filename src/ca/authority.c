/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an authority.  Must never go on with a key that is not its certificate's. */
#include "ca/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/rollover.h"
#include "ca/signer.h"
#include "pki/der.h"
#include "util/home.h"
#include "verify/verify.h"

static int load_cert(const char *path, struct hf_cert **ret_cert, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&file, path, 0, NULL, err);

	if (rc < 0)
		return rc;
	if (file.certs.len == 0)
		return hf_err_set(err, HF_MISTAKE_FILE_WRONG, "'%s' holds no certificate", path);
	*ret_cert = hf_cert_ref(file.certs.items[0]);
	return 0;
}

bool hf_ca_has_key(const struct hf_ca *ca)
{
	return ca->key || (ca->key_path[0] && hf_file_exists(ca->key_path));
}

static int no_key(const struct hf_authority *a, const struct hf_ca *ca, struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_NOENT, "the key of '%s' is not here ('%s')", ca->cert->subject,
			 ca->key_path);
	if (ca == &a->root)
		return hf_err_hint(
		    err,
		    "the root is offline: bring its key to that place for this, and take it away again");
	return hf_err_hint(err, "restore it from a backup");
}

int hf_ca_load_key(struct hf_authority *a, struct hf_ca *ca, struct hf_err *err)
{
	HF_AUTO(EVP_PKEY) key = NULL;
	int rc;

	if (ca->key)
		return 0;
	if (!hf_ca_has_key(ca))
		return no_key(a, ca, err);
	rc = hf_signer_load(ca->key_path, &a->pass, &key, err);
	if (rc < 0)
		return rc;
	if (!hf_key_same(key, hf_cert_key_get0(ca->cert))) {
		(void)hf_err_set(err, HF_E_MISMATCH, "'%s' is not the key of '%s'", ca->key_path,
				 ca->cert->subject);
		return hf_err_hint(
		    err, "restore the authority's directory '%s' from one backup, not from two",
		    a->dir);
	}
	ca->key = hf_take(key);
	return 0;
}

struct hf_ca *hf_authority_issuer(struct hf_authority *a)
{
	return a->single ? &a->root : &a->issuing;
}

struct hf_ca *hf_authority_ca_by_id(struct hf_authority *a, int64_t store_id)
{
	struct hf_ca *ca;

	for (size_t i = 0; (ca = hf_authority_ca(a, i)); i++) {
		if (ca->store_id == store_id)
			return ca;
	}
	return NULL;
}

struct hf_ca *hf_authority_ca(struct hf_authority *a, size_t i)
{
	struct hf_ca *const two[] = { hf_authority_issuer(a), a->single ? NULL : &a->root };
	size_t first = 0;

	for (size_t k = 0; k < HF_ARRAY_LEN(two); k++) {
		if (two[k] && two[k]->cert && i == first++)
			return two[k];
	}
	return i - first < a->before_len ? &a->before[i - first] : NULL;
}

static bool is_root(const struct hf_ca *ca)
{
	return (ca->cert->flags & HF_CERT_SELF_ISSUED) != 0;
}

int hf_authority_roots_pem(const struct hf_authority *a, struct hf_buf *out, struct hf_err *err)
{
	int rc = hf_cert_to_pem(a->root.cert, out, err);

	for (size_t i = a->before_len; rc == 0 && i-- > 0;) {
		if (is_root(&a->before[i]))
			rc = hf_cert_to_pem(a->before[i].cert, out, err);
	}
	return rc;
}

int hf_authority_adopt(struct hf_authority *a, struct hf_ca *ca, struct hf_cert *cert,
		       const char *label, int64_t now, struct hf_err *err)
{
	ca->cert = hf_cert_ref(cert);
	return hf_store_issuer(a->store, cert->spki_sha256, label, now, &ca->store_id, err);
}

int hf_authority_make_trust(struct hf_authority *a, struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(0, &trust, err);

	if (rc == 0)
		rc = hf_trust_add_anchor(trust, a->root.cert, "own", err);
	if (rc == 0 && a->issuing.cert)
		rc = hf_trust_add_intermediate(trust, a->issuing.cert, err);
	for (size_t i = 0; rc == 0 && i < a->before_len; i++)
		rc = is_root(&a->before[i])
			 ? hf_trust_add_anchor(trust, a->before[i].cert, "own", err)
			 : hf_trust_add_intermediate(trust, a->before[i].cert, err);
	if (rc == 0)
		rc = hf_trust_freeze(trust, err);
	if (rc < 0)
		return rc;
	hf_trust_unref(a->trust);
	a->trust = hf_take(trust);
	return 0;
}

static int open_ca(struct hf_authority *a, struct hf_ca *ca, const char *name, const char *crl_name,
		   int64_t now, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	char path[PATH_MAX], file[64];
	int rc;

	(void)snprintf(file, sizeof(file), "%s.pem", name);
	rc = hf_path_join(path, sizeof(path), a->dir, file, err);
	(void)snprintf(file, sizeof(file), "%s.key", name);
	if (rc == 0)
		rc = hf_path_join(ca->key_path, sizeof(ca->key_path), a->dir, file, err);
	if (rc == 0)
		rc = load_cert(path, &cert, err);
	if (rc < 0)
		return rc;
	ca->crl_name = crl_name;
	return hf_authority_adopt(a, ca, cert, name, now, err);
}

/* --- those that went before --- */

static int open_before(struct hf_authority *a, const char *number, int64_t now, struct hf_err *err)
{
	struct hf_ca *ca = &a->before[a->before_len];
	HF_AUTO(hf_cert) cert = NULL;
	char path[PATH_MAX], file[48];
	int rc;

	if (strlen(number) > 8 || a->before_len == HF_CA_BEFORE_CAP)
		return hf_err_set(err, HF_E_LIMIT, "'%s/before' holds more than %d CAs", a->dir,
				  (int)HF_CA_BEFORE_CAP);
	(void)snprintf(file, sizeof(file), "before/%.8s/cert.pem", number);
	rc = hf_path_join(path, sizeof(path), a->dir, file, err);
	if (rc == 0)
		rc = load_cert(path, &cert, err);
	if (rc < 0)
		return rc;
	/* a rollover that was cut off before it took effect left a copy of the CA that is there */
	if (hf_cert_equal(cert, a->root.cert) ||
	    (a->issuing.cert && hf_cert_equal(cert, a->issuing.cert)))
		return 0;
	(void)snprintf(file, sizeof(file), "before/%.8s/key.pem", number);
	rc = hf_path_join(ca->key_path, sizeof(ca->key_path), a->dir, file, err);
	if (rc < 0)
		return rc;
	(void)snprintf(ca->crl_place, sizeof(ca->crl_place), "before/%.8s/crl.pem", number);
	ca->crl_name = ca->crl_place;
	rc = hf_authority_adopt(a, ca, cert, "before", now, err);
	a->before_len += rc == 0;
	return rc;
}

static int open_all_before(struct hf_authority *a, int64_t now, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) numbers = HF_STRV_INIT;
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "cross.pem", err);

	if (rc == 0 && hf_file_exists(path))
		rc = load_cert(path, &a->cross, err);
	if (rc == 0)
		rc = hf_path_join(path, sizeof(path), a->dir, "before", err);
	if (rc < 0 || !hf_file_exists(path))
		return rc;
	rc = hf_dir_list(path, &numbers, err);
	for (size_t i = 0; rc == 0 && i < numbers.len; i++) {
		if (numbers.items[i][0] != '.')
			rc = open_before(a, numbers.items[i], now, err);
	}
	return rc;
}

/* The root's list in the home says it, wherever the root is.  A list that is missing, damaged or
 * not the root's says nothing: what was issued must stay revocable (and doctor tells). */
int hf_authority_note_revocation(struct hf_authority *a, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	const ASN1_INTEGER *serial = X509_get0_serialNumber(a->issuing.cert->x509);
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, a->root.crl_name, err);

	if (rc < 0 || hf_pemfile_load(&file, path, 0, NULL, NULL) < 0)
		return rc;
	(void)ERR_set_mark();
	for (size_t i = 0; i < file.crls.len; i++) {
		const struct hf_crl *crl = file.crls.items[i];
		struct hf_crl_entry entry;
		int64_t at = 1;

		if (!hf_crl_verify(crl, hf_cert_key_get0(a->root.cert)) ||
		    hf_crl_find(crl, serial, NULL, &entry) != 1)
			continue;
		(void)hf_crl_entry_at(&entry, &at);
		a->issuing_revoked_at = at;
	}
	(void)ERR_pop_to_mark();
	return 0;
}

static int open_parts(struct hf_authority *a, const struct hf_authority_options *options,
		      struct hf_err *err)
{
	struct hf_store_options store = { .now = options->now, .actor = options->actor };
	HF_AUTO_DONE(hf_buf) kind = HF_BUF_INIT(64);
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "ca.db", err);

	if (rc == 0)
		rc = hf_store_open(path, &store, &a->store, err);
	if (rc == 0)
		rc = hf_path_join(path, sizeof(path), a->dir, "issuing.pem", err);
	if (rc < 0)
		return rc;
	a->single = !hf_file_exists(path);
	rc = hf_store_meta_get(a->store, HF_META_ROOT_ONLY, &kind, err);
	if (rc < 0)
		return rc;
	a->root_only = rc == 0 && a->single;
	rc = open_ca(a, &a->root, "root", a->single && !a->root_only ? "crl.pem" : "root.crl.pem",
		     options->now, err);
	if (rc == 0 && !a->single)
		rc = open_ca(a, &a->issuing, "issuing", "crl.pem", options->now, err);
	if (rc == 0 && !a->single)
		rc = hf_authority_note_revocation(a, err);
	if (rc == 0)
		rc = open_all_before(a, options->now, err);
	return rc < 0 ? rc : hf_authority_make_trust(a, err);
}

/* A policy with a mistake stops issuing (hf_order_check), and nothing else: what was issued must
 * stay revocable. */
static int load_policy(struct hf_authority *a, const struct hf_authority_options *options,
		       struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "policy.yaml", err);

	if (rc < 0)
		return rc;
	(void)hf_str_copy(a->actor, sizeof(a->actor), options->actor ? options->actor : "");
	if (!options->policy_path && !hf_file_exists(path))
		return hf_policy_new(&a->policy, err);
	rc = hf_policy_load(options->policy_path ? options->policy_path : path, &a->policy,
			    &a->policy_err);
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : 0;
}

int hf_authority_open(const char *home, const struct hf_authority_options *options,
		      struct hf_authority **ret_authority, struct hf_err *err)
{
	HF_AUTO(hf_authority) a = calloc(1, sizeof(*a));
	char root[PATH_MAX];
	int rc;

	if (!a)
		return hf_err_nomem(err);
	a->pass = options->pass;
	rc = hf_home_ca(home, "", a->dir, err);
	if (rc == 0)
		rc = hf_home_ca(home, "root.pem", root, err);
	if (rc < 0)
		return rc;
	if (!hf_file_exists(root)) {
		(void)hf_err_set(err, HF_MISTAKE_NO_AUTHORITY,
				 "there is no authority in '%s' ('%s' is missing)", home, root);
		return hf_err_hint(
		    err, "make one with: handfast init NAME; or name another home with --home DIR");
	}
	rc = hf_rollover_finish(a->dir, err);
	if (rc == 0)
		rc = open_parts(a, options, err);
	if (rc == 0)
		rc = load_policy(a, options, err);
	if (rc < 0)
		return hf_err_context(err, rc, "opening the authority");
	*ret_authority = hf_take(a);
	return 0;
}

static void ca_done(struct hf_ca *ca)
{
	hf_cert_unref(ca->cert);
	EVP_PKEY_free(ca->key);
}

void hf_authority_free(struct hf_authority *a)
{
	if (!a)
		return;
	hf_store_close(a->store);
	ca_done(&a->root);
	ca_done(&a->issuing);
	for (size_t i = 0; i < a->before_len; i++)
		ca_done(&a->before[i]);
	hf_cert_unref(a->cross);
	hf_trust_unref(a->trust);
	hf_policy_free(a->policy);
	free(a);
}

int hf_authority_chain_pem(const struct hf_authority *a, const struct hf_ca *issuer,
			   struct hf_buf *out, struct hf_err *err)
{
	int rc = issuer == &a->root ? 0 : hf_cert_to_pem(issuer->cert, out, err);

	/* leads those who know the root before to this one */
	return rc == 0 && a->cross ? hf_cert_to_pem(a->cross, out, err) : rc;
}

static int refused(const struct hf_cert *cert, const struct hf_verdict *verdict,
		   enum hf_profile profile, struct hf_err *err)
{
	const struct hf_finding *f = hf_verdict_root(verdict);
	const struct hf_reason_info *info = hf_reason_info(f ? f->reason : HF_REASON_NONE);

	(void)hf_err_set(
	    err, HF_E_POLICY,
	    "the certificate for '%s' would be refused by peers (profile %s): %s: %s%s%s",
	    cert->subject, profile == HF_PROFILE_STRICT ? "strict" : "openssl", info->id,
	    info->sentence, f && f->have ? ": " : "", f && f->have ? f->have : "");
	return hf_err_hint(err, "%s", f && f->remedy ? f->remedy : info->remedy);
}

/* A client known by its common name only: its order says that strict peers refuse it (issue.c), and
 * all that strict asks for besides holds for it too. */
static bool lacks_names_only(const struct hf_verdict *verdict, const struct hf_cert *cert,
			     const struct hf_ca_profile *profile)
{
	if (profile->is_ca || profile->names_hosts || cert->sans.len)
		return false;
	for (size_t i = 0; i < verdict->findings_len; i++) {
		const struct hf_finding *f = &verdict->findings[i];

		if (f->severity == HF_SEVERITY_REFUSE && (f->reason != HF_REASON_V_STRICT_PROFILE ||
							  !hf_str_eq(f->want, "a subjectAltName")))
			return false;
	}
	return true;
}

int hf_authority_judge(const struct hf_authority *a, struct hf_cert *cert,
		       const struct hf_ca_profile *profile, int64_t now, struct hf_err *err)
{
	/* What strict accepts, openssl accepts: strict only turns warnings into refusals
	 * (lib/verify/judge.c), so one judgement tells of both. */
	HF_AUTO_DONE(hf_certs) chain = HF_CERTS_INIT;
	int rc = hf_certs_add(&chain, cert, err);

	for (size_t p = 0; rc == 0 && p < profile->purposes_len; p++) {
		HF_AUTO_DONE(hf_verdict) verdict;
		struct hf_verify_options options = {
			.purpose = profile->purposes[p],
			.profile = HF_PROFILE_STRICT,
			.at = now,
		};

		hf_verdict_init(&verdict);
		rc = hf_verify(&chain, a->trust, &options, &verdict, err);
		if (rc == 0 && !verdict.accepted && !lacks_names_only(&verdict, cert, profile))
			return refused(cert, &verdict, options.profile, err);
	}
	return rc;
}
