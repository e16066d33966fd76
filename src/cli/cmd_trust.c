/* SPDX-License-Identifier: Apache-2.0 */
/* handfast trust: the anchors of other parties, one file each under trust/. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/common.h"
#include "cli/show_cert.h"
#include "util/clock.h"
#include "util/home.h"

struct add_opts {
	bool force;
};

static const struct hf_option add_options[] = {
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct add_opts, force),
	  .help = "replace the anchors that are there under this name" },
	{ .name = NULL },
};

static const struct hf_option_group add_groups[] = {
	{ "Options", add_options, 0 },
	{ NULL, NULL, 0 },
};

/* A leaf as an anchor is the classic mistake: OpenSSL peers cannot end a path there. */
static int check_anchors(struct hf_cmd_ctx *ctx, const struct hf_pemfile *f, const char *path)
{
	char words[400];

	if (f->certs.len == 0) {
		hf_pemfile_describe(f, words, sizeof(words));
		(void)hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG,
				 "'%s' holds no certificate: it is %s", path, words);
		return hf_err_hint(&ctx->err, "give the other party's root certificate");
	}
	for (size_t i = 0; i < f->certs.len; i++) {
		const struct hf_cert *c = f->certs.items[i];

		if (!(c->flags & HF_CERT_CA) && c->version == 3)
			hf_out_warn(
			    &ctx->out,
			    "'%s' is not a CA: trusting it lets in that one certificate only [F-TRUST-NOT-CA]",
			    c->subject);
	}
	return 0;
}

static int certs_to_pem(const struct hf_certs *certs, struct hf_buf *pem, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < certs->len; i++)
		rc = hf_cert_to_pem(certs->items[i], pem, err);
	return rc;
}

static void report(struct hf_cmd_ctx *ctx, const char *name, const struct hf_pemfile *f)
{
	struct hf_out *out = &ctx->out;

	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_string(&out->json, "name", name);
		hf_json_array_begin(&out->json, "anchors");
		for (size_t i = 0; i < f->certs.len; i++)
			hf_show_cert(f->certs.items[i], hf_clock_now(), out);
		hf_json_array_end(&out->json);
		hf_out_json_end(out);
	}
	for (size_t i = 0; i < f->certs.len; i++) {
		char hex[2 * HF_SHA256_LEN + 1];

		hf_hex_encode(f->certs.items[i]->sha256, HF_SHA256_LEN, hex);
		hf_out_print(out, "trusting %s as %s\n  SHA-256 %s\n", f->certs.items[i]->subject,
			     name, hex);
	}
}

static int add(struct hf_cmd_ctx *ctx)
{
	const struct add_opts *opts = ctx->opts;
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_PEMFILE_CAP);
	const char *name = ctx->args->items[0], *from = ctx->args->items[1];
	char path[PATH_MAX], dir[PATH_MAX];
	int rc = hf_home_trust(ctx->home, name, path, &ctx->err);

	if (rc == 0)
		rc = hf_home_trust(ctx->home, "", dir, &ctx->err);
	if (rc == 0)
		rc = hf_pemfile_load(&f, from, 0, NULL, &ctx->err);
	if (rc == 0)
		rc = check_anchors(ctx, &f, from);
	if (rc == 0)
		rc = certs_to_pem(&f.certs, &pem, &ctx->err);
	if (rc == 0)
		rc = hf_dir_make(dir, HF_MODE_DIR, &ctx->err);
	if (rc == 0)
		rc = hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC,
				   opts->force ? HF_FILE_REPLACE : 0, &ctx->err);
	if (rc == 0)
		report(ctx, name, &f);
	return rc;
}

static int list_file(struct hf_cmd_ctx *ctx, const char *file)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	HF_AUTO(cstr) name = hf_str_ndup(file, strlen(file) - strlen(".pem"));
	struct hf_out *out = &ctx->out;
	char path[PATH_MAX], until[160];
	int rc = name ? hf_home_trust(ctx->home, name, path, &ctx->err) : hf_err_nomem(&ctx->err);

	if (rc == 0)
		rc = hf_pemfile_load(&f, path, 0, NULL, &ctx->err);
	if (rc < 0)
		return rc;
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "name", name);
		hf_json_array_begin(&out->json, "anchors");
	}
	for (size_t i = 0; i < f.certs.len; i++) {
		hf_show_time(f.certs.items[i]->not_after, hf_clock_now(), until, sizeof(until));
		hf_out_print(out, "%-16s %s, until %s\n", name, f.certs.items[i]->subject, until);
		if (out->json_mode)
			hf_show_cert(f.certs.items[i], hf_clock_now(), out);
	}
	if (out->json_mode) {
		hf_json_array_end(&out->json);
		hf_json_object_end(&out->json);
	}
	return 0;
}

static int list(struct hf_cmd_ctx *ctx)
{
	HF_AUTO_DONE(hf_strv) files = HF_STRV_INIT;
	char dir[PATH_MAX];
	int rc = hf_home_trust(ctx->home, "", dir, &ctx->err);

	if (rc == 0 && hf_file_exists(dir))
		rc = hf_dir_list(dir, &files, &ctx->err);
	if (rc == 0 && ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "trust");
	}
	for (size_t i = 0; rc == 0 && i < files.len; i++) {
		if (hf_str_ends(files.items[i], ".pem"))
			rc = list_file(ctx, files.items[i]);
	}
	if (rc == 0 && ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	if (rc == 0 && files.len == 0)
		hf_out_note(&ctx->out,
			    "nothing is trusted in '%s'; add with: handfast trust add NAME FILE",
			    dir);
	return rc;
}

static int remove_one(struct hf_cmd_ctx *ctx)
{
	const char *name = ctx->args->items[0];
	char path[PATH_MAX];
	int rc = hf_home_trust(ctx->home, name, path, &ctx->err);

	if (rc < 0)
		return rc;
	if (unlink(path) != 0) {
		rc = hf_err_errno(&ctx->err, errno, "cannot remove '%s'", path);
		if (rc == -HF_E_NOENT)
			(void)hf_err_hint(&ctx->err, "handfast trust list shows the names");
		return rc;
	}
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "removed", name);
		hf_out_json_end(&ctx->out);
	}
	hf_out_print(&ctx->out, "%s is no longer trusted\n", name);
	return 0;
}

static const struct hf_command cmd_trust_add = {
	.name = "trust add",
	.arguments = "NAME FILE",
	.summary = "trust another party's root",
	.groups = add_groups,
	.opts_size = sizeof(struct add_opts),
	.min_args = 2,
	.max_args = 2,
	.run = add,
};
static const struct hf_command cmd_trust_list = {
	.name = "trust list",
	.summary = "whom this home trusts",
	.run = list,
};
static const struct hf_command cmd_trust_remove = {
	.name = "trust remove",
	.arguments = "NAME",
	.summary = "trust a party no more",
	.min_args = 1,
	.max_args = 1,
	.run = remove_one,
};
static const struct hf_command *const subcommands[] = { &cmd_trust_add, &cmd_trust_list,
							&cmd_trust_remove, NULL };

static const struct hf_example examples[] = {
	{ "handfast trust add partner partner-root.pem",
	  "accept certificates of a partner's authority" },
	{ "handfast serve --as localhost --allow issuer:partner …",
	  "and let in whoever it certified" },
	{ NULL, NULL },
};

const struct hf_command cmd_trust = {
	.name = "trust",
	.group = "Identities",
	.arguments = "add NAME FILE | list | remove NAME",
	.summary = "keep the anchors of other parties",
	.description =
	    "The anchors of a party are the file trust/NAME.pem in the home; the own authority's root is "
	    "there as own. Nothing else is trusted, unless --ca names it.",
	.examples = examples,
	.subcommands = subcommands,
	.max_args = -1,
};
