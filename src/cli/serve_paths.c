/* SPDX-License-Identifier: Apache-2.0 */
/* Which files serve and tunnel are made of: to watch, to read, to keep shut.  Must never leave out
 * one with a key in it. */
#include <stdlib.h>

#include "base/err.h"
#include "cli/serve_file.h"
#include "util/home.h"

static int watch_identity(struct hf_cmd_ctx *ctx, const char *name, struct hf_strv *ret_paths)
{
	static const char *const files[] = { "cert.pem", "key.pem" };
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(files); i++) {
		rc = hf_home_id(ctx->home, name, files[i], path, &ctx->err);
		if (rc == 0 && hf_strv_add(ret_paths, path) < 0)
			rc = hf_err_nomem(&ctx->err);
	}
	return rc;
}

static int add_path(struct hf_strv *paths, const char *path)
{
	return path && !hf_str_starts(path, "pkcs11:") ? hf_strv_add(paths, path) : 0;
}

/* What the signer reads of a policy, passphrases apart. */
static int credentials_of(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
			  struct hf_strv *ret_paths)
{
	const char *cert = opts->credential.cert, *key = opts->credential.key;
	int rc = 0;

	if (opts->credential.as)
		rc = watch_identity(ctx, opts->credential.as, ret_paths);
	else if (add_path(ret_paths, cert) < 0 || add_path(ret_paths, key) < 0)
		rc = hf_err_nomem(&ctx->err);
	return rc == 0 && opts->follow.as ? watch_identity(ctx, opts->follow.as, ret_paths) : rc;
}

static int watch_one(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
		     struct hf_strv *ret_paths)
{
	int rc = credentials_of(ctx, opts, ret_paths);

	if (rc == 0 && add_path(ret_paths, opts->staple_file) < 0)
		rc = hf_err_nomem(&ctx->err);
	return rc < 0 ? rc : hf_cli_trust_paths(ctx, &opts->trust, opts->credential.as, ret_paths);
}

static int reads_of(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
		    struct hf_strv *ret_paths)
{
	if (add_path(ret_paths, opts->credential.passphrase_file) < 0)
		return hf_err_nomem(&ctx->err);
	return watch_one(ctx, opts, ret_paths);
}

/* As it is called, and where that leads. */
static int add_both(struct hf_strv *paths, const char *path)
{
	char real[PATH_MAX];

	if (add_path(paths, path) < 0)
		return -HF_E_NOMEM;
	return path && realpath(path, real) ? hf_strv_add(paths, real) : 0;
}

static int keys_of(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
		   struct hf_strv *ret_paths)
{
	const char *names[] = { opts->credential.as, opts->follow.as };
	const char *key = opts->credential.key ? opts->credential.key : opts->credential.cert;
	char path[PATH_MAX];
	int rc = 0;

	if (add_both(ret_paths, key) < 0 ||
	    add_both(ret_paths, opts->credential.passphrase_file) < 0)
		return hf_err_nomem(&ctx->err);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(names); i++) {
		if (!names[i])
			continue;
		rc = hf_home_id(ctx->home, names[i], "key.pem", path, &ctx->err);
		if (rc == 0 && add_both(ret_paths, path) < 0)
			rc = hf_err_nomem(&ctx->err);
	}
	return rc;
}

/* Of a configuration's every policy; what fails is in the context. */
static int each_policy(const struct hf_serve_source *source, const struct hf_serve_file *file,
		       int (*list)(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
				   struct hf_strv *ret_paths),
		       struct hf_strv *ret_paths)
{
	int rc = list(source->ctx, &file->opts, ret_paths);

	for (size_t i = 0; rc == 0 && i < file->policies_len; i++)
		rc = list(source->ctx, &file->policies[i].opts, ret_paths);
	return rc;
}

static int with_config(const struct hf_serve_source *source, const struct hf_serve_file *file,
		       int (*list)(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
				   struct hf_strv *ret_paths),
		       struct hf_strv *ret_paths)
{
	return add_path(ret_paths, source->path) < 0 ? hf_err_nomem(&source->ctx->err)
						     : each_policy(source, file, list, ret_paths);
}

int hf_serve_watch(const struct hf_serve_source *source, const struct hf_serve_file *file,
		   struct hf_strv *ret_paths)
{
	return with_config(source, file, watch_one, ret_paths);
}

int hf_serve_credentials(const struct hf_serve_source *source, const struct hf_serve_file *file,
			 struct hf_strv *ret_paths)
{
	return each_policy(source, file, credentials_of, ret_paths);
}

int hf_serve_reads(const struct hf_serve_source *source, struct hf_strv *ret_paths)
{
	return with_config(source, source->file, reads_of, ret_paths);
}

int hf_serve_keys(const struct hf_serve_source *source, struct hf_strv *ret_paths)
{
	return each_policy(source, source->file, keys_of, ret_paths);
}
