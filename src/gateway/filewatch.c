/* SPDX-License-Identifier: Apache-2.0 */
/* Watching the files that a generation is made of.  Must never keep what it reads: keys are among
 * them. */
#include "gateway/filewatch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/file.h"
#include "base/ossl.h"
#include "gateway/filestamp.h"
#include "pki/key.h"

struct hf_filewatch {
	struct hf_strv paths;
	uint8_t metadata[HF_SHA256_LEN], content[HF_SHA256_LEN];
	bool moving; /* at the last look the metadata was new */
};

/* Adds something of one file to the digest. */
typedef void (*file_hash)(EVP_MD_CTX *md, const char *path);

static void hash_metadata(EVP_MD_CTX *md, const char *path)
{
	struct stat st;
	int64_t facts[7] = { 0 };

	if (stat(path, &st) == 0) {
		facts[0] = (int64_t)st.st_dev;
		facts[1] = (int64_t)st.st_ino;
		facts[2] = (int64_t)st.st_size;
		facts[3] = (int64_t)st.st_mtim.tv_sec;
		facts[4] = (int64_t)st.st_mtim.tv_nsec;
		facts[5] = (int64_t)st.st_ctim.tv_sec;
		facts[6] = (int64_t)st.st_ctim.tv_nsec;
	}
	(void)EVP_DigestUpdate(md, facts, sizeof(facts));
}

static void hash_content(EVP_MD_CTX *md, const char *path)
{
	uint8_t content[HF_SHA256_LEN] = { 0 };
	bool there = hf_file_digest(path, content);

	(void)EVP_DigestUpdate(md, content, sizeof(content));
	(void)EVP_DigestUpdate(md, there ? "y" : "n", 1);
}

static void hash_directory(EVP_MD_CTX *md, const char *dir, file_hash hash)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];

	if (hf_dir_list(dir, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		if (hf_path_join(path, sizeof(path), dir, names.items[i], NULL) < 0)
			continue;
		(void)EVP_DigestUpdate(md, names.items[i], strlen(names.items[i]) + 1);
		hash(md, path);
	}
}

/* False when there is no memory: then nothing is known to have changed. */
static bool digest(const struct hf_filewatch *watch, file_hash hash, uint8_t out[HF_SHA256_LEN])
{
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	struct stat st;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < watch->paths.len; i++) {
		const char *path = watch->paths.items[i];

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			hash_directory(md, path, hash);
		else
			hash(md, path);
	}
	return EVP_DigestFinal_ex(md, out, NULL) == 1;
}

int hf_filewatch_new(const struct hf_strv *paths, struct hf_filewatch **ret_watch,
		     struct hf_err *err)
{
	HF_AUTO(hf_filewatch) watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return hf_err_nomem(err);
	for (size_t i = 0; i < paths->len; i++)
		if (hf_strv_add(&watch->paths, paths->items[i]) < 0)
			return hf_err_nomem(err);
	/* Metadata first: what changes between the two is seen at the next look. */
	if (!digest(watch, hash_metadata, watch->metadata) ||
	    !digest(watch, hash_content, watch->content))
		return hf_err_nomem(err);
	*ret_watch = hf_take(watch);
	return 0;
}

void hf_filewatch_free(struct hf_filewatch *watch)
{
	if (watch == NULL)
		return;
	hf_strv_done(&watch->paths);
	free(watch);
}

bool hf_filewatch_look(struct hf_filewatch *watch)
{
	uint8_t now[HF_SHA256_LEN];

	if (!digest(watch, hash_metadata, now))
		return false;
	if (memcmp(now, watch->metadata, sizeof(now)) != 0) {
		memcpy(watch->metadata, now, sizeof(now));
		watch->moving = true;
		return false;
	}
	if (!watch->moving || !digest(watch, hash_content, now))
		return false;
	watch->moving = false;
	if (memcmp(now, watch->content, sizeof(now)) == 0)
		return false;
	memcpy(watch->content, now, sizeof(now));
	return true;
}
