/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of handfast serve to the gateway's configuration, and loading the files that a
 * generation is made of.  Must never let a mistake wait until a client finds it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/observe.h"
#include "cli/serve.h"
#include "gateway/identity_fields.h"
#include "http/chars.h"
#include "util/home.h"

/* Most services close a connection that was idle for a minute or so: we are first. */
enum { KEEP_MS = 30 * 1000 };

static int passphrase_once(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	struct hf_serve_source *source = arg;
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

static int load_credential(struct hf_serve_source *source, struct hf_gateway_parts *parts,
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
		(void)hf_err_hint(err, "make it with: handfast issue %s --server|--client",
				  opts->as);
	return file_failure(rc, err);
}

static int note_files(const struct hf_serve_opts *opts, struct hf_gateway_parts *parts,
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

static int check_issuer_names(const struct hf_serve_opts *opts, const struct hf_trust *trust,
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
	struct hf_serve_source *source = arg;
	const struct hf_serve_opts *opts = source->opts;
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

static void http_config(const struct hf_serve_opts *opts, struct hf_http_server_config *http)
{
	*http = (struct hf_http_server_config){
		.limits = { .head_cap = (size_t)opts->max_header_bytes,
			    .target_cap =
				HF_MIN((size_t)opts->max_header_bytes, (size_t)HF_HTTP_TARGET_CAP),
			    .fields_cap = (size_t)opts->max_header_fields },
		.idle_ms = (uint64_t)opts->idle_timeout * 1000,
		.header_ms = (uint64_t)opts->header_timeout * 1000,
		.body_ms = (uint64_t)opts->body_timeout * 1000,
		.body_cap = opts->max_body_bytes > 0 ? (uint64_t)opts->max_body_bytes
			    : opts->to.len > 0	     ? 0
						     : (uint64_t)HF_HTTP_BODY_CAP,
	};
}

int hf_serve_check(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts, size_t routes)
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
	if (!opts->respond && opts->to.len == 0 && routes == 0) {
		(void)hf_command_usage(ctx, "what to answer? serve needs --to or --respond");
		return hf_err_hint(&ctx->err,
				   "--to http://127.0.0.1:8080 forwards to a service; "
				   "--respond verdict, identity, text:BODY, file:PATH or "
				   "dir:PATH answers by itself");
	}
	if (opts->respond && (opts->to.len > 0 || routes > 0))
		return hf_command_usage(ctx, "--to and --respond exclude each other");
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

static int upstream_config(const struct hf_serve_opts *opts, struct hf_upstream_config *upstream,
			   struct hf_err *err)
{
	static const unsigned forms[] = { HF_FORWARDED_X | HF_FORWARDED_RFC7239, HF_FORWARDED_X,
					  HF_FORWARDED_RFC7239, 0 };

	*upstream = (struct hf_upstream_config){
		.to = opts->to.len > 0 ? &opts->to : NULL,
		.anywhere = opts->unsafe_to,
		.proxy_header = opts->proxy_header,
		.least_busy = opts->balance != 0,
		.forwarded = forms[opts->forwarded],
		.via = opts->via,
		.connect_ms = (uint64_t)opts->connect_timeout * 1000,
		.answer_ms = (uint64_t)opts->answer_timeout * 1000,
		.idle_ms = (uint64_t)opts->upstream_idle * 1000,
		.tunnel_ms = (uint64_t)opts->tunnel_idle * 1000,
		.keep_ms = KEEP_MS,
		.keep_cap = (size_t)opts->keep,
	};
	if (opts->via != NULL && !hf_http_all(opts->via, strlen(opts->via), HF_CHAR_TOKEN))
		return hf_err_set(err, HF_E_INVALID, "--via '%s' is no token", opts->via);
	return hf_pass_identity_parse(&opts->pass_identity, &upstream->pass_identity, err);
}

/* Requests or bytes: a listener has one kind. */
static int stream_config(const struct hf_serve_opts *opts, struct hf_upstream_config *upstream,
			 struct hf_err *err)
{
	size_t streams = 0;

	for (size_t i = 0; i < opts->to.len; i++)
		streams += hf_str_starts(opts->to.items[i], "tcp:") ||
			   hf_str_starts(opts->to.items[i], "unix:");
	upstream->stream = streams > 0;
	if (streams > 0 && streams < opts->to.len)
		return hf_err_set(err, HF_E_INVALID,
				  "--to: all services take requests (http), or all take bytes "
				  "(tcp, unix)");
	if (streams == 0 && opts->proxy_header)
		return hf_err_set(err, HF_E_INVALID,
				  "--proxy-protocol is for --to tcp:// and unix:; to http the "
				  "identity goes in header fields (--pass-identity)");
	if (streams > 0 && opts->pass_identity.len > 0) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "--pass-identity is for --to http; bytes have no header fields");
		return hf_err_hint(err, "--proxy-protocol tells a tcp:// service who comes");
	}
	return 0;
}

int hf_serve_config(const struct hf_serve_opts *opts, struct hf_serve_source *source,
		    const struct hf_strv *listen, const char *const *alpn,
		    struct hf_gateway_config *ret_config)
{
	static const char *const http_only[] = { "http/1.1", NULL };
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };
	int rc;

	*ret_config = (struct hf_gateway_config){
		.source = { load_parts, source },
		.listen = listen,
		.client_auth = (enum hf_client_auth)opts->client_auth,
		.tls_min = versions[opts->tls_min],
		.tls_max = versions[opts->tls_max],
		.profile = (enum hf_profile)opts->trust.profile,
		.alpn = alpn,
		.resume = opts->resume != 0,
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
	http_config(opts, &ret_config->http);
	rc = upstream_config(opts, &ret_config->upstream, &source->ctx->err);
	if (rc == 0)
		rc = stream_config(opts, &ret_config->upstream, &source->ctx->err);
	if (alpn == NULL && !ret_config->upstream.stream)
		ret_config->alpn = http_only;
	if (rc == 0)
		rc = hf_cli_observe(opts->trace, opts->keylog, &source->keylog_fd, ret_config,
				    &source->ctx->err);
	return rc < 0 ? rc
		      : hf_networks_parse(&opts->accept_proxy, "--accept-proxy-protocol",
					  &ret_config->proxies, &source->ctx->err);
}

int hf_serve_watch(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
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
