/* SPDX-License-Identifier: Apache-2.0 */
/* handfast authority: the authority as a service for other machines. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/authority_homes.h"
#include "enroll/service.h"
#include "net/address.h"

struct authority_opts {
	struct hf_strv est_wrapped;
	int64_t per_address, per_identity;
	struct hf_strv listen, names, admins, publish;
	bool publish_anywhere;
	const char *config, *as, *access_log, *metrics, *passphrase_file, *admin_socket;
	int64_t drain;
};

static const struct hf_option options[] = {
	{ .name = "listen",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct authority_opts, listen),
	  .arg = "ADDR:PORT",
	  .help = "where to listen; port 0 takes any (repeatable)" },
	{ .name = "name",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct authority_opts, names),
	  .arg = "HOST",
	  .help =
	      "a name or address that others reach it by, for its certificate (repeatable; default: the "
	      "addresses it listens on, and this machine's name)" },
	{ .name = "publish",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct authority_opts, publish),
	  .arg = "ADDR:PORT",
	  .help = "plain HTTP for revocation lists and OCSP alone, which are signed (repeatable)" },
	{ .name = "publish-anywhere",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct authority_opts, publish_anywhere),
	  .help = "--publish may be reached from other machines, not from this one only" },
	{ .name = "as",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct authority_opts, as),
	  .arg = "NAME",
	  .help = "its own identity, made and renewed by itself in id/NAME (default: authority)" },
	{ .name = "config",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct authority_opts, config),
	  .arg = "FILE",
	  .help =
	      "several authorities in this service, in place of that of --home: a list 'authorities' of "
	      "entries with label, home, name, as, admin, passphrase-file (YAML)" },
	{ .name = "admin",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct authority_opts, admins),
	  .arg = "RULE",
	  .help =
	      "whose certificates of this authority may operate it from elsewhere (--at of token, pending, "
	      "approve, deny, revoke): a rule as of serve --allow, cn:ops say (repeatable)" },
	{ .name = "max-requests-per-address",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct authority_opts, per_address),
	  .arg = "N",
	  .max = 1000000,
	  .initial = "6000",
	  .help =
	      "enrolments, renewals and operators' wishes of one address (IPv6: a /64) in a minute, before "
	      "the answer is 429; 0: no limit" },
	{ .name = "max-requests-per-identity",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct authority_opts, per_identity),
	  .arg = "N",
	  .max = 1000000,
	  .initial = "600",
	  .help = "and of one certificate" },
	{ .name = "est-wrapped",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct authority_opts, est_wrapped),
	  .arg = "AGENT",
	  .help =
	      "EST clients whose User-Agent begins so get base64 in lines, others in one (repeatable; "
	      "strongSwan reads one line only, libest lines only)" },
	{ .name = "admin-socket",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct authority_opts, admin_socket),
	  .arg = "unix:PATH",
	  .help =
	      "the socket on which handfast ctl asks this process for status, reload and drain, or none "
	      "(default: authority-PID.sock in $XDG_RUNTIME_DIR/handfast, for root in /run/handfast)" },
	{ .name = "access-log",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct authority_opts, access_log),
	  .arg = "FILE",
	  .help = "a JSON line for each answer; - is stdout" },
	{ .name = "metrics",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct authority_opts, metrics),
	  .arg = "ADDR:PORT",
	  .help = "figures for Prometheus, plain HTTP on loopback, path /metrics" },
	{ .name = "drain",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct authority_opts, drain),
	  .arg = "TIME",
	  .unit = 1,
	  .initial = "10s",
	  .help = "how long SIGTERM waits for what is under way" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct authority_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static int add_once(struct hf_strv *names, const char *name)
{
	return hf_strv_has(names, name) ? 0 : hf_strv_add(names, name);
}

static bool is_any(const char *host)
{
	static const char *const words[] = { "", "*", "0.0.0.0", "::" };

	for (size_t i = 0; i < HF_ARRAY_LEN(words); i++) {
		if (strcmp(host, words[i]) == 0)
			return true;
	}
	return false;
}

static int add_host(struct hf_strv *names, const char *host)
{
	static const char *const local[] = { "localhost", "127.0.0.1", "::1" };
	char self[HF_HOST_CAP] = "";
	int rc = 0;

	if (!is_any(host) && strcmp(host, "localhost") != 0)
		return add_once(names, host);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(local); i++)
		rc = add_once(names, local[i]);
	if (rc == 0 && is_any(host) && gethostname(self, sizeof(self) - 1) == 0 &&
	    hf_dns_name_valid(self, strlen(self), false))
		rc = add_once(names, self);
	return rc;
}

static int names_of(struct hf_cmd_ctx *ctx, struct hf_strv *names)
{
	const struct authority_opts *o = ctx->opts;
	char host[HF_HOST_CAP];
	int port, rc = 0;

	for (size_t i = 0; rc == 0 && i < o->names.len; i++)
		rc = add_once(names, o->names.items[i]) < 0 ? hf_err_nomem(&ctx->err) : 0;
	for (size_t i = 0; rc == 0 && o->names.len == 0 && i < o->listen.len; i++) {
		rc = hf_hostport_parse(o->listen.items[i], -1, host, &port, &ctx->err);
		if (rc == 0 && add_host(names, host) < 0)
			rc = hf_err_nomem(&ctx->err);
	}
	return rc;
}

static int find_homes(struct hf_cmd_ctx *ctx, struct hf_authority_homes *ret_homes)
{
	const struct authority_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	int rc = names_of(ctx, &names);

	if (rc < 0)
		return rc;
	return o->config
		   ? hf_authority_homes_load(ctx, o->config, &names, ret_homes)
		   : hf_authority_homes_single(ctx, o->as ? o->as : "authority", o->passphrase_file,
					       &names, &o->admins, ret_homes);
}

static int serve(struct hf_cmd_ctx *ctx, struct hf_authority_homes *homes)
{
	const struct authority_opts *o = ctx->opts;
	struct hf_service_authority *authorities = calloc(homes->len, sizeof(*authorities));
	const struct hf_service_config config = {
		.authorities = authorities,
		.authorities_len = homes->len,
		.listen = &o->listen,
		.publish = &o->publish,
		.publish_anywhere = o->publish_anywhere,
		.requests_per_address = (uint32_t)o->per_address,
		.requests_per_identity = (uint32_t)o->per_identity,
		.est_wrapped = &o->est_wrapped,
		.access_log = o->access_log,
		.metrics = o->metrics,
		.admin_socket = o->admin_socket,
		.drain_ms = (uint64_t)o->drain * 1000,
	};
	struct hf_err err = HF_ERR_INIT;
	int rc;

	if (!authorities)
		return hf_err_nomem(&ctx->err);
	for (size_t i = 0; i < homes->len; i++)
		hf_authority_home_describe(&homes->items[i], &authorities[i]);
	rc = hf_service_run(&config, &err);
	if (rc < 0)
		ctx->err = err;
	free(authorities);
	return rc;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct authority_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_authority_homes) homes = { .items = NULL };
	int rc;

	if (o->listen.len == 0)
		return hf_command_usage(ctx, "where should it listen? Add --listen ADDR:PORT");
	if (o->config && (o->names.len || o->admins.len || o->as || o->passphrase_file))
		return hf_command_usage(ctx,
					"with --config, the file says --name, --as, --admin and "
					"--passphrase-file of each authority");
	rc = find_homes(ctx, &homes);
	return rc < 0 ? rc : serve(ctx, &homes);
}

static const struct hf_example examples[] = {
	{ "handfast authority --listen 0.0.0.0:8443 --name ca.abc.com",
	  "for the machines of a network" },
	{ "handfast authority --listen 0.0.0.0:8443 --config authorities.yaml",
	  "several authorities, each met by its name or under its label" },
	{ NULL, NULL },
};

const struct hf_command cmd_authority = {
	.name = "authority",
	.group = "Service",
	.summary = "serve the authority of this home to other machines",
	.description =
	    "Machines enrol here with a token (handfast token, handfast enroll), renew over mutual TLS with the "
	    "certificate they have, and fetch the CA and the revocation lists. EST clients (RFC 7030) find it under "
	    "/.well-known/est, serverkeygen among it when the policy says so. A certificate is on the disk before it is "
	    "given out, and a token is spent in the same step; a client that lost the answer gets the same certificate again.\n\n"
	    "With --config one process serves several authorities, each with ledger, keys and policy of its own. A "
	    "client that asks for one of the names of an authority (SNI) meets that authority's certificate; others "
	    "meet the first's. Whatever the name, /LABEL/enroll is for the authority of that label, and so is each "
	    "other path, and EST's /.well-known/est/LABEL/… (RFC 7030 3.2.2). The label cannot choose the certificate, "
	    "which is shown before the path is known: gateways and machines ask by a name.\n\n"
	    "POST /enroll, POST /renew, GET /ca, GET /crl/issuing.crl, GET /crl/root.crl (.pem too; "
	    "each CA's also under /crl/KEY.crl, of shards under /crl/issuing-1.crl and /crl/KEY-1.crl), "
	    "/ocsp (GET and POST), GET /revocations, GET /health. SIGHUP reads "
	    "policy and keys again, SIGTERM drains.\n\n"
	    "For each listener a line on standard error says that it is there: 'handfast: listening on "
	    "https://127.0.0.1:43211'; those of --publish come after the "
	    "service's own, and that of --metrics last.",
	.groups = groups,
	.opts_size = sizeof(struct authority_opts),
	.examples = examples,
	.exits = "0 ended as asked; 1 connections had to be cut",
	.see_also = "token, enroll, renew",
	.run = run,
};
