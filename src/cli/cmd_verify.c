/* SPDX-License-Identifier: Apache-2.0 */
/* handfast verify: what the judge says about files, without a connection.  Must never ask the
 * network, and never print OK for anything but an accepted verdict. */
#include <string.h>

#include "base/err.h"
#include "cli/common.h"
#include "cli/verify_ocsp.h"
#include "cli/verify_worlds.h"
#include "http/url.h"
#include "pki/der.h"
#include "pki/pemfile.h"
#include "util/clock.h"
#include "util/slim.h"

struct verify_opts {
	struct hf_trust_opts trust;
	struct hf_rule_opts rules;
	struct hf_strv untrusted, policy, ocsp;
	int purpose, profile;
	const char *name;
	int64_t at, max_depth;
	bool require_policy, inhibit_mapping, inhibit_any, opinion;
};

static const char *const purpose_words[] = { "any", "server", "client", NULL };
/* In the order of enum hf_profile, and all of them. */
static const char *const profile_words[] = { "handfast", "strict", "openssl", "python", "gnutls",
					     "go",	 "java",   "browser", "all",	NULL };
enum { PROFILE_ALL = HF_PROFILE_COUNT };

#define AT(field) offsetof(struct verify_opts, field)
static const struct hf_option judge_options[] = {
	{ .name = "untrusted",
	  .kind = HF_OPT_LIST,
	  .offset = AT(untrusted),
	  .arg = "FILE",
	  .help = "more certificates that a path may go through, such as the issuing CA's" },
	{ .name = "ocsp",
	  .kind = HF_OPT_LIST,
	  .offset = AT(ocsp),
	  .arg = "FILE",
	  .help =
	      "OCSP responses (DER) that must say good of the leaf, as serve --ocsp hard asks" },
	{ .name = "purpose",
	  .kind = HF_OPT_WORD,
	  .offset = AT(purpose),
	  .words = purpose_words,
	  .initial = "any",
	  .help = "the role it must be fit for" },
	{ .name = "name",
	  .kind = HF_OPT_STRING,
	  .offset = AT(name),
	  .arg = "HOST|IP|EMAIL",
	  .help = "what the certificate must be valid for" },
	{ .name = "profile",
	  .kind = HF_OPT_WORD,
	  .offset = AT(profile),
	  .words = profile_words,
	  .initial = "handfast",
	  .help =
	      "whose judgement: handfast is what serve and get do, strict refuses what breaks RFC 5280, openssl, "
	      "python (3.13 and newer), gnutls, go, java and browser say what those would, and all asks each" },
	{ .name = "at",
	  .kind = HF_OPT_TIME,
	  .offset = AT(at),
	  .arg = "TIME",
	  .help =
	      "judge at this moment (2026-11-21, 2026-11-21T06:39:31Z, @SECONDS) instead of now" },
	{ .name = "max-depth",
	  .kind = HF_OPT_INT,
	  .offset = AT(max_depth),
	  .arg = "N",
	  .initial = "8",
	  .max = 255,
	  .help = "intermediates that may stand between leaf and trust" },
	{ .name = "policy",
	  .kind = HF_OPT_LIST,
	  .offset = AT(policy),
	  .arg = "OID",
	  .help =
	      "accept only this certificate policy (repeatable, or comma-separated); the words explicit, nomap and "
	      "noany stand for the three options below" },
	{ .name = "require-policy",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(require_policy),
	  .help =
	      "every certificate must share a policy that is accepted (RFC 5280 initial-explicit-policy)" },
	{ .name = "inhibit-mapping",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(inhibit_mapping),
	  .help = "policies may not be mapped (initial-policy-mapping-inhibit)" },
	{ .name = "inhibit-any",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(inhibit_any),
	  .help = "anyPolicy counts for nothing (initial-any-policy-inhibit)" },
	{ .name = "openssl",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(opinion),
	  .help = "with --json: what OpenSSL alone says, for accepted certificates too" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Judgement", judge_options, 0 },
	{ "Trust", hf_anchor_options, AT(trust) },
	{ "Rules", hf_rule_options, AT(rules) },
	{ NULL, NULL, 0 },
};

/* Everything that is the same for all files. */
struct job {
	struct hf_cmd_ctx *ctx;
	const struct verify_opts *opts;
	struct hf_trust *trust;
	struct hf_rules *rules;
	struct hf_certs untrusted;
	struct hf_strv policies;
	struct hf_verify_ocsp ocsp;
	struct hf_verify_options options;
};

static void job_done(struct job *job)
{
	hf_trust_unref(job->trust);
	hf_rules_unref(job->rules);
	hf_certs_done(&job->untrusted);
	hf_strv_done(&job->policies);
	hf_verify_ocsp_done(&job->ocsp);
}
HF_DEFINE_AUTO_DONE(job, struct job, job_done);

static int no_certificate(struct job *job, const struct hf_pemfile *f, const char *path)
{
	char is[256];

	hf_pemfile_describe(f, is, sizeof(is));
	(void)hf_err_set(&job->ctx->err, HF_MISTAKE_FILE_WRONG,
			 "'%s' holds no certificate: it is %s", path, is);
	return hf_err_hint(&job->ctx->err, "handfast show %s tells what is in it", path);
}

static int load_untrusted(struct job *job, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&f, path, 0, NULL, &job->ctx->err);

	if (rc < 0)
		return rc;
	if (f.certs.len == 0)
		return no_certificate(job, &f, path);
	return hf_certs_copy(&job->untrusted, &f.certs, &job->ctx->err);
}

static bool is_oid(const char *text)
{
	HF_AUTO(ASN1_OBJECT) oid = hf_oid_parse(text);

	return oid != NULL;
}

/* "1.2.3,explicit": policies and the words of the path-validation suites. */
static int add_policies(struct job *job, const char *list)
{
	HF_AUTO_DONE(hf_strv) parts = HF_STRV_INIT;

	if (hf_strv_split(&parts, list, ',') < 0)
		return hf_err_nomem(&job->ctx->err);
	for (size_t i = 0; i < parts.len; i++) {
		const char *part = parts.items[i];

		if (strcmp(part, "explicit") == 0)
			job->options.require_explicit_policy = true;
		else if (strcmp(part, "nomap") == 0)
			job->options.inhibit_policy_mapping = true;
		else if (strcmp(part, "noany") == 0)
			job->options.inhibit_any_policy = true;
		else if (!is_oid(part))
			return hf_command_usage(
			    job->ctx, "'%s' is not a policy: write its OID, such as 1.3.6.1.4.1.1",
			    part);
		else if (hf_strv_add(&job->policies, part) < 0)
			return hf_err_nomem(&job->ctx->err);
	}
	return 0;
}

static int prepare_options(struct job *job)
{
	const struct verify_opts *o = job->opts;
	struct hf_verify_options *v = &job->options;
	int rc = 0;

	v->purpose = (enum hf_purpose)o->purpose;
	v->profile = o->profile == PROFILE_ALL ? HF_PROFILE_OPENSSL : (enum hf_profile)o->profile;
	v->at = o->at ? o->at : hf_clock_now();
	v->name = o->name;
	v->compat_cn = o->trust.compat;
	v->max_depth = o->max_depth ? (int)o->max_depth : -1;
	v->require_explicit_policy = o->require_policy;
	v->inhibit_policy_mapping = o->inhibit_mapping;
	v->inhibit_any_policy = o->inhibit_any;
	v->second_opinion = o->opinion;
	for (size_t i = 0; rc == 0 && i < o->policy.len; i++)
		rc = add_policies(job, o->policy.items[i]);
	if (job->policies.len > 0)
		v->policies = (const char *const *)job->policies.items;
	return rc;
}

static int prepare(struct job *job)
{
	const struct verify_opts *o = job->opts;
	int rc = hf_cli_load_trust(job->ctx, &o->trust, NULL, 0, &job->trust);

	if (rc == 0 && hf_trust_anchors(job->trust)->len == 0)
		return hf_command_usage(
		    job->ctx, "nothing is trusted: name the CA's certificate with --ca FILE");
	if (rc == 0 && o->rules.rules.len > 0 && o->profile == PROFILE_ALL)
		return hf_command_usage(
		    job->ctx,
		    "--profile all asks other worlds, which know nothing of --allow and --deny");
	if (rc == 0 && o->ocsp.len > 0 && o->profile == PROFILE_ALL)
		return hf_command_usage(
		    job->ctx, "--profile all asks other worlds, which know nothing of --ocsp");
	if (rc == 0)
		rc = hf_verify_ocsp_load(job->ctx, &o->ocsp, &job->ocsp);
	if (rc == 0 && o->rules.rules.len > 0)
		rc = hf_cli_load_rules(job->ctx, &o->rules, &job->rules);
	for (size_t i = 0; rc == 0 && i < o->untrusted.len; i++)
		rc = load_untrusted(job, o->untrusted.items[i]);
	return rc == 0 ? prepare_options(job) : rc;
}

/* One finding a line, on stderr: OK stays the only line on stdout. */
static void print_remarks(struct hf_cmd_ctx *ctx, const struct hf_verdict *v)
{
	for (size_t i = 0; i < v->findings_len; i++) {
		const struct hf_finding *f = &v->findings[i];
		const struct hf_reason_info *info = hf_reason_info(f->reason);

		hf_out_note(&ctx->out, "%s: %s: %s%s%s%s%s%s%s", hf_severity_name(f->severity),
			    info->id, f->cert ? f->cert->subject : "", f->cert ? ": " : "",
			    info->sentence, f->want ? ": want " : "", f->want ? f->want : "",
			    f->have ? ", have " : "", f->have ? f->have : "");
	}
}

static int print_verdict(struct job *job, const char *path, const struct hf_verdict *v)
{
	struct hf_out *out = &job->ctx->out;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 22);

	if (out->json_mode) {
		hf_verdict_to_json(v, &out->json, "verdict");
		hf_verify_ocsp_to_json(&job->ocsp, &out->json);
		return 0;
	}
	hf_out_safe(out, path);
	if (v->accepted) {
		hf_out_print(out, ": OK\n");
		print_remarks(job->ctx, v);
	} else {
		if (hf_verdict_format(v, &text) < 0)
			return hf_err_nomem(&job->ctx->err);
		hf_out_print(out, ": refused\n%s", hf_buf_str(&text));
	}
	if (v->rule)
		hf_out_print(out, "  rule: %s\n", v->rule);
	hf_verify_ocsp_tell(&job->ocsp, out);
	return 0;
}

static int judge(struct job *job, struct hf_pemfile *f, const char *path, bool *ret_accepted)
{
	HF_AUTO_DONE(hf_verdict) verdict;
	struct hf_err *err = &job->ctx->err;
	int rc = hf_certs_copy(&f->certs, &job->untrusted, err);

	hf_verdict_init(&verdict);
	if (rc == 0 && job->opts->profile == PROFILE_ALL)
		return hf_verify_worlds(job->ctx, &f->certs, job->trust, &job->options, path,
					ret_accepted);
	if (rc == 0)
		rc = hf_verify(&f->certs, job->trust, &job->options, &verdict, err);
	if (rc == 0 && job->rules)
		rc = hf_rules_apply(job->rules, job->trust, &verdict, err);
	if (rc == 0)
		rc = hf_verify_ocsp_apply(&job->ocsp, job->options.at, &verdict, err);
	if (rc == 0)
		rc = print_verdict(job, path, &verdict);
	*ret_accepted = verdict.accepted;
	return rc;
}

/* 0 accepted, 1 refused. */
static int verify_one(struct job *job, const char *what)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	struct hf_out *out = &job->ctx->out;
	char path[PATH_MAX];
	bool accepted = false;
	int rc = hf_cli_find_file(job->ctx, what, path);

	if (rc == 0)
		rc = hf_pemfile_load(&f, path, 0, NULL, &job->ctx->err);
	if (rc < 0)
		return rc;
	if (f.certs.len == 0)
		return no_certificate(job, &f, path);
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "file", path);
	}
	rc = judge(job, &f, path, &accepted);
	if (out->json_mode)
		hf_json_object_end(&out->json);
	if (rc < 0)
		return rc;
	return accepted ? HF_EXIT_YES : HF_EXIT_NO;
}

static int run(struct hf_cmd_ctx *ctx)
{
	HF_AUTO_DONE(job) job = { .ctx = ctx, .opts = ctx->opts };
	int rc, worst = HF_EXIT_YES;

	/* start is two thirds of all that this takes; lists by URL come over TLS, which needs more
	 */
	if (!hf_url_is_among(&job.opts->trust.crl))
		(void)hf_slim_begin(HF_SLIM_JUDGING);
	rc = prepare(&job);
	if (rc != 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "results");
	}
	for (size_t i = 0; rc >= 0 && i < ctx->args->len; i++) {
		rc = verify_one(&job, ctx->args->items[i]);
		worst = HF_MAX(worst, rc);
	}
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return rc < 0 ? rc : worst;
}

static const struct hf_example examples[] = {
	{ "handfast verify --ca root.pem --purpose client mail.pem",
	  "is it good as a client's certificate" },
	{ "handfast verify --ca root.pem --purpose server --name localhost --profile strict server.pem",
	  "what would a strict peer say" },
	{ "handfast verify --ca root.pem --name gw.abc.com --profile all server.pem",
	  "which world accepts it, which refuses it and why" },
	{ "handfast verify --ca root.pem --crl ca.crl --allow cn:mail-server mail.pem",
	  "with revocation, and which rule lets it in" },
	{ "handfast verify --ca root.pem --ocsp answer.der mail.pem",
	  "with what an OCSP responder has said of it" },
	{ NULL, NULL },
};

const struct hf_command cmd_verify = {
	.name = "verify",
	.group = "Understanding",
	.arguments = "FILE|NAME…",
	.summary = "judge certificates as a peer would, with every reason",
	.description =
	    "FILE holds the leaf first, then its intermediates in any order; NAME is an identity of the home. "
	    "What follows the leaf, and --untrusted, are only ways to go: the identity is the leaf's alone.\n\n"
	    "A refused certificate is told with every finding: reason, certificate, what was wanted, what is "
	    "there, the rule it breaks, the fix. The root cause comes first. Warnings about an accepted one go to "
	    "standard error.",
	.groups = groups,
	.opts_size = sizeof(struct verify_opts),
	.examples = examples,
	.exits = "0 all accepted (with --profile all: by everybody), 1 one refused",
	.see_also = "show, explain",
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
