/* SPDX-License-Identifier: Apache-2.0 */
/* handfast tunnel: plaintext in on this machine, mutual TLS out.  Must never lend this identity to
 * other machines or, with --allow-uid, to other users. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/serve_guard.h"
#include "cli/via.h"
#include "gateway/generation.h"
#include "http/head.h"
#include "util/clock.h"
#include "util/slim.h"

enum { UIDS_CAP = 64 };

/* The fields that serve has too are read by the same code. */
struct tunnel_opts {
	struct hf_serve_opts serve;
	struct hf_via_opts via;
	const char *to, *server_name, *http_host;
	int64_t spare, spare_age;
	struct hf_strv allow_uid;
	bool unsafe_listen;
};

#define AT(field) offsetof(struct tunnel_opts, field)

static const char *const version_words[] = { "1.2", "1.3", NULL };
static const char *const reload_words[] = { "auto", "signal", NULL };

static const struct hf_option way_options[] = {
	{ .name = "listen",
	  .kind = HF_OPT_LIST,
	  .offset = AT(serve.listen),
	  .arg = "ADDR:PORT",
	  .help =
	      "where plaintext comes in, repeatable: loopback only, or unix:PATH; port 0 takes any "
	      "(default: 127.0.0.1:0)" },
	{ .name = "unsafe-listen",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(unsafe_listen),
	  .help = "--listen may be reached from other machines: they act under this identity" },
	{ .name = "allow-uid",
	  .kind = HF_OPT_LIST,
	  .offset = AT(allow_uid),
	  .arg = "UID",
	  .help = "only processes of this user may use a unix: listener, repeatable" },
	{ .name = "to",
	  .kind = HF_OPT_STRING,
	  .offset = AT(to),
	  .arg = "HOST:PORT",
	  .help = "the server" },
	{ .name = "server-name",
	  .kind = HF_OPT_STRING,
	  .offset = AT(server_name),
	  .arg = "NAME",
	  .help =
	      "the name or address that its certificate must have (default: the host of --to)" },
	{ .name = "http-host",
	  .kind = HF_OPT_STRING,
	  .offset = AT(http_host),
	  .arg = "NAME",
	  .help =
	      "the bytes are HTTP/1.1 requests: set their Host to this, whatever programs call "
	      "the tunnel by; else a server that looks at it answers 421 (handfast serve --to)" },
	{ .name = "spare",
	  .kind = HF_OPT_INT,
	  .offset = AT(spare),
	  .arg = "N",
	  .max = 64,
	  .help = "connections that each worker makes in advance, so that nobody waits for a "
		  "handshake; to the server each is a connection that says nothing yet (default: "
		  "0)" },
	{ .name = "spare-age",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(spare_age),
	  .arg = "SECONDS",
	  .initial = "30",
	  .min = 1,
	  .max = 3600,
	  .help = "until another takes the place of one that nobody has used; less than the server "
		  "lets a silent connection live" },
	{ .name = "tls-min",
	  .kind = HF_OPT_WORD,
	  .offset = AT(serve.tls_min),
	  .words = version_words,
	  .initial = "1.3",
	  .help = "the lowest version of TLS" },
	{ .name = "alpn",
	  .kind = HF_OPT_LIST,
	  .offset = AT(serve.alpn),
	  .arg = "NAME",
	  .help = "application protocol to offer, repeatable (default: none)" },
	{ .name = "reload",
	  .kind = HF_OPT_WORD,
	  .offset = AT(serve.reload),
	  .words = reload_words,
	  .initial = "auto",
	  .help = "read certificates, trust and revocation lists again when their files change, or "
		  "only on SIGHUP" },
	{ .name = NULL },
};

static const struct hf_option operation_options[] = {
	{ .name = "check",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(serve.check),
	  .help = "read everything, name the mistake, do not listen" },
	{ .name = "workers",
	  .kind = HF_OPT_INT,
	  .offset = AT(serve.workers),
	  .arg = "N",
	  .min = 1,
	  .max = 64,
	  .help = "worker processes (default: one for each core)" },
	{ .name = "access-log",
	  .kind = HF_OPT_STRING,
	  .offset = AT(serve.access_log),
	  .arg = "FILE|-",
	  .help = "one JSON line for each connection that has ended" },
	{ .name = "metrics",
	  .kind = HF_OPT_STRING,
	  .offset = AT(serve.metrics),
	  .arg = "ADDR:PORT",
	  .help = "figures for Prometheus, plain HTTP on loopback, path /metrics" },
	{ .name = "admin",
	  .kind = HF_OPT_STRING,
	  .offset = AT(serve.admin),
	  .arg = "unix:PATH",
	  .help = "the socket on which handfast ctl asks this process, or none (default: "
		  "tunnel-PID.sock in $XDG_RUNTIME_DIR/handfast, for root in /run/handfast)" },
	{ .name = "drain",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(serve.drain),
	  .arg = "SECONDS",
	  .initial = "30",
	  .max = 86400,
	  .help = "how long connections may finish after SIGTERM before they are cut" },
	{ .name = "refusal-log-rate",
	  .kind = HF_OPT_INT,
	  .offset = AT(serve.refusal_log_rate),
	  .arg = "N",
	  .initial = "50",
	  .min = 1,
	  .max = 100000,
	  .help = "refusal records a second of each worker; the rest is counted" },
	{ .name = "trace",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(serve.trace),
	  .help = "show each step of every handshake as it happens, on standard error" },
	{ .name = "keylog",
	  .kind = HF_OPT_STRING,
	  .offset = AT(serve.keylog),
	  .arg = "FILE",
	  .help =
	      "append the secrets of all connections to this file (SSLKEYLOGFILE format, 0600); "
	      "who has it can read everything" },
	{ .name = NULL },
};

static const struct hf_option limit_options[] = {
	{ .name = "connect-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(serve.connect_timeout),
	  .arg = "SECONDS",
	  .initial = "10",
	  .min = 1,
	  .max = 3600,
	  .help =
	      "how long the server is tried, every address again and again, before the local side is "
	      "turned away" },
	{ .name = "handshake-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(serve.handshake_timeout),
	  .arg = "SECONDS",
	  .initial = "10",
	  .min = 1,
	  .max = 3600,
	  .help = "for one connection with its TLS handshake" },
	{ .name = "idle-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(serve.idle_timeout),
	  .arg = "SECONDS",
	  .initial = "3600",
	  .min = 1,
	  .max = INT64_C(30) * 86400,
	  .help = "without a byte either way" },
	{ .name = "max-chain-bytes",
	  .kind = HF_OPT_INT,
	  .offset = AT(serve.max_chain_bytes),
	  .arg = "N",
	  .initial = "65536",
	  .min = 1024,
	  .max = 16 * 1024 * 1024 - 1,
	  .help = "of the certificates the server sends; more is refused before it is read" },
	{ .name = "max-connections",
	  .kind = HF_OPT_INT,
	  .offset = AT(serve.max_connections),
	  .arg = "N",
	  .min = 1,
	  .max = 10000000,
	  .help = "connections at a time (default: as many as descriptors allow)" },
	{ .name = NULL },
};

static const struct hf_option_group tunnel_groups[] = {
	{ "The way", way_options, 0 },
	{ "Proxy", hf_via_options, AT(via) },
	{ "Credentials", hf_credential_options, AT(serve.credential) },
	{ "Trust", hf_trust_options, AT(serve.trust) },
	{ "Renewal", hf_renewal_options, AT(serve.renew_from) },
	{ "Revocation", hf_follow_options, AT(serve.follow) },
	{ "Which servers", hf_rule_options, AT(serve.rules) },
	{ "Privileges", hf_guard_options, AT(serve.guard) },
	{ "Operation", operation_options, 0 },
	{ "Limits", limit_options, 0 },
	{ NULL, NULL, 0 },
};

/* What the configuration borrows. */
struct tunnel {
	struct hf_address addresses[HF_ADDRESSES_CAP];
	struct hf_via via;
	char host[HF_HOST_CAP];
	uint32_t uids[UIDS_CAP];
	struct hf_strv listen;
};

static int check_host(struct hf_cmd_ctx *ctx, const char *host)
{
	const struct hf_slice text = { host, host ? strlen(host) : 0 };

	if (!host || (text.len > 0 && hf_http_host_ok(text)))
		return 0;
	return hf_command_usage(ctx, "--http-host '%s' is no host name", host);
}

static int check_options(struct hf_cmd_ctx *ctx, const struct tunnel_opts *opts)
{
	const struct hf_credential_opts *c = &opts->serve.credential;

	if (!opts->to) {
		(void)hf_command_usage(ctx, "tunnel needs the server: --to HOST:PORT");
		return hf_err_hint(&ctx->err,
				   "handfast tunnel --as NAME --to server.example.com:8443");
	}
	if (!c->as && !c->cert) {
		(void)hf_command_usage(ctx, "tunnel needs an identity: --as NAME, or --cert FILE "
					    "[--key FILE]");
		return hf_err_hint(&ctx->err, "handfast issue NAME --client makes one");
	}
	if (c->as && c->cert)
		return hf_command_usage(ctx, "--as and --cert exclude each other");
	if (c->key && !c->cert)
		return hf_command_usage(ctx, "--key needs --cert");
	return check_host(ctx, opts->http_host);
}

static int read_uids(const struct hf_strv *list, uint32_t uids[UIDS_CAP], struct hf_err *err)
{
	if (list->len > UIDS_CAP)
		return hf_err_set(err, HF_E_INVALID, "--allow-uid: %d at most", UIDS_CAP);
	for (size_t i = 0; i < list->len; i++) {
		uint64_t uid = 0;

		if (!hf_str_u64(list->items[i], UINT32_MAX - 1, &uid))
			return hf_err_set(err, HF_E_INVALID,
					  "--allow-uid '%s' is no number; 'id -u NAME' tells it",
					  list->items[i]);
		uids[i] = (uint32_t)uid;
	}
	return 0;
}

static int find_server(struct hf_cmd_ctx *ctx, const struct tunnel_opts *opts, struct tunnel *t,
		       struct hf_origin_config *origin)
{
	int port = 0;
	int rc = hf_hostport_parse(opts->to, -1, t->host, &port, &ctx->err);

	if (rc < 0)
		return hf_err_context(&ctx->err, rc, "--to");
	rc = hf_cli_way(&opts->via, t->host, port, &t->via, t->addresses, &origin->addresses_len,
			&ctx->err);
	if (rc < 0)
		return rc;
	origin->via = t->via.kind != HF_VIA_NONE ? &t->via : NULL;
	origin->addresses = t->addresses;
	origin->to = opts->to;
	origin->server_name = opts->server_name ? opts->server_name : t->host;
	return 0;
}

static int make_config(struct hf_cmd_ctx *ctx, const struct tunnel_opts *opts,
		       struct hf_serve_source *source, struct tunnel *t,
		       struct hf_gateway_config *config)
{
	const struct hf_serve_opts *serve = &opts->serve;
	struct hf_origin_config origin = {
		.anywhere = opts->unsafe_listen,
		.uids = t->uids,
		.uids_len = opts->allow_uid.len,
		.connect_ms = (uint64_t)serve->connect_timeout * 1000,
		.idle_ms = (uint64_t)serve->idle_timeout * 1000,
		.http_host = opts->http_host,
		.spare_len = (size_t)opts->spare,
		.spare_age_ms = (uint64_t)opts->spare_age * 1000,
	};
	static const char *const none[] = { NULL };
	int rc = find_server(ctx, opts, t, &origin);

	if (rc == 0)
		rc = read_uids(&opts->allow_uid, t->uids, &ctx->err);
	if (rc == 0 && serve->listen.len == 0 && hf_strv_add(&t->listen, "127.0.0.1:0") < 0)
		rc = hf_err_nomem(&ctx->err);
	if (rc == 0)
		rc =
		    hf_serve_config(serve, source, serve->listen.len ? &serve->listen : &t->listen,
				    serve->alpn.len ? (const char *const *)serve->alpn.items : none,
				    config);
	if (rc < 0)
		return rc;
	config->alpn = serve->alpn.len ? config->alpn : NULL;
	config->origin = origin;
	return 0;
}

/* Everything is read once before anything listens. */
static int look(struct hf_cmd_ctx *ctx, const struct hf_gateway_config *config)
{
	HF_AUTO(hf_generation) generation = NULL;
	const struct hf_credential *credential;
	const struct hf_cert *leaf;
	int rc = hf_generation_new(config, 1, NULL, &generation, &ctx->err);

	if (rc < 0)
		return rc;
	credential = generation->parts.policies[0].credential;
	leaf = credential->chain.items[0];
	if (credential->key_world_readable)
		hf_out_warn(&ctx->out,
			    "the private key can be read by others; mend it with: chmod 600 '%s'",
			    credential->key_path ? credential->key_path : credential->cert_path);
	if (leaf->not_after < hf_clock_now()) {
		(void)hf_err_set(&ctx->err, HF_E_POLICY,
				 "the certificate of %s has expired: every server "
				 "would refuse it",
				 leaf->subject);
		return hf_err_hint(&ctx->err, "handfast renew, or enrol again");
	}
	return 0;
}

static int run_with(struct hf_cmd_ctx *ctx, const struct tunnel_opts *opts,
		    const struct hf_gateway_config *config)
{
	int rc = look(ctx, config);

	if (rc < 0)
		return rc;
	if (opts->serve.check) {
		hf_out_print(&ctx->out, "no mistakes found\n");
		return HF_EXIT_YES;
	}
	rc = hf_gateway_run(config, &ctx->err);
	if (rc != -HF_E_EXIST) /* an address in use is no "no": nothing was asked */
		return rc;
	ctx->err.code = HF_E_BUSY;
	return -HF_E_BUSY;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct tunnel_opts *opts = ctx->opts;
	struct hf_serve_file file = { .opts = opts->serve }; /* lent */
	struct hf_serve_source source = {
		.ctx = ctx, .file = &file, .originates = true, .keylog_fd = -1
	};
	struct hf_serve_guard guard = HF_SERVE_GUARD_INIT;
	struct tunnel t = { .listen = HF_STRV_INIT };
	struct hf_gateway_config config = { .workers = 0 };
	int rc = check_options(ctx, opts);

	if (rc == 0) {
		(void)hf_slim_begin(HF_SLIM_TLS);
		rc = make_config(ctx, opts, &source, &t, &config);
	}
	if (rc == 0)
		rc = hf_serve_guard_begin(&guard, &opts->serve, &source, &config, &ctx->err);
	if (rc == 0)
		rc = run_with(ctx, opts, &config);
	hf_serve_guard_end(&guard, &config);
	hf_networks_done(&config.proxies);
	hf_serve_source_done(&source);
	hf_strv_done(&t.listen);
	hf_via_done(&t.via);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast tunnel --as mail-server --to invoices.abc.test:8443 --listen 127.0.0.1:3100",
	  "programs that know no TLS talk to 127.0.0.1:3100" },
	{ "handfast tunnel --as batch --to db.abc.test:5433 --listen unix:/run/db.sock --allow-uid 1001",
	  "only the processes of user 1001" },
	{ "handfast tunnel --cert c.pem --key c.key --ca root.pem --to 10.0.0.7:443 --server-name gw.abc.test",
	  "the server is known by another name than its address" },
	{ "handfast tunnel --as batch --to gw.abc.test:443 --via http://10.0.0.9:3128 --via-auth p.txt",
	  "the only way out is a proxy that wants a password" },
	{ NULL, NULL },
};

const struct hf_command cmd_tunnel = {
	.name = "tunnel",
	.group = "Connections",
	.summary = "carry local plaintext to a server over mutual TLS",
	.description =
	    "Listens in plaintext on this machine, and carries each connection to the server under its own "
	    "identity, byte for byte. The server is judged before a byte is sent: chain, name, purpose, "
	    "revocation, and rules when there are any. A server that cannot be reached is tried again with "
	    "growing pauses; a connection that it refuses, or that we refuse, ends in a reset, and the whole "
	    "story is one JSON line on standard error. So does one that the server ends without close_notify: "
	    "what came may not be all.\n\n"
	    "Certificates, trust and revocation lists are read again when their files change, and on SIGHUP; "
	    "live connections to a server that the new ones do not accept are closed. SIGTERM lets "
	    "connections finish, SIGINT twice stops at once.",
	.groups = tunnel_groups,
	.opts_size = sizeof(struct tunnel_opts),
	.examples = examples,
	.exits = "0 when it was stopped and every connection had finished, 1 when some were cut",
	.see_also = "serve, get, verify",
	.run = run,
};
