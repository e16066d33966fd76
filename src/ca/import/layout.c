/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the parts of an authority from where its layout says they are.  Must never take a key that
 * is not the certificate's, nor a CA that could issue nothing. */
#include "ca/import/layout.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

enum { NUMBER_CAP = 4096 };

/* --- the CA --- */

/* Of a PKCS#12 file the certificate is locked too. */
static int load_first(const char *path, const struct hf_passphrase_source *pass,
		      struct hf_cert **ret_cert, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&file, path, 0, pass, err);

	if (rc < 0)
		return rc;
	if (file.certs.len == 0)
		return hf_err_set(err, HF_E_PARSE, "'%s' holds no certificate", path);
	*ret_cert = hf_cert_ref(file.certs.items[0]);
	return 0;
}

static int check_ca(const struct hf_import_tree *tree, struct hf_err *err)
{
	const struct hf_cert *ca = tree->ca;
	const char *why = NULL;

	if (ca->version < 3 || !(ca->flags & HF_CERT_CA))
		why = "it is not a CA certificate (version 3 with CA:TRUE)";
	else if (!(ca->ku & KU_KEY_CERT_SIGN))
		why = "its key usage does not allow signing certificates";
	else if (!hf_cert_key_get0(ca))
		why = "its public key cannot be read";
	else if (ca->not_after <= tree->now)
		why = "it has expired";
	if (!why)
		return 0;
	(void)hf_err_set(err, HF_E_POLICY, "'%s' cannot go on as a CA: %s", tree->ca_path, why);
	return hf_err_hint(err, "make a new authority with: handfast init NAME");
}

static int load_key(struct hf_import_tree *tree, const struct hf_import_options *o,
		    struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&file, tree->key_path, 0, &o->pass, err);

	if (rc < 0)
		return rc;
	tree->key_encrypted = file.key_encrypted || file.was_pkcs12;
	if (file.keys_len == 0 && o->keyless) {
		tree->key_path[0] = '\0';
		return 0;
	}
	if (file.keys_len == 0)
		return hf_err_set(err, HF_E_PARSE, "'%s' holds no private key", tree->key_path);
	if (!tree->key_encrypted)
		rc =
		    hf_import_find(&tree->findings, HF_IMPORT_PLAIN_KEY, err, "%s", tree->key_path);
	if (rc < 0)
		return rc;
	if (tree->key_encrypted && o->dry_run)
		return hf_import_find(&tree->findings, HF_IMPORT_KEY_LOCKED, err, "%s",
				      tree->key_path);
	hf_pemfile_done(&file);
	file = (struct hf_pemfile)HF_PEMFILE_INIT;
	rc = hf_pemfile_load(&file, tree->key_path, HF_WANT_KEY, &o->pass, err);
	if (rc < 0)
		return rc;
	if (!hf_key_same(file.key, hf_cert_key_get0(tree->ca))) {
		(void)hf_err_set(err, HF_E_MISMATCH, "'%s' is not the key of '%s'", tree->key_path,
				 tree->ca_path);
		return hf_err_hint(err, "name the right ones with --ca-cert and --ca-key");
	}
	tree->key = hf_take(file.key);
	return 0;
}

static int load_crl(struct hf_import_tree *tree, const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;

	if (!path[0] || hf_pemfile_load(&file, path, 0, NULL, NULL) < 0)
		return 0;
	for (size_t i = 0; i < file.crls.len && !tree->crl; i++) {
		if (hf_crl_verify(file.crls.items[i], hf_cert_key_get0(tree->ca)))
			tree->crl = hf_crl_ref(file.crls.items[i]);
	}
	if (tree->crl && tree->crl->next_update < tree->now)
		return hf_import_find(&tree->findings, HF_IMPORT_CRL_EXPIRED, err, "%s", path);
	return 0;
}

static int missing(const struct hf_import_tree *tree, const char *what, const char *option,
		   struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_NOENT, "there is no %s in '%s'", what, tree->dir);
	return hf_err_hint(err, "is this the tree of the CA? Name the file with %s", option);
}

/* Of the options, of the layout, or nowhere. */
static bool settle_path(char out[PATH_MAX], const char *given, const char *found)
{
	return hf_str_copy(out, PATH_MAX, given ? given : found) && out[0];
}

static int tell_ca(struct hf_import_tree *tree, struct hf_err *err)
{
	uint64_t marks = hf_import_ca_marks(tree->ca, tree->now);
	int rc = 0;

	for (int id = 0; rc == 0 && id < HF_IMPORT_COUNT; id++) {
		if (marks >> id & 1)
			rc = hf_import_find(&tree->findings, (enum hf_import_id)id, err, "%s, %s",
					    tree->ca_path, tree->ca->subject);
	}
	return rc;
}

int hf_import_load_ca(struct hf_import_tree *tree, const struct hf_import_layout *l,
		      const struct hf_import_options *o, struct hf_err *err)
{
	int rc;

	if (!settle_path(tree->ca_path, o->ca_cert, l->certificate))
		return missing(tree, "CA certificate", "--ca-cert", err);
	/* one PEM may hold both */
	if (!settle_path(tree->key_path, o->ca_key,
			 l->private_key[0] ? l->private_key : tree->ca_path))
		return missing(tree, "CA key", "--ca-key", err);
	rc = load_first(tree->ca_path, &o->pass, &tree->ca, err);
	if (rc == 0)
		rc = check_ca(tree, err);
	if (rc == 0)
		rc = hf_import_find_root(tree, o, err);
	if (rc == 0)
		rc = load_key(tree, o, err);
	if (rc == 0)
		rc = load_crl(tree, l->crl, err);
	return rc < 0 ? rc : tell_ca(tree, err);
}

/* --- its books --- */

int hf_import_load_index(struct hf_import_tree *tree, const struct hf_import_layout *l,
			 struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_INDEX_CAP);
	HF_AUTO_DONE(hf_index) index = HF_INDEX_INIT;
	int rc;

	if (!l->database[0])
		return missing(tree, "index.txt", "--config FILE, which says where it is", err);
	rc = hf_file_read(l->database, &data, err);
	if (rc == 0)
		rc = hf_index_parse(hf_buf_str(&data), data.len, l->database, &index, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < index.len; i++)
		rc = hf_import_add_row(tree, &index.rows[i], err);
	return rc;
}

static int load_number(const char *path, char ret_number[HF_INDEX_SERIAL_CAP], struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(NUMBER_CAP);
	int rc;

	ret_number[0] = '\0';
	if (!path[0])
		return 0;
	rc = hf_file_read(path, &data, err);
	return rc < 0 ? rc
		      : hf_hex_number_parse(hf_buf_str(&data), data.len, path, ret_number, err);
}

/* A number of a list as the ledger has them. */
static int list_number(const char *hex, const char *where, int64_t *ret, struct hf_err *err)
{
	if (strlen(hex) > 15)
		return hf_err_set(err, HF_E_UNSUPPORTED, "%s: the number %s is too large", where,
				  hex);
	*ret = hex[0] ? (int64_t)strtoull(hex, NULL, 16) : 0;
	return 0;
}

int hf_import_load_numbers(struct hf_import_tree *tree, const struct hf_import_layout *l,
			   struct hf_err *err)
{
	char number[HF_INDEX_SERIAL_CAP];
	int64_t next = 0, last = -1;
	int rc = load_number(l->serial, tree->next_serial, err);

	if (rc == 0)
		rc = load_number(l->crlnumber, number, err);
	if (rc == 0)
		rc = list_number(number, l->crlnumber, &next, err);
	if (rc == 0 && tree->crl && tree->crl->number && tree->crl->number[0] != '-')
		rc = list_number(tree->crl->number, l->crl, &last, err);
	if (rc < 0)
		return rc;
	tree->next_crl = HF_MAX(HF_MAX(next, last + 1), 1);
	if (!l->crlnumber[0])
		rc = hf_import_find(&tree->findings, HF_IMPORT_NO_CRLNUMBER, err,
				    "the next list gets number %lld", (long long)tree->next_crl);
	/* 8 octets and more are random */
	if (rc == 0 && tree->next_serial[0] && strlen(tree->next_serial) < 16)
		rc =
		    hf_import_find(&tree->findings, HF_IMPORT_SEQUENTIAL_SERIAL, err,
				   "%s: the next would have been %s", l->serial, tree->next_serial);
	return rc;
}

/* --- the kinds --- */

static const struct {
	const char *name;
	int (*read)(struct hf_import_tree *tree, const struct hf_import_options *o,
		    struct hf_err *err);
} readers[] = {
	{ "openssl", hf_import_read_openssl },
	{ "easy-rsa", hf_import_read_easyrsa },
	{ "cfssl", hf_import_read_cfssl },
};

const char *const *hf_import_kinds(void)
{
	static const char *const kinds[] = { "openssl", "easy-rsa", "cfssl", NULL };

	return kinds;
}

int hf_import_read(const char *kind, const struct hf_import_options *options,
		   struct hf_import_tree **ret_tree, struct hf_err *err)
{
	HF_AUTO(hf_import_tree) tree = calloc(1, sizeof(*tree));
	int rc = -HF_E_INVALID;

	if (!tree)
		return hf_err_nomem(err);
	if (!hf_str_copy(tree->dir, sizeof(tree->dir), options->dir))
		return hf_err_set(err, HF_E_LIMIT, "the path '%.80s…' is too long", options->dir);
	tree->now = options->now;
	for (size_t i = 0; i < HF_ARRAY_LEN(readers); i++) {
		if (strcmp(readers[i].name, kind) != 0)
			continue;
		tree->kind = readers[i].name;
		rc = readers[i].read(tree, options, err);
		if (rc == 0)
			rc = hf_import_scan_keys(tree, err);
		if (rc == 0)
			rc = hf_import_settle(tree, err);
		if (rc == 0)
			rc = hf_import_try(tree, err);
	}
	if (rc < 0)
		return rc;
	*ret_tree = hf_take(tree);
	return 0;
}
