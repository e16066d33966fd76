/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at ledger and lists.  Must never give a list an event that is later than what it names,
 * and never wait for whoever publishes. */
#include "enroll/lists.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/crl.h"
#include "ca/shards.h"

enum {
	LIST_CAP = 1024 * 1024 * 1024,
	INLINE_CAP = 256 * 1024, /* kept in memory of our own; larger ones are sent from a file */
	MISSING_MS = 1000,	 /* so long somebody else may take to sign the list */
};

void hf_list_free(struct hf_list *list)
{
	if (!list)
		return;
	hf_buf_done(&list->der);
	hf_fd_close(list->fd);
	hf_strv_done(&list->places);
	free(list);
}

void hf_lookout_init(struct hf_lookout *look)
{
	*look = (struct hf_lookout){ .seen = -1 };
}

void hf_lookout_done(struct hf_lookout *look)
{
	for (size_t i = 0; i < HF_LISTS; i++)
		hf_list_free(look->fresh[i]);
	hf_shelf_lookout_done(&look->shards);
	free(look->revocations);
	hf_lookout_init(look);
}

/* "issuing", "root", and "before-2" for the CA whose list is before/2/crl.pem. */
void hf_list_name_of(const struct hf_ca *ca, char out[HF_LIST_NAME_CAP])
{
	const char *number = ca->crl_name + strlen("before/");

	if (hf_str_starts(ca->crl_name, "before/"))
		(void)snprintf(out, HF_LIST_NAME_CAP, "before-%.*s", (int)strcspn(number, "/"),
			       number);
	else
		(void)hf_str_copy(out, HF_LIST_NAME_CAP,
				  hf_str_starts(ca->crl_name, "root.") ? "root" : "issuing");
}

/* --- the ledger --- */

struct reading {
	struct hf_lookout *look;
	struct hf_authority *a;
	int64_t now_ms;
};

static void note_missing(struct reading *r, int64_t issuer, bool missing)
{
	for (size_t i = 0; i < HF_LISTS; i++) {
		struct hf_ca *ca = hf_authority_ca(r->a, i);

		if (!ca || ca->store_id != issuer)
			continue;
		r->look->files[i].missing_entry = missing;
		r->look->files[i].missing_ms = r->now_ms;
	}
}

static int add_revocation(struct hf_lookout *look, const struct hf_audit_row *row)
{
	/* "PROFILE reason=NUMBER NAME" */
	const char *words = strstr(row->detail, " reason=");
	char number[4] = "";
	struct hf_revocation *one;
	uint64_t reason = 0;

	if (look->revocations_len == look->revocations_alloc) {
		size_t alloc = look->revocations_alloc ? 2 * look->revocations_alloc : 16;
		struct hf_revocation *more = realloc(look->revocations, alloc * sizeof(*more));

		if (!more)
			return -HF_E_NOMEM;
		look->revocations = more;
		look->revocations_alloc = alloc;
	}
	one = &look->revocations[look->revocations_len++];
	*one = (struct hf_revocation){ .id = row->id, .at = row->at };
	if (2 * row->serial_len < sizeof(one->serial))
		hf_hex_encode(row->serial, row->serial_len, one->serial);
	if (words) {
		words += strlen(" reason=");
		(void)snprintf(number, sizeof(number), "%.*s", (int)strspn(words, "0123456789"),
			       words);
	}
	if (hf_str_u64(number, 10, &reason))
		one->reason = (int)reason;
	return 0;
}

static int on_row(void *arg, const struct hf_audit_row *row)
{
	struct reading *r = arg;

	r->look->seen = row->id;
	if (strcmp(row->action, "crl") == 0) {
		if (!hf_str_starts(row->detail, HF_AUDIT_CRL_SHARD))
			note_missing(r, row->issuer, false);
		return 0;
	}
	if (strcmp(row->action, "revoke") != 0)
		return 0;
	note_missing(r, row->issuer, true);
	return add_revocation(r->look, row);
}

/* --- the files --- */

int hf_list_read_pem(const char *path, struct hf_buf *ret_der, struct hf_err *err)
{
	static const char begin[] = "-----BEGIN X509 CRL-----", end[] = "-----END";
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(LIST_CAP);
	const char *from, *until;
	int rc = hf_file_read(path, &pem, err);

	if (rc < 0)
		return rc;
	from = strstr(hf_buf_str(&pem), begin);
	until = from ? strstr(from + sizeof(begin), end) : NULL;
	if (!until)
		return hf_err_set(err, HF_E_PARSE, "'%s' holds no revocation list", path);
	from += sizeof(begin) - 1;
	if (hf_base64_decode(from, (size_t)(until - from), ret_der) < 0)
		return hf_err_set(err, HF_E_PARSE, "'%s' is damaged", path);
	return 0;
}

/* Answers must not wait for each other: what is large is sent piece by piece, out of a file that no
 * newer list can replace. */
static int set_aside(struct hf_list *list, struct hf_err *err)
{
	const char *data = list->der.data;
	size_t left = list->der.len;

	if (left <= INLINE_CAP)
		return 0;
	list->fd = memfd_create("handfast-crl", MFD_CLOEXEC);
	if (list->fd < 0)
		return hf_err_errno(err, errno, "a file in memory");
	while (left > 0) {
		ssize_t n = write(list->fd, data, left);

		if (n < 0)
			return hf_err_errno(err, errno, "a file in memory");
		data += n;
		left -= (size_t)n;
	}
	hf_buf_done(&list->der);
	hf_buf_init(&list->der, LIST_CAP);
	return 0;
}

static int load_list(const char *path, const struct stat *st, int64_t event,
		     struct hf_list **ret_list, struct hf_err *err)
{
	HF_AUTO(hf_list) list = calloc(1, sizeof(*list));
	char hex[2 * 16 + 1];
	int rc;

	if (!list)
		return hf_err_nomem(err);
	hf_buf_init(&list->der, LIST_CAP);
	list->fd = -1;
	list->event = event;
	list->modified_at = st->st_mtim.tv_sec;
	(void)hf_str_copy(list->pem_path, sizeof(list->pem_path), path);
	rc = hf_list_read_pem(path, &list->der, err);
	if (rc < 0)
		return rc;
	if (!hf_crl_facts_read((const uint8_t *)list->der.data, list->der.len, &list->facts))
		return hf_err_set(err, HF_E_PARSE, "'%s' is no revocation list", path);
	list->der_len = list->der.len;
	SHA256((const unsigned char *)list->der.data, list->der.len, list->sha256);
	hf_hex_encode(list->sha256, 16, hex);
	(void)snprintf(list->etag, sizeof(list->etag), "\"%s\"", hex);
	rc = set_aside(list, err);
	if (rc == 0)
		*ret_list = hf_take(list);
	return rc;
}

int hf_list_reload(const char *path, struct hf_list_stamp *stamp, int64_t event,
		   struct hf_list **ret_list, struct hf_err *err)
{
	struct stat st;
	int64_t mtime;
	int rc;

	if (stat(path, &st) != 0)
		return 0;
	mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (mtime == stamp->mtime_ns && st.st_ino == stamp->inode && st.st_size == stamp->size)
		return 0;
	rc = load_list(path, &st, event, ret_list, err);
	if (rc < 0)
		return rc;
	*stamp = (struct hf_list_stamp){ mtime, st.st_size, st.st_ino };
	return 1;
}

/* The last part of a URL, without its suffix. */
static int add_file_name(void *arg, const char *url)
{
	const char *slash = strrchr(url, '/'), *file = slash ? slash + 1 : url;

	return hf_strv_addn(arg, file, strcspn(file, ".?")) < 0 ? -HF_E_NOMEM : 0;
}

int hf_list_label(struct hf_list *list, struct hf_authority *a, const struct hf_ca *ca,
		  const char *name, int64_t shard, struct hf_err *err)
{
	int rc = 0;

	(void)hf_str_copy(list->name, sizeof(list->name), name);
	hf_ca_key_name(ca, list->key);
	if (ca != &a->root && ca != hf_authority_issuer(a))
		rc = hf_store_each_place(a->store, ca->store_id, shard, add_file_name,
					 &list->places, err);
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : rc;
}

static int look_at_file(struct hf_lookout *look, struct hf_authority *a, size_t i, int64_t event,
			struct hf_err *err)
{
	struct hf_lookout_file *file = &look->files[i];
	const struct hf_ca *ca = hf_authority_ca(a, i);
	struct hf_list *fresh = NULL;
	char path[PATH_MAX], name[HF_LIST_NAME_CAP];
	int rc;

	look->gone[i] = !ca && file->stamp.inode != 0;
	if (!ca)
		*file = (struct hf_lookout_file){ .missing_entry = false };
	if (!ca || hf_path_join(path, sizeof(path), a->dir, ca->crl_name, err) < 0)
		return 0;
	rc = hf_list_reload(path, &file->stamp, event, &fresh, err);
	if (rc <= 0)
		return rc;
	hf_list_name_of(ca, name);
	rc = hf_list_label(fresh, a, ca, name, HF_CRL_COMPLETE, err);
	if (rc < 0) {
		hf_list_free(fresh);
		file->stamp = (struct hf_list_stamp){ 0, 0, 0 };
		return rc;
	}
	hf_list_free(look->fresh[i]);
	look->fresh[i] = fresh;
	return 0;
}

int hf_lookout_run(struct hf_lookout *look, struct hf_authority *a, int64_t now, int64_t now_ms,
		   struct hf_err *err)
{
	struct reading reading = { look, a, now_ms };
	uint8_t hash[HF_STORE_SHA256_LEN];
	HF_AUTO(fd) lock = -1;
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "crl.lock", err);

	if (rc == 0)
		rc = hf_file_lock(path, look->seen < 0, &lock, err);
	if (rc == -HF_E_BUSY)
		return 1;
	if (rc == 0 && look->seen < 0)
		rc = hf_store_audit_head(a->store, &look->seen, hash, err);
	else if (rc == 0)
		rc = hf_store_audit_each(a->store, look->seen, on_row, &reading, err);
	for (size_t i = 0; rc == 0 && i < HF_LISTS; i++)
		rc = look_at_file(look, a, i, look->seen, err);
	if (rc == 0)
		rc = hf_shelf_look(&look->shards, a, now, look->seen, err);
	return rc;
}

/* --- lists that fell behind --- */

static int count_one(void *arg, const struct hf_revoked *revoked)
{
	(void)revoked;
	++*(size_t *)arg;
	return 0;
}

/* A crash between the revocation and its list, before we were there. */
static bool is_short(struct hf_lookout *look, struct hf_authority *a, size_t i, int64_t now)
{
	const struct hf_list *list = look->fresh[i];
	size_t revoked = 0;

	return list &&
	       hf_store_each_revoked(a->store, hf_authority_ca(a, i)->store_id, HF_CRL_COMPLETE,
				     now, count_one, &revoked, NULL) == 0 &&
	       revoked > list->facts.revoked;
}

int hf_lookout_mend(struct hf_lookout *look, struct hf_authority *a, int64_t now, int64_t now_ms,
		    struct hf_err *err)
{
	for (size_t i = 0; i < HF_LISTS; i++) {
		struct hf_lookout_file *file = &look->files[i];
		HF_AUTO_DONE(hf_crl_published) published = { .crl = NULL };
		struct hf_ca *ca = hf_authority_ca(a, i);
		bool due = file->missing_entry && now_ms - file->missing_ms >= MISSING_MS;
		int rc;

		if (!ca || !hf_ca_has_key(ca) || (!due && !is_short(look, a, i, now)))
			continue;
		rc = hf_authority_publish_crl(a, ca, 0, NULL, now, &published, err);
		if (rc < 0)
			return hf_err_context(err, rc, "the revocation list of %s",
					      ca->cert->subject);
		file->missing_entry = false;
	}
	return 0;
}
