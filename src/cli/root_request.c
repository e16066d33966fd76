/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an offline root.  Must never send a key along. */
#include "cli/root_request.h"

#include "base/err.h"
#include "base/file.h"
#include "ca/root.h"
#include "ca/signer.h"
#include "cli/ca_common.h"
#include "util/home.h"

static void tell(struct hf_cmd_ctx *ctx, const char *path, const struct hf_csr *csr)
{
	char hex[2 * HF_SHA256_LEN + 1];

	hf_hex_encode(csr->spki_sha256, HF_SHA256_LEN, hex);
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "request", path);
		hf_json_string(&ctx->out.json, "subject", csr->subject);
		hf_json_string(&ctx->out.json, "spki_sha256", hex);
		hf_out_json_end(&ctx->out);
	}
	hf_out_print(&ctx->out, "issuing CA  ");
	hf_out_safe(&ctx->out, csr->subject);
	hf_out_print(&ctx->out, "\nkey pin     %s\nrequest     ", hex);
	hf_out_safe(&ctx->out, path);
	hf_out_print(&ctx->out, "\n");
	hf_out_flush(&ctx->out);
	hf_out_note(
	    &ctx->out,
	    "next: take the request to the root's machine (handfast root sign FILE), and the "
	    "answer back here (handfast root accept FILE)");
}

static int new_passphrase(struct hf_cmd_ctx *ctx, const struct hf_cli_root_request *r,
			  struct hf_secret *ret)
{
	const struct hf_passphrase from = { r->passphrase_file, true };
	int rc = hf_passphrase_new(&from, "the issuing CA's key", ret, &ctx->err);

	if (rc == 0 && ret->len == 0)
		return hf_err_set(&ctx->err, HF_E_PASSPHRASE, "the passphrase is empty");
	return rc;
}

static int ask_new(struct hf_cmd_ctx *ctx, const struct hf_cli_root_request *r, char path[PATH_MAX],
		   struct hf_csr **ret_csr)
{
	HF_AUTO_DONE(hf_secret) passphrase = HF_SECRET_INIT;
	struct hf_passphrase pin = { r->pin_file, false };
	struct hf_root_request request = {
		.home = ctx->home,
		.name = r->name,
		.subject = r->subject,
		.key_type = r->key_type,
		.passphrase = r->passphrase,
		.issuing_key = r->issuing_key,
		.pin = { hf_passphrase_get, &pin },
		.force = r->force,
	};
	int rc;

	if (r->issuing_key && !hf_signer_is_uri(r->issuing_key))
		return hf_command_usage(ctx, "--issuing-key wants a URI that begins with pkcs11:");
	if (!r->name && !r->subject)
		return hf_command_usage(ctx, "what is it called? root request NAME");
	if (!r->passphrase && !r->issuing_key) {
		rc = new_passphrase(ctx, r, &passphrase);
		if (rc < 0)
			return rc;
		request.passphrase = rc == 0 ? &passphrase : NULL;
	}
	return hf_root_request_new(&request, path, ret_csr, &ctx->err);
}

static int ask_renewal(struct hf_cmd_ctx *ctx, const struct hf_cli_root_request *r,
		       char path[PATH_MAX], struct hf_csr **ret_csr)
{
	struct hf_passphrase from = { r->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	int rc;

	if (r->name || r->subject || r->issuing_key)
		return hf_command_usage(
		    ctx, "the authority here has its name: its issuing CA asks under that");
	rc = hf_cli_open_authority(ctx, &from, &a);
	return rc < 0 ? rc
		      : hf_root_request_renewal(ctx->home, a, r->force, path, ret_csr, &ctx->err);
}

int hf_cli_root_request(struct hf_cmd_ctx *ctx, const struct hf_cli_root_request *request)
{
	HF_AUTO(hf_csr) csr = NULL;
	char root[PATH_MAX], path[PATH_MAX];
	int rc;

	if (request->subject && request->subject[0] != '/')
		return hf_command_usage(ctx, "--subject '%s' does not start with '/'",
					request->subject);
	rc = hf_home_ca(ctx->home, "root.pem", root, &ctx->err);
	if (rc == 0)
		rc = hf_file_exists(root) ? ask_renewal(ctx, request, path, &csr)
					  : ask_new(ctx, request, path, &csr);
	if (rc == 0 && csr)
		tell(ctx, path, csr);
	return rc;
}
