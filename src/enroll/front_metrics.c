/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of the process and of each of its authorities, under /metrics.  Must never have a
 * label that a peer chose: codes are words of ours, names those of our own files. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/service_internal.h"

/* A row of one authority, whose name is a label where there are several. */
static void put(const struct hf_service *service, struct hf_buf *out, const char *name,
		const struct hf_metric_label *label, int64_t value)
{
	const struct hf_metric_label labels[] = {
		{ "authority", service->own->label },
		{ label ? label->name : NULL, label ? label->text : NULL },
	};

	hf_metric_labelled(out, name, labels, HF_ARRAY_LEN(labels), value);
}

/* --- the process --- */

/* The figures are gathered into structs of int64_t first. */
struct process {
	int64_t accepted, handshakes, requests, handshaking, open, lingering;
	int64_t generation, reloads, reloads_failed;
};

static const struct hf_metric_field process_rows[] = {
#define ROW(...) HF_METRIC_FIELD(struct process, __VA_ARGS__)
	ROW(accepted, "handfast_connections_total", "counter", "Connections accepted."),
	ROW(handshakes, "handfast_handshakes_total", "counter", "TLS handshakes completed."),
	ROW(requests, "handfast_requests_total", "counter", "Requests answered."),
	ROW(handshaking, "handfast_connections_handshaking", "gauge",
	    "Connections in the handshake."),
	ROW(open, "handfast_connections_open", "gauge", "Connections that are open."),
	ROW(lingering, "handfast_connections_lingering", "gauge",
	    "Connections waiting for the peer to read our last words."),
	ROW(generation, "handfast_authority_generation", "gauge",
	    "The state of policy and keys in use: 1 at the start, one more after each reload."),
	ROW(reloads, "handfast_reloads_total", "counter", "Reloads that took effect."),
	ROW(reloads_failed, "handfast_reloads_failed_total", "counter",
	    "Reloads that were refused; the old state stayed."),
#undef ROW
};

static int64_t value_of(const struct hf_metric_field *row, const void *gathered)
{
	int64_t value;

	memcpy(&value, (const char *)gathered + row->offset, sizeof(value));
	return value;
}

static void write_process(const struct hf_front *front, struct hf_buf *out)
{
	const struct hf_front_figures *f = &front->figures;
	const struct process gathered = { .accepted = (int64_t)f->accepted,
					  .handshakes = (int64_t)hf_http_server_served(front->http),
					  .requests = (int64_t)f->requests,
					  .handshaking = (int64_t)front->count.handshaking,
					  .open = (int64_t)front->count.open,
					  .lingering = (int64_t)front->count.lingering,
					  .generation = (int64_t)front->generation,
					  .reloads = (int64_t)f->reloads,
					  .reloads_failed = (int64_t)f->reloads_failed };
	static const char answers[] = "handfast_answers_total";

	for (size_t i = 0; i < HF_ARRAY_LEN(process_rows); i++) {
		const struct hf_metric_field *row = &process_rows[i];

		hf_metric_head(out, row->name, row->type, row->help);
		hf_metric_row(out, row->name, NULL, NULL, value_of(row, &gathered));
	}
	hf_metric_head(out, answers, "counter", "Answers by class of status.");
	for (size_t class = 2; class < HF_ARRAY_LEN(f->answers); class ++) {
		const char text[] = { (char)('0' + class), 'x', 'x', '\0' };

		hf_metric_row(out, answers, "class", text, (int64_t)f->answers[class]);
	}
}

/* --- each authority --- */

struct standing {
	int64_t enrolments, renewals, again, redeemed, wishes;
	int64_t waiting, pending, subscribers, connected, event, confirmed;
	int64_t own_until, policy_broken, upkeep_failed, ocsp_kept;
};

static const struct hf_metric_field standing_rows[] = {
#define ROW(...) HF_METRIC_FIELD(struct standing, __VA_ARGS__)
	ROW(enrolments, "handfast_enrolments_total", "counter",
	    "Enrolments answered with a certificate, retries included."),
	ROW(renewals, "handfast_renewals_total", "counter",
	    "Renewals answered with a certificate, retries included."),
	ROW(again, "handfast_certificates_given_again_total", "counter",
	    "Of both, those whose answer was given before: the client had not got it."),
	ROW(redeemed, "handfast_tokens_redeemed_total", "counter",
	    "Tokens spent on a certificate."),
	ROW(wishes, "handfast_operator_requests_total", "counter",
	    "What operators asked for and got."),
	ROW(waiting, "handfast_requests_waiting", "gauge", "Requests that wait for the ledger."),
	ROW(pending, "handfast_approvals_pending", "gauge",
	    "Enrolments that wait for an operator."),
	ROW(subscribers, "handfast_feed_subscribers", "gauge",
	    "Gateways that follow the revocations."),
	ROW(connected, "handfast_feed_subscribers_connected", "gauge",
	    "Of them, those on the line right now."),
	ROW(event, "handfast_feed_event", "gauge", "The event of the newest revocation list."),
	ROW(confirmed, "handfast_feed_confirmed_event", "gauge",
	    "The event that every subscriber has in force."),
	ROW(own_until, "handfast_certificate_not_after_seconds", "gauge",
	    "When our certificate expires, in Unix seconds."),
	ROW(policy_broken, "handfast_policy_broken", "gauge",
	    "1 while policy.yaml has a mistake: nothing is issued until it is mended."),
	ROW(upkeep_failed, "handfast_upkeep_failed", "gauge",
	    "1 while our certificate or a list cannot be renewed; the log says why."),
	ROW(ocsp_kept, "handfast_ocsp_answers_kept_total", "counter",
	    "OCSP answers that were signed before."),
#undef ROW
};

static int count_one(void *arg, const struct hf_approval *approval)
{
	(void)approval;
	(*(int64_t *)arg)++;
	return 0;
}

static void gather(const struct hf_service *service, struct standing *s)
{
	const struct hf_service_figures *f = &service->figures;
	struct hf_feed_standing feed;

	hf_feed_stand(service->feed, &feed);
	*s = (struct standing){ .enrolments = (int64_t)f->enrolments,
				.renewals = (int64_t)f->renewals,
				.again = (int64_t)f->again,
				.redeemed = (int64_t)f->redeemed,
				.wishes = (int64_t)f->wishes,
				.waiting = (int64_t)service->waiting,
				.subscribers = (int64_t)feed.subscribers.len,
				.connected = (int64_t)feed.subscribers.waiting,
				.event = feed.event,
				.confirmed = feed.subscribers.confirmed,
				.own_until = service->own_until,
				.policy_broken = service->authority->policy_err.code != 0,
				.upkeep_failed = service->upkeep_failed,
				.ocsp_kept = (int64_t)hf_ocsp_counts(service->ocsp)->kept };
	(void)hf_store_approval_each(service->reader, count_one, &s->pending, NULL);
}

static void write_standing(const struct hf_front *front, struct hf_buf *out)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(standing_rows); i++) {
		const struct hf_metric_field *row = &standing_rows[i];

		hf_metric_head(out, row->name, row->type, row->help);
		for (size_t s = 0; s < front->services_len; s++) {
			struct standing standing;

			gather(front->services[s], &standing);
			put(front->services[s], out, row->name, NULL, value_of(row, &standing));
		}
	}
}

/* Those that an alert watches are there from the start, so that it sees them grow from 0. */
static void write_refusals_of(const struct hf_service *service, const char *name,
			      struct hf_buf *out)
{
	static const char *const watched[] = { "token-unknown", "busy", "unavailable", "internal" };
	const struct hf_refusal_count *counts = service->figures.refusals;

	for (size_t w = 0; w < HF_ARRAY_LEN(watched); w++) {
		const struct hf_metric_label label = { "code", watched[w] };
		size_t i = 0;

		while (i < HF_REFUSAL_CODES && counts[i].code &&
		       strcmp(counts[i].code, watched[w]) != 0)
			i++;
		if (i == HF_REFUSAL_CODES || !counts[i].code)
			put(service, out, name, &label, 0);
	}
	for (size_t i = 0; i < HF_REFUSAL_CODES && counts[i].code; i++) {
		const struct hf_metric_label label = { "code", counts[i].code };

		put(service, out, name, &label, (int64_t)counts[i].count);
	}
}

static void write_ocsp_of(const struct hf_service *service, const char *name, struct hf_buf *out)
{
	const struct hf_ocsp_counts *counts = hf_ocsp_counts(service->ocsp);

	for (size_t i = 0; i < HF_OCSP_SAYINGS; i++) {
		const struct hf_metric_label label = { "status", hf_ocsp_saying_name(
								     (enum hf_ocsp_saying)i) };

		put(service, out, name, &label, (int64_t)counts->said[i]);
	}
}

static void write_cas_of(const struct hf_service *service, const char *name, struct hf_buf *out)
{
	const struct hf_ca *ca;

	for (size_t i = 0; (ca = hf_authority_ca(service->authority, i)) != NULL; i++) {
		char word[HF_LIST_NAME_CAP];
		const struct hf_metric_label label = { "ca", word };

		if (!ca->cert)
			continue;
		hf_list_name_of(ca, word);
		put(service, out, name, &label, ca->cert->not_after);
	}
}

/* --- its lists --- */

typedef int64_t (*list_fact)(const struct hf_list *list);

static int64_t list_next(const struct hf_list *list)
{
	return list->facts.next_update;
}

static int64_t list_this(const struct hf_list *list)
{
	return list->facts.this_update;
}

static int64_t list_entries(const struct hf_list *list)
{
	return (int64_t)list->facts.revoked;
}

static int64_t list_published(const struct hf_list *list)
{
	return (int64_t)list->published;
}

static void write_list(const struct hf_service *service, const struct hf_list *list,
		       const char *name, list_fact fact, struct hf_buf *out)
{
	const struct hf_metric_label label = { "list", list ? list->name : NULL };

	if (list)
		put(service, out, name, &label, fact(list));
}

static void write_lists_of(const struct hf_service *service, const char *name, list_fact fact,
			   struct hf_buf *out)
{
	for (size_t i = 0; i < HF_LISTS; i++)
		write_list(service, service->lists[i], name, fact, out);
	for (size_t i = 0; i < service->shards.len; i++)
		write_list(service, service->shards.items[i], name, fact, out);
}

static const struct family {
	const char *name, *type, *help;
	void (*write)(const struct hf_service *service, const char *name, struct hf_buf *out);
	list_fact fact; /* NULL: write */
} families[] = {
	{ "handfast_authority_refusals_total", "counter",
	  "Requests refused, by the code of the answer.", write_refusals_of, NULL },
	{ "handfast_ocsp_answers_total", "counter", "OCSP answers, by what they say.",
	  write_ocsp_of, NULL },
	{ "handfast_ca_not_after_seconds", "gauge",
	  "When a CA's certificate expires, in Unix seconds.", write_cas_of, NULL },
	{ "handfast_list_next_update_seconds", "gauge",
	  "When a revocation list that is given out ends, in Unix seconds.", NULL, list_next },
	{ "handfast_list_this_update_seconds", "gauge", "When it was made, in Unix seconds.", NULL,
	  list_this },
	{ "handfast_list_entries", "gauge", "How many certificates it names.", NULL, list_entries },
	{ "handfast_lists_published_total", "counter", "How often a newer one took its place.",
	  NULL, list_published },
};

static void write_families(const struct hf_front *front, struct hf_buf *out)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(families); i++) {
		const struct family *family = &families[i];

		hf_metric_head(out, family->name, family->type, family->help);
		for (size_t s = 0; s < front->services_len; s++) {
			if (family->fact)
				write_lists_of(front->services[s], family->name, family->fact, out);
			else
				family->write(front->services[s], family->name, out);
		}
	}
}

static void write_all(const struct hf_front *front, struct hf_buf *out)
{
	struct hf_histogram commits = { 0 };

	write_process(front, out);
	write_standing(front, out);
	write_families(front, out);
	hf_metric_histogram(out, "handfast_request_seconds",
			    "From the first byte of a request to its answer.",
			    &front->figures.request_time);
	for (size_t i = 0; i < front->services_len; i++)
		hf_histogram_sum(&commits, &front->services[i]->figures.commit_time);
	hf_metric_histogram(out, "handfast_commit_seconds",
			    "What a ledger took to be on the disk, each time.", &commits);
}

/* --- the door --- */

static void on_request(const struct hf_http_request *request, struct hf_http_answer *answer,
		       void *arg)
{
	if (!hf_slice_is(hf_http_text(request->head, request->head->path), "/metrics")) {
		hf_service_give_error(answer, 404, "not-found", "the figures are at /metrics");
		return;
	}
	write_all(arg, answer->scratch);
	answer->status = 200;
	answer->content_type = HF_METRICS_CONTENT_TYPE;
	answer->body = hf_buf_str(answer->scratch);
	answer->body_len = answer->scratch->len;
}

static const struct hf_http_server_ops metrics_ops = { .on_request = on_request,
						       .on_end = hf_service_session_end };

int hf_front_metrics_start(struct hf_front *front, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) places = HF_STRV_INIT;
	const struct hf_plain_options options = {
		.places = &places,
		.option = "--metrics",
		.body_cap = HF_VISIT_BODY_CAP,
		.ops = &metrics_ops,
		.arg = front,
	};

	if (front->config->metrics && hf_strv_add(&places, front->config->metrics) < 0)
		return hf_err_nomem(err);
	return hf_plain_open(&front->measured, front->loop, &front->count, &options, err);
}
