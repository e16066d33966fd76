/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an authority under a policy.  Must never go on without one that was asked for. */
#include "cli/policy_opts.h"

#include "base/err.h"
#include "ca/places.h"
#include "ca/policy/openssl_policy.h"
#include "util/clock.h"

const struct hf_option hf_policy_options[] = {
	{ .name = "policy",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_policy_opts, policy),
	  .arg = "FILE",
	  .help = "this policy instead of ca/policy.yaml of the home (handfast policy show)" },
	{ .name = "openssl-config",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_policy_opts, openssl_config),
	  .arg = "FILE",
	  .help = "the policy, default_days, copy_extensions, unique_subject and x509_extensions "
		  "of this openssl.cnf instead, as openssl ca reads them" },
	{ .name = "ca-name",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_policy_opts, ca_name),
	  .arg = "SECTION",
	  .help = "the CA's section of --openssl-config (default: what its default_ca says)" },
	{ .name = "extfile",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_policy_opts, extfile),
	  .arg = "FILE",
	  .help =
	      "extensions for the certificate, in OpenSSL's syntax: subjectAltName = @alt_names, "
	      "keyUsage, nsComment, crlDistributionPoints …" },
	{ .name = "extensions",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_policy_opts, extensions),
	  .arg = "SECTION",
	  .help = "the section of --extfile or --openssl-config to take them from" },
	{ .name = NULL },
};

static int check_opts(struct hf_cmd_ctx *ctx, const struct hf_policy_opts *o)
{
	if (o->policy && o->openssl_config)
		return hf_command_usage(ctx, "one policy only: --policy or --openssl-config");
	if (o->ca_name && !o->openssl_config)
		return hf_command_usage(ctx, "--ca-name is a section of --openssl-config");
	if (o->extensions && !o->extfile && !o->openssl_config)
		return hf_command_usage(ctx, "--extensions is a section of --extfile or "
					     "--openssl-config");
	return 0;
}

struct policy_files {
	struct hf_openssl_file *cnf, *extfile;
	const char *section; /* of cnf: its x509_extensions */
};

static void policy_files_done(struct policy_files *files)
{
	hf_openssl_file_free(files->cnf);
	hf_openssl_file_free(files->extfile);
}
HF_DEFINE_AUTO_DONE(policy_files, struct policy_files, policy_files_done);

static int read_cnf(struct hf_cmd_ctx *ctx, const struct hf_policy_opts *o,
		    struct policy_files *files, struct hf_policy **ret_policy)
{
	int rc = hf_openssl_file_load(o->openssl_config, &files->cnf, &ctx->err);

	return rc < 0 ? rc
		      : hf_policy_from_openssl(files->cnf, o->ca_name, ret_policy, &files->section,
					       &ctx->err);
}

int hf_cli_read_policy(struct hf_cmd_ctx *ctx, const struct hf_policy_opts *o,
		       struct hf_policy **ret_policy)
{
	HF_AUTO_DONE(policy_files) files = { NULL, NULL, NULL };
	int rc = check_opts(ctx, o);

	if (rc != 0)
		return rc;
	if (o->openssl_config)
		return read_cnf(ctx, o, &files, ret_policy);
	return o->policy ? hf_policy_load(o->policy, ret_policy, &ctx->err) : 0;
}

/* As for openssl ca: an extension file stands instead of x509_extensions. */
static int read_extensions(struct hf_cmd_ctx *ctx, const struct hf_policy_opts *o,
			   struct policy_files *files, const struct hf_ca_profile *profile,
			   struct hf_authority *a, struct hf_extfile *ret_ext)
{
	const struct hf_cert *issuer = profile->is_ca ? a->root.cert : hf_authority_issuer(a)->cert;
	const char *section = o->extensions ? o->extensions : files->section;
	int rc;

	if (!o->extfile)
		return files->cnf && section ? hf_extfile_read(files->cnf, section, profile, issuer,
							       ret_ext, &ctx->err)
					     : 0;
	rc = hf_openssl_file_load(o->extfile, &files->extfile, &ctx->err);
	return rc < 0 ? rc
		      : hf_extfile_read(files->extfile, o->extensions, profile, issuer, ret_ext,
					&ctx->err);
}

int hf_cli_open_under_policy(struct hf_cmd_ctx *ctx, struct hf_passphrase *from,
			     const struct hf_policy_opts *o, const struct hf_ca_profile *profile,
			     struct hf_extfile *ret_ext, struct hf_authority **ret_authority)
{
	HF_AUTO_DONE(policy_files) files = { NULL, NULL, NULL };
	HF_AUTO(hf_policy) policy = NULL;
	HF_AUTO(hf_authority) a = NULL;
	struct hf_authority_options options = {
		.now = hf_clock_now(),
		.actor = hf_cli_actor(),
		.pass = { hf_passphrase_get, from },
		.policy_path = o->policy,
	};
	int rc = check_opts(ctx, o);

	if (rc == 0 && o->openssl_config)
		rc = read_cnf(ctx, o, &files, &policy);
	if (rc == 0)
		rc = hf_authority_open(ctx->home, &options, &a, &ctx->err);
	if (rc != 0)
		return rc;
	if (policy) {
		hf_policy_free(a->policy);
		a->policy = hf_take(policy);
	} else if (!a->policy) {
		ctx->err = a->policy_err;
		return -a->policy_err.code;
	}
	rc = read_extensions(ctx, o, &files, profile, a, ret_ext);
	if (rc == 0)
		rc = hf_places_check_extfile(a, profile->is_ca ? &a->root : hf_authority_issuer(a),
					     options.now, ret_ext, &ctx->err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ret_ext->notes.len; i++)
		hf_out_warn(&ctx->out, "%s", ret_ext->notes.items[i]);
	*ret_authority = hf_take(a);
	return 0;
}
