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
		    const struct hf_generation *generation)
{
	const struct hf_forwarder_hooks *hooks = &exchange->forwarder->hooks;
	HF_AUTO_DONE(hf_verdict) denied;

	if (exchange->group->route == NULL || exchange->group->route->rules == NULL)
		return true;
	if (hf_route_allows(exchange->group->route,
			    hf_policy_of(generation, request->conn)->parts->trust,
			    hf_conn_verdict(request->conn), &denied))
		return true;
	hooks->denied(request->conn, request->session_arg, &denied, hooks->arg);
	return false;
}

int hf_forward_route(struct hf_exchange *exchange, const struct hf_http_request *request,
		     const struct hf_generation *generation, const char **ret_why)
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

	if (hf_policy_misdirected(request)) {
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
	if (!allowed(exchange, request, generation)) {
		*ret_why = "not for this client";
		return 403;
	}
	exchange->backend = hf_forwarder_choose(forwarder, exchange->group);
	exchange->backend->active++;
	return 0;
}
