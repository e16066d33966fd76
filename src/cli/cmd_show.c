/* SPDX-License-Identifier: Apache-2.0 */
/* handfast show: what a file is, in words.  Must never print a private key. */
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/common.h"
#include "cli/show_cert.h"
#include "util/clock.h"

struct show_opts {
	bool text, pem;
	const char *passphrase_file;
};

static const struct hf_option options[] = {
	{ .name = "text",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct show_opts, text),
	  .help = "the full dump of each certificate, as openssl x509 -text prints it" },
	{ .name = "pem",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct show_opts, pem),
	  .help = "the certificates as PEM, whatever form the file has" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct show_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of an encrypted PKCS#12 file or key" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static void show_certs(const struct hf_pemfile *f, int64_t now, struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "certificates");
	for (size_t i = 0; i < f->certs.len; i++) {
		hf_out_print(out, "%sCertificate %zu%s%s\n", hf_out_color(out, HF_COLOR_BOLD),
			     i + 1, f->certs.items[i]->flags & HF_CERT_CA ? " (CA)" : "",
			     hf_out_color(out, HF_COLOR_PLAIN));
		hf_show_cert(f->certs.items[i], now, out);
	}
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

static void show_request(const struct hf_csr *csr, struct hf_out *out)
{
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(64 * 1024);
	char key[80];
	struct hf_err err;
	bool good = hf_csr_check_signature(csr, &err) == 0;

	(void)hf_sans_format(&csr->sans, &names);
	(void)snprintf(key, sizeof(key), "%s, %d bits", hf_key_type_name(csr->key_type),
		       csr->key_bits);
	hf_out_print(out, "Certificate request (CSR)\n");
	hf_show_field(out, "subject", csr->subject);
	hf_show_field(out, "asks for", csr->sans.len ? hf_buf_str(&names) : "(no names)");
	hf_show_field(out, "key", key);
	hf_show_field(out, "signature",
		      good ? "good" : "does NOT verify: damaged, or not the key's owner's");
	if (csr->asks_ca)
		hf_show_field(out, "warning", "it asks to be a CA");
	if (csr->has_challenge_password)
		hf_show_field(out, "note", "it carries a challenge password");
	if (!out->json_mode)
		return;
	hf_json_object_begin(&out->json, NULL);
	hf_json_string(&out->json, "subject", csr->subject);
	hf_json_string(&out->json, "sans", hf_buf_str(&names));
	hf_json_string(&out->json, "key_type", hf_key_type_name(csr->key_type));
	hf_json_int(&out->json, "key_bits", csr->key_bits);
	hf_json_bool(&out->json, "signature_good", good);
	hf_json_bool(&out->json, "asks_ca", csr->asks_ca);
	hf_json_object_end(&out->json);
}

static void show_requests(const struct hf_pemfile *f, struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "requests");
	for (size_t i = 0; i < f->csrs_len; i++)
		show_request(f->csrs[i], out);
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

static void show_crl(const struct hf_crl *crl, int64_t now, struct hf_out *out)
{
	char text[160];

	hf_out_print(out, "Revocation list (CRL)\n");
	hf_show_field(out, "issuer", crl->issuer);
	hf_show_field(out, "number", crl->number ? crl->number : "(none)");
	hf_show_time(crl->this_update, now, text, sizeof(text));
	hf_show_field(out, "from", text);
	hf_show_time(crl->next_update, now, text, sizeof(text));
	hf_show_field(out, "next by", crl->has_next_update ? text : "(not said)");
	hf_out_print(out, "  %-10s %zu\n", "revoked", crl->revoked_count);
	if (crl->has_next_update && now > crl->next_update)
		hf_show_field(out, "warning",
			      "out of date: whoever checks it refuses everything of this CA");
	if (!out->json_mode)
		return;
	hf_json_object_begin(&out->json, NULL);
	hf_json_string(&out->json, "issuer", crl->issuer);
	hf_json_string(&out->json, "number", crl->number);
	hf_json_time(&out->json, "this_update", crl->this_update);
	if (crl->has_next_update)
		hf_json_time(&out->json, "next_update", crl->next_update);
	hf_json_int(&out->json, "revoked", (int64_t)crl->revoked_count);
	hf_json_object_end(&out->json);
}

static void show_crls(const struct hf_pemfile *f, int64_t now, struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "crls");
	for (size_t i = 0; i < f->crls.len; i++)
		show_crl(f->crls.items[i], now, out);
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

static void show_key(const struct hf_pemfile *f, struct hf_out *out)
{
	char text[80] = "encrypted";

	if (f->keys_len == 0)
		return;
	if (f->key)
		hf_key_describe(f->key, text, sizeof(text));
	hf_out_print(out, "Private key\n");
	hf_show_field(out, "kind", text);
	hf_show_field(out, "encrypted", f->key_encrypted ? "yes" : "no");
	if (out->json_mode) {
		hf_json_object_begin(&out->json, "private_key");
		hf_json_string(&out->json, "kind", text);
		hf_json_bool(&out->json, "encrypted", f->key_encrypted);
		hf_json_object_end(&out->json);
	}
}

static int print_dumps(const struct hf_pemfile *f, const struct show_opts *opts,
		       struct hf_cmd_ctx *ctx)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->certs.len; i++) {
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_PEMFILE_CAP);

		rc = opts->pem ? hf_cert_to_pem(f->certs.items[i], &text, &ctx->err)
			       : hf_cert_print(f->certs.items[i], &text, &ctx->err);
		hf_out_raw(&ctx->out, text.data, text.len);
	}
	return rc;
}

/* The key of a file is only counted unless it can be opened without asking: show is about
 * public things. */
static int load(struct hf_cmd_ctx *ctx, const char *path, struct hf_pemfile *f)
{
	const struct show_opts *opts = ctx->opts;
	struct hf_passphrase from = { opts->passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	int rc = hf_pemfile_load(f, path, 0, &source, &ctx->err);

	if (rc == 0 && f->keys_len > 0 && !f->key_encrypted && !f->was_pkcs12) {
		hf_pemfile_done(f);
		rc = hf_pemfile_load(f, path, HF_WANT_KEY, NULL, &ctx->err);
	}
	return rc;
}

static int show_one(struct hf_cmd_ctx *ctx, const char *what)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	const struct show_opts *opts = ctx->opts;
	int64_t now = hf_clock_now();
	char path[PATH_MAX], words[400];
	int rc = hf_cli_find_file(ctx, what, path);

	if (rc == 0)
		rc = load(ctx, path, &f);
	if (rc == -HF_E_NOENT && !ctx->err.hint[0])
		(void)hf_err_hint(&ctx->err, "there is no file and no identity of that name");
	if (rc < 0)
		return rc;
	if (opts->pem || (opts->text && !ctx->out.json_mode))
		return print_dumps(&f, opts, ctx);
	hf_pemfile_describe(&f, words, sizeof(words));
	hf_out_safe(&ctx->out, path);
	hf_out_print(&ctx->out, ": ");
	hf_out_safe(&ctx->out, words);
	hf_out_print(&ctx->out, "\n");
	if (ctx->out.json_mode) {
		hf_json_object_begin(&ctx->out.json, NULL);
		hf_json_string(&ctx->out.json, "file", path);
		hf_json_string(&ctx->out.json, "is", words);
	}
	show_certs(&f, now, &ctx->out);
	show_requests(&f, &ctx->out);
	show_crls(&f, now, &ctx->out);
	show_key(&f, &ctx->out);
	if (ctx->out.json_mode)
		hf_json_object_end(&ctx->out.json);
	return 0;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct show_opts *opts = ctx->opts;
	bool json = ctx->out.json_mode && !opts->pem;
	int rc = 0;

	if (json) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "files");
	}
	for (size_t i = 0; rc == 0 && i < ctx->args->len; i++)
		rc = show_one(ctx, ctx->args->items[i]);
	if (json) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast show mail-server", "the certificate of an identity of the home" },
	{ "handfast show --text cert.pem", "everything that is in it" },
	{ "handfast show --json request.pem bundle.p12", "for programs" },
	{ NULL, NULL },
};

const struct hf_command cmd_show = {
	.name = "show",
	.group = "Identities",
	.arguments = "FILE|NAME…",
	.summary = "say what a file is: certificate, chain, request, key, revocation list, PKCS#12",
	.description =
	    "Says in words what each file holds, with warnings of what peers will dislike: version 1, no "
	    "subject alternative name, no extended key usage, serial 0, weak keys, expiry. Of a key only "
	    "the kind is shown, never the key.",
	.groups = groups,
	.opts_size = sizeof(struct show_opts),
	.examples = examples,
	.see_also = "verify",
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
