/* SPDX-License-Identifier: Apache-2.0 */
/* handfast serve: terminate mutual TLS and answer. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/ocsp_reach.h"
#include "cli/serve_guard.h"
#include "gateway/generation.h"
#include "gateway/preflight.h"
#include "gateway/responder.h"
#include "gateway/target.h"
#include "util/clock.h"
#include "util/slim.h"

/* What is to answer can be read and opened. */
static int try_answer(const struct hf_gateway_config *config, struct hf_err *err)
{
	const struct hf_strv *to = config->upstream.to;
	const struct hf_routes *routes = config->upstream.routes;
	struct hf_responder trial = { .dir_fd = -1 };
	struct hf_target target;
	int rc = 0;

	for (size_t i = 0; rc == 0 && to != NULL && i < to->len; i++)
		rc = hf_target_parse(to->items[i], config->upstream.anywhere, &target, err);
	for (size_t r = 0; routes != NULL && r < routes->len; r++)
		for (size_t i = 0; rc == 0 && i < routes->items[r].to.len; i++)
			rc = hf_target_parse(routes->items[r].to.items[i],
					     config->upstream.anywhere, &target, err);
	if (rc == 0 && config->respond.text != NULL) {
		rc = hf_responder_init(&trial, &config->respond, err);
		hf_responder_done(&trial);
	}
	return rc;
}

/* Everything that can be looked at without listening; a failure to load is one of the findings.
 * asks: somebody waits for the findings, so responders are asked whether they are there. */
static int look(struct hf_cmd_ctx *ctx, const struct hf_gateway_config *config, bool asks,
		struct hf_preflight *preflight)
{
	HF_AUTO(hf_generation) generation = NULL;
	int rc = try_answer(config, &ctx->err);

	if (rc == -HF_E_INVALID)
		return rc;
	if (rc == 0)
		rc = hf_generation_new(config, 1, NULL, &generation, &ctx->err);
	if (rc == -HF_E_INVALID)
		return rc;
	if (rc < 0)
		hf_preflight_add_failure(preflight, &ctx->err);
	else
		hf_preflight_run(preflight, &generation->parts, hf_clock_now());
	if (rc == 0 && asks)
		hf_ocsp_reach(&generation->parts, preflight);
	return rc;
}

static void warn_of(struct hf_cmd_ctx *ctx, const struct hf_preflight *preflight)
{
	for (size_t i = 0; i < preflight->len; i++) {
		const struct hf_preflight_item *item = &preflight->items[i];

		if (item->fix[0])
			hf_out_warn(&ctx->out, "%s [%s]; mend it with: %s", item->text, item->id,
				    item->fix);
		else
			hf_out_warn(&ctx->out, "%s [%s]", item->text, item->id);
	}
}

static int check(struct hf_cmd_ctx *ctx, const struct hf_preflight *preflight)
{
	bool fatal;
	size_t mistakes = hf_preflight_mistakes(preflight, &fatal);

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_bool(&ctx->out.json, "ok", mistakes == 0);
		hf_json_bool(&ctx->out.json, "would_start", !fatal);
		hf_preflight_to_json(preflight, &ctx->out.json, "findings");
		hf_out_json_end(&ctx->out);
	}
	for (size_t i = 0; i < preflight->len; i++) {
		const struct hf_preflight_item *item = &preflight->items[i];

		hf_out_print(&ctx->out, "%s: %s\n", item->id, item->text);
		if (item->fix[0])
			hf_out_print(&ctx->out, "  fix: %s\n", item->fix);
	}
	if (mistakes == 0)
		hf_out_print(&ctx->out, "no mistakes found\n");
	return mistakes == 0 ? HF_EXIT_YES : HF_EXIT_NO;
}

static int run_with(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
		    const struct hf_gateway_config *config)
{
	struct hf_preflight *preflight = calloc(1, sizeof(*preflight));
	bool fatal = false;
	int rc;

	if (preflight == NULL)
		return hf_err_nomem(&ctx->err);
	rc = look(ctx, config, opts->check, preflight);
	if (opts->check && (rc == 0 || preflight->len > 0)) {
		rc = check(ctx, preflight);
	} else if (rc == 0) {
		warn_of(ctx, preflight);
		(void)hf_preflight_mistakes(preflight, &fatal);
		rc = fatal ? hf_err_set(&ctx->err, HF_E_POLICY,
					"not started: every client would be refused")
			   : hf_gateway_run(config, &ctx->err);
		/* An address in use is no "no": nothing was asked. */
		if (rc == -HF_E_EXIST) {
			ctx->err.code = HF_E_BUSY;
			rc = -HF_E_BUSY;
		}
	}
	free(preflight);
	return rc;
}

static int serve(struct hf_cmd_ctx *ctx, struct hf_serve_file *file)
{
	const struct hf_serve_opts *opts = &file->opts;
	struct hf_serve_source source = {
		.ctx = ctx, .file = file, .path = opts->config, .keylog_fd = -1
	};
	struct hf_serve_guard guard = HF_SERVE_GUARD_INIT;
	HF_AUTO_DONE(hf_strv) listen = HF_STRV_INIT;
	struct hf_gateway_config config = { .workers = 0 };
	int rc = hf_serve_check(ctx, file);

	if (rc < 0)
		return rc;
	(void)hf_slim_begin(HF_SLIM_TLS); /* a quarter of a handshake is looking for decoders */
	rc = hf_serve_file_config(file, &source, &listen, &config);
	if (rc == 0)
		rc = hf_serve_guard_begin(&guard, opts, &source, &config, &ctx->err);
	if (rc == 0)
		rc = run_with(ctx, opts, &config);
	hf_serve_guard_end(&guard, &config);
	hf_networks_done(&config.proxies);
	hf_serve_source_done(&source);
	return rc;
}

int hf_serve_preflight(struct hf_cmd_ctx *ctx, const char *path, struct hf_preflight *preflight)
{
	struct hf_serve_file file = HF_SERVE_FILE_INIT;
	struct hf_serve_source source = {
		.ctx = ctx, .file = &file, .path = path, .keylog_fd = -1
	};
	HF_AUTO_DONE(hf_strv) listen = HF_STRV_INIT;
	struct hf_gateway_config config = { .workers = 0 };
	int rc = hf_serve_file_load(path, &file, &ctx->err);

	file.opts.check = true;
	file.opts.config = path;
	if (rc == 0)
		rc = hf_serve_check(ctx, &file);
	if (rc == 0)
		rc = hf_serve_file_config(&file, &source, &listen, &config);
	if (rc == 0)
		rc = look(ctx, &config, true, preflight);
	if (rc < 0 && preflight->len == 0)
		hf_preflight_add_failure(preflight, &ctx->err);
	hf_networks_done(&config.proxies);
	hf_serve_source_done(&source);
	hf_serve_file_done(&file);
	return rc == -HF_E_NOMEM ? rc : 0;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct hf_serve_opts *opts = ctx->opts;
	struct hf_serve_file file = HF_SERVE_FILE_INIT;
	const char *stray;
	int rc;

	if (opts->config == NULL) {
		file.opts = *opts; /* lent */
		return serve(ctx, &file);
	}
	stray = hf_serve_file_stray(opts);
	if (stray != NULL)
		return hf_command_usage(ctx, "--%s stands in the file when there is a --config",
					stray);
	rc = hf_serve_file_load(opts->config, &file, &ctx->err);
	file.opts.check = opts->check;
	file.opts.config = opts->config;
	if (rc == 0)
		rc = serve(ctx, &file);
	hf_serve_file_done(&file);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast serve --as localhost --allow cn:mail-server --to http://127.0.0.1:8080",
	  "stand in front of a service that knows nothing of certificates" },
	{ "handfast serve --config /etc/handfast/handfast.yaml --check",
	  "look at a configuration without serving" },
	{ "handfast serve --as localhost --allow cn:mail-server --respond file:invoice.json",
	  "answer the mail server and nobody else" },
	{ "handfast serve --as localhost --client-auth report --ca clients.pem --listen :9443",
	  "tell every client what its certificate is worth" },
	{ "handfast serve --as localhost --client-auth optional --allow any --to http://127.0.0.1:8080",
	  "let in strangers too, as nobody; routes in handfast.yaml may refuse them" },
	{ "handfast serve --cert s.pem --key s.key --ca ca.pem --allow any --respond dir:public",
	  "serve files to everybody the CA vouches for" },
	{ NULL, NULL },
};

const struct hf_command cmd_serve = {
	.name = "serve",
	.group = "Connections",
	.summary = "terminate mutual TLS, forward to a service or answer",
	.description =
	    "Listens, demands a client certificate, judges it, and forwards the request to the service "
	    "behind (--to) or answers by itself (--respond). The service hears who the client is in "
	    "header fields that no client can forge: every field of that kind, however spelt, is taken "
	    "out of what clients send. A refused client gets the TLS "
	    "alert that says why; the whole story is one JSON line on standard error.\n\n"
	    "Certificates, trust, revocation lists and the rules and policies of the configuration file are "
	    "read again when their files change, and on SIGHUP: a bad set is reported and "
	    "the old one stays; connections that the new one would not let in are closed. SIGTERM lets "
	    "connections finish, SIGINT twice stops at once.\n\n"
	    "For each listener a line on standard error says that it is there: 'handfast: listening on "
	    "https://127.0.0.1:43211'; the one of --metrics comes last.",
	.groups = hf_serve_groups,
	.opts_size = sizeof(struct hf_serve_opts),
	.examples = examples,
	.exits =
	    "0 when it was stopped and every connection had finished, 1 when some were cut or --check "
	    "found a mistake",
	.see_also = "get, verify, explain",
	.run = run,
};
