/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may ask, and how somebody wants to be answered.  Must never let one machine
 * keep the others from the ledger. */
#include <string.h>

#include "enroll/service_internal.h"

enum { MINUTE_MS = 60 * 1000 };

static int init_one(struct hf_throttle *throttle, uint32_t per_minute, struct hf_err *err)
{
	return per_minute == 0 ? 0
			       : hf_throttle_init(throttle, per_minute,
						  HF_MAX(MINUTE_MS / per_minute, 1U), err);
}

int hf_service_init_limits(struct hf_service *service, struct hf_err *err)
{
	int rc =
	    hf_throttle_init(&service->throttle, HF_THROTTLE_BURST, HF_THROTTLE_REFILL_MS, err);

	if (rc == 0)
		rc = init_one(&service->by_address, service->front->config->requests_per_address,
			      err);
	if (rc == 0)
		rc = init_one(&service->by_identity, service->front->config->requests_per_identity,
			      err);
	return rc;
}

uint64_t hf_service_limit(struct hf_service *service, const struct hf_http_request *request,
			  const struct hf_cert *identity)
{
	uint64_t now_ms = hf_loop_now_ms(service->loop), wait_ms = 0;
	uint8_t address[HF_THROTTLE_KEY_LEN];
	const bool by_address = service->front->config->requests_per_address > 0;
	const bool by_identity = identity && service->front->config->requests_per_identity > 0;

	hf_throttle_key(hf_conn_peer(request->conn), address);
	if (by_address)
		wait_ms = hf_throttle_wait_key_ms(&service->by_address, address, now_ms);
	if (by_identity)
		wait_ms = HF_MAX(wait_ms, hf_throttle_wait_key_ms(&service->by_identity,
								  identity->sha256, now_ms));
	if (wait_ms > 0)
		return wait_ms;
	if (by_address)
		hf_throttle_count_key(&service->by_address, address, now_ms);
	if (by_identity)
		hf_throttle_count_key(&service->by_identity, identity->sha256, now_ms);
	return 0;
}

bool hf_service_wants_lines(const struct hf_service *service, const struct hf_http_request *request)
{
	const struct hf_strv *agents = service->front->config->est_wrapped;
	struct hf_slice agent;

	if (!hf_http_field(request->head, "User-Agent", &agent))
		return false;
	for (size_t i = 0; i < agents->len; i++) {
		if (hf_slice_starts(agent, agents->items[i]))
			return true;
	}
	return false;
}
