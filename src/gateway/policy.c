/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of connections.  Must never take a name from a request for the name of a connection: who
 * was judged under one must not ask for another (Traefik GHSA-5r4w-85f3-pw66). */
#include "gateway/policy.h"

#include <string.h>

const struct hf_policy *hf_policy_of(const struct hf_generation *generation,
				     const struct hf_conn *conn)
{
	const struct hf_tls_conn *tls = hf_conn_tls(conn);

	return &generation->policies[tls != NULL ? hf_tls_conn_tag(tls) : 0];
}

static struct hf_slice sni_of(const struct hf_conn *conn)
{
	const char *sni = hf_conn_sni(conn);

	return (struct hf_slice){ sni != NULL ? sni : "", sni != NULL ? strlen(sni) : 0 };
}

const struct hf_policy *hf_policy_now(const struct hf_generation *generation, size_t listen,
				      const struct hf_conn *conn)
{
	struct hf_slice sni = sni_of(conn);
	struct hf_tls_context *met =
	    hf_tls_context_for(generation->fronts[listen], sni.data, sni.len);

	return &generation->policies[hf_tls_context_tag(met)];
}

struct hf_slice hf_host_name(struct hf_slice host)
{
	for (size_t i = host.len; i > 0 && host.data[i - 1] != ']'; i--) {
		if (host.data[i - 1] == ':') {
			host.len = i - 1;
			break;
		}
	}
	if (host.len > 1 && host.data[host.len - 1] == '.')
		host.len--;
	return host;
}

const char hf_misdirected_text[] = "the name in Host is not the one of this connection";

static struct hf_slice host_of(const struct hf_http_request *request)
{
	return hf_host_name(hf_http_text(request->head, request->head->host));
}

bool hf_policy_is_of(const struct hf_policy *policy, const struct hf_conn *conn)
{
	const struct hf_tls_conn *tls = hf_conn_tls(conn);

	return tls == NULL || hf_str_eq(policy->parts->name, hf_tls_conn_scope(tls));
}

bool hf_policy_crossed(const struct hf_generation *generation, size_t listen,
		       const struct hf_http_request *request)
{
	struct hf_slice host = host_of(request);
	const struct hf_tls_context *met;

	if (host.len == 0)
		return false;
	met = hf_tls_context_for(generation->fronts[listen], host.data, host.len);
	return !hf_policy_is_of(&generation->policies[hf_tls_context_tag(met)], request->conn);
}

bool hf_policy_misdirected(const struct hf_generation *generation, size_t listen,
			   const struct hf_http_request *request)
{
	struct hf_slice host = host_of(request), name = hf_host_name(sni_of(request->conn));

	if (hf_policy_crossed(generation, listen, request))
		return true;
	return host.len > 0 && name.len > 0 &&
	       (name.len != host.len || !hf_mem_case_eq(name.data, host.data, host.len));
}
