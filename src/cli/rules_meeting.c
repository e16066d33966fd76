/* SPDX-License-Identifier: Apache-2.0 */
/* A meeting judged on paper: by the generation's own contexts, the gateway's own routes, the
 * judge's own verdict.  Must never decide anything by itself: what it says is what serve would do.
 */
#include "cli/rules_meeting.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "gateway/identity_fields.h"
#include "gateway/policy.h"
#include "pki/ocsp.h"
#include "verify/status.h"

enum { FIELDS_CAP = 1024 * 1024 };

/* The responder is not asked here: only whom serve would ask is known, and that it could not. */
static int find_responder(struct hf_rules_meeting *meeting, struct hf_err *err)
{
	const struct hf_policy_parts *parts = meeting->parts;
	struct hf_verdict *verdict = &meeting->verdict;
	const struct hf_status nobody = { .kind = HF_STATUS_NO_RESPONDER, .until = HF_TIME_MAX };

	if (parts->ocsp == HF_OCSP_OFF || !verdict->accepted)
		return 0;
	if (verdict->chain.len > 1)
		meeting->ocsp_url = parts->ocsp_url ? hf_str_dup(parts->ocsp_url)
						    : hf_ocsp_url(verdict->chain.items[0]);
	if (meeting->ocsp_url)
		return 0;
	return hf_status_apply(&nobody, parts->ocsp == HF_OCSP_HARD, verdict, err);
}

int hf_rules_meet(const struct hf_policy_parts *parts, const struct hf_certs *chain, int64_t at,
		  struct hf_rules_meeting *ret_meeting, struct hf_err *err)
{
	const struct hf_verify_options options = {
		.purpose = HF_PURPOSE_CLIENT,
		.profile = parts->profile,
		.at = at,
	};
	struct hf_verdict *verdict = &ret_meeting->verdict;
	int rc = 0;

	*ret_meeting = (struct hf_rules_meeting){ .parts = parts };
	hf_buf_init(&ret_meeting->fields, FIELDS_CAP);
	hf_verdict_init(verdict);
	ret_meeting->asked = parts->client_auth != HF_CLIENT_AUTH_NONE;
	if (ret_meeting->asked)
		rc = hf_verify(chain, parts->trust, &options, verdict, err);
	if (rc == 0 && verdict->accepted && parts->rules != NULL)
		rc = hf_rules_apply(parts->rules, parts->trust, verdict, err);
	if (rc == 0)
		rc = find_responder(ret_meeting, err);
	ret_meeting->let_in =
	    hf_client_auth_lets_in(parts->client_auth, ret_meeting->asked ? verdict : NULL);
	return rc;
}

void hf_rules_meeting_done(struct hf_rules_meeting *meeting)
{
	for (size_t i = 0; i < meeting->ways_len; i++)
		hf_verdict_done(&meeting->ways[i].denied);
	free(meeting->ways);
	free(meeting->ocsp_url);
	hf_buf_done(&meeting->fields);
	hf_verdict_done(&meeting->verdict);
}

bool hf_rules_meeting_yes(const struct hf_rules_meeting *meeting)
{
	return meeting->let_in && meeting->status == 0;
}

/* --- the request ------------------------------------------------------------------------- */

static void end(struct hf_rules_meeting *meeting, int status, const char *why)
{
	meeting->status = status;
	meeting->why = why;
}

static bool host_fits(const struct hf_generation *generation, size_t listener,
		      const struct hf_rules_asked *asked, const struct hf_policy *policy)
{
	struct hf_slice host = hf_host_name((struct hf_slice){ asked->host, strlen(asked->host) });
	struct hf_slice sni =
	    hf_host_name((struct hf_slice){ asked->sni, asked->sni ? strlen(asked->sni) : 0 });
	const struct hf_tls_context *met =
	    hf_tls_context_for(generation->fronts[listener], host.data, host.len);

	if (&generation->policies[hf_tls_context_tag(met)] != policy)
		return false;
	return sni.len == 0 ||
	       (sni.len == host.len && hf_mem_case_eq(sni.data, host.data, host.len));
}

static int add_way(const struct hf_generation *generation, const struct hf_routes *routes,
		   size_t number, struct hf_rules_meeting *meeting)
{
	struct hf_rules_way *way = &meeting->ways[meeting->ways_len++];
	const struct hf_gateway_parts *parts = &generation->parts;
	struct hf_rules *rules =
	    number < parts->route_rules_len ? parts->route_rules[number] : NULL;

	way->route = routes != NULL && number < routes->len ? &routes->items[number] : NULL;
	way->allowed =
	    hf_route_allows(rules, meeting->parts->trust, &meeting->verdict, &way->denied);
	return way->allowed ? 0 : 403;
}

static void ask(const struct hf_gateway_config *config, const struct hf_generation *generation,
		const struct hf_rules_asked *asked, struct hf_rules_meeting *meeting)
{
	const struct hf_routes *routes = config->upstream.routes;
	const char *method = asked->method ? asked->method : "GET";
	const char *host = asked->host ? asked->host : asked->sni ? asked->sni : "";
	const char *raw = asked->path ? asked->path : "/";
	char path[HF_ROUTE_PATH_CAP];
	const struct hf_route_request request = {
		.method = strcmp(method, "HEAD") == 0 ? HF_METHOD_HEAD : HF_METHOD_OTHER,
		.method_text = { method, strlen(method) },
		.host = hf_host_name((struct hf_slice){ host, strlen(host) }),
		.path = path,
	};
	size_t number = 0, len = routes != NULL ? routes->len : 0;

	if (len > 0 && !hf_route_path((struct hf_slice){ raw, strcspn(raw, "?") }, path)) {
		end(meeting, 400, "a path that can be read in two ways");
		return;
	}
	while (number < len && !hf_route_matches(&routes->items[number], &request))
		number++;
	if (number == len && config->upstream.to == NULL)
		end(meeting, 404, "nothing is served here");
	else if (add_way(generation, routes, number, meeting) != 0)
		end(meeting, 403, "not for this client");
}

/* Nothing was said of a request: all ways there are. */
static void list_ways(const struct hf_gateway_config *config,
		      const struct hf_generation *generation, struct hf_rules_meeting *meeting)
{
	const struct hf_routes *routes = config->upstream.routes;
	size_t len = routes != NULL ? routes->len : 0;

	for (size_t i = 0; i < len + (config->upstream.to != NULL); i++)
		(void)add_way(generation, routes, i, meeting);
}

static int find_ways(const struct hf_gateway_config *config, const struct hf_generation *generation,
		     size_t listener, const struct hf_rules_asked *asked,
		     const struct hf_policy *policy, struct hf_rules_meeting *meeting,
		     struct hf_err *err)
{
	const struct hf_routes *routes = config->upstream.routes;

	meeting->ways = calloc((routes != NULL ? routes->len : 0) + 1, sizeof(*meeting->ways));
	if (meeting->ways == NULL)
		return hf_err_nomem(err);
	if (!meeting->let_in)
		return 0;
	if (asked->host != NULL && !host_fits(generation, listener, asked, policy))
		end(meeting, 421, hf_misdirected_text);
	else if (config->respond.text != NULL || config->upstream.stream)
		return 0;
	else if (asked->path != NULL || asked->method != NULL)
		ask(config, generation, asked, meeting);
	else
		list_ways(config, generation, meeting);
	return 0;
}

int hf_rules_meet_at(const struct hf_gateway_config *config, const struct hf_generation *generation,
		     size_t listener, const struct hf_rules_asked *asked,
		     const struct hf_certs *chain, int64_t at, struct hf_rules_meeting *ret_meeting,
		     struct hf_err *err)
{
	const char *sni = asked->sni ? asked->sni : "";
	const struct hf_tls_context *met =
	    hf_tls_context_for(generation->fronts[listener], sni, strlen(sni));
	const struct hf_policy *policy = &generation->policies[hf_tls_context_tag(met)];
	int rc = hf_rules_meet(policy->parts, chain, at, ret_meeting, err);

	if (rc < 0)
		return rc;
	ret_meeting->listener = config->listen->items[listener];
	rc = find_ways(config, generation, listener, asked, policy, ret_meeting, err);
	if (rc == 0 && hf_rules_meeting_yes(ret_meeting) && config->respond.text == NULL &&
	    !config->upstream.stream)
		hf_identity_fields_make(config->upstream.pass_identity,
					&config->upstream.identity_names, &ret_meeting->verdict,
					policy->parts->credential->chain.items[0],
					&ret_meeting->fields);
	return rc < 0 || !hf_buf_failed(&ret_meeting->fields) ? rc : hf_err_nomem(err);
}
