/* SPDX-License-Identifier: Apache-2.0 */
/* handfast install: the certificate that came back from a CA.  Must never put a certificate beside
 * a key that is not its own. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/ca_common.h"
#include "cli/common.h"
#include "util/clock.h"
#include "util/home.h"

struct install_opts {
	const char *ca, *passphrase_file;
	bool force;
};

static const struct hf_option options[] = {
	{ .name = "ca",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct install_opts, ca),
	  .arg = "FILE",
	  .help = "the root of the CA, kept as ca.pem for the peers of this identity" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct install_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the key, when it is encrypted" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct install_opts, force),
	  .help = "replace the certificate that is there" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static int load_key(struct hf_cmd_ctx *ctx, const struct install_opts *o, const char *name,
		    const char *path, struct hf_pemfile *file)
{
	struct hf_passphrase from = { o->passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	int rc;

	if (!hf_file_exists(path)) {
		(void)hf_err_set(&ctx->err, HF_E_NOENT, "'%s' has no key: '%s' is missing", name,
				 path);
		return hf_err_hint(&ctx->err, "make key and request with: handfast request %s",
				   name);
	}
	rc = hf_pemfile_load(file, path, HF_WANT_KEY, &source, &ctx->err);
	if (rc == 0 && !file->key)
		return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG, "'%s' holds no private key",
				  path);
	return rc;
}

static int load_certs(struct hf_cmd_ctx *ctx, const char *path, struct hf_pemfile *file)
{
	char words[400];
	int rc = hf_pemfile_load(file, path, 0, NULL, &ctx->err);

	if (rc < 0 || file->certs.len > 0)
		return rc;
	hf_pemfile_describe(file, words, sizeof(words));
	(void)hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG, "'%s' holds no certificate: it is %s",
			 path, words);
	return hf_err_hint(&ctx->err, "give the file that came back from the CA");
}

static int key_mismatch(struct hf_cmd_ctx *ctx, const char *name, const char *file, const char *key)
{
	struct hf_err ignored = HF_ERR_INIT;
	char request[PATH_MAX];

	(void)hf_err_set(&ctx->err, HF_E_MISMATCH, "no certificate in '%s' belongs to the key '%s'",
			 file, key);
	if (hf_home_id(ctx->home, name, "request.pem", request, &ignored) == 0 &&
	    hf_file_exists(request))
		(void)hf_err_hint(&ctx->err, "it was made for another request; sign this one: %s",
				  request);
	else /* what was installed before has taken it away */
		(void)hf_err_hint(&ctx->err,
				  "it was made for another key; for a request of this one: "
				  "handfast request %s --key %s --force",
				  name, key);
	hf_out_error(&ctx->out, &ctx->err);
	return HF_EXIT_NO;
}

static int put_pem(const struct hf_certs *certs, bool roots, struct hf_buf *pem, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < certs->len; i++) {
		if (roots == !!(certs->items[i]->flags & HF_CERT_SELF_ISSUED))
			rc = hf_cert_to_pem(certs->items[i], pem, err);
	}
	return rc;
}

/* A root that came along is no reason to trust it: whoever could change the file could change it
 * too. */
static int read_anchors(struct hf_cmd_ctx *ctx, const struct install_opts *o,
			const struct hf_pemfile *file, struct hf_buf *pem)
{
	HF_AUTO_DONE(hf_pemfile) anchors = HF_PEMFILE_INIT;
	int rc;

	for (size_t i = 1; !o->ca && i < file->certs.len; i++) {
		if (file->certs.items[i]->flags & HF_CERT_SELF_ISSUED)
			hf_out_note(
			    &ctx->out,
			    "the file also holds the root '%s'; if it came to you by a safe way, trust it "
			    "with: handfast trust add NAME FILE",
			    file->certs.items[i]->subject);
	}
	if (!o->ca)
		return 0;
	rc = load_certs(ctx, o->ca, &anchors);
	for (size_t i = 0; rc == 0 && i < anchors.certs.len; i++)
		rc = hf_cert_to_pem(anchors.certs.items[i], pem, &ctx->err);
	return rc;
}

static void tell(struct hf_cmd_ctx *ctx, const char *name, const char *dir,
		 const struct hf_cert *leaf)
{
	char until[80];

	hf_cli_until(leaf->not_after, hf_clock_now(), until, sizeof(until));
	if (ctx->out.json_mode) {
		HF_AUTO(cstr) path = hf_str_printf("%s/cert.pem", dir);

		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "name", name);
		hf_json_string(&ctx->out.json, "cert", path);
		hf_cli_json_cert(&ctx->out.json, leaf);
		hf_out_json_end(&ctx->out);
	}
	hf_out_print(&ctx->out, "installed ");
	hf_out_safe(&ctx->out, leaf->subject);
	hf_out_print(&ctx->out, " of ");
	hf_out_safe(&ctx->out, leaf->issuer);
	hf_out_print(&ctx->out, ", until %s\nfile      ", until);
	hf_out_safe(&ctx->out, dir);
	hf_out_print(&ctx->out, "/cert.pem\n");
	if (leaf->not_after <= hf_clock_now())
		hf_out_warn(&ctx->out, "it has expired already");
}

static int install(struct hf_cmd_ctx *ctx, const struct install_opts *o,
		   const struct hf_pemfile *file, const struct hf_credential *credential,
		   const char *dir)
{
	HF_AUTO_DONE(hf_buf) cert = HF_BUF_INIT(HF_PEMFILE_CAP);
	HF_AUTO_DONE(hf_buf) ca = HF_BUF_INIT(HF_PEMFILE_CAP);
	struct hf_idfiles files = { .cert = &cert, .drop_request = true };
	char path[PATH_MAX];
	const char *there;
	int rc = put_pem(&credential->chain, false, &cert, &ctx->err);

	if (rc == 0 && cert.len == 0) /* a self-signed certificate of one's own */
		rc = put_pem(&credential->chain, true, &cert, &ctx->err);
	if (rc == 0)
		rc = read_anchors(ctx, o, file, &ca);
	if (rc < 0)
		return rc;
	files.ca = ca.len ? &ca : NULL;
	there = o->force ? NULL : hf_idfiles_in_the_way(dir, &files, path);
	if (there) {
		(void)hf_err_set(&ctx->err, HF_E_EXIST, "'%s' is there already", there);
		return hf_err_hint(&ctx->err, "nothing was changed; --force replaces it");
	}
	return hf_idfiles_write(dir, &files, true, &ctx->err);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct install_opts *o = ctx->opts;
	const char *name = ctx->args->items[0], *from = ctx->args->items[1];
	HF_AUTO_DONE(hf_pemfile) key = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO(hf_credential) credential = NULL;
	char dir[PATH_MAX], key_path[PATH_MAX];
	int rc = hf_home_id(ctx->home, name, "", dir, &ctx->err);

	if (rc == 0)
		rc = hf_home_id(ctx->home, name, "key.pem", key_path, &ctx->err);
	if (rc == 0)
		rc = load_certs(ctx, from, &file);
	if (rc == 0)
		rc = load_key(ctx, o, name, key_path, &key);
	if (rc < 0)
		return rc;
	rc = hf_credential_new(key.key, &file.certs, &credential, &ctx->err);
	if (rc == -HF_E_MISMATCH)
		return key_mismatch(ctx, name, from, key_path);
	if (rc == 0)
		rc = install(ctx, o, &file, credential, dir);
	if (rc == 0)
		tell(ctx, name, dir, credential->chain.items[0]);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast install mail-server mail-server.pem --ca partner-root.pem",
	  "what the CA sent back" },
	{ NULL, NULL },
};

const struct hf_command cmd_install = {
	.name = "install",
	.group = "Identities",
	.arguments = "NAME FILE",
	.summary = "put the certificate that came back from a CA to its key",
	.description =
	    "FILE holds the certificate and its intermediates (PEM, DER or PKCS#7 in any order). It must belong "
	    "to id/NAME/key.pem; the root, if it is in the file, is left out of cert.pem.",
	.groups = groups,
	.opts_size = sizeof(struct install_opts),
	.examples = examples,
	.exits = "0 installed; 1 the certificate is for another key, or one is there already",
	.see_also = "request, sign, trust",
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
