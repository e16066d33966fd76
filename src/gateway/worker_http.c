/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of a worker: to the responder or on to a service, counted and logged; and the metrics
 * page.  Must never answer a request for a client whose certificate has ended meanwhile. */
#include <stdio.h>

#include "gateway/policy.h"
#include "gateway/worker.h"
#include "util/clock.h"

/* RFC 5280 knows no grace: a connection must not outlive the certificate it stands on, nor the
 * policy it was judged under.  0, or the status that ends it. */
static int over(struct hf_worker *worker, const struct hf_http_request *request,
		struct hf_forward_under *ret_under)
{
	const struct hf_verdict *verdict = hf_conn_verdict(request->conn);
	const struct hf_link *link = request->session_arg;
	const struct hf_policy *policy =
	    hf_policy_now(worker->generation, link->bound->spec, request->conn);

	*ret_under = (struct hf_forward_under){ worker->generation, policy, link->bound->spec };
	if (!hf_policy_is_of(policy, request->conn))
		return 421;
	if (!hf_client_auth_refuses(policy->parts->client_auth))
		return 0;
	if (hf_client_auth_lets_in(policy->parts->client_auth, verdict) &&
	    (verdict == NULL || !verdict->accepted || hf_verdict_still_good(verdict, request->at)))
		return 0;
	hf_worker_sweep(worker);
	return 403;
}

static void count_answer(struct hf_worker *worker, int status, uint64_t bytes)
{
	struct hf_counters *mine = worker->mine;

	hf_count(&mine->requests, 1);
	hf_count(&mine->answers[status >= 200 && status < 600 ? status / 100 : 5], 1);
	hf_count(&mine->bytes_sent, bytes);
}

static void answered(struct hf_worker *worker, const struct hf_access_entry *entry)
{
	struct hf_link *link = entry->session_arg;

	const struct hf_verdict *verdict = hf_conn_verdict(entry->conn);
	struct hf_access_entry full = *entry;

	link->requests++;
	link->route = entry->route;
	count_answer(worker, entry->status, entry->bytes);
	hf_histogram_add(&worker->mine->request_time, entry->taken_ms * 1000);
	full.rule = verdict != NULL ? verdict->rule : NULL;
	full.cipher = link->cipher;
	full.resumed = link->resumed;
	full.listener = worker->config->listen->items[link->bound->spec];
	hf_access_log_add(&worker->access, &full);
}

/* RFC 6585 4.  The body is not waited for: who sends too much should not send that too. */
static bool limited(struct hf_link *link, const struct hf_http_request *request,
		    struct hf_http_session *session)
{
	const struct hf_http_head *head = request->head;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(512);
	char reference[HF_REFERENCE_CAP], fields[48];
	unsigned wait = hf_worker_request_wait(link, request->conn, reference);
	struct hf_access_entry entry = {
		.conn = request->conn,
		.session_arg = link,
		.at = request->at,
		.method = hf_http_text(head, head->method_text),
		.target = hf_http_text(head, head->target),
		.host = hf_http_text(head, head->host),
		.status = 429,
		.taken_ms = request->taken_ms,
		.number = request->number,
		.upstream_ms = -1,
		.reference = reference[0] ? reference : NULL,
		.trouble = "limited",
	};

	if (wait == 0)
		return false;
	hf_buf_printf(&text, "Too Many %s of this client.\n",
		      link->crowded ? "Connections" : "Requests");
	if (reference[0] && link->worker->config->tell_reference)
		hf_buf_printf(&text, "Reference: %s\n", reference);
	(void)snprintf(fields, sizeof(fields), "Retry-After: %u\r\n", wait);
	entry.bytes = head->method == HF_METHOD_HEAD ? 0 : text.len;
	answered(link->worker, &entry);
	if (link->crowded || hf_http_stream_has_body(session))
		hf_http_stream_last(session);
	hf_http_stream_answer_fields(session, 429, fields, hf_buf_str(&text),
				     head->method == HF_METHOD_HEAD);
	return true;
}

static void on_head(const struct hf_http_request *request, struct hf_http_session *session,
		    void *arg)
{
	struct hf_worker *worker = arg;
	struct hf_forward_under under;
	int status;

	if (limited(request->session_arg, request, session) || worker->forwarder == NULL)
		return;
	status = over(worker, request, &under);
	if (status == 0) {
		hf_forward(worker->forwarder, request, session, &under);
		return;
	}
	hf_http_stream_last(session);
	hf_http_stream_answer(session, status,
			      status == 403 ? "Forbidden: the certificate has ended.\n"
					    : "Misdirected Request: connect again.\n",
			      false);
}

static void on_request(const struct hf_http_request *request, struct hf_http_answer *answer,
		       void *arg)
{
	struct hf_worker *worker = arg;
	struct hf_forward_under under;
	int status = over(worker, request, &under);

	answer->close |= status != 0;
	if (status == 0 && hf_policy_crossed(under.generation, under.listen, request))
		status = 421;
	if (status != 0)
		hf_answer_status(answer, status);
	else
		worker->responder.ops->respond(&worker->responder, request, answer);
}

static void on_answered(const struct hf_http_request *request, const struct hf_http_answer *answer,
			void *arg)
{
	const struct hf_http_head *head = request->head;
	struct hf_worker *worker = arg;
	const struct hf_access_entry entry = {
		.conn = request->conn,
		.session_arg = request->session_arg,
		.at = request->at,
		.method = hf_http_text(head, head->method_text),
		.target = hf_http_text(head, head->target),
		.host = hf_http_text(head, head->host),
		.status = answer->status,
		.bytes = answer->fd >= 0 ? answer->fd_len : (uint64_t)answer->body_len,
		.taken_ms = request->taken_ms,
		.number = request->number,
		.upstream_ms = -1,
	};

	answered(worker, &entry);
}

static void on_bad(struct hf_conn *conn, void *session_arg, int status, const char *why, void *arg)
{
	struct hf_worker *worker = arg;

	(void)conn;
	(void)session_arg;
	(void)why;
	hf_count(&worker->mine->bad_requests, 1);
	hf_count(&worker->mine->answers[status / 100], 1);
}

static void on_session_end(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
			   void *arg)
{
	(void)arg;
	hf_worker_record_end(session_arg, conn, end);
	hf_link_free(session_arg);
}

const struct hf_http_server_ops hf_worker_http_ops = {
	.on_head = on_head,
	.on_request = on_request,
	.on_answered = on_answered,
	.on_bad = on_bad,
	.on_end = on_session_end,
};

/* --- forwarding --- */

static void on_forwarded(const struct hf_access_entry *entry, void *arg)
{
	answered(arg, entry);
}

static const char *on_denied(struct hf_conn *conn, void *session_arg, const struct hf_verdict *why,
			     void *arg)
{
	struct hf_link *link = session_arg;

	(void)arg;
	hf_worker_record_verdict(session_arg, conn, why, "request");
	return link->worker->refusals.last;
}

int hf_worker_open_forwarder(struct hf_worker *worker, struct hf_err *err)
{
	const struct hf_forwarder_hooks hooks = { .denied = on_denied,
						  .answered = on_forwarded,
						  .ended = on_session_end,
						  .arg = worker };

	int rc = hf_forwarder_new(worker->loop, worker->config, (unsigned)worker->start->index,
				  &hooks, &worker->forwarder, err);

	if (rc == 0)
		hf_worker_follow_health(worker);
	return rc;
}

void hf_worker_follow_health(struct hf_worker *worker)
{
	if (worker->forwarder != NULL)
		hf_health_checks_follow(worker->forwarder->checks, &worker->generation->parts);
}

/* --- metrics --- */

static void metrics_request(const struct hf_http_request *request, struct hf_http_answer *answer,
			    void *arg)
{
	struct hf_worker *worker = arg;

	if (!hf_slice_is(hf_http_text(request->head, request->head->path), "/metrics")) {
		hf_answer_status(answer, 404);
		return;
	}
	hf_worker_write_metrics(worker, answer->scratch);
	answer->status = 200;
	answer->content_type = HF_METRICS_CONTENT_TYPE;
	answer->body = hf_buf_str(answer->scratch);
	answer->body_len = answer->scratch->len;
}

static void metrics_session_end(struct hf_conn *conn, void *session_arg,
				const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	(void)session_arg;
	(void)end;
	(void)arg;
}

const struct hf_http_server_ops hf_worker_metrics_ops = { .on_request = metrics_request,
							  .on_end = metrics_session_end };
