/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics page: the counters of all processes, and what this one knows of the generation in
 * use. Must never have a label that a peer chose: their values come from our own files and options.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "gateway/worker.h"
#include "util/clock.h"
#include "verify/list_state.h"

enum { PLACE_CAP = 1024 };

/* --- listeners --- */

static void write_listener(struct hf_worker *worker, struct hf_buf *out, const char *name,
			   const char *help, size_t offset)
{
	const struct hf_strv *listen = worker->config->listen;
	const struct hf_worker_start *start = worker->start;

	hf_metric_head(out, name, "counter", help);
	for (size_t i = 0; i < listen->len && i < HF_COUNTED_LISTENERS; i++) {
		uint64_t sum = 0;

		for (size_t w = 0; w < start->workers; w++)
			sum += *(const _Atomic uint64_t *)(const void *)((const char *)&start
									     ->counters[w]
									     .listeners[i] +
									 offset);
		hf_metric_row(out, name, "listener", listen->items[i], (int64_t)sum);
	}
}

static void write_listeners(struct hf_worker *worker, struct hf_buf *out)
{
	write_listener(worker, out, "handfast_listener_connections_total",
		       "Connections accepted, by listener as configured.",
		       offsetof(struct hf_listener_count, accepted));
	write_listener(worker, out, "handfast_listener_handshakes_total",
		       "TLS handshakes completed, by listener.",
		       offsetof(struct hf_listener_count, handshakes));
	write_listener(worker, out, "handfast_listener_refused_total",
		       "Connections that ended in a refusal, by listener.",
		       offsetof(struct hf_listener_count, refused));
}

/* --- generations --- */

static void count_link(struct hf_generation_count counts[HF_COUNTED_GENERATIONS], uint64_t newest,
		       uint64_t number)
{
	uint64_t age = newest - number;
	size_t last = HF_COUNTED_GENERATIONS - 1;

	counts[age < last ? age : last].live++;
}

void hf_worker_count_generations(struct hf_worker *worker)
{
	struct hf_generation_count counts[HF_COUNTED_GENERATIONS] = { 0 };
	uint64_t newest = worker->generation->number;

	for (const struct hf_link *link = worker->links; link != NULL; link = link->next)
		count_link(counts, newest, link->generation->number);
	for (size_t i = 0; i < HF_COUNTED_GENERATIONS; i++) {
		bool older = i == HF_COUNTED_GENERATIONS - 1 || i >= newest;

		hf_count_set(&worker->mine->generations[i].number, older ? 0 : newest - i);
		hf_count_set(&worker->mine->generations[i].live, counts[i].live);
	}
}

/* Workers may be at different generations for a moment: equal numbers are added up. */
static void write_generation_of(struct hf_worker *worker, struct hf_buf *out, uint64_t number)
{
	uint64_t sum = 0;
	char text[24];

	for (size_t w = 0; w < worker->start->workers; w++)
		for (size_t i = 0; i < HF_COUNTED_GENERATIONS; i++)
			if (worker->start->counters[w].generations[i].number == number)
				sum += worker->start->counters[w].generations[i].live;
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	hf_metric_row(out, "handfast_generation_connections", "generation", number ? text : "older",
		      (int64_t)sum);
}

static void write_generations(struct hf_worker *worker, struct hf_buf *out)
{
	uint64_t newest = worker->generation->number;

	hf_metric_head(out, "handfast_worker_generation", "gauge",
		       "The generation that each worker uses.");
	for (size_t w = 0; w < worker->start->workers; w++) {
		char text[24];

		(void)snprintf(text, sizeof(text), "%zu", w);
		hf_metric_row(out, "handfast_worker_generation", "worker", text,
			      (int64_t)worker->start->board->workers[w].generation);
	}
	hf_metric_head(out, "handfast_generation_connections", "gauge",
		       "Open connections by the generation they began under.");
	for (uint64_t i = 0; i < HF_COUNTED_GENERATIONS - 1 && i < newest; i++)
		write_generation_of(worker, out, newest - i);
	write_generation_of(worker, out, 0);
}

/* --- certificates and lists --- */

static void write_certificates(struct hf_worker *worker, struct hf_buf *out)
{
	const struct hf_gateway_parts *parts = &worker->generation->parts;
	static const char name[] = "handfast_policy_certificate_not_after_seconds";

	hf_metric_head(out, name, "gauge",
		       "When the certificate of a policy expires, in Unix seconds.");
	for (size_t i = 0; i < parts->policies_len; i++)
		hf_metric_row(out, name, "policy",
			      parts->policies[i].name ? parts->policies[i].name : "",
			      parts->policies[i].credential->chain.items[0]->not_after);
}

static bool get_this_update(const struct hf_trust *trust, const struct hf_crl *crl,
			    int64_t *ret_value)
{
	(void)trust;
	*ret_value = crl->this_update;
	return true;
}

/* Lists that never end have no next update. */
static bool get_next_update(const struct hf_trust *trust, const struct hf_crl *crl,
			    int64_t *ret_value)
{
	(void)trust;
	*ret_value = crl->next_update;
	return crl->has_next_update;
}

static bool get_grace(const struct hf_trust *trust, const struct hf_crl *crl, int64_t *ret_value)
{
	*ret_value = hf_list_state(trust, crl, hf_clock_now()) == HF_LIST_IN_GRACE;
	return true;
}

static const struct {
	const char *name, *help;
	bool (*get)(const struct hf_trust *trust, const struct hf_crl *crl, int64_t *ret_value);
} list_metrics[] = {
	{ "handfast_crl_this_update_seconds",
	  "When a revocation list in use was made, in Unix seconds.", get_this_update },
	{ "handfast_crl_next_update_seconds",
	  "When a revocation list in use is out of date, in Unix seconds.", get_next_update },
	{ "handfast_crl_in_grace",
	  "1 while a revocation list is out of date and counts only by crl-grace, else 0.",
	  get_grace },
};

static void write_list(struct hf_buf *out, const char *name, const struct hf_crl *crl,
		       int64_t value)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(PLACE_CAP);
	const ASN1_IA5STRING *place = hf_crl_place(crl);

	if (place)
		(void)hf_str_escape(&text, (const char *)ASN1_STRING_get0_data(place),
				    (size_t)ASN1_STRING_length(place));
	const struct hf_metric_label labels[] = { { "issuer", crl->issuer },
						  { "number", crl->number ? crl->number : "" },
						  { "place", place ? hf_buf_str(&text) : NULL } };

	hf_metric_labelled(out, name, labels, HF_ARRAY_LEN(labels), value);
}

static bool same_labels(const struct hf_crl *a, const struct hf_crl *b)
{
	const ASN1_IA5STRING *p = hf_crl_place(a), *q = hf_crl_place(b);

	return strcmp(a->issuer, b->issuer) == 0 &&
	       strcmp(a->number ? a->number : "", b->number ? b->number : "") == 0 &&
	       (p && q ? ASN1_STRING_cmp(p, q) == 0 : p == q);
}

/* A sample with the same labels may stand on the page once: a list may be there twice, from a file
 * and over the network or in two policies. */
static bool was_written(const struct hf_generation *generation, size_t policy, size_t list)
{
	const struct hf_crl *crl = hf_trust_crls(generation->policies[policy].trust)->items[list];

	for (size_t p = 0; p <= policy; p++) {
		const struct hf_crls *crls = hf_trust_crls(generation->policies[p].trust);

		for (size_t i = 0; i < (p < policy ? crls->len : list); i++)
			if (same_labels(crls->items[i], crl))
				return true;
	}
	return false;
}

/* Those of files, and those that came over the network. */
static void write_lists(struct hf_worker *worker, struct hf_buf *out)
{
	const struct hf_generation *generation = worker->generation;

	for (size_t m = 0; m < HF_ARRAY_LEN(list_metrics); m++) {
		hf_metric_head(out, list_metrics[m].name, "gauge", list_metrics[m].help);
		for (size_t p = 0; p < generation->policies_len; p++) {
			const struct hf_trust *trust = generation->policies[p].trust;
			const struct hf_crls *crls = hf_trust_crls(trust);
			int64_t value;

			for (size_t i = 0; i < crls->len; i++)
				if (!was_written(generation, p, i) &&
				    list_metrics[m].get(trust, crls->items[i], &value))
					write_list(out, list_metrics[m].name, crls->items[i],
						   value);
		}
	}
}

static void write_anchors(struct hf_worker *worker, struct hf_buf *out)
{
	struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP];
	size_t len = hf_roster_anchors(worker->start->roster, hf_clock_now(), anchors);

	for (int recent = 0; recent < 2; recent++) {
		const char *name =
		    recent ? "handfast_anchor_identities" : "handfast_anchor_connections";

		hf_metric_head(
		    out, name, "gauge",
		    recent
			? "Identities of the last 24 hours whose last handshake led to an anchor."
			: "Open connections whose chain led to an anchor.");
		for (size_t i = 0; i < len; i++) {
			hf_buf_printf(out, "%s{anchor=\"", name);
			hf_label_write(out, anchors[i].name);
			hf_buf_printf(out, "\",sha256=\"%.16s\"} %llu\n", anchors[i].sha256,
				      (unsigned long long)(recent ? anchors[i].recent
								  : anchors[i].live));
		}
	}
}

/* --- services --- */

static const struct {
	const char *name, *type, *help;
	size_t offset; /* of a counter of a row */
} service_metrics[] = {
	{ "handfast_upstream_checks_total", "counter", "Health checks of a service.",
	  offsetof(struct hf_health_row, looks) },
	{ "handfast_upstream_checks_failed_total", "counter", "Health checks that failed.",
	  offsetof(struct hf_health_row, failures) },
};

static void write_service(struct hf_buf *out, const char *name, const struct hf_health_place *place,
			  uint64_t value)
{
	hf_buf_printf(out, "%s{route=\"", name);
	hf_label_write(out, place->route ? place->route : "");
	hf_buf_puts(out, "\",upstream=\"");
	hf_label_write(out, place->upstream);
	hf_buf_printf(out, "\"} %" PRIu64 "\n", value);
}

/* Only of those that are looked at: of the others nothing is known. */
static void write_services(struct hf_worker *worker, struct hf_buf *out)
{
	static const char up[] = "handfast_upstream_up";
	const struct hf_gateway_parts *parts = &worker->generation->parts;
	struct hf_health_place place;

	hf_metric_head(out, up, "gauge",
		       "1 while a service is in by its health checks, 0 while it is out.");
	for (size_t i = 0; hf_health_place(worker->config, parts, i, &place); i++)
		if (place.health->interval_ms > 0)
			write_service(out, up, &place, !worker->config->health->rows[i].out);
	for (size_t m = 0; m < HF_ARRAY_LEN(service_metrics); m++) {
		hf_metric_head(out, service_metrics[m].name, service_metrics[m].type,
			       service_metrics[m].help);
		for (size_t i = 0; hf_health_place(worker->config, parts, i, &place); i++) {
			const char *row = (const char *)&worker->config->health->rows[i];

			if (place.health->interval_ms > 0)
				write_service(out, service_metrics[m].name, &place,
					      *(const _Atomic uint64_t
						    *)(const void *)(row +
								     service_metrics[m].offset));
		}
	}
}

void hf_worker_write_metrics(struct hf_worker *worker, struct hf_buf *out)
{
	hf_counters_write(worker->start->counters, worker->start->workers, out);
	write_listeners(worker, out);
	write_generations(worker, out);
	write_certificates(worker, out);
	write_lists(worker, out);
	write_anchors(worker, out);
	write_services(worker, out);
}
