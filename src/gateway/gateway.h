/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway: terminates mutual TLS and answers.  A supervisor holds the listening sockets,
 * workers serve; each worker has a generation (credential, trust, rules) that a reload replaces as
 * a whole. */
#ifndef HF_GATEWAY_GATEWAY_H
#define HF_GATEWAY_GATEWAY_H

#include "base/str.h"
#include "gateway/custody/custody.h"
#include "gateway/filestamp.h"
#include "gateway/health.h"
#include "gateway/identity_names.h"
#include "gateway/ocsp/book.h"
#include "gateway/route.h"
#include "http/server.h"
#include "http/url.h"
#include "net/networks.h"
#include "net/via.h"
#include "tls/context.h"
#include "util/sandbox.h"

struct hf_revocations;

enum { HF_REFERENCE_CAP = 48 }; /* the id of a record, that a client may be told */

/* Who is let in, under which names, and by which certificate we are known there. */
struct hf_policy_parts {
	char *name;	       /* for logs; NULL: the one for the rest */
	struct hf_strv sni;    /* server names, "a.example", "*.example"; empty: any, and none */
	struct hf_strv listen; /* as in config->listen; empty: everywhere */
	enum hf_client_auth client_auth;
	enum hf_tls_version tls_min, tls_max;
	enum hf_profile profile;
	struct hf_credential *credential;
	struct hf_trust *trust;
	struct hf_rules *rules; /* NULL: none */
	struct hf_filestamps *files; /* trust and lists: for records */
	enum hf_ocsp_mode ocsp;	     /* whether responders are asked about clients */
	char *ocsp_url;		     /* NULL: the one that a certificate names */
	bool staple; /* hand out the OCSP response about our certificate, from its responder */
};

/* What a generation is made of, read from files. */
struct hf_gateway_parts {
	struct hf_policy_parts *policies; /* the first is for the rest */
	size_t policies_len;
	struct hf_credential *follow; /* to follow revocations with; NULL: that of the first */
	/* of config->upstream.routes, in their order; each may be NULL */
	struct hf_rules **route_rules;
	size_t route_rules_len;
	/* how services are looked at: of each of those routes, then of config->upstream.to */
	struct hf_health *health;
	struct hf_strv watch; /* files and directories it was made of */
};
void hf_gateway_parts_done(struct hf_gateway_parts *parts);
HF_DEFINE_AUTO_DONE(hf_gateway_parts, struct hf_gateway_parts, hf_gateway_parts_done);

/* Reads them; called at start, and in every process at each reload. */
struct hf_gateway_source {
	int (*load)(void *arg, uint64_t number, struct hf_gateway_parts *ret_parts,
		    struct hf_err *err);
	void *arg;
	/* In a child, for good: what it reads was read by another process.  NULL: nothing to do. */
	int (*only_read)(void *arg, struct hf_err *err);
	/* In a child that loads nothing: it has no part in it any more.  NULL: nothing to do. */
	void (*leave)(void *arg);
};

struct hf_responder_spec {
	const char *text;	  /* "verdict", "text:BODY" … as the user wrote it */
	const char *content_type; /* NULL: by kind */
	bool detail;		  /* verdict: more than the seed's two fields */
};

enum hf_forwarded { HF_FORWARDED_X = 1, HF_FORWARDED_RFC7239 = 2 };

/* The services behind; without any the gateway answers by itself (respond). */
struct hf_upstream_config {
	const struct hf_strv *to; /* NULL: none; all of one kind */
	const struct hf_routes *routes; /* before `to`, which is for the rest; NULL: none */
	bool anywhere;		  /* also to other machines, in the clear */
	bool least_busy;	  /* the one with the fewest requests, not the next in turn */
	bool stream;		  /* bytes, not requests */
	bool proxy_header;	  /* say who comes in a PROXY protocol header; streams only */
	unsigned pass_identity;	  /* enum hf_pass_identity bits */
	struct hf_identity_names identity_names; /* of the fields that say it */
	enum hf_bound_tokens bound_tokens; /* for `to`, and routes without their own */
	const struct hf_strv *trailers;	   /* that may pass, likewise; "any" */
	unsigned forwarded;	  /* enum hf_forwarded bits */
	const char *via;	  /* our name in Via; NULL: no Via */
	uint64_t connect_ms, answer_ms, idle_ms;
	uint64_t tunnel_ms; /* without a byte either way, after an upgrade or for byte streams */
	uint64_t keep_ms; /* of an idle connection to a service */
	size_t keep_cap;  /* of each service and worker */
};

/* The other direction (handfast tunnel): plaintext comes in, mutual TLS goes out, byte for byte. */
struct hf_origin_config {
	/* of the server, to try in this order; NULL: we terminate */
	const struct hf_address *addresses;
	size_t addresses_len;
	const struct hf_via *via; /* the addresses are this proxy's; NULL: straight */
	const char *to;		 /* "host:port" as the user wrote it */
	const char *server_name; /* asked for and checked: SNI and RFC 9525 */
	bool anywhere;		 /* plaintext may come from other machines */
	const uint32_t *uids;	 /* whose processes may use a unix listener */
	size_t uids_len;	 /* 0: everybody who may open the socket file */
	uint64_t connect_ms;	 /* in all, with every address and repetition */
	uint64_t idle_ms;	 /* without a byte either way; 0: never */
	const char *http_host;	 /* Host of requests that are carried; NULL: as they are */
	size_t spare_len;	 /* connections that each worker keeps ready */
	uint64_t spare_age_ms;	 /* until another takes its place */
};

enum hf_sandbox_use {
	HF_SANDBOX_AUTO,    /* as much of it as the kernel has */
	HF_SANDBOX_REQUIRE, /* all of it, or no start */
	HF_SANDBOX_OFF,
};

/* What workers may no longer do. */
struct hf_gateway_guard {
	enum hf_sandbox_use sandbox;
	const struct hf_user *user;  /* to become; NULL: stay */
	const struct hf_strv *read;  /* files and directories that they read themselves */
	const struct hf_strv *write; /* logs */
	const struct hf_strv *shut;  /* the files of keys */
};

/* For one client; 0: none.  Over all workers. */
struct hf_gateway_limits {
	uint32_t connections_per_identity;
	uint32_t requests_per_second; /* of one identity */
	uint32_t failures_per_address; /* handshakes in a minute */
};

/* The authority whose revocation feed is followed. */
struct hf_follow_config {
	const char *text; /* as the user wrote it; NULL: none */
	struct hf_url url;
	const struct hf_strv *lists; /* some of them are URLs: of lists to fetch now and then */
	bool ocsp;		     /* a policy asks responders, about its clients or itself */
	uint64_t ocsp_ms;	     /* how long a client may have to wait for that */
};

/* From options; everything borrowed and constant while the gateway runs. */
struct hf_gateway_config {
	struct hf_gateway_source source;
	struct hf_custody *custody; /* the signer; NULL: every process has the keys */
	struct hf_gateway_guard guard;
	bool watch; /* the files that were read: their change reloads */
	const struct hf_strv *listen;
	const char *const *alpn;
	size_t chain_cap; /* bytes of certificates that a peer may send; 0: the default */
	bool resume;
	int64_t resume_seconds; /* that a session lives; an hour at most */
	bool drop; /* a refused peer gets no alert */
	struct hf_responder_spec respond; /* text NULL: none */
	struct hf_upstream_config upstream;
	struct hf_origin_config origin;
	struct hf_follow_config follow;
	const char *const *aide; /* a program to run beside us (aide.h); NULL: none */
	struct hf_revocations *revocations; /* the gateway's own: made by the supervisor */
	struct hf_health_board *health;	    /* likewise; NULL: there are no services */
	struct hf_session_pool *session_pool; /* likewise; NULL: one worker, or no resumption */
	struct hf_ocsp_book *ocsp;	    /* likewise; NULL: nobody is asked */
	struct hf_networks proxies; /* peers from here begin with a PROXY protocol header */
	struct hf_http_server_config http;
	uint64_t handshake_ms, drain_ms;
	size_t workers;		/* 0: one for each core */
	struct hf_gateway_limits limits;
	bool tell_reference; /* a request that is refused hears the id of its record */
	size_t connections_cap; /* of all workers together; 0: as many as descriptors allow */
	const char *access_log; /* NULL none, "-" stdout */
	const char *metrics;	/* NULL none, ADDR:PORT */
	const char *admin;	/* "unix:PATH", "none"; NULL: where hf_admin_default_path says */
	int64_t records_per_second; /* refusal records of each worker; the rest is counted */
	/* as in hf_tls_config; NULL: none */
	void (*keylog)(void *arg, const char *line);
	void *keylog_arg;
	void (*trace)(void *arg, const void *conn, const struct hf_event *event);
	int64_t (*trace_clock_us)(void);
};

/* Do lists come over the network? */
bool hf_gateway_fetches_lists(const struct hf_gateway_config *config);
/* Is there anything to fetch or ask while it runs? */
bool hf_gateway_follows(const struct hf_gateway_config *config);
bool hf_gateway_originates(const struct hf_gateway_config *config);
/* Of the listeners' URLs: "https", or "tcp" for plaintext. */
const char *hf_gateway_scheme(const struct hf_gateway_config *config);

/* Runs until told to stop; 0, 1 when connections had to be cut, or negative. */
int hf_gateway_run(const struct hf_gateway_config *config, struct hf_err *err);

#endif
