/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for by which path.  Must never take a request as somebody's who has not proved to
 * be it: a token, or a certificate of ours on this very connection. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/est.h"
#include "enroll/service_internal.h"
#include "util/clock.h"

/* --- requests with a body --- */

enum proof { PROOF_TOKEN, PROOF_CERTIFICATE };

static const struct post_route {
	const char *path;
	enum hf_ask_form form;
	enum proof proof;
} post_routes[] = {
	{ "/enroll", HF_FORM_PEM, PROOF_TOKEN },
	{ "/renew", HF_FORM_PEM, PROOF_CERTIFICATE },
	/* RFC 7030 4.2.1: a certificate is proof enough, but a token says what for */
	{ "/.well-known/est/simpleenroll", HF_FORM_EST, PROOF_TOKEN },
	{ "/.well-known/est/simplereenroll", HF_FORM_EST, PROOF_CERTIFICATE },
	/* by token only: its secret goes into the key, which we could make again without it */
	{ "/.well-known/est/serverkeygen", HF_FORM_EST_KEY, PROOF_TOKEN },
};

/* What the policy does not offer is as if it were not there. */
static const struct post_route *post_route_of(const struct hf_service *service,
					      struct hf_slice path)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(post_routes); i++) {
		const struct post_route *route = &post_routes[i];

		if (route->form == HF_FORM_EST_KEY && !service->makes_keys)
			continue;
		if (hf_slice_is(path, route->path))
			return route;
	}
	return NULL;
}

void hf_visit_refuse(struct hf_visit *visit, int status, const char *code, const char *sentence,
		     const char *hint)
{
	visit->ask.status = status;
	visit->ask.code = code;
	if (sentence)
		(void)hf_err_set(&visit->ask.err, HF_E_POLICY, "%s", sentence);
	if (hint)
		(void)hf_err_hint(&visit->ask.err, "%s", hint);
	hf_visit_answer(visit);
}

/* true: it may go to the desk. */
static bool is_proved(struct hf_visit *visit)
{
	struct hf_ask *ask = &visit->ask;

	if (ask->renews && !ask->old) {
		hf_visit_refuse(
		    visit, 403, "certificate-needed",
		    "this needs the certificate that is to be renewed, on the connection",
		    "connect with it: a proxy in between that ends TLS keeps it from getting here");
		return false;
	}
	if (!ask->renews && !visit->has_token) {
		hf_visit_refuse(visit, 401, "token-needed", "this needs a token",
				"make one at the authority with: handfast token NAME");
		return false;
	}
	return true;
}

/* RFC 7030 4.4.1: who wants the key encrypted must not get it as it is. */
static bool is_plain_wish(struct hf_visit *visit)
{
	const char *attribute = hf_est_wants_encryption(visit->ask.csr);

	if (!attribute)
		return true;
	(void)
	    hf_err_set(&visit->ask.err, HF_E_POLICY,
		       "the request wants the key encrypted (%s), which this authority does not do",
		       attribute);
	hf_visit_refuse(visit, 400, "key-encryption", NULL,
			"ask without that attribute: the connection protects the key");
	return false;
}

static void on_body(struct hf_slice piece, void *arg)
{
	struct hf_visit *visit = arg;

	if (hf_buf_append(&visit->body, piece.data, piece.len) < 0)
		visit->too_large = true;
}

static void on_body_end(void *arg)
{
	struct hf_visit *visit = arg;
	struct hf_ask *ask = &visit->ask;

	if (visit->too_large) {
		hf_visit_refuse(visit, 413, "too-large", "the body is too large for a request",
				NULL);
		return;
	}
	if (ask->operation[0]) {
		if (hf_admin_take_wish(visit))
			hf_service_enqueue(visit->service, visit);
		return;
	}
	if (!is_proved(visit))
		return;
	if (hf_est_request_parse(hf_buf_str(&visit->body), visit->body.len, &ask->csr, &ask->err) <
	    0) {
		hf_visit_refuse(visit, 400, "request", NULL, NULL);
		return;
	}
	if (ask->form == HF_FORM_EST_KEY && !is_plain_wish(visit))
		return;
	hf_service_enqueue(visit->service, visit);
}

static void on_writable(void *arg)
{
	(void)arg;
}

static void on_gone(const char *why, void *arg)
{
	struct hf_visit *visit = arg;

	(void)why;
	visit->session = NULL;
	visit->conn = NULL;
	/* one that waits is still answered: to nobody, but its certificate is found by a retry */
	if (!visit->queued)
		hf_visit_free(visit);
}

static const struct hf_http_stream_ops visit_ops = { .on_body = on_body,
						     .on_body_end = on_body_end,
						     .on_writable = on_writable,
						     .on_gone = on_gone };

static void take_proofs(struct hf_visit *visit, const struct hf_http_request *request,
			const struct post_route *route)
{
	const struct hf_certs *chain = hf_tls_conn_peer_chain(hf_conn_tls(request->conn));
	struct hf_ask *ask = &visit->ask;
	struct hf_slice value;

	ask->form = route->form;
	ask->renews = route->proof == PROOF_CERTIFICATE;
	if (ask->renews && chain->len > 0)
		ask->old = hf_cert_ref(chain->items[0]);
	if (!ask->renews && hf_http_field(request->head, "Authorization", &value))
		visit->has_token = hf_token_from_authorization(value.data, value.len, &ask->token);
}

static void copy_slice(char *out, size_t cap, struct hf_slice text)
{
	size_t len = HF_MIN(text.len, cap - 1);

	memcpy(out, text.data, len);
	out[len] = '\0';
}

static struct hf_visit *visit_new(struct hf_service *service, const struct hf_http_request *request)
{
	struct hf_visit *visit = calloc(1, sizeof(*visit));

	if (!visit)
		return NULL;
	hf_buf_init(&visit->body, HF_VISIT_BODY_CAP);
	hf_ask_init(&visit->ask);
	visit->service = service;
	visit->conn = request->conn;
	visit->at = request->at;
	visit->begun_ms = hf_loop_now_ms(service->loop);
	hf_address_format_host(hf_conn_peer(request->conn), visit->ask.address);
	copy_slice(visit->method, sizeof(visit->method),
		   hf_http_text(request->head, request->head->method_text));
	copy_slice(visit->target, sizeof(visit->target),
		   hf_http_text(request->head, request->head->path));
	return visit;
}

static bool is_ocsp(struct hf_slice path)
{
	return hf_slice_is(path, "/ocsp");
}

static bool is_feed(struct hf_slice path)
{
	return hf_slice_is(path, "/revocations");
}

static void on_head(const struct hf_http_request *request, struct hf_http_session *session,
		    void *arg)
{
	const struct post_route *route;
	struct hf_service *service;
	struct hf_target target;
	char word[16] = "";
	struct hf_visit *visit;

	hf_front_route(arg, request, &target);
	service = target.service;
	route = post_route_of(service, target.path);
	if (is_feed(target.path) && request->head->method == HF_METHOD_GET) {
		hf_feed_take(service->feed, request, session);
		return;
	}
	if (is_ocsp(target.path) && request->head->method == HF_METHOD_POST) {
		hf_service_ocsp_post(service, request, session);
		return;
	}
	if ((!route && !hf_admin_path(service, target.path, word)) ||
	    request->head->method != HF_METHOD_POST)
		return;
	visit = visit_new(service, request);
	if (!visit)
		return;
	visit->session = session;
	hf_http_stream_take(session, &visit_ops, visit);
	(void)hf_str_copy(visit->ask.operation, sizeof(visit->ask.operation), word);
	if (route)
		take_proofs(visit, request, route);
	else if (!hf_admin_prove(visit, request))
		return;
	if (hf_throttle_wait_ms(&service->throttle, hf_conn_peer(request->conn),
				hf_loop_now_ms(service->loop)) > 0) {
		hf_visit_refuse(visit, 429, "too-many-failures",
				"too many wrong tokens came from this address", "wait a little");
		return;
	}
	if (hf_service_limit(service, request, visit->ask.old) > 0) {
		hf_visit_refuse(
		    visit, 429, "too-many-requests",
		    "too many requests came from this address, or with this certificate",
		    "wait a little");
		return;
	}
	visit->ask.wrapped = hf_service_wants_lines(service, request);
	if (request->head->expect_continue && hf_http_stream_has_body(session)) {
		hf_buf_puts(hf_http_stream_out(session), "HTTP/1.1 100 Continue\r\n\r\n");
		(void)hf_http_stream_send(session, NULL, 0);
	}
	if (!hf_http_stream_has_body(session))
		on_body_end(visit);
}

/* --- requests without --- */

static void give(struct hf_http_answer *answer, const char *type, const struct hf_buf *body)
{
	answer->status = 200;
	answer->content_type = type;
	answer->body = body->data;
	answer->body_len = body->len;
}

void hf_service_give_error(struct hf_http_answer *answer, int status, const char *code,
			   const char *sentence)
{
	struct hf_err err = HF_ERR_INIT;

	(void)hf_err_set(&err, HF_E_NOENT, "%s", sentence);
	hf_service_error_json(answer->scratch, code, &err);
	give(answer, "application/json", answer->scratch);
	answer->status = status;
}

/* Of several authorities: a client that came by a label must ask by one of these to meet the
 * certificate, which is chosen before the path is known. */
static void tell_names(const struct hf_service *service, struct hf_http_answer *answer)
{
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(sizeof(answer->fields_text));

	if (service->front->services_len < 2)
		return;
	for (size_t i = 0; i < service->own->names->len; i++)
		(void)hf_buf_printf(&names, "%s%s", i ? ", " : HF_AUTHORITY_NAMES ": ",
				    service->own->names->items[i]);
	(void)hf_buf_puts(&names, "\r\n");
	if (hf_buf_failed(&names) || names.len <= 2 || names.len >= sizeof(answer->fields_text))
		return;
	memcpy(answer->fields_text, names.data, names.len);
	answer->fields_text[names.len] = '\0';
	answer->fields = answer->fields_text;
}

static void get_ca(const struct hf_target *target, const struct hf_http_request *request,
		   struct hf_http_answer *answer)
{
	(void)request;
	give(answer, "application/x-pem-file", &target->service->ca_pem);
	tell_names(target->service, answer);
}

static void get_cacerts(const struct hf_target *target, const struct hf_http_request *request,
			struct hf_http_answer *answer)
{
	const struct hf_service *service = target->service;

	give(answer, "application/pkcs7-mime; smime-type=certs-only",
	     hf_service_wants_lines(service, request) ? &service->ca_est_wrapped
						      : &service->ca_est);
	answer->fields = "Content-Transfer-Encoding: base64\r\n";
}

/* Nothing is asked of a request but its key (RFC 8951 3.3 allows to say so by 204). */
static void get_csrattrs(const struct hf_target *target, const struct hf_http_request *request,
			 struct hf_http_answer *answer)
{
	(void)target;
	(void)request;
	answer->status = 204;
}

static void get_health(const struct hf_target *target, const struct hf_http_request *request,
		       struct hf_http_answer *answer)
{
	const struct hf_service *service = target->service;

	(void)request;
	if (service->upkeep_failed) {
		hf_service_give_error(answer, 503, "upkeep", service->upkeep_told);
		return;
	}
	(void)hf_buf_puts(answer->scratch, "{\"status\": \"ok\"}\n");
	give(answer, "application/json", answer->scratch);
}

static void get_list(const struct hf_target *target, const struct hf_http_request *request,
		     struct hf_http_answer *answer)
{
	if (!hf_lists_answer(target->service->lists, &target->service->shards, target->path,
			     request, answer))
		hf_service_give_error(
		    answer, 404, "not-found",
		    "there is no such list: /crl/issuing.crl and /crl/root.crl are, and those of "
		    "shards");
}

static const struct get_route {
	const char *path;
	bool prefix;
	void (*get)(const struct hf_target *target, const struct hf_http_request *request,
		    struct hf_http_answer *answer);
} get_routes[] = {
	{ "/ca", false, get_ca },
	{ "/crl/", true, get_list },
	{ "/ocsp/", true, hf_service_ocsp_get },
	{ "/health", false, get_health },
	{ "/.well-known/est/cacerts", false, get_cacerts },
	{ "/.well-known/est/csrattrs", false, get_csrattrs },
};

static const struct get_route *get_route_of(struct hf_slice path)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(get_routes); i++) {
		if (get_routes[i].prefix ? hf_slice_starts(path, get_routes[i].path)
					 : hf_slice_is(path, get_routes[i].path))
			return &get_routes[i];
	}
	return NULL;
}

static void on_request(const struct hf_http_request *request, struct hf_http_answer *answer,
		       void *arg)
{
	enum hf_http_method method = request->head->method;
	const struct get_route *route;
	struct hf_target target;

	hf_front_route(arg, request, &target);
	route = get_route_of(target.path);
	if (route && (method == HF_METHOD_GET || method == HF_METHOD_HEAD)) {
		route->get(&target, request, answer);
		return;
	}
	if (route || is_feed(target.path) || is_ocsp(target.path) ||
	    post_route_of(target.service, target.path)) {
		hf_service_give_error(answer, 405, "method",
				      "this path is asked for with another method");
		answer->fields = route			? "Allow: GET, HEAD\r\n"
				 : is_feed(target.path) ? "Allow: GET\r\n"
							: "Allow: POST\r\n";
		return;
	}
	hf_service_give_error(answer, 404, "not-found", "there is nothing under this path");
}

void hf_service_answered(const struct hf_http_request *request, const struct hf_http_answer *answer,
			 void *arg)
{
	const struct hf_service_entry entry = {
		.conn = request->conn,
		.at = request->at,
		.method = hf_http_text(request->head, request->head->method_text),
		.target = hf_http_text(request->head, request->head->target),
		.status = answer->status,
		.bytes = answer->body_len,
		.ms = request->taken_ms,
	};
	struct hf_target target;

	hf_front_route(arg, request, &target);
	hf_service_log(target.service, &entry);
}

void hf_service_session_end(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
			    void *arg)
{
	(void)conn;
	(void)session_arg;
	(void)end;
	(void)arg;
}

const struct hf_http_server_ops hf_service_http_ops = { .on_head = on_head,
							.on_request = on_request,
							.on_answered = hf_service_answered,
							.on_end = hf_service_session_end };

int hf_service_prepare_answers(struct hf_service *service, struct hf_err *err)
{
	const struct hf_authority *a = service->authority;
	HF_AUTO_DONE(hf_certs) certs = HF_CERTS_INIT;
	int rc = hf_certs_add(&certs, a->root.cert, err);

	hf_buf_clear(&service->ca_pem);
	hf_buf_clear(&service->ca_est);
	hf_buf_clear(&service->ca_est_wrapped);
	service->makes_keys = hf_policy_makes_keys(a->policy);
	if (rc == 0 && a->issuing.cert)
		rc = hf_certs_add(&certs, a->issuing.cert, err);
	if (rc == 0)
		rc = hf_authority_roots_pem(a, &service->ca_pem, err);
	if (rc == 0)
		rc = hf_est_certs_format(&certs, false, &service->ca_est, err);
	return rc < 0 ? rc : hf_est_certs_format(&certs, true, &service->ca_est_wrapped, err);
}
