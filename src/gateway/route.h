/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: which requests go to which services, and who may make them.  The first that matches
 * counts. */
#ifndef HF_GATEWAY_ROUTE_H
#define HF_GATEWAY_ROUTE_H

#include "base/str.h"
#include "gateway/bound_token.h"
#include "gateway/health.h"
#include "http/head.h"
#include "verify/rules.h"

enum { HF_ROUTE_PATH_CAP = HF_HTTP_TARGET_CAP };

struct hf_route {
	char *name;		/* for logs */
	char *host;		/* "a.example", "*.example" (one label); NULL: any */
	char *path; /* "/a" exactly, or with a slash behind; with slash and star at its end "/a" and
		       all below; NULL: any */
	struct hf_strv methods; /* empty: any; GET stands for HEAD too */
	struct hf_rules *rules; /* besides those of the listener; NULL: none */
	struct hf_strv to;
	bool least_busy;
	bool own_tokens; /* else the gateway's bound_tokens */
	enum hf_bound_tokens bound_tokens;
	bool own_trailers; /* else the gateway's trailers */
	struct hf_strv trailers;
	struct hf_strv health_args; /* what it says of them, as options */
	struct hf_health health;    /* of its services */
};

struct hf_routes {
	struct hf_route *items;
	size_t len;
};
void hf_routes_done(struct hf_routes *routes);

/* The path as a service may understand it: percent codes decoded, parameters (";x") left out,
 * empty parts dropped.  false: it may mean anything (dots, coded slashes, control bytes, no
 * origin form), and no route may be chosen by it. */
bool hf_route_path(struct hf_slice path, char out[HF_ROUTE_PATH_CAP]);

/* What a route is chosen by.  path NULL: hf_route_path could not read it. */
struct hf_route_request {
	enum hf_http_method method;
	struct hf_slice method_text;
	struct hf_slice host; /* without the port */
	const char *path;
};
bool hf_route_matches(const struct hf_route *route, const struct hf_route_request *request);

/* The same requests to the same services: they may differ in their rules, and in how the services
 * are looked at. */
bool hf_routes_same_ways(const struct hf_routes *a, const struct hf_routes *b);

/* May this client, under the rules of a route (NULL: none)?  A denial is a verdict in *ret_denied
 * (to be done with by the caller), true: allowed. */
bool hf_route_allows(const struct hf_rules *rules, const struct hf_trust *trust,
		     const struct hf_verdict *verdict, struct hf_verdict *ret_denied);

#endif
