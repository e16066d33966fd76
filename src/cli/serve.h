/* SPDX-License-Identifier: Apache-2.0 */
/* handfast serve: its options, and what the gateway gets from them. */
#ifndef HF_CLI_SERVE_H
#define HF_CLI_SERVE_H

#include "cli/common.h"
#include "gateway/gateway.h"

struct hf_guard_opts {
	bool key_in_process;
	int sandbox; /* enum hf_sandbox_use */
	const char *user;
};

/* How services are looked at: those of the file, or of a route. */
struct hf_health_opts {
	const char *check, *expect;
	int64_t interval, timeout, rise, fall;
};

struct hf_serve_opts {
	struct hf_health_opts health;
	struct hf_guard_opts guard;
	struct hf_credential_opts credential;
	struct hf_trust_opts trust;
	struct hf_rule_opts rules;
	struct hf_follow_opts follow;
	const char *renew_from, *staple_file, *ocsp_url;
	int ocsp;
	bool staple;
	int64_t ocsp_timeout;
	struct hf_strv listen, alpn, to, pass_identity, identity_name, pass_trailer;
	const char *respond, *content_type, *access_log, *metrics, *admin;
	int client_auth, refuse, tls_min, tls_max, resume, reload;
	struct hf_strv accept_proxy;
	int balance, forwarded, bound_tokens;
	bool tell_reference, check, detail, unsafe_to, proxy_header, trace;
	const char *via, *config, *keylog;
	int64_t resume_lifetime;
	int64_t connect_timeout, answer_timeout, upstream_idle, tunnel_idle, keep;
	int64_t workers, drain, max_connections, max_header_bytes, max_header_fields,
	    max_body_bytes;
	int64_t max_identity_connections, max_requests_per_second, max_failures_per_address;
	int64_t max_chain_bytes;
	int64_t idle_timeout, header_timeout, handshake_timeout, body_timeout, refusal_log_rate;
};


struct hf_preflight;
/* What `serve --check --config PATH` would find (cmd_serve.c). */
int hf_serve_preflight(struct hf_cmd_ctx *ctx, const char *path, struct hf_preflight *preflight);

/* What was asked for, checked. */
int hf_serve_health(const struct hf_health_opts *opts, struct hf_health *ret_health,
		    struct hf_err *err);
/* As hf_serve_health for a route, whose own arguments come after those of all. */
int hf_serve_route_health(const struct hf_health_opts *all, struct hf_route *route,
			  struct hf_err *err);

extern const char *const hf_client_auth_words[]; /* by enum hf_client_auth */
extern const struct hf_option hf_health_options[];
extern const struct hf_option hf_renewal_options[];
#define HF_PASS_TRAILER_HELP                                                                       \
	"let this trailer field of requests and answers go on, or any; repeatable (default: none). " \
	"An answer's only to a client that says TE: trailers, and never one that is about framing, " \
	"routing, rights, the content's form or the client's identity"
/* Are these names of fields that may be trailers? */
int hf_serve_trailers(const struct hf_strv *names, struct hf_err *err);
extern const struct hf_option_group hf_serve_groups[];

#endif
