/* SPDX-License-Identifier: Apache-2.0 */
/* handfast serve: its options, and what the gateway gets from them. */
#ifndef HF_CLI_SERVE_H
#define HF_CLI_SERVE_H

#include "cli/common.h"
#include "gateway/gateway.h"

struct hf_serve_opts {
	struct hf_credential_opts credential;
	struct hf_trust_opts trust;
	struct hf_rule_opts rules;
	struct hf_strv listen, alpn, to, pass_identity;
	const char *respond, *content_type, *access_log, *metrics;
	int client_auth, refuse, tls_min, tls_max, resume, reload;
	struct hf_strv accept_proxy;
	int balance, forwarded;
	bool check, detail, unsafe_to, proxy_header, trace;
	const char *via, *config, *keylog;
	int64_t connect_timeout, answer_timeout, upstream_idle, tunnel_idle, keep;
	int64_t workers, drain, max_connections, max_header_bytes, max_header_fields,
	    max_body_bytes;
	int64_t idle_timeout, header_timeout, handshake_timeout, body_timeout, refusal_log_rate;
};


extern const struct hf_option_group hf_serve_groups[];

/* What the loader needs, at start and at each reload, in supervisor and workers. */
struct hf_serve_source {
	struct hf_cmd_ctx *ctx;
	const struct hf_serve_opts *opts;
	struct hf_passphrase passphrase;
	struct hf_secret secret; /* asked for once, before the workers are forked */
	bool have_secret;
	int keylog_fd; /* set by hf_serve_config; -1: none */
};

/* 0, or a mistake of usage.  routes: as many stand in the file. */
int hf_serve_check(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts, size_t routes);
/* The files whose change makes a reload. */
int hf_serve_watch(struct hf_cmd_ctx *ctx, const struct hf_serve_opts *opts,
		   struct hf_strv *ret_paths);
/* listen and alpn (NULL: what the kind of service speaks) must outlive config. */
int hf_serve_config(const struct hf_serve_opts *opts, struct hf_serve_source *source,
		    const struct hf_strv *listen, const char *const *alpn,
		    struct hf_gateway_config *ret_config);

#endif
