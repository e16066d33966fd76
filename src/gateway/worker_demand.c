/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that a new generation asks more of: their name has another policy now, or the policy
 * demands a certificate that was not demanded before.  The sweep of the peer table sees only who
 * was let in with one.  Must never keep a stream that a new connection would not get. */
#include "gateway/policy.h"
#include "gateway/worker.h"

bool hf_worker_stands(const struct hf_link *link, const struct hf_conn *conn)
{
	const struct hf_generation *generation = link->worker->generation;
	const struct hf_verdict *verdict = hf_conn_verdict(conn);
	const struct hf_policy *policy = hf_policy_now(generation, link->bound->spec, conn);

	return hf_policy_is_of(policy, conn) &&
	       hf_client_auth_lets_in(policy->parts->client_auth, verdict);
}

void hf_worker_sweep_demands(struct hf_worker *worker)
{
	struct hf_link *next;

	if (hf_gateway_originates(worker->config))
		return;
	for (struct hf_link *link = worker->links; link != NULL; link = next) {
		next = link->next;
		if (!link->in_session || link->conn == NULL || hf_worker_stands(link, link->conn))
			continue;
		hf_worker_record_demand(link, link->conn);
		worker->dropped++;
		hf_conn_close(link->conn);
	}
}
