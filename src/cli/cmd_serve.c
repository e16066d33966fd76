/* SPDX-License-Identifier: Apache-2.0 */
/* handfast serve: terminate mutual TLS and answer. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/common.h"
#include "gateway/generation.h"
#include "gateway/preflight.h"
#include "gateway/responder.h"
#include "util/clock.h"
#include "util/home.h"

struct serve_opts {
	struct hf_credential_opts credential;
	struct hf_trust_opts trust;
	struct hf_rule_opts rules;
	struct hf_strv listen, alpn;
	const char *respond, *content_type, *access_log, *metrics;
	int client_auth, refuse, tls_min, tls_max, resume, reload;
	bool check, detail;
	int64_t workers, drain, max_connections, max_header_bytes, max_header_fields,
	    max_body_bytes;
	int64_t idle_timeout, header_timeout, handshake_timeout, body_timeout, refusal_log_rate;
};

static const char *const client_auth_words[] = { "require", "report", "none", NULL };
static const char *const refuse_words[] = { "alert", "drop", NULL };
static const char *const version_words[] = { "1.2", "1.3", NULL };
static const char *const resume_words[] = { "off", NULL };
static const char *const reload_words[] = { "auto", "signal", NULL };

#define AT(field) offsetof(struct serve_opts, field)

static const struct hf_option listen_options[] = {
	{ .name = "listen",
	  .kind = HF_OPT_LIST,
	  .offset = AT(listen),
	  .arg = "ADDR:PORT",
	  .help = "where to listen, repeatable; port 0 takes any, localhost takes both families, "
		  "unix:PATH a socket file (default: localhost:8443)" },
	{ .name = "client-auth",
	  .kind = HF_OPT_WORD,
	  .offset = AT(client_auth),
	  .words = client_auth_words,
	  .initial = "require",
	  .help =
	      "require a client certificate, ask for one and report what it is worth, or do not ask" },
	{ .name = "tls-min",
	  .kind = HF_OPT_WORD,
	  .offset = AT(tls_min),
	  .words = version_words,
	  .initial = "1.2",
	  .help = "the lowest version of TLS" },
	{ .name = "tls-max",
	  .kind = HF_OPT_WORD,
	  .offset = AT(tls_max),
	  .words = version_words,
	  .initial = "1.3",
	  .help = "the highest version of TLS" },
	{ .name = "alpn",
	  .kind = HF_OPT_LIST,
	  .offset = AT(alpn),
	  .arg = "NAME",
	  .help = "application protocol to agree on, repeatable (default: http/1.1)" },
	{ .name = "refuse",
	  .kind = HF_OPT_WORD,
	  .offset = AT(refuse),
	  .words = refuse_words,
	  .initial = "alert",
	  .help = "tell a refused client why with a TLS alert, or drop it without a word" },
	{ .name = "resume",
	  .kind = HF_OPT_WORD,
	  .offset = AT(resume),
	  .words = resume_words,
	  .initial = "off",
	  .help = "sessions are never resumed: every connection is judged in full" },
	{ .name = "reload",
	  .kind = HF_OPT_WORD,
	  .offset = AT(reload),
	  .words = reload_words,
	  .initial = "auto",
	  .help =
	      "read certificates, trust and revocation lists again when their files change, or only "
	      "on SIGHUP" },
	{ .name = NULL },
};

static const struct hf_option answer_options[] = {
	{ .name = "respond",
	  .kind = HF_OPT_STRING,
	  .offset = AT(respond),
	  .arg = "WHAT",
	  .help = "what to answer: verdict, identity, text:BODY, file:PATH, dir:PATH" },
	{ .name = "content-type",
	  .kind = HF_OPT_STRING,
	  .offset = AT(content_type),
	  .arg = "TYPE",
	  .help = "content type of text: and file:" },
	{ .name = "detail",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(detail),
	  .help = "verdict: add errors, identity and explanation" },
	{ .name = NULL },
};

static const struct hf_option operation_options[] = {
	{ .name = "check",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(check),
	  .help = "look at everything, name every mistake, do not serve" },
	{ .name = "workers",
	  .kind = HF_OPT_INT,
	  .offset = AT(workers),
	  .arg = "N",
	  .min = 1,
	  .max = 64,
	  .help = "worker processes (default: one for each core)" },
	{ .name = "access-log",
	  .kind = HF_OPT_STRING,
	  .offset = AT(access_log),
	  .arg = "FILE|-",
	  .help = "one JSON line for each answer" },
	{ .name = "metrics",
	  .kind = HF_OPT_STRING,
	  .offset = AT(metrics),
	  .arg = "ADDR:PORT",
	  .help = "figures for Prometheus, plain HTTP on loopback, path /metrics" },
	{ .name = "drain",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(drain),
	  .arg = "SECONDS",
	  .initial = "30",
	  .max = 86400,
	  .help = "how long connections may finish after SIGTERM before they are cut" },
	{ .name = "refusal-log-rate",
	  .kind = HF_OPT_INT,
	  .offset = AT(refusal_log_rate),
	  .arg = "N",
	  .initial = "50",
	  .min = 1,
	  .max = 100000,
	  .help = "refusal records a second of each worker; the rest is counted" },
	{ .name = NULL },
};

static const struct hf_option limit_options[] = {
	{ .name = "handshake-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(handshake_timeout),
	  .arg = "SECONDS",
	  .initial = "10",
	  .min = 1,
	  .max = 3600,
	  .help = "for the TLS handshake" },
	{ .name = "header-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(header_timeout),
	  .arg = "SECONDS",
	  .initial = "10",
	  .min = 1,
	  .max = 3600,
	  .help = "from the first byte of a request's head to its last" },
	{ .name = "body-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(body_timeout),
	  .arg = "SECONDS",
	  .initial = "60",
	  .min = 1,
	  .max = 86400,
	  .help = "for a request's body" },
	{ .name = "idle-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(idle_timeout),
	  .arg = "SECONDS",
	  .initial = "60",
	  .min = 1,
	  .max = 86400,
	  .help = "without a byte in or out" },
	{ .name = "max-connections",
	  .kind = HF_OPT_INT,
	  .offset = AT(max_connections),
	  .arg = "N",
	  .min = 1,
	  .max = 10000000,
	  .help = "connections at a time (default: as many as descriptors allow)" },
	{ .name = "max-header-bytes",
	  .kind = HF_OPT_INT,
	  .offset = AT(max_header_bytes),
	  .arg = "N",
	  .initial = "16384",
	  .min = 256,
	  .max = HF_HTTP_HEAD_CAP_MAX,
	  .help = "of a request's head" },
	{ .name = "max-header-fields",
	  .kind = HF_OPT_INT,
	  .offset = AT(max_header_fields),
	  .arg = "N",
	  .initial = "100",
	  .min = 1,
	  .max = HF_HTTP_FIELDS_CAP,
	  .help = "in a request's head" },
	{ .name = "max-body-bytes",
	  .kind = HF_OPT_INT,
	  .offset = AT(max_body_bytes),
	  .arg = "N",
	  .initial = "1048576",
	  .min = 1,
	  .max = INT64_C(1) << 40,
	  .help = "of a request's body" },
	{ .name = NULL },
};

static const struct hf_option_group serve_groups[] = {
	{ "Listening", listen_options, 0 },
	{ "Answer", answer_options, 0 },
	{ "Credentials", hf_credential_options, AT(credential) },
	{ "Trust", hf_trust_options, AT(trust) },
	{ "Who may", hf_rule_options, AT(rules) },
	{ "Operation", operation_options, 0 },
	{ "Limits", limit_options, 0 },
	{ NULL, NULL, 0 },
};

/* What the loader needs, at start and at each reload, in supervisor and workers. */
struct serve_source {
	struct hf_cmd_ctx *ctx;
	const struct serve_opts *opts;
	struct hf_passphrase passphrase;
	struct hf_secret secret; /* asked for once, before the workers are forked */
	bool have_secret;
};

static int passphrase_once(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	struct serve_source *source = arg;
	int rc;

	if (!source->have_secret) {
		rc = hf_passphrase_get(&source->passphrase, what, &source->secret, err);
		if (rc != 0)
			return rc;
		source->have_secret = true;
	}
	return hf_secret_set(ret, source->secret.data, source->secret.len, err);
}

/* A file that makes no sense is no mistake of usage. */
static int file_failure(int rc, struct hf_err *err)
{
	if (rc != -HF_E_INVALID)
		return rc;
	err->code = HF_E_MISMATCH;
	return -HF_E_MISMATCH;
}

static int load_credential(struct serve_source *source, struct hf_gateway_parts *parts,
			   struct hf_err *err)
{
	const struct hf_credential_opts *opts = &source->opts->credential;
	const struct hf_passphrase_source pass = { passphrase_once, source };
	char cert[PATH_MAX], key[PATH_MAX];
	int rc;

	if (opts->cert)
		return file_failure(hf_credential_load(opts->cert, opts->key, &pass,
						       &parts->credential, err),
				    err);
	rc = hf_home_id(source->ctx->home, opts->as, "cert.pem", cert, err);
	if (rc == 0)
		rc = hf_home_id(source->ctx->home, opts->as, "key.pem", key, err);
	if (rc == 0)
		rc = hf_credential_load(cert, key, &pass, &parts->credential, err);
	if (rc == -HF_E_NOENT)
		(void)hf_err_hint(err, "make it with: handfast issue %s --server", opts->as);
	return file_failure(rc, err);
}

static int note_files(const struct serve_opts *opts, struct hf_gateway_parts *parts,
		      struct hf_err *err)
{
	const struct hf_strv *lists[] = { &opts->trust.ca, &opts->trust.crl };

	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->len; i++)
			if (hf_strv_add(&parts->files, lists[l]->items[i]) < 0)
				return hf_err_nomem(err);
	return 0;
}

/* A name that no anchor has would refuse everybody without a word. */
static int check_issuer_term(const struct hf_trust *trust, const char *term, struct hf_err *err)
{
	const struct hf_certs *anchors = hf_trust_anchors(trust);
	const char *name = term + strlen("issuer:"), *labels[64] = { NULL }, *nearest;
	size_t n = 0;

	if (!hf_str_starts(term, "issuer:"))
		return 0;
	for (size_t i = 0; i < anchors->len; i++) {
		const char *label = hf_trust_label(trust, anchors->items[i]);

		if (hf_str_eq(label, name))
			return 0;
		if (label != NULL && n + 1 < HF_ARRAY_LEN(labels))
			labels[n++] = label;
	}
	nearest = hf_str_nearest(name, labels);
	(void)hf_err_set(err, HF_E_INVALID, "rule '%s': no trust is called '%s'", term, name);
	return nearest != NULL ? hf_err_hint(err, "did you mean '%s'?", nearest)
			       : hf_err_hint(err, "'handfast trust list' shows their names");
}

static int check_issuer_names(const struct serve_opts *opts, const struct hf_trust *trust,
			      struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opts->rules.rules.len; i++) {
		HF_AUTO_DONE(hf_strv) terms = HF_STRV_INIT;
		const char *rule = strchr(opts->rules.rules.items[i], ' ') + 1;

		if (hf_strv_split(&terms, rule, '+') < 0)
			return hf_err_nomem(err);
		for (size_t t = 0; rc == 0 && t < terms.len; t++)
			rc = check_issuer_term(trust, terms.items[t], err);
	}
	return rc;
}

static int load_parts(void *arg, uint64_t number, struct hf_gateway_parts *ret_parts,
		      struct hf_err *err)
{
	struct serve_source *source = arg;
	const struct serve_opts *opts = source->opts;
	struct hf_cmd_ctx *ctx = source->ctx;
	int rc = load_credential(source, ret_parts, err);

	if (rc < 0)
		return rc;
	rc = hf_cli_load_trust(ctx, &opts->trust, opts->credential.as, number, &ret_parts->trust);
	if (rc == 0 && opts->rules.rules.len > 0)
		rc = hf_cli_load_rules(ctx, &opts->rules, &ret_parts->rules);
	if (rc == 0)
		rc = check_issuer_names(opts, ret_parts->trust, &ctx->err);
	if (rc < 0) {
		if (err != &ctx->err)
			*err = ctx->err;
		return rc;
	}
	return note_files(opts, ret_parts, err);
}

static void http_config(const struct serve_opts *opts, struct hf_http_server_config *http)
{
	*http = (struct hf_http_server_config){
		.limits = { .head_cap = (size_t)opts->max_header_bytes,
			    .target_cap =
				HF_MIN((size_t)opts->max_header_bytes, (size_t)HF_HTTP_TARGET_CAP),
			    .fields_cap = (size_t)opts->max_header_fields },
		.idle_ms = (uint64_t)opts->idle_timeout * 1000,
		.header_ms = (uint64_t)opts->header_timeout * 1000,
		.body_ms = (uint64_t)opts->body_timeout * 1000,
		.body_cap = (uint64_t)opts->max_body_bytes,
	};
}

static int check_options(struct hf_cmd_ctx *ctx, const struct serve_opts *opts)
{
	const struct hf_credential_opts *c = &opts->credential;

	if (!c->as && !c->cert) {
		(void)hf_command_usage(ctx, "serve needs the server's certificate: --as NAME, or "
					    "--cert FILE [--key FILE]");
		return hf_err_hint(&ctx->err, "handfast issue localhost --server makes one");
	}
	if (c->as && c->cert)
		return hf_command_usage(ctx, "--as and --cert exclude each other");
	if (c->key && !c->cert)
		return hf_command_usage(ctx, "--key needs --cert");
	if (!opts->respond) {
		(void)hf_command_usage(ctx, "what to answer? serve needs --respond");
		return hf_err_hint(&ctx->err,
				   "--respond verdict, identity, text:BODY, file:PATH or "
				   "dir:PATH");
	}
	if (opts->tls_min > opts->tls_max)
		return hf_command_usage(ctx, "--tls-min is above --tls-max");
	if (opts->client_auth == HF_CLIENT_AUTH_REQUIRE && opts->rules.rules.len == 0) {
		(void)hf_command_usage(ctx, "who may come in? --client-auth require needs a rule");
		return hf_err_hint(&ctx->err,
				   "for example --allow cn:mail-server; --allow any lets in "
				   "every certificate of the trusted CAs");
	}
	return 0;
}

static void gateway_config(const struct serve_opts *opts, struct serve_source *source,
			   const struct hf_strv *listen, const char *const *alpn,
			   struct hf_gateway_config *config)
{
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

	*config = (struct hf_gateway_config){
		.source = { load_parts, source },
		.listen = listen,
		.client_auth = (enum hf_client_auth)opts->client_auth,
		.tls_min = versions[opts->tls_min],
		.tls_max = versions[opts->tls_max],
		.profile = (enum hf_profile)opts->trust.profile,
		.alpn = alpn,
		.drop = opts->refuse != 0,
		.respond = { opts->respond, opts->content_type, opts->detail },
		.handshake_ms = (uint64_t)opts->handshake_timeout * 1000,
		.drain_ms = (uint64_t)opts->drain * 1000,
		.workers = (size_t)opts->workers,
		.connections_cap = (size_t)opts->max_connections,
		.access_log = opts->access_log,
		.metrics = opts->metrics,
		.records_per_second = opts->refusal_log_rate,
	};
	http_config(opts, &config->http);
}

/* Everything that can be looked at without listening; a failure to load is one of the findings. */
static int look(struct hf_cmd_ctx *ctx, const struct hf_gateway_config *config,
		struct hf_preflight *preflight)
{
	struct hf_responder trial = { .dir_fd = -1 };
	HF_AUTO(hf_generation) generation = NULL;
	int rc = hf_responder_init(&trial, &config->respond, &ctx->err);

	hf_responder_done(&trial);
	if (rc == -HF_E_INVALID)
		return rc;
	if (rc == 0)
		rc = hf_generation_new(config, 1, NULL, &generation, &ctx->err);
	if (rc == -HF_E_INVALID)
		return rc;
	if (rc < 0)
		hf_preflight_add_failure(preflight, &ctx->err);
	else
		hf_preflight_run(preflight, config, &generation->parts, hf_clock_now());
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

static int run_with(struct hf_cmd_ctx *ctx, const struct serve_opts *opts,
		    const struct hf_gateway_config *config)
{
	struct hf_preflight *preflight = calloc(1, sizeof(*preflight));
	bool fatal = false;
	int rc;

	if (preflight == NULL)
		return hf_err_nomem(&ctx->err);
	rc = look(ctx, config, preflight);
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

static int watch_paths(struct hf_cmd_ctx *ctx, const struct serve_opts *opts,
		       struct hf_strv *ret_paths)
{
	const char *cert = opts->credential.cert, *key = opts->credential.key;
	char own_cert[PATH_MAX], own_key[PATH_MAX];
	int rc = 0;

	if (opts->credential.as) {
		rc = hf_home_id(ctx->home, opts->credential.as, "cert.pem", own_cert, &ctx->err);
		if (rc == 0)
			rc = hf_home_id(ctx->home, opts->credential.as, "key.pem", own_key,
					&ctx->err);
		cert = own_cert;
		key = own_key;
	}
	if (rc == 0 &&
	    (hf_strv_add(ret_paths, cert) < 0 || (key && hf_strv_add(ret_paths, key) < 0)))
		rc = hf_err_nomem(&ctx->err);
	return rc < 0 ? rc : hf_cli_trust_paths(ctx, &opts->trust, opts->credential.as, ret_paths);
}

static int run(struct hf_cmd_ctx *ctx)
{
	static const char *const http_only[] = { "http/1.1", NULL };
	const struct serve_opts *opts = ctx->opts;
	struct serve_source source = {
		ctx, opts, { opts->credential.passphrase_file, false }, HF_SECRET_INIT, false
	};
	HF_AUTO_DONE(hf_strv) listen = HF_STRV_INIT, watch = HF_STRV_INIT;
	struct hf_gateway_config config;
	int rc = check_options(ctx, opts);

	if (rc == 0 && opts->listen.len == 0 && hf_strv_add(&listen, "localhost:8443") < 0)
		rc = hf_err_nomem(&ctx->err);
	if (rc == 0 && opts->reload == 0)
		rc = watch_paths(ctx, opts, &watch);
	if (rc < 0)
		return rc;
	gateway_config(opts, &source, opts->listen.len ? &opts->listen : &listen,
		       opts->alpn.len ? (const char *const *)opts->alpn.items : http_only, &config);
	config.watch = watch.len > 0 ? &watch : NULL;
	rc = run_with(ctx, opts, &config);
	hf_secret_done(&source.secret);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast serve --as localhost --allow cn:mail-server --respond file:invoice.json",
	  "answer the mail server and nobody else" },
	{ "handfast serve --as localhost --client-auth report --ca clients.pem --listen :9443",
	  "tell every client what its certificate is worth" },
	{ "handfast serve --cert s.pem --key s.key --ca ca.pem --allow any --respond dir:public",
	  "serve files to everybody the CA vouches for" },
	{ NULL, NULL },
};

const struct hf_command cmd_serve = {
	.name = "serve",
	.group = "Connections",
	.summary = "terminate mutual TLS and answer",
	.description =
	    "Listens, demands a client certificate, judges it and answers. A refused client gets the TLS "
	    "alert that says why; the whole story is one JSON line on standard error.\n\n"
	    "Certificates, trust and revocation lists are read again when their files change, and on "
	    "SIGHUP: a bad set is reported and "
	    "the old one stays; connections that the new one would not let in are closed. SIGTERM lets "
	    "connections finish, SIGINT twice stops at once.",
	.groups = serve_groups,
	.opts_size = sizeof(struct serve_opts),
	.examples = examples,
	.exits =
	    "0 when it was stopped and every connection had finished, 1 when some were cut or --check "
	    "found a mistake",
	.see_also = "get, verify, explain",
	.run = run,
};
