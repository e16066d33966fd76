/* SPDX-License-Identifier: Apache-2.0 */
/* handfast export: an identity in the forms that other programs want, or the authority as a tree of
 * openssl ca.  Files with the key are 0600 from their first byte. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/common.h"
#include "cli/export_ca.h"
#include "util/home.h"

struct export_opts {
	const char *p12, *combined, *der, *ca, *chain;
	const char *key, *passphrase_file, *key_passphrase_file;
	bool legacy, force, without_key;
};

static const struct hf_option options[] = {
	{ .name = "p12",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, p12),
	  .arg = "FILE",
	  .help = "PKCS#12 with key, certificate and chain; needs a passphrase" },
	{ .name = "combined",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, combined),
	  .arg = "FILE",
	  .help = "key, certificate and chain in one PEM file (mode 0600)" },
	{ .name = "der",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, der),
	  .arg = "FILE",
	  .help = "the certificate alone, as DER" },
	{ .name = "chain",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, chain),
	  .arg = "FILE",
	  .help = "certificate, intermediates and root in one PEM file, without the key" },
	{ .name = "ca",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, ca),
	  .arg = "FILE",
	  .help = "the anchors that a peer of this identity needs" },
	{ .name = "key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, key),
	  .arg = "FILE",
	  .help = "the key of a certificate FILE, when it is not in there" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase for what is written: the PKCS#12 file, the CA key of openssl DIR" },
	{ .name = "key-passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct export_opts, key_passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the key, or of the PKCS#12 file, that is read" },
	{ .name = "legacy",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct export_opts, legacy),
	  .help = "PKCS#12 with 3DES and SHA-1, for old Java, Windows and macOS" },
	{ .name = "without-key",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct export_opts, without_key),
	  .help = "openssl DIR: leave the CA's key out" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct export_opts, force),
	  .help = "replace files that are there" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

struct exporting {
	struct hf_cmd_ctx *ctx;
	const struct export_opts *opts;
	const char *name;		  /* of an identity, or of a file */
	struct hf_credential *credential; /* NULL: the key is not needed */
	const struct hf_certs *chain;	  /* of the credential, or of the file */
	struct hf_pemfile file, anchors;
};

static int put(struct exporting *e, const char *path, const struct hf_buf *data, mode_t mode)
{
	struct hf_out *out = &e->ctx->out;
	int rc;

	if (hf_buf_failed(data))
		return hf_err_nomem(&e->ctx->err);
	rc = hf_file_write(path, data->data, data->len, mode, e->opts->force ? HF_FILE_REPLACE : 0,
			   &e->ctx->err);
	if (rc < 0)
		return rc;
	hf_out_print(out, "wrote ");
	hf_out_safe(out, path);
	hf_out_print(out, "\n");
	if (out->json_mode)
		hf_json_string(&out->json, NULL, path);
	return 0;
}

static int chain_pem(const struct hf_certs *certs, struct hf_buf *pem, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < certs->len; i++)
		rc = hf_cert_to_pem(certs->items[i], pem, err);
	return rc;
}

static int export_p12(struct exporting *e, const char *path)
{
	HF_AUTO_DONE(hf_secret) passphrase = HF_SECRET_INIT;
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(HF_PEMFILE_CAP);
	struct hf_passphrase from = { e->opts->passphrase_file, false };
	int rc = hf_passphrase_new(&from, path, &passphrase, &e->ctx->err);

	if (rc == 1) {
		(void)hf_err_set(&e->ctx->err, HF_E_PASSPHRASE,
				 "a PKCS#12 file needs a passphrase");
		return hf_err_hint(&e->ctx->err,
				   "give --passphrase-file, or set HANDFAST_PASSPHRASE");
	}
	if (rc == 0)
		rc = hf_pkcs12_write(e->credential->key, e->chain, e->name, &passphrase,
				     e->opts->legacy, &data, &e->ctx->err);
	return rc < 0 ? rc : put(e, path, &data, HF_MODE_SECRET);
}

static int export_combined(struct exporting *e, const char *path)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_PEMFILE_CAP);
	int rc = hf_key_to_pem(e->credential->key, NULL, &pem, &e->ctx->err);

	if (rc == 0)
		rc = chain_pem(e->chain, &pem, &e->ctx->err);
	return rc < 0 ? rc : put(e, path, &pem, HF_MODE_SECRET);
}

static int export_der(struct exporting *e, const char *path)
{
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(HF_PEMFILE_CAP);
	const struct hf_cert *leaf = e->chain->items[0];

	(void)hf_buf_append(&der, leaf->der, leaf->der_len);
	return put(e, path, &der, HF_MODE_PUBLIC);
}

static int export_ca(struct exporting *e, const char *path)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_PEMFILE_CAP);
	int rc = chain_pem(&e->anchors.certs, &pem, &e->ctx->err);

	return rc < 0 ? rc : put(e, path, &pem, HF_MODE_PUBLIC);
}

static int export_chain(struct exporting *e, const char *path)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_PEMFILE_CAP);
	int rc = chain_pem(e->chain, &pem, &e->ctx->err);

	if (rc == 0)
		rc = chain_pem(&e->anchors.certs, &pem, &e->ctx->err);
	return rc < 0 ? rc : put(e, path, &pem, HF_MODE_PUBLIC);
}

static const struct {
	size_t offset; /* of the path in the options */
	int (*write)(struct exporting *e, const char *path);
} forms[] = {
	{ offsetof(struct export_opts, p12), export_p12 },
	{ offsetof(struct export_opts, combined), export_combined },
	{ offsetof(struct export_opts, der), export_der },
	{ offsetof(struct export_opts, chain), export_chain },
	{ offsetof(struct export_opts, ca), export_ca },
};

static const char *path_of(const struct export_opts *opts, size_t i)
{
	const char *path;

	memcpy(&path, (const char *)opts + forms[i].offset, sizeof(path));
	return path;
}

static int load_identity(struct exporting *e)
{
	struct hf_credential_opts who = { .as = e->name,
					  .passphrase_file = e->opts->key_passphrase_file };
	char path[PATH_MAX];
	int rc = hf_cli_load_credential(e->ctx, &who, &e->credential);

	if (rc == 0)
		rc = hf_home_id(e->ctx->home, e->name, "ca.pem", path, &e->ctx->err);
	if (rc == 0 && (e->opts->ca || e->opts->chain))
		rc = hf_pemfile_load(&e->anchors, path, 0, NULL, &e->ctx->err);
	return rc;
}

/* Everything is read before anything is written: a file may be converted in place. */
static int load_file(struct exporting *e)
{
	struct hf_passphrase from = { e->opts->key_passphrase_file, false };
	const struct hf_passphrase_source pass = { hf_passphrase_get, &from };
	struct hf_credential_opts who = { .cert = e->name,
					  .key = e->opts->key,
					  .passphrase_file = e->opts->key_passphrase_file };
	char is[256];
	int rc;

	if (e->opts->ca)
		return hf_command_usage(e->ctx, "--ca is for an identity of the home");
	if (e->opts->p12 || e->opts->combined)
		return hf_cli_load_credential(e->ctx, &who, &e->credential);
	rc = hf_pemfile_load(&e->file, e->name, 0, &pass, &e->ctx->err);
	if (rc < 0 || e->file.certs.len > 0)
		return rc;
	hf_pemfile_describe(&e->file, is, sizeof(is));
	return hf_err_set(&e->ctx->err, HF_MISTAKE_FILE_WRONG,
			  "'%s' holds no certificate: it is %s", e->name, is);
}

static bool is_identity(const struct exporting *e)
{
	struct hf_err ignored;
	char path[PATH_MAX];

	return hf_home_id(e->ctx->home, e->name, "cert.pem", path, &ignored) == 0 &&
	       hf_file_exists(path);
}

static int load(struct exporting *e)
{
	bool file = !is_identity(e) && hf_cli_is_file(e->name);
	int rc;

	if (e->opts->key && !file)
		return hf_command_usage(e->ctx, "--key is for a certificate FILE");
	rc = file ? load_file(e) : load_identity(e);
	e->chain = e->credential ? &e->credential->chain : &e->file.certs;
	return rc;
}

static int write_forms(struct exporting *e)
{
	int rc = 0;

	if (e->ctx->out.json_mode) {
		hf_out_json_begin(&e->ctx->out);
		hf_json_array_begin(&e->ctx->out.json, "files");
	}
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(forms); i++) {
		const char *path = path_of(e->opts, i);

		if (path)
			rc = forms[i].write(e, path);
	}
	if (e->ctx->out.json_mode) {
		hf_json_array_end(&e->ctx->out.json);
		hf_out_json_end(&e->ctx->out);
	}
	return rc;
}

static int export_authority(struct hf_cmd_ctx *ctx, bool any_form)
{
	const struct export_opts *o = ctx->opts;

	if (strcmp(ctx->args->items[0], "openssl") != 0)
		return hf_command_usage(ctx,
					"one NAME or FILE, or openssl DIR for the whole authority");
	if (any_form || o->legacy || o->force || o->key)
		return hf_command_usage(
		    ctx, "openssl DIR takes --passphrase-file, --key-passphrase-file and "
			 "--without-key only");
	return hf_cli_export_openssl(ctx, ctx->args->items[1], o->passphrase_file,
				     o->key_passphrase_file, o->without_key);
}

static int run(struct hf_cmd_ctx *ctx)
{
	struct exporting e = { .ctx = ctx,
			       .opts = ctx->opts,
			       .name = ctx->args->items[0],
			       .file = HF_PEMFILE_INIT,
			       .anchors = HF_PEMFILE_INIT };
	bool any = false;
	int rc;

	for (size_t i = 0; i < HF_ARRAY_LEN(forms); i++)
		any = any || path_of(e.opts, i);
	if (ctx->args->len == 2)
		return export_authority(ctx, any);
	if (e.opts->without_key)
		return hf_command_usage(ctx, "--without-key is for openssl DIR");
	if (!any) {
		if (hf_str_eq(ctx->args->items[0], "openssl"))
			return hf_command_usage(ctx, "export openssl: into which directory? The "
						     "authority goes to one that is not there yet");
		(void)hf_command_usage(ctx, "export into which form?");
		return hf_err_hint(&ctx->err, "one or more of --p12 --combined --der --chain --ca");
	}
	rc = load(&e);
	if (rc == 0)
		rc = write_forms(&e);
	hf_credential_free(e.credential);
	hf_pemfile_done(&e.file);
	hf_pemfile_done(&e.anchors);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast export mail-server --p12 mail.p12 --passphrase-file secret.txt",
	  "for browsers and Java" },
	{ "handfast export mail-server --combined mail.pem", "for curl --cert and HAProxy" },
	{ "handfast export mail.p12 --combined mail.pem --key-passphrase-file secret.txt",
	  "a file of somebody else, converted" },
	{ "handfast export mail.pem --chain mail.pem --force",
	  "whatever mail.pem is, PEM afterwards" },
	{ "handfast export openssl demoCA", "the authority itself, for openssl ca to go on with" },
	{ NULL, NULL },
};

const struct hf_command cmd_export = {
	.name = "export",
	.group = "Identities",
	.arguments = "NAME|FILE|openssl DIR",
	.summary = "write an identity in the forms other programs want, or the whole authority",
	.description =
	    "NAME is an identity of the home; a certificate FILE of any kind (PEM, DER, PKCS#12) is "
	    "converted, in place too.\n\n"
	    "What --ca writes says whom to trust, and nothing of who was revoked. Whoever checks that "
	    "finds the list where each certificate says (with shards, of its own shard), or takes the "
	    "complete one, which speaks for all: ca/crl.pem, /crl/issuing.crl of handfast "
	    "authority.\n\n"
	    "export openssl DIR writes the authority as a tree that `openssl ca` goes on with: "
	    "openssl.cnf, cacert.pem, private/cakey.pem (encrypted with --passphrase-file, left out "
	    "with --without-key), index.txt, serial, crlnumber, crl.pem and newcerts. Below an "
	    "issuing CA, the root's own tree is in DIR/root. Lists of shards are not among it: openssl "
	    "ca makes the complete list, which may be given out in their places. The home stays as it is; use one of the "
	    "two from then on, since neither knows what the other issues.",
	.groups = groups,
	.opts_size = sizeof(struct export_opts),
	.examples = examples,
	.see_also = "show, import",
	.min_args = 1,
	.max_args = 2,
	.run = run,
};
