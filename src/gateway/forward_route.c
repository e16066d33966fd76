/* SPDX-License-Identifier: Apache-2.0 */
/* Which services a request is for, and whether its client may ask them.  Must never choose before
 * the name in the request is the name of the connection. */
#include "base/str.h"
#include "gateway/forwarder.h"
#include "gateway/policy.h"

static struct hf_group *find(struct hf_forwarder *forwarder, const struct hf_route_request *request)
{
	for (size_t i = 0; i < forwarder->groups_len; i++) {
		const struct hf_route *route = forwarder->groups[i].route;

		if (route == NULL || hf_route_matches(route, request))
			return &forwarder->groups[i];
	}
	return NULL;
}

static bool allowed(struct hf_exchange *exchange, const struct hf_http_request *request,
		    const struct hf_forward_under *under)
{
	const struct hf_forwarder *forwarder = exchange->forwarder;
	const struct hf_gateway_parts *parts = &under->generation->parts;
	size_t route = (size_t)(exchange->group - forwarder->groups);
	HF_AUTO_DONE(hf_verdict) denied;

	if (hf_route_allows(route < parts->route_rules_len ? parts->route_rules[route] : NULL,
			    under->policy->parts->trust, hf_conn_verdict(request->conn), &denied))
		return true;
	(void)hf_str_copy(exchange->reference, sizeof(exchange->reference),
			  forwarder->hooks.denied(request->conn, request->session_arg, &denied,
						  forwarder->hooks.arg));
	return false;
}

static enum hf_bound_tokens tokens_of(const struct hf_exchange *exchange)
{
	const struct hf_route *route = exchange->group->route;

	return route != NULL && route->own_tokens
		   ? route->bound_tokens
		   : exchange->forwarder->config->upstream.bound_tokens;
}

struct hf_trailer_filter hf_forward_trailers(const struct hf_exchange *exchange)
{
	const struct hf_upstream_config *config = &exchange->forwarder->config->upstream;
	const struct hf_route *route = exchange->group->route;
	const struct hf_strv *names =
	    route != NULL && route->own_trailers ? &route->trailers : config->trailers;

	return (struct hf_trailer_filter){
		.names = names != NULL && names->len > 0 ? names : NULL,
		.never = config->identity_names.theirs,
		.never_len = config->identity_names.len,
	};
}

int hf_forward_route(struct hf_exchange *exchange, const struct hf_http_request *request,
		     const struct hf_forward_under *under, const char **ret_why)
{
	struct hf_forwarder *forwarder = exchange->forwarder;
	const struct hf_http_head *head = request->head;
	char path[HF_ROUTE_PATH_CAP];
	struct hf_route_request asked = {
		.method = head->method,
		.method_text = hf_http_text(head, head->method_text),
		.host = hf_host_name(hf_http_text(head, head->host)),
		.path = path,
	};
	int status;

	if (hf_policy_misdirected(under->generation, under->listen, request)) {
		*ret_why = hf_misdirected_text;
		return 421;
	}
	if (forwarder->by_path && !hf_route_path(hf_http_text(head, head->path), path)) {
		*ret_why = "a path that can be read in two ways";
		return 400;
	}
	exchange->group = find(forwarder, &asked);
	if (exchange->group == NULL) {
		*ret_why = "nothing is served here";
		return 404;
	}
	if (!allowed(exchange, request, under)) {
		*ret_why = "not for this client";
		return 403;
	}
	status = hf_bound_token_check(tokens_of(exchange), head, hf_conn_verdict(request->conn),
				      &exchange->challenge, ret_why);
	if (status != 0)
		return status;
	exchange->backend = hf_forwarder_choose(forwarder, exchange->group);
	if (exchange->backend == NULL) {
		hf_forward_record_out(exchange);
		*ret_why = "the service behind this gateway is not in order";
		return 503;
	}
	exchange->backend->active++;
	return 0;
}
