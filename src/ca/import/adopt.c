/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a tree that was read the authority of a home.  Must never write its key in plain when it
 * was encrypted, nor begin to issue before every serial number of the past is in the ledger. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/crl.h"
#include "ca/founding.h"
#include "ca/import/import.h"
#include "pki/der.h"

enum { BATCH = 1000, DETAIL_CAP = 512 };

struct adopting {
	const struct hf_import_tree *tree;
	const struct hf_import_place *place;
};

/* --- certificates --- */

static struct hf_adopted adopted(const struct hf_import_entry *e, const struct hf_cert *issuing,
				 int64_t now)
{
	struct hf_adopted row = {
		.serial = e->serial,
		.name = e->name,
		.profile = e->profile,
		.subject = e->subject,
		.sans = e->sans,
		.asked_at = e->not_before ? e->not_before : HF_MIN(now, e->not_after),
		.not_before = e->not_before,
		.not_after = e->not_after,
		.der = e->der,
		.der_len = e->der_len,
		.revoked = e->status == 'R',
		.revoked_at = e->revoked_at,
		.reason = e->reason,
	};

	memcpy(row.sha256, e->sha256, sizeof(row.sha256));
	if (issuing && e->der && memcmp(e->sha256, issuing->sha256, sizeof(e->sha256)) == 0)
		row.name = row.profile = "issuing";
	return row;
}

/* `issuing`: which of them is the authority's own issuing CA; NULL: none. */
static int adopt_entries(struct hf_founding *f, const struct hf_import_tree *tree,
			 const struct hf_cert *issuing, int64_t issuer, struct hf_err *err)
{
	struct hf_adopted *rows = calloc(BATCH, sizeof(*rows));
	int rc = 0;

	if (!rows)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < tree->len; i += BATCH) {
		size_t len = HF_MIN(tree->len - i, (size_t)BATCH);

		for (size_t k = 0; k < len; k++)
			rows[k] = adopted(&tree->entries[i + k], issuing, f->now);
		rc = hf_store_adopt(f->a->store, issuer, rows, len, f->now, err);
	}
	free(rows);
	return rc;
}

/* The CA's own certificate, unless its serial number is taken: by itself, or by a leaf of a CA that
 * did not look. */
static int adopt_own(struct hf_founding *f, const struct hf_cert *cert, int64_t issuer,
		     const char *name, const char *profile, struct hf_err *err)
{
	struct hf_record_filter filter = { .serial = cert->serial, .issuer = issuer, .limit = 1 };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_adopted row = {
		.serial = cert->serial,
		.name = name,
		.profile = profile,
		.subject = cert->subject,
		.asked_at = cert->not_before,
		.not_before = cert->not_before,
		.not_after = cert->not_after,
		.der = cert->der,
		.der_len = cert->der_len,
	};
	int rc = hf_store_collect(f->a->store, &filter, &found, err);

	if (rc < 0 || found.len > 0)
		return rc;
	memcpy(row.sha256, cert->sha256, sizeof(row.sha256));
	return hf_store_adopt(f->a->store, issuer, &row, 1, f->now, err);
}

static int adopt_certificates(struct hf_founding *f, const struct hf_import_tree *tree,
			      const struct hf_ca *ca, struct hf_err *err)
{
	int64_t root = f->a->root.store_id;
	int rc = adopt_entries(f, tree, NULL, ca->store_id, err);

	if (rc == 0 && tree->above)
		rc = adopt_entries(f, tree->above, tree->ca, root, err);
	if (rc == 0 && tree->above)
		rc = hf_store_continue_crl(f->a->store, root, tree->above->next_crl, err);
	if (rc == 0)
		rc = adopt_own(f, f->a->root.cert, root, "root", tree->root ? "root" : "single",
			       err);
	if (rc == 0 && tree->root)
		rc = adopt_own(f, tree->ca, root, "issuing", "issuing", err);
	if (rc == 0)
		rc = hf_store_continue_crl(f->a->store, ca->store_id, tree->next_crl, err);
	if (rc == 0 && tree->next_serial[0])
		rc = hf_store_meta_set(f->a->store, HF_META_OPENSSL_SERIAL, tree->next_serial, err);
	return rc;
}

/* --- the CA --- */

static int take_cas(struct hf_founding *f, const struct hf_import_tree *tree, struct hf_err *err)
{
	struct hf_authority *a = f->a;
	struct hf_ca *ca = hf_authority_issuer(a);
	int rc = hf_authority_adopt(a, &a->root, tree->root ? tree->root : tree->ca, "root", f->now,
				    err);

	if (rc == 0 && tree->root)
		rc = hf_authority_adopt(a, &a->issuing, tree->ca, "issuing", f->now, err);
	if (rc < 0)
		return rc;
	if (!EVP_PKEY_up_ref(tree->key))
		return hf_err_nomem(err);
	ca->key = tree->key;
	ca->crl_name = "crl.pem";
	if (tree->above && tree->above->key) {
		if (!EVP_PKEY_up_ref(tree->above->key))
			return hf_err_nomem(err);
		a->root.key = tree->above->key;
		a->root.crl_name = "root.crl.pem";
	}
	f->r->root = hf_cert_ref(a->root.cert);
	f->r->issuing = hf_cert_ref(a->issuing.cert);
	return hf_authority_make_trust(a, err);
}

static int link_key(const struct hf_founding *f, const char *from, const char *name,
		    struct hf_err *err)
{
	char target[PATH_MAX], path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), f->a->dir, name, err);

	if (rc < 0)
		return rc;
	if (!realpath(from, target) || symlink(target, path) != 0)
		return hf_err_errno(err, errno, "cannot link to the key '%s'", from);
	return 0;
}

static int keep_key(const struct hf_founding *f, const struct adopting *adopting,
		    const struct hf_import_tree *tree, const char *name, struct hf_err *err)
{
	if (adopting->place->key_in_place)
		return link_key(f, tree->key_path, name, err);
	if (tree->key_encrypted && !adopting->place->passphrase) {
		(void)hf_err_set(err, HF_E_PASSPHRASE,
				 "the CA's key is encrypted and would be kept in plain");
		return hf_err_hint(err, "give --passphrase-file, or --key-in-place");
	}
	return hf_founding_key(f, f->a->dir, name, tree->key, err);
}

static int write_files(struct hf_founding *f, const struct adopting *adopting, struct hf_err *err)
{
	const struct hf_authority *a = f->a;
	int rc = hf_founding_certs(a->dir, "root.pem", a->root.cert, NULL, err);

	if (rc == 0 && a->issuing.cert)
		rc = hf_founding_certs(a->dir, "issuing.pem", a->issuing.cert, NULL, err);
	if (rc == 0)
		rc = hf_founding_certs(a->dir, "chain.pem", a->issuing.cert, a->root.cert, err);
	if (rc == 0)
		rc = keep_key(f, adopting, adopting->tree,
			      a->issuing.cert ? "issuing.key" : "root.key", err);
	if (rc == 0 && a->root.key && a->issuing.cert)
		rc = keep_key(f, adopting, adopting->tree->above, "root.key", err);
	return rc;
}

/* The CA's next list; of the root above a new one with its key, its last one without. */
static int publish(struct hf_founding *f, const struct hf_import_tree *tree, struct hf_err *err)
{
	struct hf_ca *const cas[] = { hf_authority_issuer(f->a),
				      f->a->issuing.cert && f->a->root.key ? &f->a->root : NULL };
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_PEMFILE_CAP);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(cas); i++) {
		HF_AUTO_DONE(hf_crl_published) list = { .crl = NULL };

		if (cas[i])
			rc = hf_authority_publish_crl(f->a, cas[i], 0, NULL, f->now, &list, err);
	}
	if (rc < 0 || cas[1] || !tree->above || !tree->above->crl)
		return rc;
	rc = hf_crl_to_pem(tree->above->crl, &pem, err);
	return rc < 0 ? rc : hf_founding_file(f->a->dir, "root.crl.pem", &pem, HF_MODE_PUBLIC, err);
}

static int fill(struct hf_founding *f, struct hf_err *err)
{
	const struct adopting *adopting = f->arg;
	const struct hf_import_tree *tree = adopting->tree;
	struct hf_ca *ca = hf_authority_issuer(f->a);
	char detail[DETAIL_CAP];
	int rc = take_cas(f, tree, err);

	if (rc == 0)
		rc = adopt_certificates(f, tree, ca, err);
	if (rc == 0)
		rc = write_files(f, adopting, err);
	if (rc == 0)
		rc = publish(f, tree, err);
	(void)snprintf(detail, sizeof(detail), "%s, %zu certificates, from %.300s", tree->kind,
		       tree->len, tree->dir);
	return rc < 0 ? rc : hf_store_audit_append(f->a->store, "import", detail, f->now, err);
}

int hf_import_adopt(const struct hf_import_tree *tree, const struct hf_import_place *place,
		    struct hf_init_result *ret_result, struct hf_err *err)
{
	struct adopting adopting = { tree, place };
	struct hf_init_options options = {
		.home = place->home,
		.single = tree->root == NULL,
		.passphrase = place->passphrase,
		.force = place->force,
		.now = place->now,
		.actor = place->actor,
	};
	struct hf_founding f = {
		.o = &options, .r = ret_result, .now = place->now, .fill = fill, .arg = &adopting
	};

	if (!tree->key)
		return hf_err_set(err, HF_E_PASSPHRASE, "the CA's key was not read");
	return hf_founding_run(&f, err);
}
