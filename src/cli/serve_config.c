/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of handfast serve to the gateway's configuration.  Must never let a mistake wait
 * until a client finds it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/observe.h"
#include "cli/serve_file.h"
#include "gateway/identity_fields.h"
#include "gateway/revocations.h"
#include "http/chars.h"
#include "http/trailers.h"

/* Most services close a connection that was idle for a minute or so: we are first. */
enum { KEEP_MS = 30 * 1000 };

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

static int check_who(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts)
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
	if (opts->tls_min > opts->tls_max)
		return hf_command_usage(ctx, "--tls-min is above --tls-max");
	if (hf_client_auth_refuses((enum hf_client_auth)opts->client_auth) &&
	    opts->rules.rules.len == 0) {
		(void)hf_command_usage(ctx, "who may come in? --client-auth %s needs a rule",
				       hf_client_auth_words[opts->client_auth]);
		(void)hf_err_is(&ctx->err, HF_MISTAKE_NO_RULE);
		return hf_err_hint(&ctx->err,
				   "for example --allow cn:mail-server; --allow any lets in "
				   "every certificate of the trusted CAs");
	}
	return 0;
}

static int check_answer(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts, size_t routes)
{
	if (!opts->respond && opts->to.len == 0 && routes == 0) {
		(void)hf_command_usage(ctx, "what to answer? serve needs --to or --respond");
		return hf_err_hint(&ctx->err,
				   "--to http://127.0.0.1:8080 forwards to a service; "
				   "--respond verdict, identity, text:BODY, file:PATH or "
				   "dir:PATH answers by itself");
	}
	if (opts->respond && (opts->to.len > 0 || routes > 0))
		return hf_command_usage(ctx, "--to and --respond exclude each other");
	return 0;
}

/* Lists are fetched once for all. */
static int check_lists(const struct hf_serve_opts *all, const struct hf_serve_opts *own,
		       struct hf_err *err)
{
	for (size_t i = 0; i < own->trust.crl.len; i++)
		if (hf_url_looks_like(own->trust.crl.items[i]) &&
		    !hf_strv_has(&all->trust.crl, own->trust.crl.items[i]))
			return hf_err_set(err, HF_E_INVALID,
					  "'%s' must stand among the lists outside of policies too",
					  own->trust.crl.items[i]);
	return 0;
}

static int check_ocsp(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts)
{
	struct hf_url url;
	int rc = opts->ocsp_url ? hf_url_parse_any(opts->ocsp_url, &url, &ctx->err) : 0;

	if (rc < 0)
		return hf_err_context(&ctx->err, rc, "--ocsp-url");
	if (opts->staple && opts->staple_file)
		return hf_command_usage(ctx, "--staple and --staple-file exclude each other");
	if (opts->ocsp_url && opts->ocsp == HF_OCSP_OFF)
		return hf_command_usage(ctx, "--ocsp-url needs --ocsp soft or hard");
	if (opts->ocsp != HF_OCSP_OFF && opts->client_auth == HF_CLIENT_AUTH_NONE)
		return hf_command_usage(ctx,
					"--ocsp is about client certificates, and --client-auth "
					"none asks for none");
	return 0;
}

bool hf_serve_asks_ocsp(const struct hf_serve_file *file)
{
	bool asks = file->opts.ocsp != HF_OCSP_OFF || file->opts.staple;

	for (size_t i = 0; i < file->policies_len; i++)
		asks |= file->policies[i].opts.ocsp != HF_OCSP_OFF || file->policies[i].opts.staple;
	return asks;
}

static bool takes_bytes(const char *to)
{
	return hf_str_starts(to, "tcp:") || hf_str_starts(to, "unix:");
}

static int check_health(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts)
{
	if (opts->to.len == 0 || !takes_bytes(opts->to.items[0]) || opts->health.check[0] != '/')
		return 0;
	return hf_command_usage(ctx,
				"--health %s asks for a path, and bytes have none: --health "
				"connect",
				opts->health.check);
}

int hf_serve_check(struct hf_cmd_ctx *ctx, const struct hf_serve_file *file)
{
	int rc = check_who(ctx, &file->opts);

	if (rc == 0)
		rc = check_health(ctx, &file->opts);
	if (rc == 0)
		rc = check_answer(ctx, &file->opts, file->routes.len);
	if (rc == 0)
		rc = check_ocsp(ctx, &file->opts);
	for (size_t i = 0; rc == 0 && i < file->policies_len; i++) {
		rc = check_who(ctx, &file->policies[i].opts);
		if (rc == 0)
			rc = check_lists(&file->opts, &file->policies[i].opts, &ctx->err);
		if (rc == 0)
			rc = check_ocsp(ctx, &file->policies[i].opts);
		if (rc < 0)
			return hf_err_context(&ctx->err, rc, "policy '%s'", file->policies[i].name);
	}
	return rc;
}

int hf_serve_trailers(const struct hf_strv *names, struct hf_err *err)
{
	for (size_t i = 0; i < names->len; i++) {
		if (hf_trailer_may((struct hf_slice){ names->items[i], strlen(names->items[i]) }))
			continue;
		(void)hf_err_set(err, HF_E_INVALID, "--pass-trailer: '%s' is never a trailer",
				 names->items[i]);
		return hf_err_hint(err, "name a field that is of use behind a body, such as "
					"Server-Timing or Grpc-Status, or any");
	}
	return 0;
}

static int upstream_config(const struct hf_serve_opts *opts, struct hf_upstream_config *upstream,
			   struct hf_err *err)
{
	static const unsigned forms[] = { HF_FORWARDED_X | HF_FORWARDED_RFC7239, HF_FORWARDED_X,
					  HF_FORWARDED_RFC7239, 0 };
	struct hf_health health; /* each generation has its own; here only mistakes count */
	int rc;

	*upstream = (struct hf_upstream_config){
		.to = opts->to.len > 0 ? &opts->to : NULL,
		.anywhere = opts->unsafe_to,
		.proxy_header = opts->proxy_header,
		.least_busy = opts->balance != 0,
		.forwarded = forms[opts->forwarded],
		.bound_tokens = (enum hf_bound_tokens)opts->bound_tokens,
		.trailers = opts->pass_trailer.len > 0 ? &opts->pass_trailer : NULL,
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
	rc = hf_serve_health(&opts->health, &health, err);
	if (rc == 0)
		rc = hf_serve_trailers(&opts->pass_trailer, err);
	if (rc == 0)
		rc = hf_identity_names_parse(&opts->identity_name, &upstream->identity_names, err);
	return rc < 0 ? rc
		      : hf_pass_identity_parse(&opts->pass_identity, &upstream->pass_identity, err);
}

/* Requests or bytes: a listener has one kind. */
static int stream_config(const struct hf_serve_opts *opts, struct hf_upstream_config *upstream,
			 struct hf_err *err)
{
	size_t streams = 0;

	for (size_t i = 0; i < opts->to.len; i++)
		streams += takes_bytes(opts->to.items[i]);
	upstream->stream = streams > 0;
	if (streams > 0 && streams < opts->to.len)
		return hf_err_set(err, HF_E_INVALID,
				  "--to: all services take requests (http), or all take bytes "
				  "(tcp, unix)");
	if (streams == 0 && opts->proxy_header)
		return hf_err_set(err, HF_E_INVALID,
				  "--proxy-protocol is for --to tcp:// and unix:; to http the "
				  "identity goes in header fields (--pass-identity)");
	if (opts->bound_tokens != 0 && (streams > 0 || opts->respond != NULL))
		return hf_err_set(err, HF_E_INVALID,
				  "--bound-tokens is for --to http: only requests have tokens");
	if (opts->pass_trailer.len > 0 && (streams > 0 || opts->respond != NULL))
		return hf_err_set(err, HF_E_INVALID,
				  "--pass-trailer is for --to http: only requests have trailers");
	if (streams > 0 && opts->pass_identity.len + opts->identity_name.len > 0) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "--pass-identity is for --to http; bytes have no header fields");
		return hf_err_hint(err, "--proxy-protocol tells a tcp:// service who comes");
	}
	return 0;
}

static int follow_config(const struct hf_follow_opts *opts, struct hf_follow_config *follow,
			 struct hf_err *err)
{
	int rc;

	if (!opts->from)
		return opts->as ? hf_err_set(err, HF_E_INVALID,
					     "--revocations-as needs --revocations-from URL")
				: 0;
	follow->text = opts->from;
	rc = hf_url_parse(opts->from, &follow->url, err);
	return rc < 0 ? hf_err_context(err, rc, "--revocations-from") : 0;
}

/* Each is asked for again and again, and is held by every worker. */
static int lists_config(const struct hf_strv *crl, struct hf_follow_config *follow,
			struct hf_err *err)
{
	size_t urls = 0;

	follow->lists = crl;
	for (size_t i = 0; i < crl->len; i++) {
		if (!hf_url_looks_like(crl->items[i]) || ++urls <= HF_FOLLOWED_URLS)
			continue;
		(void)hf_err_set(err, HF_E_INVALID,
				 "--crl: a gateway follows %d lists by URL, and this is one more",
				 HF_FOLLOWED_URLS);
		(void)hf_err_at_text(err, crl->items[i]);
		return hf_err_hint(err, "a CA's complete list has what all its shards have: "
					"--crl http://HOST/crl/issuing.crl");
	}
	return 0;
}

/* The same program, which renews the identity; the watch over the files takes what it writes. */
static int renewal_config(const struct hf_serve_opts *opts, struct hf_serve_source *source,
			  struct hf_gateway_config *config, struct hf_err *err)
{
	const char *const argv[] = {
		"/proc/self/exe", "renew",  opts->credential.as, "--from",  opts->renew_from,
		"--watch",	  "--home", source->ctx->home,	 "--quiet", NULL
	};
	struct hf_url url;
	int rc;

	if (!opts->renew_from)
		return 0;
	if (!opts->credential.as)
		return hf_err_set(err, HF_E_INVALID,
				  "--renew-from renews an identity of the home: name it with --as");
	if (opts->reload != 0)
		return hf_err_set(
		    err, HF_E_INVALID,
		    "--renew-from needs the watch over the files: leave out --reload");
	rc = hf_url_parse(opts->renew_from, &url, err);
	if (rc < 0)
		return hf_err_context(err, rc, "--renew-from");
	_Static_assert(sizeof(argv) == sizeof(source->renewal), "room for the arguments");
	memcpy(source->renewal, argv, sizeof(argv));
	config->aide = source->renewal;
	return 0;
}

int hf_serve_config(const struct hf_serve_opts *opts, struct hf_serve_source *source,
		    const struct hf_strv *listen, const char *const *alpn,
		    struct hf_gateway_config *ret_config)
{
	static const char *const http_only[] = { "http/1.1", NULL };
	int rc;

	*ret_config = (struct hf_gateway_config){
		.source = { hf_serve_load, source, hf_serve_only_read, hf_serve_leave },
		.listen = listen,
		.alpn = alpn,
		.chain_cap = (size_t)opts->max_chain_bytes,
		.resume = opts->resume != 0,
		.resume_seconds = opts->resume_lifetime,
		.watch = opts->reload == 0,
		.drop = opts->refuse != 0,
		.respond = { opts->respond, opts->content_type, opts->detail },
		.handshake_ms = (uint64_t)opts->handshake_timeout * 1000,
		.drain_ms = (uint64_t)opts->drain * 1000,
		.workers = (size_t)opts->workers,
		.connections_cap = (size_t)opts->max_connections,
		.limits = { (uint32_t)opts->max_identity_connections,
			    (uint32_t)opts->max_requests_per_second,
			    (uint32_t)opts->max_failures_per_address },
		.tell_reference = opts->tell_reference,
		.access_log = opts->access_log,
		.metrics = opts->metrics,
		.admin = opts->admin,
		.records_per_second = opts->refusal_log_rate,
	};
	http_config(opts, &ret_config->http);
	rc = upstream_config(opts, &ret_config->upstream, &source->ctx->err);
	if (rc == 0)
		rc = stream_config(opts, &ret_config->upstream, &source->ctx->err);
	if (alpn == NULL && !ret_config->upstream.stream)
		ret_config->alpn = http_only;
	if (rc == 0)
		rc = follow_config(&opts->follow, &ret_config->follow, &source->ctx->err);
	if (rc == 0)
		rc = lists_config(&opts->trust.crl, &ret_config->follow, &source->ctx->err);
	ret_config->follow.ocsp_ms = (uint64_t)opts->ocsp_timeout * 1000;
	if (rc == 0)
		rc = renewal_config(opts, source, ret_config, &source->ctx->err);
	if (rc == 0)
		rc = hf_cli_observe(opts->trace, opts->keylog, &source->keylog_fd, ret_config,
				    &source->ctx->err);
	return rc < 0 ? rc
		      : hf_networks_parse(&opts->accept_proxy, "--accept-proxy-protocol",
					  &ret_config->proxies, &source->ctx->err);
}

static int take_routes(const struct hf_serve_opts *opts, const struct hf_routes *routes,
		       struct hf_gateway_config *config, struct hf_err *err)
{
	if (routes->len == 0)
		return 0;
	if (config->upstream.stream)
		return hf_err_set(err, HF_E_INVALID,
				  "routes choose by requests, and bytes (--to %s) have none",
				  opts->to.items[0]);
	config->upstream.routes = routes;
	if (opts->max_body_bytes == 0)
		config->http.body_cap = 0;
	return 0;
}

/* The file's own, then those that policies name. */
static int list_listeners(const struct hf_serve_file *file, struct hf_strv *ret_listen,
			  struct hf_err *err)
{
	const struct hf_strv *own = &file->opts.listen;
	int rc = own->len == 0 ? hf_strv_add(ret_listen, "localhost:8443") : 0;

	for (size_t i = 0; rc == 0 && i < own->len; i++)
		rc = hf_strv_add(ret_listen, own->items[i]);
	for (size_t p = 0; p < file->policies_len; p++)
		for (size_t i = 0; rc == 0 && i < file->policies[p].listen.len; i++)
			if (!hf_strv_has(ret_listen, file->policies[p].listen.items[i]))
				rc = hf_strv_add(ret_listen, file->policies[p].listen.items[i]);
	return rc < 0 ? hf_err_nomem(err) : 0;
}

int hf_serve_file_config(const struct hf_serve_file *file, struct hf_serve_source *source,
			 struct hf_strv *listen, struct hf_gateway_config *ret_config)
{
	const struct hf_serve_opts *opts = &file->opts;
	/* NULL: http/1.1, or nothing for bytes */
	const char *const *alpn = opts->alpn.len > 0 ? (const char *const *)opts->alpn.items : NULL;
	struct hf_err *err = &source->ctx->err;
	int rc = list_listeners(file, listen, err);

	if (rc == 0)
		rc = hf_serve_config(opts, source, listen, alpn, ret_config);
	ret_config->follow.ocsp = hf_serve_asks_ocsp(file);
	return rc < 0 ? rc : take_routes(opts, &file->routes, ret_config, err);
}
