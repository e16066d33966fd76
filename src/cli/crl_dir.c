/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for a web server.  Must never leave half a file where somebody may be fetching it. */
#include "cli/crl_dir.h"

#include <stdio.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "enroll/lists.h"

enum { LIST_CAP = 1024 * 1024 * 1024 };

struct writing {
	struct hf_cmd_ctx *ctx;
	const struct hf_authority *a;
	const struct hf_ca *ca;
	const char *dir;
};

/* "issuing.crl", "issuing-3.crl". */
static int write_as(const struct writing *w, const char *name, int64_t shard,
		    const struct hf_buf *der)
{
	char file[2 * HF_LIST_NAME_CAP], number[24] = "", path[PATH_MAX];
	int rc;

	if (shard != HF_CRL_COMPLETE)
		(void)snprintf(number, sizeof(number), "-%lld", (long long)shard);
	(void)snprintf(file, sizeof(file), "%s%s.crl", name, number);
	rc = hf_path_join(path, sizeof(path), w->dir, file, &w->ctx->err);
	return rc < 0 ? rc
		      : hf_file_write(path, der->data, der->len, HF_MODE_PUBLIC, HF_FILE_REPLACE,
				      &w->ctx->err);
}

static int write_list(const struct writing *w, int64_t shard)
{
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(LIST_CAP);
	char path[PATH_MAX], name[HF_LIST_NAME_CAP], key[HF_CA_KEY_NAME_CAP];
	int rc = hf_ca_list_path(w->a, w->ca, shard, path, &w->ctx->err);

	if (rc < 0 || !hf_file_exists(path)) /* of a root that is elsewhere */
		return rc;
	hf_list_name_of(w->ca, name);
	hf_ca_key_name(w->ca, key);
	rc = hf_list_read_pem(path, &der, &w->ctx->err);
	if (rc == 0)
		rc = write_as(w, name, shard, &der);
	return rc < 0 ? rc : write_as(w, key, shard, &der);
}

static int write_shard(void *arg, const struct hf_shard *shard)
{
	return write_list(arg, shard->number);
}

int hf_cli_crl_dir(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *dir, int64_t now)
{
	struct writing writing = { .ctx = ctx, .a = a, .dir = dir };
	int rc = hf_dir_make(dir, HF_MODE_DIR, &ctx->err);
	struct hf_ca *ca;

	for (size_t i = 0; rc == 0 && (ca = hf_authority_ca(a, i)); i++) {
		writing.ca = ca;
		rc = write_list(&writing, HF_CRL_COMPLETE);
		if (rc == 0)
			rc = hf_shards_alive(a, ca, now, write_shard, &writing, &ctx->err);
	}
	if (rc == 0)
		hf_out_note(&ctx->out, "the lists are in '%s', in DER, under the names of /crl/",
			    dir);
	return rc;
}
