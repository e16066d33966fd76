/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the tree of an authority for `openssl ca`: made beside its place, moved there when it is
 * whole.  Must never write a key in plain that is encrypted in the home. */
#include "ca/import/openssl_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/certificate.h"
#include "ca/draft.h"
#include "ca/import/import.h"

enum { PEM_CAP = 1024 * 1024 };

/* One CA's tree. */
struct exporting {
	struct hf_authority *a;
	struct hf_ca *ca;
	const struct hf_openssl_export *o;
	struct hf_openssl_exported *r;
	const char *dir; /* where it is made */
	struct hf_buf index;
	struct hf_err *err;
};

static int put(const char *dir, const char *name, const void *data, size_t len, mode_t mode,
	       struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), dir, name, err);

	return rc < 0 ? rc : hf_file_write(path, data, len, mode, HF_FILE_NO_SYNC, err);
}

static int put_text(const char *dir, const char *name, const char *text, struct hf_err *err)
{
	return put(dir, name, text, strlen(text), HF_MODE_PUBLIC, err);
}

static int make_dir(const char *dir, const char *name, mode_t mode, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), dir, name, err);

	return rc < 0 ? rc : hf_dir_make(path, mode, err);
}

/* --- the index and newcerts --- */

/* "/C=IN/CN=amy", which is what openssl itself puts there. */
static char *one_line(const struct hf_cert *cert)
{
	HF_AUTO(ossl_mem) text =
	    (unsigned char *)X509_NAME_oneline(X509_get_subject_name(cert->x509), NULL, 0);

	return text ? hf_str_dup((const char *)text) : NULL;
}

static int write_newcert(const struct exporting *e, const struct hf_cert *cert, const char *serial,
			 struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	char name[64];
	int rc = hf_cert_to_pem(cert, &pem, err);

	(void)snprintf(name, sizeof(name), "newcerts/%s.pem", serial);
	return rc < 0 ? rc : put(e->dir, name, pem.data, pem.len, HF_MODE_PUBLIC, err);
}

static char status_of(const struct exporting *e, const struct hf_record *r)
{
	if (r->state == HF_RECORD_REVOKED)
		e->r->revoked++;
	else if (r->not_after < e->o->now)
		e->r->expired++;
	else
		e->r->valid++;
	e->r->sharded += r->shard != HF_CRL_COMPLETE && r->not_after >= e->o->now;
	return r->state == HF_RECORD_REVOKED ? 'R' : r->not_after < e->o->now ? 'E' : 'V';
}

static int write_record(const struct exporting *e, const struct hf_record *r,
			struct hf_index_row *row, char **ret_subject, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	char serial[HF_INDEX_SERIAL_CAP + 1];
	int rc;

	if (!r->der) {
		*ret_subject = hf_str_dup(r->subject);
		return *ret_subject ? 0 : hf_err_nomem(err);
	}
	rc = hf_cert_from_der(r->der, r->der_len, &cert, err);
	if (rc < 0)
		return rc;
	hf_hex_number_format(row->serial, serial);
	*ret_subject = one_line(cert);
	return *ret_subject ? write_newcert(e, cert, serial, err) : hf_err_nomem(err);
}

static int each(void *arg, const struct hf_record *r)
{
	struct exporting *e = arg;
	HF_AUTO(cstr) subject = NULL;
	char unknown[] = "unknown";
	struct hf_index_row row = { .not_after = r->not_after,
				    .revoked_at = r->revoked_at,
				    .reason = r->reason,
				    .file = unknown };
	int rc;

	/* its own certificate is cacert.pem */
	if (r->der && r->der_len == e->ca->cert->der_len &&
	    memcmp(r->der, e->ca->cert->der, r->der_len) == 0)
		return 0;
	if (!hf_str_copy(row.serial, sizeof(row.serial), r->serial))
		return hf_err_set(e->err, HF_E_LIMIT, "the serial number %s is too long",
				  r->serial);
	row.status = status_of(e, r);
	rc = write_record(e, r, &row, &subject, e->err);
	if (rc < 0)
		return rc;
	row.subject = subject;
	return hf_index_format(&row, &e->index) < 0
		   ? hf_err_set(e->err, HF_E_LIMIT, "the index is too large")
		   : 0;
}

static int write_index(struct exporting *e, struct hf_err *err)
{
	struct hf_record_filter filter = { .issuer = e->ca->store_id,
					   .states =
					       1U << HF_RECORD_ISSUED | 1U << HF_RECORD_REVOKED };
	int rc;

	e->index = (struct hf_buf)HF_BUF_INIT(HF_INDEX_CAP);
	e->err = err;
	rc = hf_store_list(e->a->store, &filter, each, e, err);
	if (rc == 0)
		rc = put(e->dir, "index.txt", hf_buf_str(&e->index), e->index.len, HF_MODE_PUBLIC,
			 err);
	hf_buf_done(&e->index);
	return rc < 0 ? rc : put_text(e->dir, "index.txt.attr", "unique_subject = no\n", err);
}

/* --- numbers --- */

static int is_used(const struct exporting *e, const char *serial, struct hf_err *err)
{
	struct hf_record_filter filter = { .serial = serial,
					   .issuer = e->ca->store_id,
					   .limit = 1 };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	int rc = hf_store_collect(e->a->store, &filter, &found, err);

	return rc < 0 ? rc : found.len > 0;
}

/* A tree that was imported counts on where it was; others count from a number nobody can guess. */
static int next_serial(const struct exporting *e, char serial[HF_INDEX_SERIAL_CAP],
		       bool *ret_random, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) kept = HF_BUF_INIT(HF_INDEX_SERIAL_CAP);
	uint8_t random[HF_SERIAL_LEN];
	char text[HF_SERIAL_TEXT_CAP];
	int rc = hf_store_meta_get(e->a->store, HF_META_OPENSSL_SERIAL, &kept, err);

	if (rc < 0)
		return rc;
	*ret_random = rc > 0 || e->ca != hf_authority_issuer(e->a);
	rc = *ret_random ? hf_serial_make(random, err) : 0;
	if (rc < 0)
		return rc;
	if (*ret_random)
		hf_serial_text(random, text);
	if (!hf_str_copy(serial, HF_INDEX_SERIAL_CAP, *ret_random ? text : hf_buf_str(&kept)))
		return hf_err_set(err, HF_E_LIMIT, "the serial number is too long");
	while ((rc = is_used(e, serial, err)) > 0) {
		rc = hf_hex_number_next(serial, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int write_number(const char *dir, const char *name, const char *number, struct hf_err *err)
{
	char digits[HF_INDEX_SERIAL_CAP + 1], line[HF_INDEX_SERIAL_CAP + 2];

	hf_hex_number_format(number, digits);
	(void)snprintf(line, sizeof(line), "%s\n", digits);
	return put_text(dir, name, line, err);
}

static int write_numbers(const struct exporting *e, bool *ret_random, struct hf_err *err)
{
	char serial[HF_INDEX_SERIAL_CAP], crl[HF_INDEX_SERIAL_CAP];
	int64_t next = 1;
	int rc = next_serial(e, serial, ret_random, err);

	if (rc == 0)
		rc = write_number(e->dir, "serial", serial, err);
	if (rc == 0)
		rc = hf_store_next_crl(e->a->store, e->ca->store_id, &next, err);
	(void)snprintf(crl, sizeof(crl), "%llx", (unsigned long long)next);
	return rc < 0 ? rc : write_number(e->dir, "crlnumber", crl, err);
}

/* --- the CA --- */

static int write_key(const struct exporting *e, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_ca_load_key(e->a, e->ca, err);

	if (rc == 0)
		rc = hf_pemfile_load(&file, e->ca->key_path, 0, NULL, err);
	if (rc < 0)
		return rc;
	if (file.key_encrypted && !e->o->passphrase) {
		(void)hf_err_set(err, HF_E_PASSPHRASE,
				 "the CA's key is encrypted and would be written in plain");
		return hf_err_hint(err,
				   "give --passphrase-file for the new file, or --without-key");
	}
	rc = hf_key_to_pem(e->ca->key, e->o->passphrase, &pem, err);
	return rc < 0 ? rc
		      : put(e->dir, "private/cakey.pem", pem.data, pem.len, HF_MODE_SECRET, err);
}

/* The list as it is published now; none is signed for this. */
static int copy_list(const struct exporting *e, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_PEMFILE_CAP);
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), e->a->dir, e->ca->crl_name, err);

	if (rc < 0 || !hf_file_exists(path))
		return rc;
	rc = hf_file_read(path, &pem, err);
	return rc < 0 ? rc : put(e->dir, "crl.pem", pem.data, pem.len, HF_MODE_PUBLIC, err);
}

static int write_certs(const struct exporting *e, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(PEM_CAP);
	int rc = hf_cert_to_pem(e->ca->cert, &pem, err);

	if (rc == 0)
		rc = put(e->dir, "cacert.pem", pem.data, pem.len, HF_MODE_PUBLIC, err);
	if (rc == 0 && e->ca != &e->a->root)
		rc = hf_cert_to_pem(e->a->root.cert, &pem, err);
	return rc < 0 ? rc : put(e->dir, "chain.pem", pem.data, pem.len, HF_MODE_PUBLIC, err);
}

static int write_tree(struct exporting *e, const char *place, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) config = HF_BUF_INIT(PEM_CAP);
	bool random = false, key = !e->o->without_key && hf_ca_has_key(e->ca);
	int rc = make_dir(e->dir, "newcerts", HF_MODE_DIR, err);

	if (rc == 0)
		rc = make_dir(e->dir, "certs", HF_MODE_DIR, err);
	if (rc == 0)
		rc = make_dir(e->dir, "private", HF_MODE_SECRET_DIR, err);
	if (rc == 0)
		rc = write_certs(e, err);
	if (rc == 0 && key)
		rc = write_key(e, err);
	if (rc == 0)
		rc = write_index(e, err);
	if (rc == 0)
		rc = write_numbers(e, &random, err);
	if (rc == 0)
		rc = copy_list(e, err);
	if (rc < 0)
		return rc;
	if (e->ca == hf_authority_issuer(e->a))
		e->r->with_key = key;
	if (hf_export_config(place, random, &config) < 0)
		return hf_err_nomem(err);
	return put(e->dir, "openssl.cnf", config.data, config.len, HF_MODE_PUBLIC, err);
}

/* --- the whole --- */

/* What write_tree makes, from the inside out. */
static void remove_draft(const char *draft)
{
	static const char *const dirs[] = { "root/newcerts", "root/certs", "root/private", "root",
					    "newcerts",	     "certs",	   "private",	   "" };
	char path[PATH_MAX];

	for (size_t i = 0; i < HF_ARRAY_LEN(dirs); i++) {
		if (hf_path_join(path, sizeof(path), draft, dirs[i], NULL) == 0)
			hf_draft_remove(path);
	}
}

/* The absolute path of what is not there yet. */
static int settle_place(const char *dir, char place[PATH_MAX], struct hf_err *err)
{
	char parent[PATH_MAX], whole[PATH_MAX];
	size_t len = strlen(dir);
	const char *slash, *name;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len >= sizeof(parent))
		return hf_err_set(err, HF_E_LIMIT, "the path '%.80s…' is too long", dir);
	memcpy(parent, dir, len);
	parent[len] = '\0';
	slash = strrchr(parent, '/');
	name = slash ? dir + (slash - parent) + 1 : dir;
	if (slash)
		parent[slash == parent ? 1 : slash - parent] = '\0';
	else
		(void)hf_str_copy(parent, sizeof(parent), ".");
	if (!realpath(parent, whole))
		return hf_err_errno(err, errno, "cannot find the directory '%s'", parent);
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(len - (size_t)(name - dir)), name);
	if (!parent[0] || strcmp(parent, ".") == 0 || strcmp(parent, "..") == 0)
		return hf_err_set(err, HF_E_INVALID, "'%s' is not a name for a new directory", dir);
	return hf_path_join(place, PATH_MAX, whole, parent, err);
}

static int check_place(const char *place, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;

	if (!hf_file_exists(place) || (hf_dir_list(place, &names, NULL) == 0 && names.len == 0))
		return 0;
	(void)hf_err_set(err, HF_E_EXIST, "'%s' is there already", place);
	return hf_err_hint(err, "nothing was changed; name a new directory");
}

static int write_root(struct exporting e, const char *place, struct hf_err *err)
{
	struct hf_openssl_exported ignored = { .valid = 0 };
	char dir[PATH_MAX], root[PATH_MAX];
	int rc = hf_path_join(dir, sizeof(dir), e.dir, "root", err);

	if (rc == 0)
		rc = hf_path_join(root, sizeof(root), place, "root", err);
	if (rc == 0)
		rc = hf_dir_make(dir, HF_MODE_DIR, err);
	e.dir = dir;
	e.ca = &e.a->root;
	e.r = &ignored;
	return rc < 0 ? rc : write_tree(&e, root, err);
}

static int write_all(struct exporting *e, const char *place, struct hf_err *err)
{
	int rc = write_tree(e, place, err);

	if (rc == 0 && e->ca != &e->a->root) {
		e->r->with_root = true;
		rc = write_root(*e, place, err);
	}
	return rc;
}

/* Thousands of small files at once, rather than each by itself. */
static int sync_all(const char *dir, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) != 0)
		return hf_err_errno(err, errno, "cannot bring '%s' to the disk", dir);
	return 0;
}

int hf_export_openssl(struct hf_authority *a, const struct hf_openssl_export *options,
		      struct hf_openssl_exported *ret_exported, struct hf_err *err)
{
	struct hf_openssl_exported r = { .valid = 0 };
	struct exporting e = { .a = a, .ca = hf_authority_issuer(a), .o = options, .r = &r };
	char draft[PATH_MAX];
	int rc = settle_place(options->dir, r.dir, err);

	if (rc == 0)
		rc = check_place(r.dir, err);
	if (rc < 0)
		return rc;
	if ((size_t)snprintf(draft, sizeof(draft), "%.4080s.XXXXXX", r.dir) >= sizeof(draft) ||
	    !mkdtemp(draft))
		return hf_err_errno(err, errno, "cannot make a directory beside '%s'", r.dir);
	e.dir = draft;
	rc = write_all(&e, r.dir, err);
	if (rc == 0)
		rc = sync_all(draft, err);
	if (rc == 0 && rename(draft, r.dir) != 0)
		rc = hf_err_errno(err, errno, "cannot move '%s' to '%s'", draft, r.dir);
	if (rc < 0) {
		remove_draft(draft);
		return rc;
	}
	*ret_exported = r;
	return 0;
}
