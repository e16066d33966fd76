/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists of an offline root that wait for their date.  Must never put a list in the place
 * of one with a higher number: that one knows of more revocations, whatever its dates are. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/root.h"

enum { LISTS_CAP = 64 * 1024 * 1024 };

/* Numbers are hexadecimal text of any length (RFC 5280 5.2.3). */
static int compare_numbers(const struct hf_crl *a, const struct hf_crl *b)
{
	const char *x = a->number ? a->number : "", *y = b->number ? b->number : "";
	size_t x_len, y_len;

	x += strspn(x, "0");
	y += strspn(y, "0");
	x_len = strlen(x);
	y_len = strlen(y);
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return strcmp(x, y);
}

static int lists_path(const char *dir, bool waiting, char path[PATH_MAX], struct hf_err *err)
{
	return hf_path_join(path, PATH_MAX, dir, waiting ? "root.crls.pem" : "root.crl.pem", err);
}

/* Empty when the file is not there. */
static int load(const char *dir, bool waiting, struct hf_pemfile *file, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = lists_path(dir, waiting, path, err);

	if (rc < 0 || !hf_file_exists(path))
		return rc;
	return hf_pemfile_load(file, path, 0, NULL, err);
}

int hf_root_lists_pem(const struct hf_crls *lists, struct hf_buf *out, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < lists->len; i++)
		rc = hf_crl_to_pem(lists->items[i], out, err);
	return rc;
}

static int write_lists(const char *dir, bool waiting, const struct hf_crls *lists,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(LISTS_CAP);
	char path[PATH_MAX];
	int rc = lists_path(dir, waiting, path, err);

	if (rc == 0)
		rc = hf_root_lists_pem(lists, &pem, err);
	return rc < 0
		   ? rc
		   : hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
}

static bool has_number(const struct hf_crls *lists, const struct hf_crl *crl)
{
	for (size_t i = 0; i < lists->len; i++) {
		if (compare_numbers(lists->items[i], crl) == 0)
			return true;
	}
	return false;
}

static int check_list(const struct hf_cert *root, const struct hf_crl *crl, struct hf_err *err)
{
	if (X509_NAME_cmp(hf_crl_issuer(crl), X509_get_subject_name(root->x509)) == 0 &&
	    hf_crl_verify(crl, hf_cert_key_get0(root)) && crl->number)
		return 0;
	return hf_err_set(err, HF_E_POLICY, "a revocation list of '%s' was not signed by '%s'",
			  crl->issuer, root->subject);
}

int hf_root_keep_lists(const char *dir, const struct hf_cert *root, const struct hf_crls *lists,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int kept = 0;
	int rc = load(dir, true, &file, err);

	for (size_t i = 0; rc == 0 && i < lists->len; i++) {
		rc = check_list(root, lists->items[i], err);
		if (rc < 0 || has_number(&file.crls, lists->items[i]))
			continue;
		rc = hf_crls_add(&file.crls, lists->items[i], err);
		kept++;
	}
	if (rc == 0 && kept)
		rc = write_lists(dir, true, &file.crls, err);
	return rc < 0 ? rc : kept;
}

/* Of those whose time has come the one with the highest number. */
static struct hf_crl *current(const struct hf_crls *lists, int64_t now)
{
	struct hf_crl *best = NULL;

	for (size_t i = 0; i < lists->len; i++) {
		if (lists->items[i]->this_update <= now &&
		    (!best || compare_numbers(best, lists->items[i]) < 0))
			best = lists->items[i];
	}
	return best;
}

static bool is_newer(const struct hf_crl *crl, const struct hf_crls *there)
{
	return crl && (there->len == 0 || compare_numbers(there->items[0], crl) < 0);
}

int hf_root_lists_look(const char *dir, int64_t now, struct hf_root_lists *ret_lists,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) waiting = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) there = HF_PEMFILE_INIT;
	struct hf_root_lists found = { 0 };
	int rc = load(dir, true, &waiting, err);

	if (rc == 0)
		rc = load(dir, false, &there, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < waiting.crls.len; i++) {
		const struct hf_crl *crl = waiting.crls.items[i];

		/* what a later list has overtaken will never be released */
		if (there.crls.len && compare_numbers(crl, there.crls.items[0]) < 0)
			continue;
		found.covered_until = HF_MAX(found.covered_until, crl->next_update);
		if (crl->this_update <= now)
			continue;
		found.waiting++;
		if (!found.next_release || crl->this_update < found.next_release)
			found.next_release = crl->this_update;
	}
	found.due = is_newer(current(&waiting.crls, now), &there.crls);
	*ret_lists = found;
	return 0;
}

int hf_root_release(const char *dir, int64_t now, struct hf_crl **ret_crl, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) waiting = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) there = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_crls) one = HF_CRLS_INIT;
	struct hf_crl *best;
	int rc = load(dir, true, &waiting, err);

	if (rc == 0)
		rc = load(dir, false, &there, err);
	if (rc < 0)
		return rc;
	best = current(&waiting.crls, now);
	if (!is_newer(best, &there.crls))
		return 0;
	rc = hf_crls_add(&one, best, err);
	if (rc == 0)
		rc = write_lists(dir, false, &one, err);
	if (rc == 0)
		*ret_crl = hf_crl_ref(best);
	return rc;
}
