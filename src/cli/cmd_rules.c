/* SPDX-License-Identifier: Apache-2.0 */
/* handfast rules: who would be let in, without a connection.  Must never listen, nor write. */
#include <string.h>

#include "base/err.h"
#include "cli/rules_meeting.h"
#include "cli/serve_file.h"
#include "pki/pemfile.h"
#include "util/clock.h"

struct rules_opts {
	struct hf_trust_opts trust;
	struct hf_rule_opts rules;
	struct hf_rules_asked asked;
	const char *config, *listen;
	int64_t at;
};

#define AT(field) offsetof(struct rules_opts, field)
static const struct hf_option where_options[] = {
	{ .name = "config",
	  .kind = HF_OPT_STRING,
	  .offset = AT(config),
	  .arg = "FILE",
	  .help = "the handfast.yaml of serve; without it --ca and --allow say what counts" },
	{ .name = "listen",
	  .kind = HF_OPT_STRING,
	  .offset = AT(listen),
	  .arg = "ADDR:PORT",
	  .help = "at this listener of the file only (default: at each)" },
	{ .name = "at",
	  .kind = HF_OPT_TIME,
	  .offset = AT(at),
	  .arg = "TIME",
	  .help = "judge at this moment instead of now" },
	{ .name = NULL },
};
static const struct hf_option request_options[] = {
	{ .name = "sni",
	  .kind = HF_OPT_STRING,
	  .offset = AT(asked.sni),
	  .arg = "NAME",
	  .help = "the server name that the client asks for (default: none)" },
	{ .name = "host",
	  .kind = HF_OPT_STRING,
	  .offset = AT(asked.host),
	  .arg = "NAME",
	  .help = "the Host of its request (default: the name of --sni)" },
	{ .name = "path",
	  .kind = HF_OPT_STRING,
	  .offset = AT(asked.path),
	  .arg = "PATH",
	  .help = "what it asks for: names the route (default: every route is shown)" },
	{ .name = "method",
	  .kind = HF_OPT_STRING,
	  .offset = AT(asked.method),
	  .arg = "METHOD",
	  .help = "how it asks (default: GET)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Where", where_options, 0 },
	{ "Request", request_options, 0 },
	{ "Trust", hf_trust_options, AT(trust) },
	{ "Who may", hf_rule_options, AT(rules) },
	{ NULL, NULL, 0 },
};

/* --- the certificate --- */

static int load(struct hf_cmd_ctx *ctx, struct hf_pemfile *f)
{
	char path[PATH_MAX], is[256];
	int rc = hf_cli_find_file(ctx, ctx->args->items[0], path);

	if (rc == 0)
		rc = hf_pemfile_load(f, path, 0, NULL, &ctx->err);
	if (rc < 0 || f->certs.len > 0)
		return rc;
	hf_pemfile_describe(f, is, sizeof(is));
	return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG, "'%s' holds no certificate: it is %s",
			  path, is);
}

static int64_t moment(const struct rules_opts *opts)
{
	return opts->at ? opts->at : hf_clock_now();
}

static void tell(struct hf_cmd_ctx *ctx, const struct hf_rules_meeting *meeting)
{
	if (ctx->out.json_mode)
		hf_rules_to_json(&ctx->out.json, meeting);
	else
		hf_rules_tell(&ctx->out, meeting);
}

static void begin(struct hf_cmd_ctx *ctx)
{
	if (!ctx->out.json_mode)
		return;
	hf_out_json_begin(&ctx->out);
	hf_json_array_begin(&ctx->out.json, "meetings");
}

static int finish(struct hf_cmd_ctx *ctx, bool yes)
{
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_json_bool(&ctx->out.json, "allowed", yes);
		hf_out_json_end(&ctx->out);
	}
	return yes ? HF_EXIT_YES : HF_EXIT_NO;
}

/* --- without a configuration --- */

static int by_options(struct hf_cmd_ctx *ctx, const struct hf_certs *chain)
{
	const struct rules_opts *opts = ctx->opts;
	HF_AUTO(hf_trust) trust = NULL;
	HF_AUTO(hf_rules) rules = NULL;
	struct hf_rules_meeting meeting;
	bool yes = false;
	int rc;

	if (opts->rules.rules.len == 0) {
		(void)hf_command_usage(ctx, "by which rules? name --config FILE, or --allow RULE");
		return hf_err_hint(&ctx->err, "handfast verify judges without rules");
	}
	if (opts->listen || opts->asked.path || opts->asked.method || opts->asked.host ||
	    opts->asked.sni)
		return hf_command_usage(
		    ctx, "--listen, --sni, --host, --path and --method need --config");
	rc = hf_cli_load_trust(ctx, &opts->trust, NULL, 0, &trust);
	if (rc == 0)
		rc = hf_cli_load_rules(ctx, &opts->rules, &rules);
	if (rc == 0) {
		const struct hf_policy_parts parts = {
			.profile = (enum hf_profile)opts->trust.profile,
			.trust = trust,
			.rules = rules,
		};

		rc = hf_rules_meet(&parts, chain, moment(opts), &meeting, &ctx->err);
		if (rc == 0) {
			begin(ctx);
			tell(ctx, &meeting);
			yes = hf_rules_meeting_yes(&meeting);
		}
		hf_rules_meeting_done(&meeting);
	}
	return rc < 0 ? rc : finish(ctx, yes);
}

/* --- by a configuration --- */

static int meet_one(struct hf_cmd_ctx *ctx, const struct hf_gateway_config *config,
		    const struct hf_generation *generation, size_t listener,
		    const struct hf_certs *chain, bool *ret_yes)
{
	const struct rules_opts *opts = ctx->opts;
	struct hf_rules_meeting meeting;
	int rc = hf_rules_meet_at(config, generation, listener, &opts->asked, chain, moment(opts),
				  &meeting, &ctx->err);

	if (rc == 0) {
		tell(ctx, &meeting);
		*ret_yes &= hf_rules_meeting_yes(&meeting);
	}
	hf_rules_meeting_done(&meeting);
	return rc;
}

static int meet_all(struct hf_cmd_ctx *ctx, const struct hf_gateway_config *config,
		    const struct hf_certs *chain)
{
	const struct rules_opts *opts = ctx->opts;
	HF_AUTO(hf_generation) generation = NULL;
	bool yes = true;
	int rc = hf_generation_new(config, 1, NULL, &generation, &ctx->err);

	if (rc == 0 && opts->listen && !hf_strv_has(config->listen, opts->listen))
		return hf_command_usage(ctx, "'%s' has no listener '%s'", opts->config,
					opts->listen);
	if (rc < 0)
		return rc;
	begin(ctx);
	for (size_t i = 0; rc == 0 && i < config->listen->len; i++)
		if (!opts->listen || hf_str_eq(opts->listen, config->listen->items[i]))
			rc = meet_one(ctx, config, generation, i, chain, &yes);
	return rc < 0 ? rc : finish(ctx, yes);
}

static int by_file(struct hf_cmd_ctx *ctx, const struct hf_certs *chain)
{
	const struct rules_opts *opts = ctx->opts;
	struct hf_serve_file file = HF_SERVE_FILE_INIT;
	struct hf_serve_source source = { .ctx = ctx, .file = &file, .keylog_fd = -1 };
	HF_AUTO_DONE(hf_strv) listen = HF_STRV_INIT;
	struct hf_gateway_config config = { .workers = 0 };
	int rc = 0;

	if (opts->rules.rules.len > 0 || opts->trust.ca.len > 0 || opts->trust.crl.len > 0)
		return hf_command_usage(ctx, "--allow, --deny, --ca and --crl stand in the file "
					     "when there is a --config");
	rc = hf_serve_file_load(opts->config, &file, &ctx->err);
	if (rc == 0)
		rc = hf_serve_check(ctx, &file);
	file.opts.keylog = NULL; /* nothing is written */
	file.opts.trace = false;
	if (rc == 0)
		rc = hf_serve_file_config(&file, &source, &listen, &config);
	if (rc == 0)
		rc = meet_all(ctx, &config, chain);
	hf_networks_done(&config.proxies);
	hf_serve_source_done(&source);
	hf_serve_file_done(&file);
	return rc;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct rules_opts *opts = ctx->opts;
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	int rc = load(ctx, &f);

	if (rc < 0)
		return rc;
	return opts->config ? by_file(ctx, &f.certs) : by_options(ctx, &f.certs);
}

static const struct hf_example examples[] = {
	{ "handfast rules --config handfast.yaml mail.pem", "at each listener, with every route" },
	{ "handfast rules --config handfast.yaml mail.pem --sni api.abc.test --path /admin/x --method POST",
	  "one request: which policy, which route, which rule, which headers" },
	{ "handfast rules --ca root.pem --deny cn:bob --allow o:ABC mail.pem",
	  "rules that are not in a file yet" },
	{ NULL, NULL },
};

const struct hf_command cmd_rules = {
	.name = "rules",
	.group = "Understanding",
	.arguments = "FILE|NAME",
	.summary = "say whether serve would let a certificate in, by which rule, as whom",
	.description =
	    "Judges a client's certificate (FILE with what it would send along, or NAME of the home) as serve "
	    "would with this configuration: at which listener, under which policy, by which rule, until when, "
	    "which routes are open to it, and which header fields the service behind would get. Nothing listens "
	    "and nothing is written.",
	.groups = groups,
	.opts_size = sizeof(struct rules_opts),
	.examples = examples,
	.exits = "0 let in at each listener shown, and the request goes through; 1 not",
	.see_also = "serve, verify, explain",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
