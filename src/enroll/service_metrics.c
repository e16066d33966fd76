/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of the authority: counted where things are answered, told under /metrics.  Must never
 * have a label that a peer chose: codes are words of ours, names those of our own files. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/service_internal.h"
#include "util/metrics.h"

/* --- counting --- */

static void on_commit(void *arg, int64_t us)
{
	hf_histogram_add(arg, (uint64_t)us);
}

void hf_service_watch_commits(struct hf_service *service)
{
	hf_store_on_commit(service->authority->store, on_commit, &service->figures.commit_time);
}

/* Codes are literals of ours: there are fewer of them than places. */
static void count_refusal(struct hf_service_figures *f, const char *code)
{
	for (size_t i = 0; i < HF_REFUSAL_CODES; i++) {
		if (f->refusals[i].code && strcmp(f->refusals[i].code, code) != 0)
			continue;
		f->refusals[i].code = code;
		f->refusals[i].count++;
		return;
	}
}

void hf_service_count_answer(struct hf_service *service, const struct hf_service_entry *entry)
{
	struct hf_service_figures *f = &service->figures;
	int class = entry->status / 100;

	f->requests++;
	if (class >= 2 && class <= 5)
		f->answers[class]++;
	hf_histogram_add(&f->request_time, entry->ms * 1000);
	if (entry->code)
		count_refusal(f, entry->code);
}

/* What was done counts also when nobody is there any more to be told. */
void hf_service_count_visit(struct hf_service *service, const struct hf_ask *ask)
{
	struct hf_service_figures *f = &service->figures;

	if (ask->status != 200)
		return;
	if (ask->operation[0]) {
		f->wishes++;
		return;
	}
	(*(ask->renews ? &f->renewals : &f->enrolments))++;
	if (ask->again)
		f->again++;
	else if (!ask->renews)
		f->redeemed++;
}

/* --- telling --- */

static const struct {
	const char *name, *help;
	size_t offset;
} counters[] = {
#define ROW(field, name_, help_)                                         \
	{                                                                \
		name_, help_, offsetof(struct hf_service_figures, field) \
	}
	ROW(accepted, "handfast_connections_total", "Connections accepted."),
	ROW(handshakes, "handfast_handshakes_total", "TLS handshakes completed."),
	ROW(requests, "handfast_requests_total", "Requests answered."),
	ROW(enrolments, "handfast_enrolments_total",
	    "Enrolments answered with a certificate, retries included."),
	ROW(renewals, "handfast_renewals_total",
	    "Renewals answered with a certificate, retries included."),
	ROW(again, "handfast_certificates_given_again_total",
	    "Of both, those whose answer was given before: the client had not got it."),
	ROW(redeemed, "handfast_tokens_redeemed_total", "Tokens spent on a certificate."),
	ROW(wishes, "handfast_operator_requests_total", "What operators asked for and got."),
	ROW(reloads, "handfast_reloads_total", "Reloads that took effect."),
	ROW(reloads_failed, "handfast_reloads_failed_total",
	    "Reloads that were refused; the old state stayed."),
#undef ROW
};

static void write_counters(const struct hf_service_figures *f, struct hf_buf *out)
{
	static const char answers[] = "handfast_answers_total";

	for (size_t i = 0; i < HF_ARRAY_LEN(counters); i++) {
		uint64_t value;

		memcpy(&value, (const char *)f + counters[i].offset, sizeof(value));
		hf_metric_head(out, counters[i].name, "counter", counters[i].help);
		hf_metric_row(out, counters[i].name, NULL, NULL, (int64_t)value);
	}
	hf_metric_head(out, answers, "counter", "Answers by class of status.");
	for (size_t class = 2; class < HF_ARRAY_LEN(f->answers); class ++) {
		const char text[] = { (char)('0' + class), 'x', 'x', '\0' };

		hf_metric_row(out, answers, "class", text, (int64_t)f->answers[class]);
	}
}

/* Those that an alert watches are there from the start, so that it sees them grow from 0. */
static void write_refusals(const struct hf_service_figures *f, struct hf_buf *out)
{
	static const char *const watched[] = { "token-unknown", "busy", "unavailable", "internal" };
	static const char name[] = "handfast_authority_refusals_total";

	hf_metric_head(out, name, "counter", "Requests refused, by the code of the answer.");
	for (size_t w = 0; w < HF_ARRAY_LEN(watched); w++) {
		size_t i = 0;

		while (i < HF_REFUSAL_CODES && f->refusals[i].code &&
		       strcmp(f->refusals[i].code, watched[w]) != 0)
			i++;
		if (i == HF_REFUSAL_CODES || !f->refusals[i].code)
			hf_metric_row(out, name, "code", watched[w], 0);
	}
	for (size_t i = 0; i < HF_REFUSAL_CODES && f->refusals[i].code; i++)
		hf_metric_row(out, name, "code", f->refusals[i].code,
			      (int64_t)f->refusals[i].count);
}

static void write_ocsp(const struct hf_ocsp *ocsp, struct hf_buf *out)
{
	static const char name[] = "handfast_ocsp_answers_total";
	static const char kept[] = "handfast_ocsp_answers_kept_total";
	const struct hf_ocsp_counts *counts = hf_ocsp_counts(ocsp);

	hf_metric_head(out, name, "counter", "OCSP answers, by what they say.");
	for (size_t i = 0; i < HF_OCSP_SAYINGS; i++)
		hf_metric_row(out, name, "status", hf_ocsp_saying_name((enum hf_ocsp_saying)i),
			      (int64_t)counts->said[i]);
	hf_metric_head(out, kept, "counter", "Of them, those that were signed before.");
	hf_metric_row(out, kept, NULL, NULL, (int64_t)counts->kept);
}

enum list_fact { LIST_NEXT, LIST_THIS, LIST_ENTRIES, LIST_PUBLISHED };

static int64_t list_fact(const struct hf_service *service, size_t i, enum list_fact fact)
{
	const struct hf_crl_facts *facts = &service->lists[i]->facts;
	const int64_t values[] = { [LIST_NEXT] = facts->next_update,
				   [LIST_THIS] = facts->this_update,
				   [LIST_ENTRIES] = (int64_t)facts->revoked,
				   [LIST_PUBLISHED] = (int64_t)service->figures.published[i] };

	return values[fact];
}

static void write_lists(const struct hf_service *service, struct hf_buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} rows[] = {
		[LIST_NEXT] = { "handfast_list_next_update_seconds", "gauge",
				"When a revocation list that is given out ends, in Unix seconds." },
		[LIST_THIS] = { "handfast_list_this_update_seconds", "gauge",
				"When it was made, in Unix seconds." },
		[LIST_ENTRIES] = { "handfast_list_entries", "gauge",
				   "How many certificates it names." },
		[LIST_PUBLISHED] = { "handfast_lists_published_total", "counter",
				     "How often a newer one took its place." },
	};

	for (size_t row = 0; row < HF_ARRAY_LEN(rows); row++) {
		hf_metric_head(out, rows[row].name, rows[row].type, rows[row].help);
		for (size_t i = 0; i < HF_LISTS; i++) {
			if (service->lists[i])
				hf_metric_row(out, rows[row].name, "list", service->lists[i]->name,
					      list_fact(service, i, (enum list_fact)row));
		}
	}
}

static int count_one(void *arg, const struct hf_approval *approval)
{
	(void)approval;
	(*(int64_t *)arg)++;
	return 0;
}

static void write_gauges(const struct hf_service *service, struct hf_buf *out)
{
	struct hf_feed_standing feed;
	int64_t pending = 0;

	hf_feed_stand(service->feed, &feed);
	(void)hf_store_approval_each(service->reader, count_one, &pending, NULL);

	const struct {
		const char *name, *help;
		int64_t value;
	} gauges[] = {
		{ "handfast_connections_handshaking", "Connections in the handshake.",
		  (int64_t)service->count.handshaking },
		{ "handfast_connections_open", "Connections that are open.",
		  (int64_t)service->count.open },
		{ "handfast_connections_lingering",
		  "Connections waiting for the peer to read our last words.",
		  (int64_t)service->count.lingering },
		{ "handfast_requests_waiting", "Requests that wait for the ledger.",
		  (int64_t)service->waiting },
		{ "handfast_approvals_pending", "Enrolments that wait for an operator.", pending },
		{ "handfast_feed_subscribers", "Gateways that follow the revocations.",
		  (int64_t)feed.subscribers.len },
		{ "handfast_feed_subscribers_connected", "Of them, those on the line right now.",
		  (int64_t)feed.subscribers.waiting },
		{ "handfast_feed_event", "The event of the newest revocation list.", feed.event },
		{ "handfast_feed_confirmed_event", "The event that every subscriber has in force.",
		  feed.subscribers.confirmed },
		{ "handfast_authority_generation",
		  "The state of policy and keys in use: 1 at the start, and one more after each "
		  "reload.",
		  (int64_t)service->generation },
		{ "handfast_certificate_not_after_seconds", "When our certificate expires.",
		  service->own_until },
		{ "handfast_policy_broken",
		  "1 while policy.yaml has a mistake: nothing is issued until it is mended.",
		  service->authority->policy_err.code != 0 },
		{ "handfast_upkeep_failed",
		  "1 while our certificate or a list cannot be renewed; the log says why.",
		  service->upkeep_failed },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(gauges); i++) {
		hf_metric_head(out, gauges[i].name, "gauge", gauges[i].help);
		hf_metric_row(out, gauges[i].name, NULL, NULL, gauges[i].value);
	}
}

static void write_cas(const struct hf_service *service, struct hf_buf *out)
{
	static const char name[] = "handfast_ca_not_after_seconds";
	const struct hf_ca *ca;

	hf_metric_head(out, name, "gauge", "When a CA's certificate expires, in Unix seconds.");
	for (size_t i = 0; (ca = hf_authority_ca(service->authority, i)) != NULL; i++) {
		char word[HF_LIST_NAME_CAP];

		if (!ca->cert)
			continue;
		hf_list_name_of(ca, word);
		hf_metric_row(out, name, "ca", word, ca->cert->not_after);
	}
}

static void write_all(const struct hf_service *service, struct hf_buf *out)
{
	const struct hf_service_figures *f = &service->figures;

	write_counters(f, out);
	write_refusals(f, out);
	write_ocsp(service->ocsp, out);
	write_lists(service, out);
	write_gauges(service, out);
	write_cas(service, out);
	hf_metric_histogram(out, "handfast_request_seconds",
			    "From the first byte of a request to its answer.", &f->request_time);
	hf_metric_histogram(out, "handfast_commit_seconds",
			    "What the ledger took to be on the disk, each time.", &f->commit_time);
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

int hf_service_metrics_start(struct hf_service *service, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) places = HF_STRV_INIT;
	const struct hf_plain_options options = {
		.places = &places,
		.option = "--metrics",
		.body_cap = HF_VISIT_BODY_CAP,
		.ops = &metrics_ops,
		.arg = service,
	};

	if (service->config->metrics && hf_strv_add(&places, service->config->metrics) < 0)
		return hf_err_nomem(err);
	return hf_plain_open(&service->measured, service->loop, &service->count, &options, err);
}
