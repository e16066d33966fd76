/* SPDX-License-Identifier: Apache-2.0 */
/* handfast export openssl DIR: the authority as a tree of `openssl ca`. */
#include "cli/export_ca.h"

#include "base/err.h"
#include "ca/import/openssl_export.h"
#include "cli/ca_common.h"
#include "util/clock.h"

/* A complete list is accepted in a shard's place, by OpenSSL and here: it has no scope. */
static void tell_shards(struct hf_cmd_ctx *ctx, const struct hf_openssl_exported *r)
{
	if (r->sharded == 0)
		return;
	hf_out_warn(
	    &ctx->out,
	    "%zu of the certificates look for the list of their shard, and openssl ca makes "
	    "the complete list only: once it goes on, give its crl.pem out at each place "
	    "that they name, since it speaks for all of them",
	    r->sharded);
}

static void tell(struct hf_cmd_ctx *ctx, const struct hf_openssl_exported *r)
{
	struct hf_json *j = &ctx->out.json;

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(j, "dir", r->dir);
		hf_json_int(j, "valid", (int64_t)r->valid);
		hf_json_int(j, "revoked", (int64_t)r->revoked);
		hf_json_int(j, "expired", (int64_t)r->expired);
		hf_json_int(j, "sharded", (int64_t)r->sharded);
		hf_json_bool(j, "key", r->with_key);
		hf_json_bool(j, "root", r->with_root);
		hf_out_json_end(&ctx->out);
	} else {
		hf_out_print(&ctx->out, "wrote ");
		hf_out_safe(&ctx->out, r->dir);
		hf_out_print(&ctx->out, ": %zu valid, %zu revoked, %zu expired%s%s\n", r->valid,
			     r->revoked, r->expired, r->with_key ? "" : ", without the CA's key",
			     r->with_root ? "; the root's tree is in root/" : "");
	}
	hf_out_flush(&ctx->out);
	tell_shards(ctx, r);
	hf_out_note(&ctx->out, "go on with: openssl ca -config %s/openssl.cnf …", r->dir);
	hf_out_note(&ctx->out,
		    "the home is as it was; use one of the two from now on, and bring the other "
		    "up to date with: handfast import openssl DIR --force");
}

int hf_cli_export_openssl(struct hf_cmd_ctx *ctx, const char *dir, const char *passphrase_file,
			  const char *key_passphrase_file, bool without_key)
{
	HF_AUTO_DONE(hf_secret) passphrase = HF_SECRET_INIT;
	struct hf_passphrase from = { key_passphrase_file, false };
	struct hf_openssl_export options = { .dir = dir,
					     .without_key = without_key,
					     .now = hf_clock_now() };
	struct hf_openssl_exported result;
	HF_AUTO(hf_authority) a = NULL;
	int rc = passphrase_file ? hf_secret_load(&passphrase, passphrase_file, &ctx->err) : 0;

	if (rc == 0 && passphrase_file && passphrase.len == 0)
		return hf_err_set(&ctx->err, HF_E_PASSPHRASE, "the passphrase is empty");
	if (rc == 0)
		rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc < 0)
		return rc;
	options.passphrase = passphrase_file ? &passphrase : NULL;
	rc = hf_export_openssl(a, &options, &result, &ctx->err);
	if (rc == 0)
		tell(ctx, &result);
	return rc;
}
