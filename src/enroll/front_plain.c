/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP for what is signed anyway: revocation lists and OCSP, as certificates name them (RFC
 * 5280 4.2.1.13).  Must never answer anything else here, and nobody but this machine unless told.
 */
#include "enroll/service_internal.h"

static void on_head(const struct hf_http_request *request, struct hf_http_session *session,
		    void *arg)
{
	struct hf_target target;

	hf_front_route(arg, request, &target);
	if (request->head->method == HF_METHOD_POST && hf_slice_is(target.path, "/ocsp"))
		hf_service_ocsp_post(target.service, request, session);
}

static void on_request(const struct hf_http_request *request, struct hf_http_answer *answer,
		       void *arg)
{
	struct hf_target target;
	bool reads =
	    request->head->method == HF_METHOD_GET || request->head->method == HF_METHOD_HEAD;

	hf_front_route(arg, request, &target);
	if (reads && hf_slice_starts(target.path, "/ocsp/")) {
		hf_service_ocsp_get(&target, request, answer);
		return;
	}
	if (reads && hf_slice_starts(target.path, "/crl/") &&
	    hf_lists_answer(target.service->lists, &target.service->shards, target.path, request,
			    answer))
		return;
	hf_service_give_error(answer, 404, "not-found",
			      "there are /crl/issuing.crl, /crl/root.crl and /ocsp; all else is "
			      "behind TLS");
}

static const struct hf_http_server_ops http_ops = { .on_head = on_head,
						    .on_request = on_request,
						    .on_answered = hf_service_answered,
						    .on_end = hf_service_session_end };

int hf_front_plain_start(struct hf_front *front, struct hf_err *err)
{
	const struct hf_plain_options options = {
		.places = front->config->publish,
		.option = "--publish",
		.anywhere = front->config->publish_anywhere,
		.hint = "lists and OCSP are signed: --publish-anywhere allows it",
		.body_cap = HF_OCSP_REQUEST_CAP,
		.ops = &http_ops,
		.arg = front,
	};

	return hf_plain_open(&front->published, front->loop, &front->count, &options, err);
}
