/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP for what is signed anyway: revocation lists and OCSP, as certificates name them (RFC
 * 5280 4.2.1.13).  Must never answer anything else here, and nobody but this machine unless told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "enroll/service_internal.h"

static void on_head(const struct hf_http_request *request, struct hf_http_session *session,
		    void *arg)
{
	if (request->head->method == HF_METHOD_POST &&
	    hf_slice_is(hf_http_text(request->head, request->head->path), "/ocsp"))
		hf_service_ocsp_post(arg, request, session);
}

static void on_request(const struct hf_http_request *request, struct hf_http_answer *answer,
		       void *arg)
{
	struct hf_service *service = arg;
	struct hf_slice path = hf_http_text(request->head, request->head->path);
	bool reads =
	    request->head->method == HF_METHOD_GET || request->head->method == HF_METHOD_HEAD;

	if (reads && hf_slice_starts(path, "/ocsp/")) {
		hf_service_ocsp_get(service, request, answer);
		return;
	}
	if (reads && hf_slice_starts(path, "/crl/") &&
	    hf_lists_answer(service->lists, request, answer))
		return;
	hf_service_give_error(answer, 404, "not-found",
			      "there are /crl/issuing.crl, /crl/root.crl and /ocsp; all else is "
			      "behind TLS");
}

static void on_end(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
		   void *arg)
{
	(void)conn;
	(void)session_arg;
	(void)end;
	(void)arg;
}

static const struct hf_http_server_ops http_ops = { .on_head = on_head,
						    .on_request = on_request,
						    .on_answered = hf_service_answered,
						    .on_end = on_end };

/* --- connections --- */

static void on_ready(struct hf_conn *conn, void *arg)
{
	struct hf_service *service = arg;

	if (hf_http_serve(service->plain_http, conn, NULL, NULL) < 0)
		hf_conn_abort(conn);
}

static void on_readable(struct hf_conn *conn, void *arg)
{
	(void)arg;
	hf_conn_want_read(conn, false);
}

static void on_conn_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	(void)end;
	(void)arg;
}

static const struct hf_conn_ops conn_ops = { .on_ready = on_ready,
					     .on_readable = on_readable,
					     .on_end = on_conn_end };

static void on_accept(int fd, const struct hf_address *peer, void *arg)
{
	struct hf_service *service = arg;
	const struct hf_conn_options options = { .ops = &conn_ops,
						 .arg = service,
						 .count = &service->count };
	struct hf_conn *conn = NULL;

	(void)hf_conn_accept(service->loop, fd, peer, &options, &conn, NULL);
}

static void on_trouble(int errnum, void *arg)
{
	(void)arg;
	hf_log_say("accepting has paused: %s", strerror(errnum));
}

static const struct hf_listener_ops listener_ops = { .on_accept = on_accept,
						     .on_trouble = on_trouble };

/* --- start and end --- */

static int check_places(const struct hf_service *service, struct hf_err *err)
{
	char text[HF_ADDRESS_TEXT_CAP];

	for (size_t i = 0; i < service->plain_bound.len; i++) {
		const struct hf_address *address = &service->plain_bound.items[i].address;

		if (service->config->publish_anywhere || hf_address_is_loopback(address))
			continue;
		hf_address_format(address, text);
		(void)hf_err_set(err, HF_E_INVALID, "--publish %s: plain HTTP on loopback only",
				 text);
		return hf_err_hint(err, "lists and OCSP are signed: --publish-anywhere allows it");
	}
	return 0;
}

int hf_service_plain_start(struct hf_service *service, struct hf_err *err)
{
	const struct hf_strv *places = service->config->publish;
	const struct hf_http_server_config http = { .idle_ms = HF_HTTP_IDLE_MS,
						    .header_ms = HF_HTTP_HEADER_MS,
						    .body_ms = HF_HTTP_HEADER_MS,
						    .body_cap = HF_OCSP_REQUEST_CAP };
	int rc = 0;

	if (!places || places->len == 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < places->len; i++)
		rc = hf_bound_open(&service->plain_bound, places->items[i], 1, err);
	if (rc == 0)
		rc = check_places(service, err);
	if (rc == 0)
		rc = hf_http_server_new(service->loop, &http, &http_ops, service,
					&service->plain_http, err);
	if (rc < 0)
		return rc;
	service->plain_listeners =
	    calloc(service->plain_bound.len, sizeof(*service->plain_listeners));
	if (!service->plain_listeners)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < service->plain_bound.len; i++)
		rc = hf_listener_new(service->loop, hf_bound_fd(&service->plain_bound.items[i], 0),
				     &listener_ops, service, &service->plain_listeners[i], err);
	return rc;
}

void hf_service_plain_close(struct hf_service *service)
{
	for (size_t i = 0; service->plain_listeners && i < service->plain_bound.len; i++) {
		hf_listener_free(service->plain_listeners[i]);
		service->plain_listeners[i] = NULL;
	}
	if (service->plain_http)
		hf_http_server_drain(service->plain_http);
}

void hf_service_plain_stop(struct hf_service *service)
{
	free(service->plain_listeners);
	hf_bound_list_done(&service->plain_bound);
	hf_http_server_free(service->plain_http);
}
