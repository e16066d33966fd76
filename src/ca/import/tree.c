/* SPDX-License-Identifier: Apache-2.0 */
/* What an index says and what lies on the disk, brought together.  Must never lose a revocation:
 * where two rows or files speak of one serial number and one of them is revoked, it is revoked. */
#include "ca/import/tree.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"

enum { TEXT_CAP = 64 * 1024, NAME_CAP = 200 };

static void entry_done(struct hf_import_entry *e)
{
	free(e->name);
	free(e->subject);
	free(e->sans);
	free(e->file);
	free(e->der);
	*e = (struct hf_import_entry){ .status = 0 };
}

void hf_import_tree_free(struct hf_import_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->len; i++)
		entry_done(&tree->entries[i]);
	free(tree->entries);
	hf_cert_unref(tree->ca);
	hf_cert_unref(tree->root);
	hf_import_tree_free(tree->above);
	EVP_PKEY_free(tree->key);
	hf_crl_unref(tree->crl);
	hf_import_findings_done(&tree->findings);
	free(tree);
}

static struct hf_import_entry *add(struct hf_import_tree *tree)
{
	if (tree->len == tree->alloc) {
		size_t alloc = tree->alloc ? 2 * tree->alloc : 64;
		struct hf_import_entry *grown =
		    reallocarray(tree->entries, alloc, sizeof(struct hf_import_entry));

		if (!grown)
			return NULL;
		tree->entries = grown;
		tree->alloc = alloc;
	}
	tree->entries[tree->len] = (struct hf_import_entry){ .status = 0 };
	return &tree->entries[tree->len++];
}

/* The ledger keeps UTF-8 on one line. */
static char *safe_text(const char *text, size_t len)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(TEXT_CAP * 4);

	if (hf_str_is_printable(text, len))
		return hf_str_ndup(text, len);
	(void)hf_str_escape(&out, text, len);
	return hf_buf_failed(&out) ? NULL : hf_str_dup(hf_buf_str(&out));
}

static char *fit_name(const char *text, size_t len)
{
	HF_AUTO(cstr) safe = safe_text(text, HF_MIN(len, (size_t)NAME_CAP / 4));

	return safe && *safe ? hf_take(safe) : NULL;
}

/* The common name of a subject as the index writes it: "/C=IN/CN=amy"; the value may hold slashes,
 * but what follows it begins with a slash, a word and '='. */
static char *name_of_subject(const char *subject)
{
	const char *cn = NULL, *end;

	for (const char *at = subject; (at = strstr(at, "/CN=")) != NULL; at++)
		cn = at + strlen("/CN=");
	if (!cn)
		return NULL;
	for (end = cn; *end; end++) {
		size_t word = *end == '/' ? strcspn(end + 1, "/=") : 0;

		if (word > 0 && end[1 + word] == '=')
			break;
	}
	return fit_name(cn, (size_t)(end - cn));
}

int hf_import_add_row(struct hf_import_tree *tree, const struct hf_index_row *row,
		      struct hf_err *err)
{
	struct hf_import_entry *e = add(tree);

	if (!e)
		return hf_err_nomem(err);
	memcpy(e->serial, row->serial, sizeof(e->serial));
	e->status = row->status;
	e->not_after = row->not_after;
	e->revoked_at = row->revoked_at;
	e->reason = row->reason;
	e->line = row->line;
	e->profile = "unknown";
	e->subject = safe_text(row->subject, strlen(row->subject));
	e->sans = hf_str_dup("");
	e->name = name_of_subject(row->subject);
	if (!e->subject || !e->sans)
		return hf_err_nomem(err);
	if (row->reason_extra)
		return hf_import_find(&tree->findings, HF_IMPORT_REASON_EXTRA, err, "serial %s, %s",
				      row->serial, e->subject);
	return 0;
}

static const char *profile_of(const struct hf_cert *cert)
{
	bool server = cert->eku & (HF_EKU_SERVER | HF_EKU_ANY);
	bool client = cert->eku & (HF_EKU_CLIENT | HF_EKU_ANY);

	if (cert->flags & HF_CERT_CA)
		return "intermediate";
	if (!(cert->flags & HF_CERT_HAS_EKU))
		return "peer"; /* that is what it is good for */
	if (server || client)
		return server && client ? "peer" : server ? "server" : "client";
	return "unknown";
}

static char *name_of_cert(const struct hf_cert *cert)
{
	if (cert->common_name && *cert->common_name)
		return fit_name(cert->common_name, strlen(cert->common_name));
	for (size_t i = 0; i < cert->sans.len; i++) {
		const struct hf_san *san = &cert->sans.items[i];

		if (san->kind != HF_SAN_DIRNAME && san->kind != HF_SAN_OTHER)
			return fit_name(san->value, san->len);
	}
	return NULL;
}

static int fill_cert(struct hf_import_entry *e, const struct hf_cert *cert, const char *file,
		     const char *name, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(TEXT_CAP);

	(void)hf_sans_format(&cert->sans, &sans);
	e->not_before = cert->not_before;
	e->not_after = cert->not_after;
	e->profile = profile_of(cert);
	e->named = name != NULL;
	e->name = name ? fit_name(name, strlen(name)) : name_of_cert(cert);
	e->subject = hf_str_dup(cert->subject);
	e->sans = hf_str_dup(hf_buf_str(&sans));
	e->file = hf_str_dup(file);
	e->der = malloc(cert->der_len);
	if (!e->subject || !e->sans || !e->file || !e->der)
		return hf_err_nomem(err);
	memcpy(e->der, cert->der, cert->der_len);
	e->der_len = cert->der_len;
	memcpy(e->sha256, cert->sha256, sizeof(e->sha256));
	return 0;
}

int hf_import_add_cert(struct hf_import_tree *tree, const struct hf_cert *cert, const char *file,
		       const char *name, struct hf_err *err)
{
	struct hf_import_entry *e;
	bool ours = X509_verify(cert->x509, hf_cert_key_get0(tree->ca)) == 1;

	ERR_clear_error();
	if (!ours) {
		int rc = hf_import_find(&tree->findings, HF_IMPORT_OTHER_ISSUER, err,
					"%s: %s, by %s", file, cert->subject, cert->issuer);

		return rc < 0 ? rc : 1;
	}
	if (cert->serial[0] == '-' || strlen(cert->serial) >= HF_INDEX_SERIAL_CAP)
		return hf_err_set(err, HF_E_UNSUPPORTED,
				  "'%s' has the serial number %s, which no ledger can hold", file,
				  cert->serial);
	e = add(tree);
	if (!e)
		return hf_err_nomem(err);
	(void)hf_str_copy(e->serial, sizeof(e->serial), cert->serial);
	e->marks = hf_import_marks(cert, tree->ca);
	return fill_cert(e, cert, file, name, err);
}

/* --- together --- */

/* By serial; of one serial, rows before files and in their order, then named files. */
static int compare(const void *a, const void *b)
{
	const struct hf_import_entry *x = a, *y = b;
	size_t x_len = strlen(x->serial), y_len = strlen(y->serial);
	int by_serial = x_len != y_len ? (x_len < y_len ? -1 : 1) : strcmp(x->serial, y->serial);

	if (by_serial)
		return by_serial;
	if (!x->line != !y->line)
		return x->line ? -1 : 1;
	if (x->line)
		return x->line < y->line ? -1 : x->line > y->line;
	return (int)y->named - (int)x->named;
}

/* As the index has them, which is the order in which they were issued; then the others. */
static int compare_age(const void *a, const void *b)
{
	const struct hf_import_entry *x = a, *y = b;

	if (!x->line != !y->line)
		return x->line ? -1 : 1;
	if (x->line)
		return x->line < y->line ? -1 : x->line > y->line;
	if (x->not_before != y->not_before)
		return x->not_before < y->not_before ? -1 : 1;
	return strcmp(x->serial, y->serial);
}

static int find_at(struct hf_import_tree *tree, enum hf_import_id id,
		   const struct hf_import_entry *e, struct hf_err *err)
{
	return hf_import_find(&tree->findings, id, err, "serial %s, %s%s%s%s", e->serial,
			      e->subject, e->file ? " (" : "", e->file ? e->file : "",
			      e->file ? ")" : "");
}

/* What the row knows and the certificate does not. */
static int join(struct hf_import_tree *tree, struct hf_import_entry *cert,
		const struct hf_import_entry *row, struct hf_err *err)
{
	cert->status = row->status;
	cert->revoked_at = row->revoked_at;
	cert->reason = row->reason;
	cert->line = row->line;
	if (cert->not_after == row->not_after)
		return 0;
	return hf_import_find(&tree->findings, HF_IMPORT_INDEX_MISMATCH, err,
			      "serial %s, %s: another expiry on line %zu", cert->serial,
			      cert->subject, row->line);
}

/* The row that counts: revoked beats valid. */
static const struct hf_import_entry *pick_row(const struct hf_import_entry *group, size_t len)
{
	const struct hf_import_entry *row = NULL;

	for (size_t i = 0; i < len && group[i].line; i++) {
		if (!row || (group[i].status == 'R' && row->status != 'R'))
			row = &group[i];
	}
	return row;
}

/* The certificate that counts: the one the row describes, else the first; *ret_others: how many
 * different ones there are besides. */
static struct hf_import_entry *pick_cert(struct hf_import_entry *group, size_t len,
					 const struct hf_import_entry *row, size_t *ret_others)
{
	struct hf_import_entry *cert = NULL;

	*ret_others = 0;
	for (size_t i = 0; i < len; i++) {
		bool fits = row && group[i].der && group[i].not_after == row->not_after;

		if (!group[i].der)
			continue;
		if (cert && memcmp(cert->sha256, group[i].sha256, HF_SHA256_LEN) != 0)
			(*ret_others)++;
		if (!cert || (fits && cert->not_after != row->not_after))
			cert = &group[i];
	}
	return cert;
}

static size_t count_rows(const struct hf_import_entry *group, size_t len)
{
	size_t rows = 0;

	while (rows < len && group[rows].line)
		rows++;
	return rows;
}

static int tell_marks(struct hf_import_tree *tree, const struct hf_import_entry *e,
		      struct hf_err *err)
{
	int rc = 0;

	for (int id = 0; rc == 0 && id < HF_IMPORT_COUNT; id++) {
		if (e->marks >> id & 1)
			rc = find_at(tree, (enum hf_import_id)id, e, err);
	}
	return rc;
}

static int tell(struct hf_import_tree *tree, const struct hf_import_entry *e, struct hf_err *err)
{
	bool expired = e->not_after < tree->now;
	int rc = 0;

	if (e->status == 'R')
		tree->count.revoked++;
	else if (expired)
		tree->count.expired++;
	else
		tree->count.valid++;
	tree->count.serial_only += !e->der;
	if (!e->der)
		rc = find_at(tree, HF_IMPORT_NOT_ON_DISK, e, err);
	if (rc == 0 && e->status == 'V' && expired)
		rc = find_at(tree, HF_IMPORT_EXPIRED_AS_VALID, e, err);
	if (rc == 0 && e->status == 0)
		rc = find_at(tree, HF_IMPORT_NOT_IN_INDEX, e, err);
	/* what is over needs no advice */
	if (rc == 0 && e->status != 'R' && !expired)
		rc = tell_marks(tree, e, err);
	return rc;
}

/* Leaves one entry of the group in `to`. */
static int settle_group(struct hf_import_tree *tree, struct hf_import_entry *group, size_t len,
			struct hf_import_entry *to, struct hf_err *err)
{
	const struct hf_import_entry *row = pick_row(group, len);
	size_t others, rows = count_rows(group, len);
	struct hf_import_entry *cert = pick_cert(group, len, row, &others);
	const struct hf_import_entry *source = cert ? cert : row;
	struct hf_import_entry kept;
	int rc = 0;

	if (rows > 1 || others > 0)
		rc = hf_import_find(&tree->findings, HF_IMPORT_DUPLICATE_SERIAL, err,
				    "serial %s: %zu in the index, %zu on the disk", group->serial,
				    rows, others + (cert ? 1 : 0));
	if (rc == 0 && cert && row)
		rc = join(tree, cert, row, err);
	if (rc < 0)
		return rc;
	assert(source); /* each entry is a row or has a certificate */
	kept = *source;
	for (size_t i = 0; i < len; i++) {
		if (&group[i] != source)
			entry_done(&group[i]);
		else
			group[i] = (struct hf_import_entry){ .status = 0 };
	}
	*to = kept;
	if (!to->name)
		to->name = hf_str_printf("serial-%s", to->serial);
	return to->name ? tell(tree, to, err) : hf_err_nomem(err);
}

/* A root that `openssl ca -selfsign` made stands in its own index. */
static int add_own(struct hf_import_tree *tree, struct hf_err *err)
{
	bool listed = false;
	int rc;

	for (size_t i = 0; i < tree->len; i++)
		listed = listed || (tree->entries[i].line &&
				    strcmp(tree->entries[i].serial, tree->ca->serial) == 0);
	if (!listed || !(tree->ca->flags & HF_CERT_SELF_ISSUED))
		return 0;
	rc = hf_import_add_cert(tree, tree->ca, tree->ca_path, "root", err);
	if (rc == 0) {
		tree->entries[tree->len - 1].marks = 0;
		tree->entries[tree->len - 1].profile = "single";
	}
	return rc;
}

int hf_import_settle(struct hf_import_tree *tree, struct hf_err *err)
{
	size_t to = 0, from = 0;
	int rc = add_own(tree, err);

	if (tree->len > 1)
		qsort(tree->entries, tree->len, sizeof(struct hf_import_entry), compare);
	while (rc == 0 && from < tree->len) {
		size_t len = 1;

		while (from + len < tree->len &&
		       strcmp(tree->entries[from].serial, tree->entries[from + len].serial) == 0)
			len++;
		rc = settle_group(tree, &tree->entries[from], len, &tree->entries[to], err);
		from += len;
		to += rc == 0;
	}
	if (rc < 0)
		return rc;
	tree->len = to; /* what lies behind was handed on or freed */
	if (to > 1)
		qsort(tree->entries, to, sizeof(struct hf_import_entry), compare_age);
	return 0;
}
