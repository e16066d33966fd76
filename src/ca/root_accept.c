/* SPDX-License-Identifier: Apache-2.0 */
/* Taking in what an offline root has signed.  Must never put a certificate beside another key, nor
 * believe a root that the operator has not compared. */
#include "ca/root.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/founding.h"
#include "ca/signer.h"
#include "util/home.h"

struct acceptance {
	const struct hf_pemfile *answer;
	EVP_PKEY *key;
	struct hf_root_accepted *r;
	char key_path[PATH_MAX];
};

void hf_root_accepted_done(struct hf_root_accepted *accepted)
{
	hf_cert_unref(accepted->root);
	hf_cert_unref(accepted->issuing);
	*accepted = (struct hf_root_accepted){ .root = NULL };
}

const struct hf_cert *hf_root_of(const struct hf_pemfile *answer)
{
	for (size_t i = 0; i < answer->certs.len; i++) {
		if (answer->certs.items[i]->flags & HF_CERT_SELF_ISSUED)
			return answer->certs.items[i];
	}
	return NULL;
}

static struct hf_cert *of_key(const struct hf_pemfile *answer, const EVP_PKEY *key)
{
	for (size_t i = 0; i < answer->certs.len; i++) {
		if (hf_key_same(key, hf_cert_key_get0(answer->certs.items[i])))
			return answer->certs.items[i];
	}
	return NULL;
}

/* As peers will judge it, with this root as their anchor. */
static int judge(struct hf_authority *a, struct hf_cert *issuing, int64_t now, struct hf_err *err)
{
	if (!(issuing->flags & HF_CERT_CA))
		return hf_err_set(err, HF_E_POLICY, "'%s' is not a CA certificate",
				  issuing->subject);
	return hf_authority_judge(a, issuing, hf_ca_profile_find("issuing"), now, err);
}

/* The ledger knows the issuing CA's certificate like any other, so that list, show and a revocation
 * by the root find it. */
static int record(struct hf_authority *a, const struct hf_cert *cert, int64_t now,
		  struct hf_err *err)
{
	struct hf_intent intent = {
		.issuer = a->root.store_id,
		.serial = cert->serial,
		.name = "issuing",
		.profile = "issuing",
		.subject = cert->subject,
		.sans = "",
		.at = now,
	};
	struct hf_outcome outcome = {
		.der = cert->der,
		.der_len = cert->der_len,
		.not_before = cert->not_before,
		.not_after = cert->not_after,
	};
	HF_AUTO_DONE(hf_records) known = HF_RECORDS_INIT;
	struct hf_record_filter filter = { .sha256 = cert->sha256, .limit = 1 };
	int rc = hf_store_collect(a->store, &filter, &known, err);

	if (rc < 0 || known.len)
		return rc;
	memcpy(outcome.sha256, cert->sha256, sizeof(outcome.sha256));
	rc = hf_store_intend(a->store, &intent, 1, err);
	outcome.id = intent.id;
	return rc < 0 ? rc : hf_store_record(a->store, &outcome, 1, now, err);
}

/* --- a new authority --- */

static int adopt(struct hf_founding *f, struct acceptance *x, struct hf_err *err)
{
	struct hf_authority *a = f->a;
	struct hf_cert *root = NULL, *issuing = of_key(x->answer, x->key);
	int rc;

	for (size_t i = 0; i < x->answer->certs.len; i++) {
		if (x->answer->certs.items[i] == hf_root_of(x->answer))
			root = x->answer->certs.items[i];
	}
	if (!root || !issuing || root == issuing)
		return hf_err_set(err, HF_E_MISMATCH,
				  "the answer does not hold a root and a certificate for '%s'",
				  x->key_path);
	rc = hf_authority_adopt(a, &a->root, root, "root", f->now, err);
	if (rc == 0)
		rc = hf_authority_adopt(a, &a->issuing, issuing, "issuing", f->now, err);
	if (rc == 0)
		rc = hf_authority_make_trust(a, err);
	if (rc == 0)
		rc = judge(a, issuing, f->now, err);
	if (rc < 0)
		return rc;
	if (!EVP_PKEY_up_ref(x->key))
		return hf_err_nomem(err);
	a->issuing.key = x->key;
	a->issuing.crl_name = "crl.pem";
	f->r->root = hf_cert_ref(root);
	x->r->root = hf_cert_ref(root);
	x->r->issuing = hf_cert_ref(issuing);
	return record(a, issuing, f->now, err);
}

/* The key as it is: encrypted keys stay so, under the passphrase they have. */
static int copy_key(const char *from, const char *dir, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(256 * 1024);
	int rc = hf_file_read(from, &pem, err);

	return rc < 0 ? rc : hf_founding_file(dir, "issuing.key", &pem, HF_MODE_SECRET, err);
}

static int keep_lists(struct acceptance *x, const char *dir, int64_t now, struct hf_err *err)
{
	HF_AUTO(hf_crl) released = NULL;
	int rc = hf_root_keep_lists(dir, x->r->root, &x->answer->crls, err);

	if (rc < 0)
		return rc;
	x->r->lists = (size_t)rc;
	return hf_root_release(dir, now, &released, err);
}

static int fill(struct hf_founding *f, struct hf_err *err)
{
	HF_AUTO_DONE(hf_crl_published) list = { .crl = NULL };
	struct acceptance *x = f->arg;
	struct hf_authority *a = f->a;
	int rc = adopt(f, x, err);

	if (rc == 0)
		rc = hf_founding_certs(a->dir, "root.pem", a->root.cert, NULL, err);
	if (rc == 0)
		rc = hf_founding_certs(a->dir, "issuing.pem", a->issuing.cert, NULL, err);
	if (rc == 0)
		rc = hf_founding_certs(a->dir, "chain.pem", a->issuing.cert, a->root.cert, err);
	if (rc == 0)
		rc = copy_key(x->key_path, a->dir, err);
	if (rc == 0)
		rc = keep_lists(x, a->dir, f->now, err);
	if (rc == 0)
		rc = hf_authority_publish_crl(a, &a->issuing, 0, NULL, f->now, &list, err);
	return rc < 0 ? rc
		      : hf_store_audit_append(a->store, "root-accept", a->root.cert->subject,
					      f->now, err);
}

static int load_pending_key(const char *home, const struct hf_passphrase_source *pass,
			    struct acceptance *x, struct hf_err *err)
{
	int rc =
	    hf_path_join(x->key_path, sizeof(x->key_path), home, "ca.request/issuing.key", err);

	if (rc < 0)
		return rc;
	if (hf_file_exists(x->key_path))
		return hf_signer_load(x->key_path, pass, &x->key, err);
	(void)hf_err_set(err, HF_E_NOENT, "this home waits for no answer: '%s' is missing",
			 x->key_path);
	return hf_err_hint(err, "ask for one with: handfast root request NAME");
}

/* Nothing waits any more. */
static void clear_request(const char *home)
{
	static const char *const names[] = { "ca.request/issuing.key", "ca.request/request.pem",
					     "ca.request" };
	char path[PATH_MAX];

	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		if (hf_path_join(path, sizeof(path), home, names[i], NULL) == 0 &&
		    unlink(path) != 0 && (errno == EISDIR || errno == EPERM))
			(void)rmdir(path);
	}
}

int hf_root_found(const char *home, const struct hf_pemfile *answer,
		  const struct hf_passphrase_source *pass, const char *actor, int64_t now,
		  struct hf_root_accepted *ret_accepted, struct hf_err *err)
{
	HF_AUTO_DONE(hf_init_result) made = { .root = NULL };
	const struct hf_init_options options = { .home = home, .now = now, .actor = actor };
	struct acceptance x = { .answer = answer, .r = ret_accepted };
	struct hf_founding f = { .o = &options, .r = &made, .now = now, .fill = fill, .arg = &x };
	int rc = load_pending_key(home, pass, &x, err);

	if (rc == 0)
		rc = hf_founding_run(&f, err);
	EVP_PKEY_free(x.key);
	if (rc < 0)
		return rc;
	ret_accepted->founded = true;
	clear_request(home);
	return 0;
}

/* --- an authority that is there --- */

/* Replaces a certificate by one for the same key: at every moment each file goes with the key. */
static int replace_certs(struct hf_authority *a, struct hf_cert *issuing, struct hf_err *err)
{
	static const char *const names[] = { "issuing.pem", "chain.pem" };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(names); i++) {
		HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(1024 * 1024);
		char path[PATH_MAX];

		rc = hf_path_join(path, sizeof(path), a->dir, names[i], err);
		if (rc == 0)
			rc = hf_cert_to_pem(issuing, &pem, err);
		if (rc == 0 && i == 1)
			rc = hf_cert_to_pem(a->root.cert, &pem, err);
		if (rc == 0)
			rc = hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC, HF_FILE_REPLACE,
					   err);
	}
	return rc;
}

static int renew(struct hf_authority *a, struct hf_cert *issuing, int64_t now, struct hf_err *err)
{
	int rc = judge(a, issuing, now, err);

	if (rc == 0)
		rc = record(a, issuing, now, err);
	if (rc == 0)
		rc = replace_certs(a, issuing, err);
	return rc < 0 ? rc
		      : hf_store_audit_append(a->store, "root-accept", issuing->serial, now, err);
}

static int check_root(const struct hf_authority *a, const struct hf_pemfile *answer,
		      struct hf_err *err)
{
	const struct hf_cert *root = hf_root_of(answer);

	if (!root || hf_cert_equal(root, a->root.cert))
		return 0;
	(void)hf_err_set(err, HF_E_POLICY, "the answer comes from another root, '%s'",
			 root->subject);
	return hf_err_hint(err, "this authority stands below '%s'", a->root.cert->subject);
}

int hf_root_accept(struct hf_authority *a, const char *home, const struct hf_pemfile *answer,
		   int64_t now, struct hf_root_accepted *ret_accepted, struct hf_err *err)
{
	struct acceptance x = { .answer = answer, .r = ret_accepted };
	struct hf_cert *issuing = NULL;
	int rc = check_root(a, answer, err);

	if (rc < 0)
		return rc;
	if (!a->single)
		issuing = of_key(answer, hf_cert_key_get0(a->issuing.cert));
	if (!issuing && answer->certs.len)
		return hf_err_set(err, HF_E_MISMATCH,
				  "no certificate of the answer is for the key of '%s'",
				  hf_authority_issuer(a)->cert->subject);
	ret_accepted->root = hf_cert_ref(a->root.cert);
	rc = keep_lists(&x, a->dir, now, err);
	if (rc < 0 || !issuing || hf_cert_equal(issuing, a->issuing.cert))
		return rc;
	rc = renew(a, issuing, now, err);
	if (rc < 0)
		return rc;
	ret_accepted->issuing = hf_cert_ref(issuing);
	clear_request(home);
	return 0;
}
