/* SPDX-License-Identifier: Apache-2.0 */
/* handfast show: what a file is, or what the ledger knows, in words.  Must never print a private
 * key. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/common.h"
#include "cli/show_cert.h"
#include "cli/show_ledger.h"
#include "cli/show_parts.h"
#include "util/clock.h"

struct show_opts {
	bool text, pem;
	const char *passphrase_file;
};

static const struct hf_option options[] = {
	{ .name = "text",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct show_opts, text),
	  .help = "everything that is in it, as openssl's -text prints it" },
	{ .name = "pem",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct show_opts, pem),
	  .help = "what is public in it as PEM, whatever form the file has" },
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

static void show_requests(const struct hf_pemfile *f, struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "requests");
	for (size_t i = 0; i < f->csrs_len; i++)
		hf_show_request(f->csrs[i], out);
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

static void show_crls(const struct hf_pemfile *f, int64_t now, struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "crls");
	for (size_t i = 0; i < f->crls.len; i++)
		hf_show_crl(f->crls.items[i], now, HF_SHOW_REVOKED_LIMIT, out);
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

/* In JSON the dump is one more field of the file. */
static int print_dump(const struct hf_pemfile *f, const char *path, struct hf_cmd_ctx *ctx)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT((size_t)8 * HF_PEMFILE_CAP);
	const struct show_opts *opts = ctx->opts;
	int rc = opts->pem ? hf_show_pem(f, &text, &ctx->err) : hf_show_text(f, &text, &ctx->err);

	if (rc < 0)
		return rc;
	if (text.len == 0) {
		(void)hf_err_set(&ctx->err, HF_E_NOENT, "'%s' holds nothing public to print", path);
		return hf_err_hint(&ctx->err, "an encrypted key needs --passphrase-file");
	}
	if (ctx->out.json_mode)
		hf_json_stringn(&ctx->out.json, opts->pem ? "pem" : "text", text.data, text.len);
	else
		hf_out_raw(&ctx->out, text.data, text.len);
	return 0;
}

/* A key is opened only when that needs no asking: show is about public things.  The bytes and the
 * passphrase are read once, since both may come from a pipe. */
static int load(struct hf_cmd_ctx *ctx, const char *path, struct hf_pemfile *f)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_PEMFILE_CAP);
	const struct show_opts *opts = ctx->opts;
	struct hf_passphrase from = { opts->passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	int rc = hf_pemfile_read(path, &data, &ctx->err);

	if (rc == 0)
		rc = hf_pemfile_parse(f, data.data, data.len, path,
				      opts->passphrase_file ? HF_WANT_KEY : 0, &source, &ctx->err);
	if (rc < 0 || f->key || f->keys_len == 0 || f->was_pkcs12 || f->key_encrypted)
		return rc;
	hf_pemfile_done(f);
	*f = (struct hf_pemfile)HF_PEMFILE_INIT;
	return hf_pemfile_parse(f, data.data, data.len, path, HF_WANT_KEY, &source, &ctx->err);
}

static void show_parts(const struct hf_pemfile *f, struct hf_out *out)
{
	int64_t now = hf_clock_now();

	show_certs(f, now, out);
	show_requests(f, out);
	show_crls(f, now, out);
	hf_show_key(f, out);
}

/* --- a file --- */

static int show_file(struct hf_cmd_ctx *ctx, struct hf_show_ledger *ledger, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	const struct show_opts *opts = ctx->opts;
	struct hf_out *out = &ctx->out;
	bool dump = opts->pem || opts->text;
	char words[400];
	int rc = load(ctx, path, &f);

	if (rc == -HF_E_NOENT)
		(void)hf_err_hint(
		    &ctx->err, "there is no file, no identity, and nothing in the ledger of that "
			       "name or serial");
	if (rc < 0)
		return rc;
	if (dump && !out->json_mode)
		return print_dump(&f, path, ctx);
	hf_pemfile_describe(&f, words, sizeof(words));
	hf_out_safe(out, path);
	hf_out_print(out, ": ");
	hf_out_safe(out, words);
	hf_out_print(out, "\n");
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "file", path);
		hf_json_string(&out->json, "is", words);
	}
	show_parts(&f, out);
	if (f.certs.len)
		rc = hf_show_ledger_of(ctx, ledger, f.certs.items[0], hf_clock_now());
	if (rc == 0 && dump)
		rc = print_dump(&f, path, ctx);
	if (out->json_mode)
		hf_json_object_end(&out->json);
	return rc;
}

/* --- a record of the ledger --- */

static void show_record_cert(struct hf_cmd_ctx *ctx, const struct hf_pemfile *f,
			     const struct hf_record *r)
{
	if (f->certs.len)
		show_certs(f, hf_clock_now(), &ctx->out);
	else if (r->not_after) /* it came with an import, without its file */
		hf_show_field(&ctx->out, "subject", r->subject);
	else
		hf_out_print(&ctx->out, "It was asked for, and no certificate ever left.\n");
}

static int show_record(struct hf_cmd_ctx *ctx, struct hf_show_ledger *ledger,
		       const struct hf_record *r)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	HF_AUTO(hf_cert) cert = NULL;
	const struct show_opts *opts = ctx->opts;
	struct hf_out *out = &ctx->out;
	bool dump = (opts->pem || opts->text) && r->der;
	int rc = r->der ? hf_cert_from_der(r->der, r->der_len, &cert, &ctx->err) : 0;

	if (rc == 0 && cert)
		rc = hf_certs_add(&f.certs, cert, &ctx->err);
	if (rc < 0)
		return rc;
	if (dump && !out->json_mode)
		return print_dump(&f, r->serial, ctx);
	hf_out_print(out, "serial %s: a certificate of the ledger\n", r->serial);
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "serial", r->serial);
		hf_json_string(&out->json, "is", "a certificate of the ledger");
	}
	show_record_cert(ctx, &f, r);
	rc = hf_show_ledger_record(ctx, ledger, r, hf_clock_now());
	if (rc == 0 && dump)
		rc = print_dump(&f, r->serial, ctx);
	if (out->json_mode)
		hf_json_object_end(&out->json);
	return rc;
}

/* Of several with one name the newest that left: its lineage names the others. */
static const struct hf_record *newest(const struct hf_records *found)
{
	const struct hf_record *best = found->items[0];

	for (size_t i = 1; i < found->len; i++) {
		if (found->items[i]->der || !best->der)
			best = found->items[i];
	}
	return best;
}

static int show_one(struct hf_cmd_ctx *ctx, struct hf_show_ledger *ledger, const char *what)
{
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	char path[PATH_MAX];
	int rc = hf_cli_find_file(ctx, what, path);

	if (rc < 0)
		return rc;
	if (strcmp(path, "-") != 0 && !strchr(what, '/') && !hf_cli_is_file(path))
		rc = hf_show_ledger_find(ctx, ledger, what, &found);
	if (rc < 0)
		return rc;
	return found.len ? show_record(ctx, ledger, newest(&found)) : show_file(ctx, ledger, path);
}

static int run(struct hf_cmd_ctx *ctx)
{
	HF_AUTO_DONE(hf_show_ledger) ledger = { .a = NULL };
	bool json = ctx->out.json_mode;
	int rc = 0;

	if (json) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "files");
	}
	for (size_t i = 0; rc == 0 && i < ctx->args->len; i++)
		rc = show_one(ctx, &ledger, ctx->args->items[i]);
	if (json) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast show mail-server", "the certificate of an identity of the home" },
	{ "handfast show 4f:0a:91:…", "what the ledger knows of a serial" },
	{ "handfast show --text cert.pem", "everything that is in it" },
	{ "handfast show --json request.pem bundle.p12", "for programs" },
	{ NULL, NULL },
};

const struct hf_command cmd_show = {
	.name = "show",
	.group = "Identities",
	.arguments = "FILE|NAME|SERIAL…",
	.summary = "say what a file is: certificate, chain, request, key, revocation list, PKCS#12",
	.description =
	    "Says in words what each file holds, with warnings of what peers will dislike: version 1, no "
	    "subject alternative name, no extended key usage, serial 0, weak keys, expiry. Of a key only "
	    "the kind is shown, never the key.\n\n"
	    "In a home with an authority, NAME and SERIAL are also looked up in its ledger, and what it "
	    "knows stands below the certificate: state, revocation, and the other certificates of the "
	    "name.",
	.groups = groups,
	.opts_size = sizeof(struct show_opts),
	.examples = examples,
	.see_also = "list, verify",
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
