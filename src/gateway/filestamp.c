/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of files, then and now.  Must never read a file for each record: a refused client would
 * choose how often. */
#include "gateway/filestamp.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/file.h"
#include "base/pack.h"
#include "base/str.h"

struct stamp {
	const char *role; /* one of roles[] */
	char *path;
	struct stat seen; /* at the last look */
	uint8_t loaded[HF_SHA256_LEN], disk[HF_SHA256_LEN];
	bool there;
	bool shut; /* it has changed, and cannot be read here */
};

static const char *const roles[] = { "certificate", "ca", "crl", "staple" };

struct hf_filestamps {
	struct stamp items[HF_FILESTAMPS_CAP];
	size_t len;
};

bool hf_file_digest(const char *path, uint8_t out[HF_SHA256_LEN])
{
	HF_AUTO(fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	uint8_t part[4096];
	ssize_t n = -1;

	if (fd < 0 || md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return false;
	while ((n = read(fd, part, sizeof(part))) > 0)
		(void)EVP_DigestUpdate(md, part, (size_t)n);
	OPENSSL_cleanse(part, sizeof(part));
	return n == 0 && EVP_DigestFinal_ex(md, out, NULL) == 1;
}

int hf_filestamps_new(struct hf_filestamps **ret_stamps, struct hf_err *err)
{
	struct hf_filestamps *stamps = calloc(1, sizeof(*stamps));

	if (stamps == NULL)
		return hf_err_nomem(err);
	*ret_stamps = stamps;
	return 0;
}

void hf_filestamps_free(struct hf_filestamps *stamps)
{
	if (stamps == NULL)
		return;
	for (size_t i = 0; i < stamps->len; i++)
		free(stamps->items[i].path);
	free(stamps);
}

static int add_file(struct hf_filestamps *stamps, const char *role, const char *path,
		    struct hf_err *err)
{
	struct stamp *stamp = &stamps->items[stamps->len];

	if (stamps->len == HF_FILESTAMPS_CAP || stat(path, &stamp->seen) != 0 ||
	    !S_ISREG(stamp->seen.st_mode) || !hf_file_digest(path, stamp->loaded))
		return 0;
	stamp->path = strdup(path);
	if (stamp->path == NULL)
		return hf_err_nomem(err);
	stamp->role = role;
	memcpy(stamp->disk, stamp->loaded, sizeof(stamp->disk));
	stamp->there = true;
	stamps->len++;
	return 0;
}

int hf_filestamps_add(struct hf_filestamps *stamps, const char *role, const char *path,
		      struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char file[PATH_MAX];
	struct stat st;
	int rc = 0;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return add_file(stamps, role, path, err);
	if (hf_dir_list(path, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < names.len; i++)
		if (hf_path_join(file, sizeof(file), path, names.items[i], NULL) == 0)
			rc = add_file(stamps, role, file, err);
	return rc;
}

static bool same_facts(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look(struct stamp *stamp)
{
	struct stat now;

	if (stat(stamp->path, &now) != 0) {
		stamp->there = stamp->shut = false;
		return;
	}
	if ((stamp->there || stamp->shut) && same_facts(&now, &stamp->seen))
		return;
	stamp->seen = now;
	stamp->there = hf_file_digest(stamp->path, stamp->disk);
	stamp->shut = !stamp->there;
}

static bool has_changed(const struct stamp *stamp)
{
	return stamp->shut ||
	       (stamp->there && memcmp(stamp->disk, stamp->loaded, sizeof(stamp->disk)) != 0);
}

static size_t role_number(const char *role)
{
	size_t i = 0;

	while (i + 1 < HF_ARRAY_LEN(roles) && strcmp(roles[i], role) != 0)
		i++;
	return i;
}

void hf_filestamps_pack(const struct hf_filestamps *stamps, struct hf_buf *out)
{
	hf_pack_number(out, stamps->len);
	for (size_t i = 0; i < stamps->len; i++) {
		const struct stamp *stamp = &stamps->items[i];

		hf_pack_number(out, role_number(stamp->role));
		hf_pack_text(out, stamp->path);
		hf_pack_bytes(out, &stamp->seen, sizeof(stamp->seen));
		hf_pack_bytes(out, stamp->loaded, sizeof(stamp->loaded));
	}
}

static int unpack_one(struct hf_unpack *in, struct stamp *ret_stamp, struct hf_err *err)
{
	uint64_t role = hf_unpack_number(in);
	const char *path = hf_unpack_text(in);
	size_t seen_len, loaded_len;
	const void *seen = hf_unpack_bytes(in, &seen_len),
		   *loaded = hf_unpack_bytes(in, &loaded_len);

	if (in->bad || role >= HF_ARRAY_LEN(roles) || seen_len != sizeof(ret_stamp->seen) ||
	    loaded_len != sizeof(ret_stamp->loaded))
		return hf_err_set(err, HF_E_PARSE, "packed facts of files are cut off");
	*ret_stamp = (struct stamp){ .role = roles[role], .path = hf_str_dup(path), .there = true };
	memcpy(&ret_stamp->seen, seen, seen_len);
	memcpy(ret_stamp->loaded, loaded, loaded_len);
	memcpy(ret_stamp->disk, loaded, loaded_len);
	return ret_stamp->path ? 0 : hf_err_nomem(err);
}

int hf_filestamps_unpack(struct hf_unpack *in, struct hf_filestamps **ret_stamps,
			 struct hf_err *err)
{
	HF_AUTO(hf_filestamps) stamps = NULL;
	uint64_t count = hf_unpack_number(in);
	int rc = hf_filestamps_new(&stamps, err);

	for (; rc == 0 && stamps->len < count && stamps->len < HF_FILESTAMPS_CAP; stamps->len++)
		rc = unpack_one(in, &stamps->items[stamps->len], err);
	if (rc == 0)
		*ret_stamps = hf_take(stamps);
	return rc;
}

void hf_filestamps_to_json(struct hf_filestamps *stamps, struct hf_json *j, const char *key)
{
	hf_json_array_begin(j, key);
	for (size_t i = 0; stamps != NULL && i < stamps->len; i++) {
		struct stamp *stamp = &stamps->items[i];

		look(stamp);
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "role", stamp->role);
		hf_json_string(j, "path", stamp->path);
		hf_json_hex(j, "sha256", stamp->loaded, sizeof(stamp->loaded));
		if (stamp->there)
			hf_json_hex(j, "on_disk", stamp->disk, sizeof(stamp->disk));
		else
			hf_json_null(j, "on_disk");
		hf_json_bool(j, "changed", has_changed(stamp));
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}
