/* SPDX-License-Identifier: Apache-2.0 */
/* handfast request: a key and a certificate request, for a CA elsewhere. */
#include "base/err.h"
#include "ca/policy/openssl_request.h"
#include "cli/ca_common.h"
#include "util/home.h"

struct request_opts {
	struct hf_strv san;
	const char *subject, *key, *out, *passphrase_file, *openssl_config;
	int key_type;
	bool force;
};

static const struct hf_option options[] = {
	{ .name = "san",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct request_opts, san),
	  .arg = "LIST",
	  .help =
	      "names to ask for: dns:a.abc.com,ip:10.0.0.1,uri:…,email:…; the CA decides which it grants" },
	{ .name = "subject",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, subject),
	  .arg = "/O=…/CN=…",
	  .help = "the whole subject, in OpenSSL's -subj syntax (default: /CN=NAME)" },
	{ .name = "openssl-config",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, openssl_config),
	  .arg = "FILE",
	  .help =
	      "subject and names as the [req] section of this openssl.cnf has them: its values, "
	      "or its defaults where openssl req would ask" },
	{ .name = "key-type",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct request_opts, key_type),
	  .arg = "TYPE",
	  .words = hf_cli_key_words,
	  .initial = "p256",
	  .help = "kind of the new key" },
	{ .name = "key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, key),
	  .arg = "FILE",
	  .help = "use this private key instead of a new one; it is copied to id/NAME" },
	{ .name = "out",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, out),
	  .arg = "DIR",
	  .help = "write the files there instead of id/NAME" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of --key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct request_opts, force),
	  .help = "replace the key and the request that are there" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static int find_key(struct hf_cmd_ctx *ctx, const struct request_opts *o, EVP_PKEY **ret_key)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	struct hf_passphrase from = { o->passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	char words[400];
	int rc;

	if (!o->key)
		return hf_key_generate(hf_cli_key_type(o->key_type), ret_key, &ctx->err);
	rc = hf_pemfile_load(&file, o->key, HF_WANT_KEY, &source, &ctx->err);
	if (rc < 0)
		return rc;
	if (!file.key) {
		hf_pemfile_describe(&file, words, sizeof(words));
		return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG,
				  "'%s' holds no private key: it is %s", o->key, words);
	}
	*ret_key = hf_take(file.key);
	return hf_key_check(*ret_key, &ctx->err);
}

static int write_files(struct hf_cmd_ctx *ctx, const char *dir, const EVP_PKEY *key,
		       const struct hf_csr *csr, bool force)
{
	HF_AUTO_DONE(hf_buf) key_pem = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) csr_pem = HF_BUF_INIT(HF_CLI_PEM_CAP);
	const struct hf_idfiles files = { .key = &key_pem, .request = &csr_pem };
	char path[PATH_MAX];
	const char *there = force ? NULL : hf_idfiles_in_the_way(dir, &files, path);
	int rc;

	if (there) {
		(void)hf_err_set(&ctx->err, HF_E_EXIST, "'%s' is there already", there);
		return hf_err_hint(
		    &ctx->err,
		    "nothing was changed; --force makes a new key and request in its place");
	}
	rc = hf_key_to_pem(key, NULL, &key_pem, &ctx->err);
	if (rc == 0)
		rc = hf_csr_to_pem(csr, &csr_pem, &ctx->err);
	return rc < 0 ? rc : hf_idfiles_write(dir, &files, force, &ctx->err);
}

static void tell(struct hf_cmd_ctx *ctx, const char *name, const char *dir,
		 const struct hf_csr *csr)
{
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO(cstr) path = hf_str_printf("%s/request.pem", dir);
	HF_AUTO(cstr) key = hf_str_printf("%s/key.pem", dir);

	(void)hf_sans_format(&csr->sans, &sans);
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "name", name);
		hf_json_string(&ctx->out.json, "subject", csr->subject);
		hf_json_string(&ctx->out.json, "sans", hf_buf_str(&sans));
		hf_json_string(&ctx->out.json, "request", path);
		hf_json_string(&ctx->out.json, "key", key);
		hf_out_json_end(&ctx->out);
	}
	hf_out_print(&ctx->out, "request for ");
	hf_out_safe(&ctx->out, csr->subject);
	hf_out_print(&ctx->out, "%s%s\nfile    ", sans.len ? ", asking for " : "",
		     hf_buf_str(&sans));
	hf_out_safe(&ctx->out, path ? path : "");
	hf_out_print(&ctx->out, "\n");
	hf_out_flush(&ctx->out);
	hf_out_note(
	    &ctx->out,
	    "next: have it signed (handfast sign --profile client FILE, at the authority), then: "
	    "handfast install %s FILE",
	    name);
}

/* --subject and --san say more than the file. */
static int read_config(struct hf_cmd_ctx *ctx, const struct request_opts *o, const char *name,
		       struct hf_openssl_request *ret_request)
{
	HF_AUTO(hf_openssl_file) file = NULL;
	int rc = o->openssl_config ? hf_openssl_file_load(o->openssl_config, &file, &ctx->err) : 0;

	if (rc < 0 || !file)
		return rc;
	rc = hf_openssl_request_read(file, name, ret_request, &ctx->err);
	for (size_t i = 0; rc == 0 && i < ret_request->left.len; i++)
		hf_out_note(&ctx->out, "%s is not asked for: it is the CA's business",
			    ret_request->left.items[i]);
	return rc;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct request_opts *o = ctx->opts;
	const char *name = ctx->args->items[0];
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_openssl_request) config = { .subject = HF_BUF_INIT(0) };
	const char *subject_text = o->subject;
	HF_AUTO(X509_NAME) subject = NULL;
	HF_AUTO(EVP_PKEY) key = NULL;
	HF_AUTO(hf_csr) csr = NULL;
	char dir[PATH_MAX];
	int rc = hf_home_id(ctx->home, name, "", dir, &ctx->err);

	if (rc == 0)
		rc = hf_sans_from_lists(&o->san, &sans, &ctx->err);
	if (rc == 0)
		rc = read_config(ctx, o, name, &config);
	if (!subject_text && config.subject.len)
		subject_text = hf_buf_str(&config.subject);
	if (rc == 0)
		rc = hf_sans_join(&sans, &config.sans, &ctx->err);
	if (rc == 0)
		rc = hf_subject_for(name, subject_text, &subject, &ctx->err);
	if (rc == 0)
		rc = find_key(ctx, o, &key);
	if (rc == 0)
		rc = hf_csr_make(key, subject, &sans, &csr, &ctx->err);
	if (rc == 0)
		rc = write_files(ctx, o->out ? o->out : dir, key, csr, o->force);
	if (rc == 0)
		tell(ctx, name, o->out ? o->out : dir, csr);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast request mail-server --subject \"/O=ABC Inc./CN=mail-server\"",
	  "a key and a request for it" },
	{ "handfast request gw --san dns:gw.abc.com,ip:10.0.0.1 --key old.pem",
	  "with a key that is there" },
	{ NULL, NULL },
};

const struct hf_command cmd_request = {
	.name = "request",
	.group = "Identities",
	.arguments = "NAME",
	.summary = "make a key and a certificate request for a CA elsewhere",
	.description =
	    "Writes id/NAME/key.pem (0600) and id/NAME/request.pem. Only the request leaves this machine.",
	.groups = groups,
	.opts_size = sizeof(struct request_opts),
	.examples = examples,
	.exits = "0 made; 1 the files are there already",
	.see_also = "sign, install",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
